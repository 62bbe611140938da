/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpc_event.c: events to the clients that asked for them */
#include "rpc/rpc_event.h"

#include "rpc/rpc_dispatch.h"

#define EVENT_MONITOR_NUMBER 6      /* of the qemu program */

struct RpcRegistration {
    int callback;
    int event;                      /* QEMU_EVENT_MONITOR for QEMU's own */
    gboolean legacy;
    gboolean oneDomain;
    unsigned char uuid[16];
    char *name;                     /* monitor: this event alone; NULL with no regex: all */
    gboolean ignoreCase;
    GRegex *regex;
};

/* Owned by nobody: a view of a QemuEvent in the shape of the wire. */
typedef union {
    WireDomainArgs dom;
    WireDomainInt domInt;
    WireDomainHyper domHyper;
    WireDomainText domText;
    WireDomainTextFlags domTextFlags;
    WireEventLifecycle lifecycle;
    WireEventRtc rtc;
    WireEventIoError ioError;
    WireEventIoErrorReason ioErrorReason;
    WireEventReason reason;
    WireEventMetadata metadata;
    WireEventMemoryFailure memoryFailure;
    WireEventTextHyper textHyper;
    WireEventMonitor monitor;
} EventView;

typedef void (*ViewFunc)(const QemuEvent *event, EventView *view);

static WireDomain viewDomain(const QemuEvent *event)
{
    WireDomain dom = { .name = event->dom.name, .id = event->dom.id };
    memcpy(dom.uuid, event->dom.uuid, sizeof(dom.uuid));
    return dom;
}

static char *viewText(const char *text)
{
    return (char *)(text ? text : "");
}

static void viewPlain(const QemuEvent *event, EventView *view)
{
    view->dom.dom = viewDomain(event);
}

static void viewInt(const QemuEvent *event, EventView *view)
{
    view->domInt.dom = viewDomain(event);
    view->domInt.value = event->event;
}

static void viewLifecycle(const QemuEvent *event, EventView *view)
{
    view->lifecycle.dom = viewDomain(event);
    view->lifecycle.event = event->event;
    view->lifecycle.detail = event->detail;
}

static void viewRtc(const QemuEvent *event, EventView *view)
{
    view->rtc.dom = viewDomain(event);
    view->rtc.offset = (gint64)event->value;
}

static void viewIoError(const QemuEvent *event, EventView *view)
{
    view->ioError.dom = viewDomain(event);
    view->ioError.source = viewText(event->text1);
    view->ioError.alias = viewText(event->text2);
    view->ioError.action = event->event;
}

static void viewIoErrorReason(const QemuEvent *event, EventView *view)
{
    view->ioErrorReason.dom = viewDomain(event);
    view->ioErrorReason.source = viewText(event->text1);
    view->ioErrorReason.alias = viewText(event->text2);
    view->ioErrorReason.action = event->event;
    view->ioErrorReason.reason = viewText(event->detail ? "enospc" : "");
}

static void viewTray(const QemuEvent *event, EventView *view)
{
    view->domTextFlags.dom = viewDomain(event);
    view->domTextFlags.text = viewText(event->text1);
    view->domTextFlags.flags = (unsigned)event->event;
}

static void viewReason(const QemuEvent *event, EventView *view)
{
    view->reason.reason = event->event;
    view->reason.dom = viewDomain(event);
}

static void viewHyper(const QemuEvent *event, EventView *view)
{
    view->domHyper.dom = viewDomain(event);
    view->domHyper.value = event->value;
}

static void viewAlias(const QemuEvent *event, EventView *view)
{
    view->domText.dom = viewDomain(event);
    view->domText.text = viewText(event->text1);
}

static void viewMetadata(const QemuEvent *event, EventView *view)
{
    view->metadata.dom = viewDomain(event);
    view->metadata.type = event->event;
    view->metadata.uri = event->text1 ? (char **)&event->text1 : NULL;
}

