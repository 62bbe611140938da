/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ctl.c: what all commands share: connection, domain, which state to change, output, interruption */
#include "ctl.h"

#include "util/mem_uuid.h"

#include <libvirt/virterror.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static virMemCancel *signalled;     /* for the handlers alone; set before they are installed */
static volatile sig_atomic_t onTerminal;

/* ---- errors ---- */

static const struct {
    int code;
    CmdStatus status;
} errorStatuses[] = {
    { VIR_MEM_OK, CMD_DONE },
    { VIR_MEM_ERR_INVALID_ARG, CMD_USAGE },
    { VIR_MEM_ERR_LIBVIRT, CMD_FAILED },
    { VIR_MEM_ERR_LOST, CMD_FAILED },
    { VIR_MEM_ERR_NOT_RUNNING, CMD_FAILED },
    { VIR_MEM_ERR_NO_DEVICE, CMD_FAILED },
    { VIR_MEM_ERR_IMPOSSIBLE, CMD_FAILED },
    { VIR_MEM_ERR_INCOMPLETE, CMD_PARTLY },
    { VIR_MEM_ERR_UNREADABLE, CMD_FAILED },
    { VIR_MEM_ERR_SYSTEM, CMD_FAILED },
};

CmdStatus ctlErrorStatus(int code)
{
    for (gsize i = 0; i < G_N_ELEMENTS(errorStatuses); i++) {
        if (errorStatuses[i].code == code)
            return errorStatuses[i].status;
    }
    return CMD_FAILED;
}

CmdStatus ctlDiagnosisStatus(int diagnosis)
{
    switch ((virMemDiagnosis)diagnosis) {
    case VIR_MEM_DIAGNOSIS_NONE:
        return CMD_DONE;
    case VIR_MEM_DIAGNOSIS_NO_DRIVER:
    case VIR_MEM_DIAGNOSIS_NOT_ONLINE:
    case VIR_MEM_DIAGNOSIS_UNMOVABLE:
    case VIR_MEM_DIAGNOSIS_GUEST_MEMORY:
    case VIR_MEM_DIAGNOSIS_REFUSED:
        return CMD_REFUSED;
    case VIR_MEM_DIAGNOSIS_STALLED:
        return CMD_TIMEOUT;
    case VIR_MEM_DIAGNOSIS_LOST:
    case VIR_MEM_DIAGNOSIS_CANCELLED:
        return CMD_FAILED;
    }
    return CMD_FAILED;
}

/* libvirt's texts may have several lines; ours have one. */
static char *oneLine(const char *text)
{
    char *line = g_strdup(text);

    g_strchomp(line);
    g_strdelimit(line, "\n\r", ' ');
    return line;
}

/* libvirt forgets its error at its next call, were it only virDomainGetName(): kept here by the thread that got it. */
static _Thread_local char lastError[1024];

static void onLibvirtError(void *opaque, virErrorPtr error)
{
    g_strlcpy(lastError, error->message ? error->message : "", sizeof(lastError));
}

void ctlTakeErrors(void)
{
    virSetErrorFunc(NULL, onLibvirtError);
}

gboolean ctlLibvirtError(GError **err, const char *what, ...)
{
    g_autofree char *words = oneLine(*lastError ? lastError : "libvirt gives no reason");
    g_autofree char *before = NULL;
    va_list ap;

    va_start(ap, what);
    before = g_strdup_vprintf(what, ap);
    va_end(ap);
    cmdErrorSet(err, CMD_FAILED, "%s: %s", before, words);
    return FALSE;
}

gboolean ctlMemError(GError **err, const virMemError *error)
{
    g_autofree char *words = oneLine(error->message);

    cmdErrorSet(err, ctlErrorStatus(error->code), "%s", words);
    return FALSE;
}

/* ---- connection ---- */

static const char *uriName(const Ctl *ctl)
{
    const char *uri = ctl->uri ? ctl->uri : getenv("LIBVIRT_DEFAULT_URI");

    return uri && *uri ? uri : "libvirt's default";
}

static virConnectPtr openConnection(const Ctl *ctl)
{
    return virConnectOpenAuth(ctl->uri, virConnectAuthPtrDefault, ctl->readonly ? VIR_CONNECT_RO : 0);
}

virConnectPtr ctlConnect(Ctl *ctl, GError **err)
{
    virMemError error;

    if (ctl->conn)
        return ctl->conn;
    if (ctl->events && virMemEventLoopStart(&error) < 0) {
        ctlMemError(err, &error);
        return NULL;
    }
    ctl->conn = openConnection(ctl);
    if (!ctl->conn)
        ctlLibvirtError(err, "cannot connect to '%s'", uriName(ctl));
    return ctl->conn;
}

virConnectPtr ctlReconnect(const Ctl *ctl)
{
    return openConnection(ctl);
}

void ctlClear(Ctl *ctl)
{
    if (ctl->conn)
        virConnectClose(ctl->conn);
    ctl->conn = NULL;
}

/* ---- domain ---- */

static gboolean readId(const char *text, int *id)
{
    gint64 number;

    if (!g_ascii_isdigit(*text) || !g_ascii_string_to_signed(text, 10, 0, G_MAXINT, &number, NULL))
        return FALSE;
    *id = (int)number;
    return TRUE;
}

