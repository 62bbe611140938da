/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpcfakedriver.c: a double of the driver: domains in memory, answers that never change, calls that can be held up */
#include "rpcfakedriver.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
    QemuDomainRef ref;
    char *xml, *title;
    gboolean autostart;
    int state, reason;
} Domain;

struct QemuDriver {
    GMutex lock;
    GCond changed;
    QemuEventFunc func;
    gpointer opaque;
    GPtrArray *domains;
    int nextId;
    gboolean hold;
    unsigned held, gone;
    int console;                /* the last */
    GSList *consoles;
};

static void domainFree(gpointer opaque)
{
    Domain *domain = opaque;
    qemuDomainRefClear(&domain->ref);
    g_free(domain->xml);
    g_free(domain->title);
    g_free(domain);
}

static Domain *domainNew(QemuDriver *driver, const char *name, const unsigned char *uuid, const char *xml)
{
    Domain *domain = g_new0(Domain, 1);
    domain->ref.name = g_strdup(name);
    memcpy(domain->ref.uuid, uuid, 16);
    domain->ref.id = -1;
    domain->xml = g_strdup(xml);
    domain->state = VIR_DOMAIN_SHUTOFF;
    g_ptr_array_add(driver->domains, domain);
    return domain;
}

QemuDriver *qemuDriverNew(const QemuDriverPaths *paths, GMainContext *context, QemuEventFunc func, gpointer opaque, GError **err)
{
    QemuDriver *driver = g_new0(QemuDriver, 1);
    g_mutex_init(&driver->lock);
    g_cond_init(&driver->changed);
    driver->func = func;
    driver->opaque = opaque;
    driver->domains = g_ptr_array_new_with_free_func(domainFree);
    driver->nextId = 1;
    driver->console = -1;
    domainNew(driver, "guest", (const unsigned char *)RPC_FAKE_UUID, "<domain type='qemu'><name>guest</name></domain>");
    return driver;
}

void qemuDriverFree(QemuDriver *driver)
{
    for (GSList *l = driver->consoles; l; l = l->next)
        close(GPOINTER_TO_INT(l->data));
    g_slist_free(driver->consoles);
    g_ptr_array_unref(driver->domains);
    g_mutex_clear(&driver->lock);
    g_cond_clear(&driver->changed);
    g_free(driver);
}

/* Its calls may be made to hang: none of them belongs on the loop thread. */
gboolean qemuDriverIsFree(QemuDriver *driver, QemuUuid uuid)
{
    return FALSE;
}

gboolean qemuDriverIsIdle(QemuDriver *driver)
{
    gboolean idle = TRUE;
    g_mutex_lock(&driver->lock);
    for (guint i = 0; i < driver->domains->len; i++)
        idle = idle && ((Domain *)g_ptr_array_index(driver->domains, i))->ref.id < 0;
    g_mutex_unlock(&driver->lock);
    return idle;
}

void rpcFakeHold(QemuDriver *driver, gboolean hold)
{
    g_mutex_lock(&driver->lock);
    driver->hold = hold;
    g_cond_broadcast(&driver->changed);
    g_mutex_unlock(&driver->lock);
}

void rpcFakeWaitHeld(QemuDriver *driver, unsigned count)
{
    g_mutex_lock(&driver->lock);
    while (driver->held < count)
        g_cond_wait(&driver->changed, &driver->lock);
    g_mutex_unlock(&driver->lock);
}

int rpcFakeConsole(QemuDriver *driver)
{
    return driver->console;
}

unsigned rpcFakeClientsGone(QemuDriver *driver)
{
    g_mutex_lock(&driver->lock);
    unsigned gone = driver->gone;
    g_mutex_unlock(&driver->lock);
    return gone;
}

void rpcFakeEmit(QemuDriver *driver, const QemuEvent *event)
{
    driver->func(event, driver->opaque);
}

static void emitLifecycle(QemuDriver *driver, const QemuDomainRef *ref, int what, int detail)
{
    QemuEvent event = { .id = VIR_DOMAIN_EVENT_ID_LIFECYCLE, .dom = *ref, .event = what, .detail = detail };
    driver->func(&event, driver->opaque);
}