static void viewMemoryFailure(const QemuEvent *event, EventView *view)
{
    view->memoryFailure.dom = viewDomain(event);
    view->memoryFailure.recipient = event->event;
    view->memoryFailure.action = event->detail;
    view->memoryFailure.flags = event->flags;
}

static void viewSize(const QemuEvent *event, EventView *view)
{
    view->textHyper.dom = viewDomain(event);
    view->textHyper.text = viewText(event->text1);
    view->textHyper.value = event->value;
}

/* One row per virDomainEventID. Without a view: clients may ask for it, and this driver never has it to tell. */
typedef struct {
    int number, legacyNumber;       /* of the message; 0: there is none */
    ViewFunc view;
    xdrproc_t filter;
    ViewFunc legacyView;            /* where the old form has other fields */
    xdrproc_t legacyFilter;
} EventRow;

#define ROW(number, legacy, view, type) { number, legacy, view, (xdrproc_t)xdr_##type, NULL, NULL }
#define ROW_PM(number, legacy) \
    { number, legacy, viewReason, (xdrproc_t)xdr_WireEventReason, viewPlain, (xdrproc_t)xdr_WireDomainArgs }

static const EventRow eventRows[] = {
    [VIR_DOMAIN_EVENT_ID_LIFECYCLE] = ROW(318, 107, viewLifecycle, WireEventLifecycle),
    [VIR_DOMAIN_EVENT_ID_REBOOT] = ROW(319, 169, viewPlain, WireDomainArgs),
    [VIR_DOMAIN_EVENT_ID_RTC_CHANGE] = ROW(320, 170, viewRtc, WireEventRtc),
    [VIR_DOMAIN_EVENT_ID_WATCHDOG] = ROW(321, 171, viewInt, WireDomainInt),
    [VIR_DOMAIN_EVENT_ID_IO_ERROR] = ROW(322, 172, viewIoError, WireEventIoError),
    [VIR_DOMAIN_EVENT_ID_GRAPHICS] = { 323, 173, NULL, NULL, NULL, NULL },
    [VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON] = ROW(324, 195, viewIoErrorReason, WireEventIoErrorReason),
    [VIR_DOMAIN_EVENT_ID_CONTROL_ERROR] = ROW(325, 224, viewPlain, WireDomainArgs),
    [VIR_DOMAIN_EVENT_ID_BLOCK_JOB] = { 326, 241, NULL, NULL, NULL, NULL },
    [VIR_DOMAIN_EVENT_ID_DISK_CHANGE] = { 327, 248, NULL, NULL, NULL, NULL },
    [VIR_DOMAIN_EVENT_ID_TRAY_CHANGE] = ROW(328, 268, viewTray, WireDomainTextFlags),
    [VIR_DOMAIN_EVENT_ID_PMWAKEUP] = ROW_PM(329, 269),
    [VIR_DOMAIN_EVENT_ID_PMSUSPEND] = ROW_PM(330, 270),
    [VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE] = ROW(331, 276, viewHyper, WireDomainHyper),
    [VIR_DOMAIN_EVENT_ID_PMSUSPEND_DISK] = ROW_PM(332, 292),
    [VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED] = ROW(333, 311, viewAlias, WireDomainText),
    [VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2] = { 339, 0, NULL, NULL, NULL, NULL },
    [VIR_DOMAIN_EVENT_ID_TUNABLE] = { 346, 0, NULL, NULL, NULL, NULL },
    [VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE] = ROW(348, 0, viewLifecycle, WireEventLifecycle),
    [VIR_DOMAIN_EVENT_ID_DEVICE_ADDED] = ROW(354, 0, viewAlias, WireDomainText),
    [VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION] = { 359, 0, NULL, NULL, NULL, NULL },
    [VIR_DOMAIN_EVENT_ID_JOB_COMPLETED] = { 363, 0, NULL, NULL, NULL, NULL },
    [VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED] = ROW(367, 0, viewAlias, WireDomainText),
    [VIR_DOMAIN_EVENT_ID_METADATA_CHANGE] = ROW(379, 0, viewMetadata, WireEventMetadata),
    [VIR_DOMAIN_EVENT_ID_BLOCK_THRESHOLD] = { 385, 0, NULL, NULL, NULL, NULL },
    [VIR_DOMAIN_EVENT_ID_MEMORY_FAILURE] = ROW(423, 0, viewMemoryFailure, WireEventMemoryFailure),
    [VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE] = ROW(438, 0, viewSize, WireEventTextHyper),
};