virDomainPtr ctlFindDomain(Ctl *ctl, const char *name, GError **err)
{
    virConnectPtr conn = ctlConnect(ctl, err);
    unsigned char uuid[16];
    virDomainPtr dom = NULL;
    int id, code;

    if (!conn)
        return NULL;
    if (readId(name, &id))
        dom = virDomainLookupByID(conn, id);
    if (!dom && memUuidParse(name, uuid))
        dom = virDomainLookupByUUIDString(conn, name);
    if (!dom)
        dom = virDomainLookupByName(conn, name);
    if (dom)
        return dom;
    code = virGetLastErrorCode();
    if (code == VIR_ERR_NO_DOMAIN || code == VIR_ERR_INVALID_ARG)
        cmdErrorSet(err, CMD_FAILED, "no domain has the name, ID or UUID '%s': 'virsh-memory dommemstat --all' lists those there are", name);
    else
        ctlLibvirtError(err, "cannot look up domain '%s'", name);
    return NULL;
}

virDomainPtr ctlDomain(Ctl *ctl, const Cmd *cmd, GError **err)
{
    return ctlFindDomain(ctl, cmdText(cmd, "domain"), err);
}

gboolean ctlAffect(const Cmd *cmd, virDomainPtr dom, unsigned *flags, GError **err)
{
    gboolean live = cmdGiven(cmd, "live"), config = cmdGiven(cmd, "config");
    int running, persistent;

    running = virDomainIsActive(dom);
    persistent = running < 0 ? -1 : virDomainIsPersistent(dom);
    if (running < 0 || persistent < 0)
        return ctlLibvirtError(err, "cannot ask for the state of domain '%s'", virDomainGetName(dom));
    if (cmdGiven(cmd, "persistent")) {
        config = TRUE;
        live = live || running;
    } else if (!live && !config) {
        live = running;
        config = !running;
    }
    if (live && !running) {
        cmdErrorSet(err, CMD_FAILED, "domain '%s' is not running: '--config' changes what it starts with", virDomainGetName(dom));
        return FALSE;
    }
    if (config && !persistent) {
        cmdErrorSet(err, CMD_FAILED, "domain '%s' is transient and has no configuration to change: '--live' changes the running guest", virDomainGetName(dom));
        return FALSE;
    }
    *flags = (live ? VIR_DOMAIN_AFFECT_LIVE : 0) | (config ? VIR_DOMAIN_AFFECT_CONFIG : 0);
    return TRUE;
}

virMemInventory *ctlInventory(virDomainPtr dom, unsigned affect, GError **err)
{
    unsigned config = affect & VIR_DOMAIN_AFFECT_CONFIG ? VIR_MEM_INVENTORY_CONFIG : 0;
    unsigned flags = affect & VIR_DOMAIN_AFFECT_LIVE ? VIR_MEM_INVENTORY_LIVE : config;
    virMemInventory *inventory = NULL;
    virMemError error = { 0 };

    if (virMemGetInventory(dom, flags, &inventory, &error) < 0)
        ctlMemError(err, &error);
    return inventory;
}

/* ---- output and signals ---- */

void ctlSay(const Ctl *ctl, const char *format, ...)
{
    va_list ap;

    if (ctl->quiet)
        return;
    va_start(ap, format);
    vprintf(format, ap);
    va_end(ap);
    putchar('\n');
}

/* The signal ends the program when this has returned. */
static void onSecondSignal(int number)
{
    struct sigaction dflt = { .sa_handler = SIG_DFL };

    /* What comes next does not belong behind a bar. */
    if (onTerminal && write(STDOUT_FILENO, "\n", 1) < 0)
        onTerminal = 0;
    sigaction(number, &dflt, NULL);
    raise(number);
}

static void onSignal(int number)
{
    struct sigaction second = { .sa_handler = onSecondSignal };

    virMemCancelNow(signalled);
    sigaction(number, &second, NULL);
}

/* Who reads the output has gone: that ends the program. A daemon that has gone does not, that is to be said. */
static void onPipe(int number)
{
    struct sigaction dflt = { .sa_handler = SIG_DFL };
    struct pollfd output = { .fd = STDOUT_FILENO };

    if (poll(&output, 1, 0) <= 0 || !(output.revents & (POLLERR | POLLHUP)))
        return;
    sigaction(number, &dflt, NULL);
    raise(number);
}

void ctlMindPipes(void)
{
    struct sigaction action = { .sa_handler = onPipe, .sa_flags = SA_RESTART };

    sigaction(SIGPIPE, &action, NULL);
}

gboolean ctlCatchSignals(Ctl *ctl, GError **err)
{
    struct sigaction action = { .sa_handler = onSignal, .sa_flags = SA_RESTART };
    virMemError error = { 0 };

    if (ctl->cancel)
        return TRUE;
    ctl->cancel = virMemCancelNew(&error);
    if (!ctl->cancel)
        return ctlMemError(err, &error);
    signalled = ctl->cancel;
    onTerminal = isatty(STDOUT_FILENO);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return TRUE;
}

gboolean ctlJson(const Cmd *cmd)
{
    return cmdChoice(cmd, "format") == 1;
}