/* ---- contract: plain functions ---- */

void qemuDomainRefClear(QemuDomainRef *ref)
{
    g_clear_pointer(&ref->name, g_free);
}

static void refFree(gpointer opaque)
{
    qemuDomainRefClear(opaque);
    g_free(opaque);
}

static void refCopy(const QemuDomainRef *from, QemuDomainRef *to)
{
    *to = *from;
    to->name = g_strdup(from->name);
}

static gboolean refuse(GError **err)
{
    memErrorSet(err, VIR_ERR_NO_SUPPORT, "not in the double");
    return FALSE;
}

/* Locked on success. */
static Domain *find(QemuDriver *driver, QemuUuid uuid, GError **err)
{
    g_mutex_lock(&driver->lock);
    for (guint i = 0; i < driver->domains->len; i++) {
        Domain *domain = g_ptr_array_index(driver->domains, i);
        if (memcmp(domain->ref.uuid, uuid, 16) == 0)
            return domain;
    }
    g_mutex_unlock(&driver->lock);
    memErrorSet(err, VIR_ERR_NO_DOMAIN, "no domain with matching uuid");
    return NULL;
}

static gboolean done(QemuDriver *driver)
{
    g_mutex_unlock(&driver->lock);
    return TRUE;
}

static Domain *findRunning(QemuDriver *driver, QemuUuid uuid, GError **err)
{
    Domain *domain = find(driver, uuid, err);
    if (!domain || domain->ref.id >= 0)
        return domain;
    g_mutex_unlock(&driver->lock);
    memErrorSet(err, VIR_ERR_OPERATION_INVALID, "domain is not running");
    return NULL;
}

void qemuDriverClientGone(QemuDriver *driver, gpointer client)
{
    g_mutex_lock(&driver->lock);
    driver->gone++;
    g_mutex_unlock(&driver->lock);
}

/* ---- host ---- */

char *qemuDriverGetCapabilities(QemuDriver *driver, GError **err)
{
    return g_strdup("<capabilities><host><topology><cells num='1'><cell id='0'/></cells></topology></host></capabilities>");
}

char *qemuDriverGetDomainCapabilities(QemuDriver *driver, const char *emulator, const char *arch, const char *machine,
                                      const char *virtType, unsigned flags, GError **err)
{
    return g_strdup_printf("<domainCapabilities><arch>%s</arch></domainCapabilities>", arch ? arch : "x86_64");
}

gboolean qemuDriverGetVersion(QemuDriver *driver, unsigned long *version, GError **err)
{
    *version = 7002022;
    return TRUE;
}

char **qemuDriverGetCpuModelNames(QemuDriver *driver, const char *arch, unsigned flags, GError **err)
{
    return g_strsplit("qemu64 Haswell", " ", 0);
}

char *qemuDriverBaselineCpu(QemuDriver *driver, char *const *xmlCpus, unsigned count, unsigned flags, GError **err)
{
    return g_strdup_printf("<cpu count='%u'/>", count);
}

int qemuDriverCompareCpu(QemuDriver *driver, const char *emulator, const char *arch, const char *machine,
                         const char *virtType, const char *xml, unsigned flags, gboolean hypervisor, GError **err)
{
    return hypervisor ? VIR_CPU_COMPARE_SUPERSET : VIR_CPU_COMPARE_IDENTICAL;
}

int qemuDriverGetMaxVcpus(QemuDriver *driver, const char *type, GError **err)
{
    return 255;
}

/* ---- finding ---- */

GPtrArray *qemuDriverListDomains(QemuDriver *driver, unsigned flags, GError **err)
{
    GPtrArray *refs = g_ptr_array_new_with_free_func(refFree);
    g_mutex_lock(&driver->lock);
    for (guint i = 0; i < driver->domains->len; i++) {
        Domain *domain = g_ptr_array_index(driver->domains, i);
        unsigned kind = domain->ref.id >= 0 ? VIR_CONNECT_LIST_DOMAINS_ACTIVE : VIR_CONNECT_LIST_DOMAINS_INACTIVE;
        if ((flags & 3) != 0 && (flags & 3 & kind) == 0)
            continue;
        QemuDomainRef *ref = g_new0(QemuDomainRef, 1);
        refCopy(&domain->ref, ref);
        g_ptr_array_add(refs, ref);
    }
    g_mutex_unlock(&driver->lock);
    return refs;
}