/* ---- registrations ---- */

static void registrationFree(gpointer opaque)
{
    RpcRegistration *registration = opaque;
    g_free(registration->name);
    g_clear_pointer(&registration->regex, g_regex_unref);
    g_free(registration);
}

static int add(RpcClient *client, RpcRegistration *registration)
{
    g_mutex_lock(&client->lock);
    if (client->fd < 0) {
        g_mutex_unlock(&client->lock);
        registrationFree(registration);
        return 0;
    }
    int callback = client->nextCallback++;
    registration->callback = callback;
    client->registrations = g_slist_prepend(client->registrations, registration);
    g_mutex_unlock(&client->lock);
    g_atomic_int_inc(&client->server->registrations);
    return callback;
}

static RpcRegistration *registrationNew(int event, const unsigned char *uuid)
{
    RpcRegistration *registration = g_new0(RpcRegistration, 1);
    registration->event = event;
    registration->oneDomain = uuid != NULL;
    if (uuid)
        memcpy(registration->uuid, uuid, sizeof(registration->uuid));
    return registration;
}

int rpcEventAdd(RpcClient *client, int event, const unsigned char *uuid, gboolean legacy, GError **err)
{
    if (event < 0 || event >= (int)G_N_ELEMENTS(eventRows) || (legacy && eventRows[event].legacyNumber == 0)) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "unsupported event ID '%d'", event);
        return -1;
    }
    RpcRegistration *registration = registrationNew(event, uuid);
    registration->legacy = legacy;
    return add(client, registration);
}

int rpcEventAddMonitor(RpcClient *client, const unsigned char *uuid, const char *pattern, unsigned flags, GError **err)
{
    gboolean ignoreCase = (flags & VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_NOCASE) != 0;
    g_autoptr(GRegex) regex = NULL;
    if (pattern && (flags & VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_REGEX)) {
        regex = g_regex_new(pattern, ignoreCase ? G_REGEX_CASELESS : 0, 0, NULL);
        if (!regex) {
            memErrorSet(err, VIR_ERR_INVALID_ARG, "event pattern '%s' is not a regular expression", pattern);
            return -1;
        }
    }
    RpcRegistration *registration = registrationNew(QEMU_EVENT_MONITOR, uuid);
    registration->name = regex ? NULL : g_strdup(pattern);
    registration->ignoreCase = ignoreCase;
    registration->regex = g_steal_pointer(&regex);
    return add(client, registration);
}

static void unlinkLocked(RpcClient *client, RpcRegistration *registration)
{
    client->registrations = g_slist_remove(client->registrations, registration);
    registrationFree(registration);
    g_atomic_int_add(&client->server->registrations, -1);
}

/* By callback id, or (callback -1) the legacy one for @event. */
static gboolean removeOne(RpcClient *client, int callback, int event, gboolean monitor)
{
    gboolean found = FALSE;
    g_mutex_lock(&client->lock);
    for (GSList *l = client->registrations; l && !found; l = l->next) {
        RpcRegistration *r = l->data;
        found = callback >= 0 ? r->callback == callback && !r->legacy && (r->event == QEMU_EVENT_MONITOR) == monitor
                              : r->legacy && r->event == event;
        if (found) {
            unlinkLocked(client, r);
            break;
        }
    }
    g_mutex_unlock(&client->lock);
    return found;
}

