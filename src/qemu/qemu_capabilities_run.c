/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_capabilities_run.c: start a QEMU that runs nothing, ask it over its standard input and output, end it */

#include "qemu/qemu_capabilities_priv.h"

#include "util/mem_error.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROBE_TIMEOUT_MS 30000
#define END_TIMEOUT_MS 2000
#define REPLY_MAX_BYTES (16 * 1024 * 1024)
#define WORDS_MAX_BYTES 1024

typedef struct {
    const char *binary;
    GPid pid;                   /* 0: none, or collected */
    int status;                 /* of waitpid, once collected */
    int monitorFd;              /* our end of a socket pair; -1 */
    int wordsFd;                /* standard error; -1 after its end */
    GString *input;             /* received from the monitor, not yet consumed */
    GString *words;             /* the tail of standard error */
    gint64 deadline;            /* monotonic, microseconds */
    gboolean obedient;          /* has answered everything, and will quit when told */
} RunningQemu;

/* In the child between fork and exec: async-signal-safe calls only. */
static void setupChild(gpointer opaque)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void closeFd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void readWords(RunningQemu *qemu)
{
    char buffer[512];
    ssize_t got = read(qemu->wordsFd, buffer, sizeof(buffer));

    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got <= 0) {
        closeFd(&qemu->wordsFd);
        return;
    }
    g_string_append_len(qemu->words, buffer, got);
    if (qemu->words->len > WORDS_MAX_BYTES)
        g_string_erase(qemu->words, 0, (gssize)(qemu->words->len - WORDS_MAX_BYTES));
}

/* Wait at most until @deadline for the child to be gone, then collect it. */
static gboolean collect(RunningQemu *qemu, gint64 deadline)
{
    while (qemu->pid) {
        pid_t gone = waitpid(qemu->pid, &qemu->status, WNOHANG);
        struct pollfd fds = { .fd = qemu->wordsFd, .events = POLLIN };

        if (gone == qemu->pid || (gone < 0 && errno != EINTR)) {
            qemu->pid = 0;
            break;
        }
        if (g_get_monotonic_time() >= deadline)
            return FALSE;
        /* The end of standard error comes just before the end of the process; without it, look again soon. */
        if (poll(&fds, qemu->wordsFd >= 0, 5) > 0)
            readWords(qemu);
    }
    while (qemu->wordsFd >= 0) {
        struct pollfd fds = { .fd = qemu->wordsFd, .events = POLLIN };

        if (poll(&fds, 1, 0) <= 0)
            break;
        readWords(qemu);
    }
    return TRUE;
}

static void endQemu(RunningQemu *qemu)
{
    static const char quit[] = "{\"execute\":\"quit\"}\n";

    if (qemu->pid) {
        if (qemu->obedient)
            send(qemu->monitorFd, quit, sizeof(quit) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (!qemu->obedient ||
            !collect(qemu, g_get_monotonic_time() + END_TIMEOUT_MS * G_TIME_SPAN_MILLISECOND)) {
            kill(qemu->pid, SIGKILL);
            while (waitpid(qemu->pid, &qemu->status, 0) < 0 && errno == EINTR)
                ;
            qemu->pid = 0;
        }
    }
    closeFd(&qemu->monitorFd);
    closeFd(&qemu->wordsFd);
    g_string_free(qemu->input, TRUE);
    g_string_free(qemu->words, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RunningQemu, endQemu)

/* ": the last words", or "". Caller frees. */
static char *lastWords(RunningQemu *qemu)
{
    g_autofree char *words = g_utf8_make_valid(qemu->words->str, (gssize)qemu->words->len);

    g_strstrip(words);
    return *words ? g_strconcat(": ", words, NULL) : g_strdup("");
}

static void explainSilence(RunningQemu *qemu, GError **err)
{
    g_autofree char *words = lastWords(qemu);

    memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "'%s' was asked what it can do and did not answer in time%s", qemu->binary,
                words);
}

static void explainEnd(RunningQemu *qemu, GError **err)
{
    g_autofree char *words = NULL;

    if (!collect(qemu, qemu->deadline)) {
        words = lastWords(qemu);
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "'%s' was asked what it can do and closed its monitor%s", qemu->binary,
                    words);
        return;
    }
    words = lastWords(qemu);
    if (WIFSIGNALED(qemu->status))
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "'%s' was asked what it can do and was killed by signal %d%s",
                    qemu->binary, WTERMSIG(qemu->status), words);
    else
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "'%s' was asked what it can do and exited with status %d%s",
                    qemu->binary, WEXITSTATUS(qemu->status), words);
}