static gboolean lookup(QemuDriver *driver, const char *name, int id, QemuDomainRef *ref, GError **err)
{
    g_mutex_lock(&driver->lock);
    for (guint i = 0; i < driver->domains->len; i++) {
        Domain *domain = g_ptr_array_index(driver->domains, i);
        if (name ? strcmp(domain->ref.name, name) == 0 : domain->ref.id == id) {
            refCopy(&domain->ref, ref);
            return done(driver);
        }
    }
    g_mutex_unlock(&driver->lock);
    memErrorSet(err, VIR_ERR_NO_DOMAIN, "no domain with matching name '%s'", name ? name : "");
    return FALSE;
}

gboolean qemuDriverLookupById(QemuDriver *driver, int id, QemuDomainRef *ref, GError **err)
{
    return lookup(driver, NULL, id, ref, err);
}

gboolean qemuDriverLookupByName(QemuDriver *driver, const char *name, QemuDomainRef *ref, GError **err)
{
    return lookup(driver, name, 0, ref, err);
}

gboolean qemuDriverLookupByUuid(QemuDriver *driver, QemuUuid uuid, QemuDomainRef *ref, GError **err)
{
    Domain *domain = find(driver, uuid, err);
    if (!domain)
        return FALSE;
    refCopy(&domain->ref, ref);
    return done(driver);
}

/* ---- definitions ---- */

static char *between(const char *text, const char *start, const char *end)
{
    const char *from = strstr(text, start);
    const char *to = from ? strstr(from, end) : NULL;
    return to ? g_strndup(from + strlen(start), (gsize)(to - from) - strlen(start)) : NULL;
}

static void parseUuid(const char *text, unsigned char uuid[16])
{
    for (int i = 0; i < 16; i++, text += 2) {
        if (*text == '-')
            text++;
        uuid[i] = (unsigned char)(g_ascii_xdigit_value(text[0]) * 16 + g_ascii_xdigit_value(text[1]));
    }
}

gboolean qemuDriverDefine(QemuDriver *driver, const char *xml, unsigned flags, QemuDomainRef *ref, GError **err)
{
    g_autofree char *name = between(xml, "<name>", "</name>");
    g_autofree char *text = between(xml, "<uuid>", "</uuid>");
    unsigned char uuid[16] = { 1 };
    if (!name) {
        memErrorSet(err, VIR_ERR_XML_DETAIL, "(domain_definition):1: no name");
        return FALSE;
    }
    if (text && strlen(text) == 36)
        parseUuid(text, uuid);
    Domain *domain = find(driver, uuid, NULL);
    if (!domain) {
        g_mutex_lock(&driver->lock);
        domain = domainNew(driver, name, uuid, xml);
    }
    refCopy(&domain->ref, ref);
    g_mutex_unlock(&driver->lock);
    emitLifecycle(driver, ref, VIR_DOMAIN_EVENT_DEFINED, VIR_DOMAIN_EVENT_DEFINED_ADDED);
    return TRUE;
}

gboolean qemuDriverUndefine(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err)
{
    Domain *domain = find(driver, uuid, err);
    if (!domain)
        return FALSE;
    QemuDomainRef ref;
    refCopy(&domain->ref, &ref);
    g_ptr_array_remove(driver->domains, domain);
    g_mutex_unlock(&driver->lock);
    emitLifecycle(driver, &ref, VIR_DOMAIN_EVENT_UNDEFINED, VIR_DOMAIN_EVENT_UNDEFINED_REMOVED);
    qemuDomainRefClear(&ref);
    return TRUE;
}

char *qemuDriverGetXml(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err)
{
    Domain *domain = find(driver, uuid, err);
    if (!domain)
        return NULL;
    char *xml = g_strdup(domain->xml);
    g_mutex_unlock(&driver->lock);
    return xml;
}