gboolean rpcEventRemove(RpcClient *client, int callback, gboolean monitor, GError **err)
{
    if (callback >= 0 && removeOne(client, callback, 0, monitor))
        return TRUE;
    memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "event callback '%d' is not registered", callback);
    return FALSE;
}

gboolean rpcEventRemoveLegacy(RpcClient *client, int event, GError **err)
{
    if (removeOne(client, -1, event, FALSE))
        return TRUE;
    memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "event '%d' is not registered", event);
    return FALSE;
}

void rpcEventForgetLocked(RpcClient *client)
{
    while (client->registrations)
        unlinkLocked(client, client->registrations->data);
}

/* ---- sending ---- */

static gboolean matches(const RpcRegistration *r, const QemuEvent *event)
{
    if (r->event != event->id)
        return FALSE;
    if (r->oneDomain && memcmp(r->uuid, event->dom.uuid, sizeof(r->uuid)) != 0)
        return FALSE;
    if (event->id != QEMU_EVENT_MONITOR)
        return TRUE;
    if (r->regex)
        return g_regex_match(r->regex, event->text1, 0, NULL);
    if (!r->name)
        return TRUE;
    return r->ignoreCase ? g_ascii_strcasecmp(r->name, event->text1) == 0 : strcmp(r->name, event->text1) == 0;
}

static RpcMessage *monitorMessage(const RpcRegistration *r, const QemuEvent *event)
{
    RpcHeader header = {
        .program = RPC_PROGRAM_QEMU, .version = RPC_PROGRAM_VERSION,
        .procedure = EVENT_MONITOR_NUMBER, .type = RPC_TYPE_MESSAGE,
    };
    WireEventMonitor wire = {
        .callback = r->callback,
        .dom = viewDomain(event),
        .event = viewText(event->text1),
        .seconds = event->seconds,
        .micros = event->micros,
        .details = event->text2 ? (char **)&event->text2 : NULL,
    };
    return rpcMessageNew(&header, (xdrproc_t)xdr_WireEventMonitor, &wire, NULL);
}

static RpcMessage *domainMessage(const RpcRegistration *r, const QemuEvent *event)
{
    const EventRow *row = &eventRows[event->id];
    if (!row->view)
        return NULL;
    /* Serial 0: a client that does not know an event may look for a call of its serial, and calls begin at 0 or 1. */
    RpcHeader header = {
        .program = RPC_PROGRAM_REMOTE, .version = RPC_PROGRAM_VERSION,
        .procedure = r->legacy ? row->legacyNumber : row->number, .type = RPC_TYPE_MESSAGE,
    };
    EventView view;
    if (!r->legacy) {
        row->view(event, &view);
        return rpcMessageNewEvent(&header, r->callback, row->filter, &view, NULL);
    }
    (row->legacyView ? row->legacyView : row->view)(event, &view);
    return rpcMessageNew(&header, row->legacyFilter ? row->legacyFilter : row->filter, &view, NULL);
}

static void sendToClient(RpcClient *client, const QemuEvent *event)
{
    g_mutex_lock(&client->lock);
    for (GSList *l = client->registrations; l; l = l->next) {
        const RpcRegistration *r = l->data;
        if (!matches(r, event))
            continue;
        RpcMessage *message = r->event == QEMU_EVENT_MONITOR ? monitorMessage(r, event) : domainMessage(r, event);
        if (message)
            rpcClientSendEventLocked(client, message);
    }
    g_mutex_unlock(&client->lock);
}

void rpcServerEvent(const QemuEvent *event, gpointer opaque)
{
    RpcServer *server = opaque;
    if (g_atomic_int_get(&server->registrations) == 0)
        return;
    g_mutex_lock(&server->lock);
    for (guint i = 0; i < server->clients->len; i++)
        sendToClient(g_ptr_array_index(server->clients, i), event);
    g_mutex_unlock(&server->lock);
}