static gboolean startQemu(RunningQemu *qemu, GError **err)
{
    char *argv[] = { (char *)qemu->binary, "-S", "-no-user-config", "-nodefaults", "-nographic",
                     "-machine", "none,accel=tcg", "-qmp", "stdio", NULL };
    g_autoptr(GError) problem = NULL;
    gboolean started;
    int pair[2];

    if (qemuCapsKvmWorks())
        argv[6] = "none,accel=kvm:tcg";
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        memErrorSetSystem(err, errno, "cannot make a socket pair for '%s'", qemu->binary);
        return FALSE;
    }
    qemu->monitorFd = pair[0];
    started = g_spawn_async_with_pipes_and_fds("/", (const char *const *)argv, NULL,
                                               G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_CLOEXEC_PIPES, setupChild, NULL,
                                               pair[1], pair[1], -1, NULL, NULL, 0, &qemu->pid, NULL, NULL,
                                               &qemu->wordsFd, &problem);
    close(pair[1]);
    if (!started) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "cannot run '%s': %s", qemu->binary, problem->message);
        return FALSE;
    }
    return TRUE;
}

/* Wait for input; FALSE with @err set at the deadline or at the end of QEMU. */
static gboolean receive(RunningQemu *qemu, GError **err)
{
    struct pollfd fds[2] = { { .fd = qemu->monitorFd, .events = POLLIN }, { .fd = qemu->wordsFd, .events = POLLIN } };
    gint64 left = (qemu->deadline - g_get_monotonic_time()) / G_TIME_SPAN_MILLISECOND;
    char buffer[16384];
    ssize_t got;

    if (left <= 0) {
        explainSilence(qemu, err);
        return FALSE;
    }
    if (poll(fds, 2, (int)left) < 0)
        return TRUE;
    if (fds[1].revents)
        readWords(qemu);
    if (!fds[0].revents)
        return TRUE;
    got = recv(qemu->monitorFd, buffer, sizeof(buffer), MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return TRUE;
    if (got <= 0) {
        explainEnd(qemu, err);
        return FALSE;
    }
    g_string_append_len(qemu->input, buffer, got);
    if (qemu->input->len > REPLY_MAX_BYTES) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "'%s' gives an answer of more than %d bytes", qemu->binary,
                    REPLY_MAX_BYTES);
        return FALSE;
    }
    return TRUE;
}

/* The next line from the monitor, as JSON. New reference. */
static MemJson *nextMessage(RunningQemu *qemu, GError **err)
{
    gsize searched = 0;
    char *end;

    while (!(end = memchr(qemu->input->str + searched, '\n', qemu->input->len - searched))) {
        searched = qemu->input->len;
        if (!receive(qemu, err))
            return NULL;
    }

    gsize length = (gsize)(end - qemu->input->str);
    g_autoptr(MemJson) message = NULL;
    g_autoptr(GError) problem = NULL;

    message = memJsonParse(qemu->input->str, length, &problem);
    if (!message)
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "'%s' says on its monitor what is not QMP: %s", qemu->binary,
                    problem->message);
    g_string_erase(qemu->input, 0, (gssize)length + 1);
    return g_steal_pointer(&message);
}

static MemJson *askQemu(gpointer opaque, MemJson *command, GError **err)
{
    RunningQemu *qemu = opaque;
    g_autofree char *text = memJsonFormat(command);
    g_autofree char *line = g_strconcat(text, "\n", NULL);
    gsize length = strlen(line);

    /* A question is far smaller than the socket's buffer, and QEMU has taken all earlier ones. */
    if (send(qemu->monitorFd, line, length, MSG_NOSIGNAL) != (ssize_t)length) {
        explainEnd(qemu, err);
        return NULL;
    }
    for (;;) {
        g_autoptr(MemJson) message = nextMessage(qemu, err);

        if (!message)
            return NULL;
        if (memJsonGet(message, "return") || memJsonGet(message, "error"))
            return g_steal_pointer(&message);
        /* else the greeting, or an event */
    }
}

QemuCaps *qemuCapsProbeWithin(const char *binary, unsigned timeoutMs, GError **err)
{
    g_auto(RunningQemu) qemu = {
        .binary = binary,
        .monitorFd = -1,
        .wordsFd = -1,
        .input = g_string_new(NULL),
        .words = g_string_new(NULL),
        .deadline = g_get_monotonic_time() + timeoutMs * G_TIME_SPAN_MILLISECOND,
    };
    QemuCapsSource source = { .ask = askQemu, .opaque = &qemu };
    g_autoptr(MemJson) command = memJsonNew();
    g_autoptr(MemJson) reply = NULL;
    QemuCaps *caps;

    if (!startQemu(&qemu, err))
        return NULL;
    memJsonAddString(command, "execute", "qmp_capabilities");
    if (!(reply = askQemu(&qemu, command, err)))
        return NULL;
    caps = qemuCapsProbeSource(binary, &source, err);
    qemu.obedient = caps != NULL;
    return caps;
}

QemuCaps *qemuCapsProbe(const char *binary, GError **err)
{
    return qemuCapsProbeWithin(binary, PROBE_TIMEOUT_MS, err);
}