char *qemuDriverXmlToNative(QemuDriver *driver, const char *format, const char *xml, unsigned flags, GError **err)
{
    return g_strdup_printf("%s:%zu", format, strlen(xml));
}

gboolean qemuDriverGetAutostart(QemuDriver *driver, QemuUuid uuid, gboolean *autostart, GError **err)
{
    Domain *domain = find(driver, uuid, err);
    if (!domain)
        return FALSE;
    *autostart = domain->autostart;
    return done(driver);
}

gboolean qemuDriverSetAutostart(QemuDriver *driver, QemuUuid uuid, gboolean autostart, GError **err)
{
    Domain *domain = find(driver, uuid, err);
    if (!domain)
        return FALSE;
    domain->autostart = autostart;
    return done(driver);
}

char *qemuDriverGetMetadata(QemuDriver *driver, QemuUuid uuid, int type, const char *uri, unsigned flags, GError **err)
{
    Domain *domain = find(driver, uuid, err);
    if (!domain)
        return NULL;
    char *title = g_strdup(domain->title);
    g_mutex_unlock(&driver->lock);
    if (!title)
        memErrorSet(err, VIR_ERR_NO_DOMAIN_METADATA, "Requested metadata element is not present");
    return title;
}

gboolean qemuDriverSetMetadata(QemuDriver *driver, QemuUuid uuid, int type, const char *metadata, const char *key,
                               const char *uri, unsigned flags, GError **err)
{
    Domain *domain = find(driver, uuid, err);
    if (!domain)
        return FALSE;
    g_free(domain->title);
    domain->title = g_strdup(metadata);
    return done(driver);
}

/* ---- lifecycle ---- */

gboolean qemuDriverStart(QemuDriver *driver, QemuUuid uuid, unsigned flags, gpointer client, QemuDomainRef *ref, GError **err)
{
    Domain *domain = find(driver, uuid, err);
    if (!domain)
        return FALSE;
    if (domain->ref.id >= 0) {
        g_mutex_unlock(&driver->lock);
        memErrorSet(err, VIR_ERR_OPERATION_INVALID, "domain is already running");
        return FALSE;
    }
    domain->ref.id = driver->nextId++;
    domain->state = flags & VIR_DOMAIN_START_PAUSED ? VIR_DOMAIN_PAUSED : VIR_DOMAIN_RUNNING;
    domain->reason = 1;
    refCopy(&domain->ref, ref);
    g_mutex_unlock(&driver->lock);
    emitLifecycle(driver, ref, VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_BOOTED);
    return TRUE;
}

gboolean qemuDriverCreateXml(QemuDriver *driver, const char *xml, unsigned flags, gpointer client, QemuDomainRef *ref, GError **err)
{
    QemuDomainRef defined = { 0 };
    gboolean ok = qemuDriverDefine(driver, xml, 0, &defined, err) &&
                  qemuDriverStart(driver, defined.uuid, flags, client, ref, err);
    qemuDomainRefClear(&defined);
    return ok;
}

static gboolean stop(QemuDriver *driver, QemuUuid uuid, int detail, GError **err)
{
    Domain *domain = findRunning(driver, uuid, err);
    if (!domain)
        return FALSE;
    domain->ref.id = -1;
    domain->state = VIR_DOMAIN_SHUTOFF;
    domain->reason = VIR_DOMAIN_SHUTOFF_DESTROYED;
    QemuDomainRef ref;
    refCopy(&domain->ref, &ref);
    g_mutex_unlock(&driver->lock);
    emitLifecycle(driver, &ref, VIR_DOMAIN_EVENT_STOPPED, detail);
    qemuDomainRefClear(&ref);
    return TRUE;
}

gboolean qemuDriverDestroy(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err)
{
    return stop(driver, uuid, VIR_DOMAIN_EVENT_STOPPED_DESTROYED, err);
}

gboolean qemuDriverShutdown(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err)
{
    return stop(driver, uuid, VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN, err);
}

gboolean qemuDriverReboot(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err)
{
    return findRunning(driver, uuid, err) && done(driver);
}

gboolean qemuDriverReset(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err)
{
    g_mutex_lock(&driver->lock);
    driver->held++;
    g_cond_broadcast(&driver->changed);
    while (driver->hold)
        g_cond_wait(&driver->changed, &driver->lock);
    driver->held--;
    return done(driver);
}

static gboolean setState(QemuDriver *driver, QemuUuid uuid, int state, int event, GError **err)
{
    Domain *domain = findRunning(driver, uuid, err);
    if (!domain)
        return FALSE;
    domain->state = state;
    QemuDomainRef ref;
    refCopy(&domain->ref, &ref);
    g_mutex_unlock(&driver->lock);
    emitLifecycle(driver, &ref, event, 0);
    qemuDomainRefClear(&ref);
    return TRUE;
}

gboolean qemuDriverSuspend(QemuDriver *driver, QemuUuid uuid, GError **err)
{
    return setState(driver, uuid, VIR_DOMAIN_PAUSED, VIR_DOMAIN_EVENT_SUSPENDED, err);
}

gboolean qemuDriverResume(QemuDriver *driver, QemuUuid uuid, GError **err)
{
    return setState(driver, uuid, VIR_DOMAIN_RUNNING, VIR_DOMAIN_EVENT_RESUMED, err);
}

gboolean qemuDriverInjectNmi(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err)
{
    return findRunning(driver, uuid, err) && done(driver);
}

int qemuDriverOpenConsole(QemuDriver *driver, QemuUuid uuid, const char *device, unsigned flags, GError **err)
{
    int fds[2];
    if (!findRunning(driver, uuid, err))
        return -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
        g_error("socketpair");
    driver->console = fds[1];
    driver->consoles = g_slist_prepend(driver->consoles, GINT_TO_POINTER(fds[1]));
    g_mutex_unlock(&driver->lock);
    return fds[0];
}

char *qemuDriverMonitorCommand(QemuDriver *driver, QemuUuid uuid, const char *command, unsigned flags, GError **err)
{
    return findRunning(driver, uuid, err) && done(driver) ? g_strdup("{\"return\":{}}") : NULL;
}

/* ---- inspection ---- */

gboolean qemuDriverGetState(QemuDriver *driver, QemuUuid uuid, int *state, int *reason, GError **err)
{
    Domain *domain = find(driver, uuid, err);
    if (!domain)
        return FALSE;
    *state = domain->state;
    *reason = domain->reason;
    return done(driver);
}

gboolean qemuDriverGetInfo(QemuDriver *driver, QemuUuid uuid, virDomainInfo *info, GError **err)
{
    Domain *domain = find(driver, uuid, err);
    if (!domain)
        return FALSE;
    *info = (virDomainInfo){ (unsigned char)domain->state, 1048576, 524288, 2, 1234567890123 };
    return done(driver);
}

gboolean qemuDriverIsActive(QemuDriver *driver, QemuUuid uuid, gboolean *active, GError **err)
{
    Domain *domain = find(driver, uuid, err);
    if (!domain)
        return FALSE;
    *active = domain->ref.id >= 0;
    return done(driver);
}

gboolean qemuDriverIsPersistent(QemuDriver *driver, QemuUuid uuid, gboolean *persistent, GError **err)
{
    *persistent = TRUE;
    return find(driver, uuid, err) && done(driver);
}

gboolean qemuDriverIsUpdated(QemuDriver *driver, QemuUuid uuid, gboolean *updated, GError **err)
{
    *updated = FALSE;
    return find(driver, uuid, err) && done(driver);
}

gboolean qemuDriverGetMaxMemory(QemuDriver *driver, QemuUuid uuid, guint64 *kib, GError **err)
{
    *kib = 1048576;
    return find(driver, uuid, err) && done(driver);
}

int qemuDriverGetVcpusFlags(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err)
{
    return find(driver, uuid, err) && done(driver) ? 2 : -1;
}

gboolean qemuDriverSetVcpusFlags(QemuDriver *driver, QemuUuid uuid, unsigned count, unsigned flags, GError **err)
{
    return find(driver, uuid, err) && done(driver);
}

int qemuDriverGetVcpus(QemuDriver *driver, QemuUuid uuid, virVcpuInfo *info, int maxinfo, unsigned char *maps, int maplen, GError **err)
{
    if (!findRunning(driver, uuid, err))
        return -1;
    g_mutex_unlock(&driver->lock);
    int count = MIN(maxinfo, 2);
    for (int i = 0; i < count; i++)
        info[i] = (virVcpuInfo){ (unsigned)i, VIR_VCPU_RUNNING, 1000u * (unsigned)i, i };
    memset(maps, 0x03, (gsize)count * (gsize)maplen);
    return count;
}

gboolean qemuDriverGetJobInfo(QemuDriver *driver, QemuUuid uuid, gboolean completed, virDomainJobInfo *info, GError **err)
{
    info->type = VIR_DOMAIN_JOB_NONE;
    return findRunning(driver, uuid, err) && done(driver);
}

gboolean qemuDriverGetControlInfo(QemuDriver *driver, QemuUuid uuid, virDomainControlInfo *info, GError **err)
{
    info->state = VIR_DOMAIN_CONTROL_OK;
    return findRunning(driver, uuid, err) && done(driver);
}

gboolean qemuDriverBlockStats(QemuDriver *driver, QemuUuid uuid, const char *path, gint64 stats[5], GError **err)
{
    for (int i = 0; i < 5; i++)
        stats[i] = i < 4 ? i + 1 : -1;
    return findRunning(driver, uuid, err) && done(driver);
}

gboolean qemuDriverInterfaceStats(QemuDriver *driver, QemuUuid uuid, const char *device, gint64 stats[8], GError **err)
{
    for (int i = 0; i < 8; i++)
        stats[i] = i;
    return findRunning(driver, uuid, err) && done(driver);
}

char **qemuDriverGetMessages(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err)
{
    QemuDomainRef ref = { 0 };
    gboolean ok = qemuDriverLookupByUuid(driver, uuid, &ref, err);
    qemuDomainRefClear(&ref);
    return ok ? g_new0(char *, 1) : NULL;
}

int qemuDriverMemoryStats(QemuDriver *driver, QemuUuid uuid, virDomainMemoryStatStruct *stats, unsigned max, unsigned flags, GError **err)
{
    static const virDomainMemoryStatStruct all[] = {
        { VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON, 524288 },
        { VIR_DOMAIN_MEMORY_STAT_LAST_UPDATE, 0 },
        { VIR_DOMAIN_MEMORY_STAT_RSS, 77777 },
    };
    if (!findRunning(driver, uuid, err))
        return -1;
    g_mutex_unlock(&driver->lock);
    unsigned count = MIN(max, G_N_ELEMENTS(all));
    memcpy(stats, all, count * sizeof(*stats));
    return (int)count;
}

static void paramClear(gpointer opaque)
{
    g_free(((QemuParam *)opaque)->s);
}

static GArray *paramsNew(void)
{
    GArray *params = g_array_new(FALSE, TRUE, sizeof(QemuParam));
    g_array_set_clear_func(params, paramClear);
    return params;
}

static void paramAdd(GArray *params, const char *field, int type, gint64 i, guint64 u, const char *s)
{
    QemuParam param = { .type = type, .i = i, .u = u, .d = 1.5, .s = g_strdup(s) };
    g_strlcpy(param.field, field, sizeof(param.field));
    g_array_append_val(params, param);
}

static void statsFree(gpointer opaque)
{
    QemuDomainStats *stats = opaque;
    qemuDomainRefClear(&stats->dom);
    g_array_unref(stats->params);
    g_free(stats);
}

/* One parameter of every type. */
GPtrArray *qemuDriverGetAllStats(QemuDriver *driver, const unsigned char *uuids, unsigned count, unsigned stats,
                                 unsigned flags, GError **err)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(statsFree);
    QemuDomainStats *one = g_new0(QemuDomainStats, 1);
    one->dom.name = g_strdup("guest");
    memcpy(one->dom.uuid, RPC_FAKE_UUID, 16);
    one->dom.id = -1;
    one->params = paramsNew();
    paramAdd(one->params, "state.state", VIR_TYPED_PARAM_INT, -5, 0, NULL);
    paramAdd(one->params, "vcpu.current", VIR_TYPED_PARAM_UINT, 0, 2, NULL);
    paramAdd(one->params, "some.llong", VIR_TYPED_PARAM_LLONG, -6, 0, NULL);
    paramAdd(one->params, "balloon.current", VIR_TYPED_PARAM_ULLONG, 0, 524288, NULL);
    paramAdd(one->params, "some.double", VIR_TYPED_PARAM_DOUBLE, 0, 0, NULL);
    paramAdd(one->params, "some.bool", VIR_TYPED_PARAM_BOOLEAN, 1, 0, NULL);
    paramAdd(one->params, "some.text", VIR_TYPED_PARAM_STRING, 0, 0, "page");
    g_ptr_array_add(all, one);
    return all;
}

/* ---- memory ---- */

GArray *qemuDriverGetMemoryParams(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err)
{
    if (!find(driver, uuid, err))
        return NULL;
    g_mutex_unlock(&driver->lock);
    GArray *params = paramsNew();
    paramAdd(params, "hard_limit", VIR_TYPED_PARAM_ULLONG, 0, 9007199254740991, NULL);
    paramAdd(params, "soft_limit", VIR_TYPED_PARAM_ULLONG, 0, 9007199254740991, NULL);
    return params;
}

gboolean qemuDriverSetMemoryParams(QemuDriver *driver, QemuUuid uuid, const QemuParam *params, unsigned count, unsigned flags, GError **err)
{
    return find(driver, uuid, err) && done(driver);
}

GArray *qemuDriverGetNumaParams(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err)
{
    if (!find(driver, uuid, err))
        return NULL;
    g_mutex_unlock(&driver->lock);
    GArray *params = paramsNew();
    paramAdd(params, "numa_nodeset", VIR_TYPED_PARAM_STRING, 0, 0, "0-1");
    paramAdd(params, "numa_mode", VIR_TYPED_PARAM_INT, 0, 0, NULL);
    return params;
}

gboolean qemuDriverSetNumaParams(QemuDriver *driver, QemuUuid uuid, const QemuParam *params, unsigned count, unsigned flags, GError **err)
{
    return find(driver, uuid, err) && done(driver);
}

gboolean qemuDriverAttachDevice(QemuDriver *driver, QemuUuid uuid, const char *xml, unsigned flags, GError **err)
{
    return refuse(err);
}

gboolean qemuDriverDetachDevice(QemuDriver *driver, QemuUuid uuid, const char *xml, unsigned flags, GError **err)
{
    return refuse(err);
}

gboolean qemuDriverDetachDeviceAlias(QemuDriver *driver, QemuUuid uuid, const char *alias, unsigned flags, GError **err)
{
    return refuse(err);
}

gboolean qemuDriverUpdateDevice(QemuDriver *driver, QemuUuid uuid, const char *xml, unsigned flags, GError **err)
{
    return refuse(err);
}

gboolean qemuDriverSetMemory(QemuDriver *driver, QemuUuid uuid, guint64 kib, unsigned flags, GError **err)
{
    return find(driver, uuid, err) && done(driver);
}

QemuSetMemoryBegun *qemuDriverSetMemoryBegin(QemuDriver *driver, QemuUuid uuid, guint64 kib, unsigned flags)
{
    return NULL;
}

gboolean qemuDriverSetMemoryFinish(QemuSetMemoryBegun *begun, GError **err)
{
    return refuse(err);
}

gboolean qemuDriverStartDirtyRate(QemuDriver *driver, QemuUuid uuid, int seconds, unsigned flags, GError **err)
{
    return find(driver, uuid, err) && done(driver);
}

gboolean qemuDriverSetMemoryStatsPeriod(QemuDriver *driver, QemuUuid uuid, int seconds, unsigned flags, GError **err)
{
    return find(driver, uuid, err) && done(driver);
}
