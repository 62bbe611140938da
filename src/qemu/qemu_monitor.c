/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_monitor.c: the QMP dialogue: framing, the queue of calls under way, events, loss of the connection */
#define G_LOG_DOMAIN "qemu/qemu_monitor"
#include "qemu/qemu_monitor.h"

#include "qemu/qemu_monitor_poll.h"
#include "util/mem_error.h"

#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How it works
 *
 *   any thread   qemuMonitorSend: enter the call in `calls`, write at once what the socket takes
 *   loop thread  onReadable: split lines; a reply wakes the caller whose turn it is, an event goes to
 *                the callbacks; onWritable: the rest of what did not fit the socket
 *   any thread   qemuMonitorWait: sleep until reply, loss or deadline
 *
 * Waking a thread costs as much as QEMU takes for a short answer. So the first thread that waits reads for itself: while
 * it does (`direct`) the loop leaves the socket alone. It takes plain answers only, its own and others', and looks before it
 * takes; with its answer, or at the first sign of anything else, it gives the socket back. Events and the end are the loop's.
 *
 * `lock` guards everything marked so and is never held during a callback; `reading` comes before it. The descriptor is closed
 * only with the last reference, so that no thread can meet a recycled number; hanging up is shutdown(). */

/* QEMU answers in the order in which it was asked, and it reads its monitor a byte at a time, at several system calls each:
 * commands carry no id where it can be helped. These do:
 * - the first one: what the daemon before us sent, and did not live to see answered, is answered to us, before that one;
 * - a client's own words, which QEMU may find to be no command at all, and what is sent before they are answered;
 * - every one, once an answer came that nobody waits for. */
#define FIRST_NUMBER_MIN 1000000000
#define READ_CHUNK 16384
#define CHUNKS_PER_WAKEUP 64
#define DIRECT_CHUNK 4096

struct QemuMonitorCall {
    QemuMonitor *mon;           /* a reference */
    guint64 id;                 /* immutable once sent; 0: answered in its turn */
    char *command;              /* for messages */
    gboolean foreign;           /* immutable: a client's own words */
    int refs;                   /* atomic: the caller, and the table while under way */
    gboolean unheard;           /* immutable once there may be an answer: not even a refusal is of interest */
    gboolean forgotten;         /* under lock */
    gboolean done;              /* under lock */
    MemJson *reply;             /* under lock: the whole reply, or */
    GError *error;              /* under lock: why there is none */
    GCond cond;
};

struct QemuMonitor {
    int refs;                   /* atomic */
    int fd;                     /* immutable; closed with the last reference */
    char *domainName;           /* immutable */
    GMainContext *context;      /* immutable */
    QemuMonitorCallbacks callbacks;     /* immutable */
    gpointer opaque;            /* immutable */

    GMutex reading;             /* held by whoever reads from `fd`, the loop's callbacks included; never while waiting */
    GByteArray *in;             /* under reading: bytes of lines not complete */
    gsize scanned;              /* under reading: of these, how many hold no line end */
    gboolean skipping;          /* under reading: within a line that was too long */

    GMutex lock;
    gboolean direct;            /* under lock: a thread that waits reads for itself */
    GQueue calls;               /* under lock: QemuMonitorCall *, a reference each, in the order of sending */
    unsigned foreign;           /* under lock: how many of them are a client's own words */
    gboolean careful;           /* under lock: all commands carry an id */
    guint64 lastId;             /* under lock: the last number given; 0: none */
    guint64 firstId;            /* under lock: of the first command, until it is answered; then 0 */
    GByteArray *out;            /* under lock: bytes that the socket did not take yet */
    guint64 reader;             /* under lock: qemu_monitor_poll.c's number; 0: none */
    GSource *writer;            /* under lock */
    char *dead;                 /* under lock: why there is no connection; NULL: there is */
};

/* ---- calls ---- */

static void callFree(QemuMonitorCall *call)
{
    memJsonFree(call->reply);
    g_clear_error(&call->error);
    g_cond_clear(&call->cond);
    g_free(call->command);
    qemuMonitorUnref(call->mon);
    g_free(call);
}

/* TRUE: that was the last reference; the caller frees it, not under lock. */
static gboolean callDrop(QemuMonitorCall *call)
{
    return g_atomic_int_dec_and_test(&call->refs);
}

static QemuMonitorCall *callNew(QemuMonitor *mon, const char *command)
{
    QemuMonitorCall *call = g_new0(QemuMonitorCall, 1);

    call->mon = qemuMonitorRef(mon);
    call->command = g_strdup(command);
    call->refs = 1;
    g_cond_init(&call->cond);
    return call;
}

/* Under lock: @call has its outcome; one of @reply (taken over) and @error (copied). Whoever waits is to be woken next. */
static void callFinish(QemuMonitorCall *call, MemJson *reply, const GError *error)
{
    call->done = TRUE;
    call->reply = reply;
    call->error = error ? g_error_copy(error) : NULL;
}

static GError *errorLost(QemuMonitor *mon, const char *why)
{
    return g_error_new(MEM_ERROR, VIR_ERR_OPERATION_FAILED, "the monitor of domain '%s' is gone: %s",
                       mon->domainName, why);
}

/* Mark @mon dead and wake all that wait. The first cause stands. TRUE: it was alive. */
static gboolean monitorFail(QemuMonitor *mon, const char *why)
{
    g_autoptr(GPtrArray) freed = g_ptr_array_new_with_free_func((GDestroyNotify)callFree);
    QemuMonitorCall *call;
    guint64 reader;

    {
        g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mon->lock);
        g_autoptr(GError) error = errorLost(mon, why);

        if (mon->dead)
            return FALSE;
        mon->dead = g_strdup(why);
        while ((call = g_queue_pop_head(&mon->calls))) {
            callFinish(call, NULL, error);
            g_cond_broadcast(&call->cond);
            if (callDrop(call))
                g_ptr_array_add(freed, call);
        }
        g_byte_array_set_size(mon->out, 0);
        reader = mon->reader;
        mon->reader = 0;
        if (mon->writer)
            g_source_destroy(mon->writer);
        g_clear_pointer(&mon->writer, g_source_unref);
    }
    qemuMonitorPollRemove(mon->context, reader);
    shutdown(mon->fd, SHUT_RDWR);
    return TRUE;
}

/* ---- writing ---- */

/* Under lock: write what the socket takes. A lost connection is the reader's to notice: it may still hold last words. */
static void flushOut(QemuMonitor *mon)
{
    while (mon->out->len > 0) {
        ssize_t n = send(mon->fd, mon->out->data, mon->out->len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return;
        g_byte_array_remove_range(mon->out, 0, (guint)n);
    }
}

static gboolean onWritable(gint fd, GIOCondition condition, gpointer data)
{
    QemuMonitor *mon = data;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mon->lock);

    flushOut(mon);
    if (mon->out->len > 0 && !(condition & (G_IO_ERR | G_IO_HUP)))
        return G_SOURCE_CONTINUE;
    g_clear_pointer(&mon->writer, g_source_unref);
    return G_SOURCE_REMOVE;
}

static GSource *watchWritable(QemuMonitor *mon)
{
    GSource *source = g_unix_fd_source_new(mon->fd, G_IO_OUT);

    g_source_set_callback(source, G_SOURCE_FUNC(onWritable), qemuMonitorRef(mon), (GDestroyNotify)qemuMonitorUnref);
    g_source_attach(source, mon->context);
    return source;
}

/* Under lock: queue one line of @request. FALSE: the queue is full. */
static gboolean queueLine(QemuMonitor *mon, MemJson *request)
{
    g_autofree char *text = memJsonFormat(request);
    gsize length = strlen(text);

    if (mon->out->len + length > QEMU_MONITOR_MAX_QUEUE)
        return FALSE;
    g_debug("%s: > %s", mon->domainName, text);
    g_byte_array_append(mon->out, (const guint8 *)text, (guint)length);
    g_byte_array_append(mon->out, (const guint8 *)"\n", 1);
    if (!mon->writer)
        flushOut(mon);
    if (mon->out->len > 0 && !mon->writer)
        mon->writer = watchWritable(mon);
    return TRUE;
}

/* Under lock: the number of the next call, or 0. */
static guint64 nextNumber(QemuMonitor *mon, gboolean foreign)
{
    if (mon->lastId == 0)
        return mon->lastId = mon->firstId = (guint64)g_random_int() + FIRST_NUMBER_MIN;
    return foreign || mon->foreign > 0 || mon->careful ? ++mon->lastId : 0;
}

/* Enter @call, send @request. */
static void sendRequest(QemuMonitorCall *call, MemJson *request)
{
    QemuMonitor *mon = call->mon;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mon->lock);
    g_autoptr(GError) error = NULL;

    if (mon->dead) {
        error = errorLost(mon, mon->dead);
        callFinish(call, NULL, error);
        return;
    }
    call->id = nextNumber(mon, call->foreign);
    if (call->id)
        memJsonAddUint64(request, "id", call->id);
    if (!queueLine(mon, request)) {
        memErrorSet(&error, VIR_ERR_OPERATION_FAILED, "QEMU of domain '%s' does not read its monitor: '%s' was not sent",
                    mon->domainName, call->command);
        callFinish(call, NULL, error);
        return;
    }
    g_atomic_int_inc(&call->refs);
    g_queue_push_tail(&mon->calls, call);
    mon->foreign += call->foreign;
}

QemuMonitorCall *qemuMonitorSend(QemuMonitor *mon, const char *command, MemJson *arguments)
{
    g_autoptr(MemJson) request = memJsonNew();
    QemuMonitorCall *call = callNew(mon, command);

    memJsonAddString(request, "execute", command);
    memJsonAdd(request, "arguments", arguments);
    sendRequest(call, request);
    return call;
}

/* ---- waiting ---- */

static gboolean takeAnswers(QemuMonitor *mon);

/* Under lock: from now on a thread that waits reads for itself, or the loop reads again. */
static void setDirect(QemuMonitor *mon, gboolean direct)
{
    mon->direct = direct;
    if (mon->reader)
        qemuMonitorPollListen(mon->context, mon->reader, !direct);
}

static gboolean isDone(QemuMonitorCall *call)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&call->mon->lock);

    return call->done;
}

/* TRUE: there is something to read, or an end. */
static gboolean pollUntil(int fd, gint64 deadline)
{
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    gint64 leftUs = deadline - g_get_monotonic_time();
    const struct timespec left = { .tv_sec = leftUs / G_USEC_PER_SEC, .tv_nsec = leftUs % G_USEC_PER_SEC * 1000 };

    int n;

    if (leftUs <= 0)
        return FALSE;
    n = ppoll(&ready, 1, &left, NULL);
    return n > 0 || (n < 0 && errno == EINTR);
}

/* Under lock, given up meanwhile: read until @call is done or there is a reason to leave the reading to the loop. */
static void readDirect(QemuMonitorCall *call, gint64 deadline)
{
    QemuMonitor *mon = call->mon;

    if (mon->direct || mon->dead || !mon->reader)
        return;
    setDirect(mon, TRUE);
    g_mutex_unlock(&mon->lock);
    /* what the loop has begun to read it reads to the end; from then on it leaves it alone */
    g_mutex_lock(&mon->reading);
    g_mutex_unlock(&mon->reading);
    while (!isDone(call) && pollUntil(mon->fd, deadline)) {
        if (!takeAnswers(mon))
            break;
    }
    g_mutex_lock(&mon->lock);
    setDirect(mon, FALSE);
}

/* Sleep until @call is done or @deadline; ends the caller's part in it. The whole reply, or NULL. */
static MemJson *callCollect(QemuMonitorCall *call, gint64 deadline, GError **err)
{
    QemuMonitor *mon = call->mon;
    MemJson *reply = NULL;
    gboolean last;

    g_mutex_lock(&mon->lock);
    if (!call->done)
        readDirect(call, deadline);
    while (!call->done) {
        if (!g_cond_wait_until(&call->cond, &mon->lock, deadline))
            break;
    }
    if (!call->done)
        memErrorSet(err, VIR_ERR_OPERATION_TIMEOUT, "QEMU of domain '%s' did not answer '%s' in time", mon->domainName,
                    call->command);
    else if (call->error)
        g_propagate_error(err, g_steal_pointer(&call->error));
    else
        reply = g_steal_pointer(&call->reply);
    call->forgotten = TRUE;
    last = callDrop(call);
    g_mutex_unlock(&mon->lock);

    if (last)
        callFree(call);
    return reply;
}

/* Under lock. */
static void logRefusal(const QemuMonitorCall *call, MemJson *reply)
{
    MemJson *problem = memJsonGet(reply, "error");

    if (problem && !call->unheard)
        g_warning("%s: '%s' failed with nobody waiting: %s", call->mon->domainName, call->command, memJsonGetString(problem, "desc"));
}

void qemuMonitorForget(QemuMonitorCall *call)
{
    QemuMonitor *mon = call->mon;
    gboolean last;

    g_mutex_lock(&mon->lock);
    logRefusal(call, call->reply);
    call->forgotten = TRUE;
    last = callDrop(call);
    g_mutex_unlock(&mon->lock);
    if (last)
        callFree(call);
}

MemJson *qemuMonitorWait(QemuMonitorCall *call, gint64 deadline, char **errorClass, GError **err)
{
    g_autofree char *command = g_strdup(call->command);
    g_autoptr(MemJson) reply = callCollect(call, deadline, err);
    MemJson *value;

    if (errorClass)
        *errorClass = NULL;
    if (!reply)
        return NULL;
    value = memJsonGet(reply, "error");
    if (value) {
        const char *text = memJsonGetString(value, "desc");
        const char *kind = memJsonGetString(value, "class");

        if (errorClass)
            *errorClass = g_strdup(kind);
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "unable to execute QEMU command '%s': %s", command,
                    text ? text : kind ? kind : "no reason given");
        return NULL;
    }
    /* null is an answer too; nobody needs to tell it from an empty one */
    value = memJsonGet(reply, "return");
    return value ? json_object_get(value) : memJsonNew();
}

MemJson *qemuMonitorCommand(QemuMonitor *mon, const char *command, MemJson *arguments, gint64 deadline, GError **err)
{
    return qemuMonitorWait(qemuMonitorSend(mon, command, arguments), deadline, NULL, err);
}

/* ---- a client's own words ---- */

static char *passHmp(QemuMonitor *mon, const char *text, gint64 deadline, GError **err)
{
    MemJson *arguments = memJsonNew();
    g_autoptr(MemJson) value = NULL;

    memJsonAddString(arguments, "command-line", text);
    value = qemuMonitorCommand(mon, "human-monitor-command", arguments, deadline, err);
    if (!value)
        return NULL;
    return g_strdup(json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "");
}

char *qemuMonitorPassthrough(QemuMonitor *mon, const char *text, gboolean hmp, gint64 deadline, GError **err)
{
    g_autoptr(MemJson) request = NULL;
    g_autoptr(MemJson) reply = NULL;
    g_autoptr(MemJson) id = NULL;
    const char *command;
    QemuMonitorCall *call;

    if (hmp)
        return passHmp(mon, text, deadline, err);
    request = memJsonParse(text, strlen(text), err);
    if (!request)
        return NULL;
    if (!json_object_is_type(request, json_type_object)) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "a QMP command is a JSON object, not '%s'", text);
        return NULL;
    }
    id = json_object_get(memJsonGet(request, "id"));
    command = memJsonGetString(request, "execute");
    call = callNew(mon, command ? command : text);
    call->foreign = TRUE;
    sendRequest(call, request);
    reply = callCollect(call, deadline, err);
    if (!reply)
        return NULL;
    if (id)
        memJsonAdd(reply, "id", g_steal_pointer(&id));
    return memJsonFormat(reply);
}

/* ---- reading ---- */

static int compareId(gconstpointer call, gconstpointer id)
{
    return ((const QemuMonitorCall *)call)->id == *(const guint64 *)id ? 0 : 1;
}

/* Under lock: the call that @reply (NULL: one that could not be read) is for; it is no longer under way. NULL: none. */
static QemuMonitorCall *takeCall(QemuMonitor *mon, MemJson *reply)
{
    QemuMonitorCall *call;
    GList *entry = mon->calls.head;
    guint64 id = 0;

    if (memJsonGet(reply, "id")) {
        if (memJsonGetUint64(reply, "id", &id) && id && id == mon->firstId)
            mon->firstId = 0;
        entry = id ? g_queue_find_custom(&mon->calls, &id, compareId) : NULL;
    } else if (entry) {
        call = entry->data;
        /* what is no command is answered without its id */
        if (call->id && !call->foreign)
            entry = NULL;
        mon->careful |= call->id != 0;
    }
    if (mon->firstId)
        return NULL;
    if (!entry) {
        mon->careful = TRUE;
        return NULL;
    }
    call = entry->data;
    g_queue_delete_link(&mon->calls, entry);
    mon->foreign -= call->foreign;
    return call;
}

/* @reply: NULL for one that could not be read, because of @why. */
static void handleReply(QemuMonitor *mon, MemJson *reply, const GError *why)
{
    QemuMonitorCall *call;

    g_mutex_lock(&mon->lock);
    call = takeCall(mon, reply);
    if (call) {
        if (call->forgotten)
            logRefusal(call, reply);
        callFinish(call, reply ? json_object_get(reply) : NULL, why);
    }
    g_mutex_unlock(&mon->lock);

    if (!call) {
        g_warning("%s: a reply to what nobody sent: %s", mon->domainName, reply ? json_object_get_string(reply) : why->message);
        return;
    }
    /* woken under the lock, the other thread would go to sleep again at once, waiting for it */
    g_cond_broadcast(&call->cond);
    if (callDrop(call))
        callFree(call);
}

static gboolean beginsWith(const char *line, gsize length, const char *text)
{
    return length >= strlen(text) && memcmp(line, text, strlen(text)) == 0;
}

/* A reply that is lost would leave all later ones with the wrong call; @line is its beginning at least. */
static void handleUnreadable(QemuMonitor *mon, const char *line, gsize length, const char *what)
{
    g_autoptr(GError) error = NULL;

    g_warning("%s: a line of the monitor is skipped: %s", mon->domainName, what);
    memErrorSet(&error, VIR_ERR_INTERNAL_ERROR, "cannot read what QEMU of domain '%s' answered: %s", mon->domainName, what);
    if (beginsWith(line, length, "{\"return\"") || beginsWith(line, length, "{\"error\""))
        handleReply(mon, NULL, error);
}

static void handleEvent(QemuMonitor *mon, MemJson *message, const char *name)
{
    MemJson *stamp = memJsonGet(message, "timestamp");
    gint64 seconds = 0, micros = 0;

    memJsonGetInt(stamp, "seconds", &seconds);
    memJsonGetInt(stamp, "microseconds", &micros);
    if (mon->callbacks.event)
        mon->callbacks.event(mon, name, seconds, (unsigned)CLAMP(micros, 0, 999999), memJsonGet(message, "data"),
                             mon->opaque);
}

static void handleLine(QemuMonitor *mon, const char *line, gsize length)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MemJson) message = NULL;
    const char *name;

    while (length > 0 && g_ascii_isspace(line[length - 1]))
        length--;
    if (length == 0)
        return;
    g_debug("%s: < %.*s", mon->domainName, (int)MIN(length, 100000), line);
    message = memJsonParse(line, length, &error);
    if (!message) {
        handleUnreadable(mon, line, length, error->message);
        return;
    }
    name = memJsonGetString(message, "event");
    if (name)
        handleEvent(mon, message, name);
    else if (memJsonGet(message, "error") || json_object_object_get_ex(message, "return", NULL))
        handleReply(mon, message, NULL);
    else if (!memJsonGet(message, "QMP"))
        g_warning("%s: the monitor said what is no reply and no event: %.*s", mon->domainName, (int)MIN(length, 500), line);
}

/* Handle the complete lines in `in`; a callback may hang up in between. */
static void handleLines(QemuMonitor *mon)
{
    gsize start = 0;

    while (mon->scanned < mon->in->len) {
        const guint8 *end = memchr(mon->in->data + mon->scanned, '\n', mon->in->len - mon->scanned);

        if (!end) {
            mon->scanned = mon->in->len;
            break;
        }
        mon->scanned = (gsize)(end - mon->in->data) + 1;
        if (!mon->skipping)
            handleLine(mon, (const char *)mon->in->data + start, mon->scanned - 1 - start);
        mon->skipping = FALSE;
        start = mon->scanned;
    }
    if (start > 0) {
        g_byte_array_remove_range(mon->in, 0, (guint)start);
        mon->scanned -= start;
    }
    if (mon->in->len > QEMU_MONITOR_MAX_LINE) {
        g_autofree char *what = g_strdup_printf("it is longer than %d bytes", QEMU_MONITOR_MAX_LINE);

        if (!mon->skipping)
            handleUnreadable(mon, (const char *)mon->in->data, mon->in->len, what);
        mon->skipping = TRUE;
    }
    if (mon->skipping)
        g_byte_array_set_size(mon->in, 0);
    mon->scanned = MIN(mon->scanned, mon->in->len);
}

/* Read once. FALSE: nothing more for now, or the end, then *@why says so. Unless @drain, a chunk that is not full is taken
 * for the last: if it is not, the loop calls again. */
static gboolean readOnce(QemuMonitor *mon, gboolean drain, char **why)
{
    guint8 chunk[READ_CHUNK];
    ssize_t n = recv(mon->fd, chunk, sizeof chunk, MSG_DONTWAIT);

    if (n > 0) {
        g_byte_array_append(mon->in, chunk, (guint)n);
        handleLines(mon);
        return drain || n == sizeof chunk;
    }
    if (n == 0)
        *why = g_strdup("QEMU closed the connection");
    else if (errno == EINTR)
        return TRUE;
    else if (errno != EAGAIN)
        *why = g_strdup(g_strerror(errno));
    return FALSE;
}

static gboolean isDirect(QemuMonitor *mon)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mon->lock);

    return mon->direct;
}

static gboolean isDead(QemuMonitor *mon)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mon->lock);

    return mon->dead != NULL;
}

/* NULL: it goes on. Otherwise why it does not; caller frees. */
static char *readAll(QemuMonitor *mon, gboolean drain)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mon->reading);
    int chunks = drain ? G_MAXINT : CHUNKS_PER_WAKEUP;
    char *why = NULL;

    if (!drain && isDirect(mon))
        return NULL;
    while (chunks-- > 0 && !isDead(mon)) {
        if (!readOnce(mon, drain, &why))
            break;
    }
    /* QEMU's largest answers are rare: give their buffer back */
    if (mon->in->len == 0) {
        g_byte_array_unref(mon->in);
        mon->in = g_byte_array_new();
    }
    return why;
}

static void closed(QemuMonitor *mon, const char *why)
{
    if (monitorFail(mon, why) && mon->callbacks.closed)
        mon->callbacks.closed(mon, why, mon->opaque);
}

static void onReadable(QemuMonitor *mon)
{
    g_autofree char *why = readAll(mon, FALSE);

    if (why)
        closed(mon, why);
}

void qemuMonitorDrain(QemuMonitor *mon)
{
    g_autoptr(QemuMonitor) keep = qemuMonitorRef(mon);
    g_autofree char *why = readAll(mon, TRUE);

    /* who reads for itself is not woken by what was read here, but by the end, or by the hanging-up that follows */
    if (why)
        closed(mon, why);
}

/* Nothing but whole lines, none of which can be an event. Words of an event in an answer cost a detour, no more. */
static gboolean isPlain(const guint8 *chunk, gsize length)
{
    return chunk[length - 1] == '\n' && !memmem(chunk, length, "\"event\"", strlen("\"event\""));
}

/* Without the loop. FALSE: what there is is the loop's. */
static gboolean takeAnswers(QemuMonitor *mon)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mon->reading);
    guint8 chunk[DIRECT_CHUNK];
    ssize_t n = recv(mon->fd, chunk, sizeof chunk, MSG_DONTWAIT | MSG_PEEK);

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return TRUE;
    if (n <= 0 || mon->in->len > 0 || mon->skipping || !isPlain(chunk, (gsize)n))
        return FALSE;
    n = recv(mon->fd, chunk, (gsize)n, MSG_DONTWAIT);
    if (n <= 0)
        return FALSE;
    g_byte_array_append(mon->in, chunk, (guint)n);
    handleLines(mon);
    return TRUE;
}

/* ---- lifetime ---- */

/* Before anything is read: a command of whose answer nothing is said. */
static void sendUnheard(QemuMonitor *mon, const char *command, MemJson *arguments)
{
    QemuMonitorCall *call = qemuMonitorSend(mon, command, arguments);

    call->unheard = TRUE;
    qemuMonitorForget(call);
}

/* QEMU takes commands in order, so that nobody need wait for its greeting or these answers. Where commands may be overtaken
 * (which ours never are) it goes on reading while it carries one out; the second line is for one that does not offer this, and
 * to all others a word too many. */
static void negotiate(QemuMonitor *mon)
{
    MemJson *arguments = memJsonNew();
    MemJson *enable = memJsonNewArray();

    memJsonAppend(enable, json_object_new_string("oob"));
    memJsonAdd(arguments, "enable", enable);
    sendUnheard(mon, "qmp_capabilities", arguments);
    sendUnheard(mon, "qmp_capabilities", NULL);
}

QemuMonitor *qemuMonitorOpen(int fd, const char *domainName, GMainContext *context, const QemuMonitorCallbacks *callbacks,
                             gpointer opaque, GError **err)
{
    QemuMonitor *mon = g_new0(QemuMonitor, 1);

    mon->refs = 1;
    mon->fd = fd;
    mon->domainName = g_strdup(domainName);
    mon->context = g_main_context_ref(context);
    mon->callbacks = *callbacks;
    mon->opaque = opaque;
    mon->in = g_byte_array_new();
    mon->out = g_byte_array_new();
    g_queue_init(&mon->calls);
    g_mutex_init(&mon->lock);
    g_mutex_init(&mon->reading);

    negotiate(mon);
    g_mutex_lock(&mon->lock);
    mon->reader = qemuMonitorPollAdd(context, fd, onReadable, mon, err);
    g_mutex_unlock(&mon->lock);
    if (mon->reader)
        return mon;
    mon->callbacks.release = NULL;
    qemuMonitorClose(mon);
    qemuMonitorUnref(mon);
    return NULL;
}

QemuMonitor *qemuMonitorRef(QemuMonitor *mon)
{
    g_atomic_int_inc(&mon->refs);
    return mon;
}

void qemuMonitorUnref(QemuMonitor *mon)
{
    if (!mon || !g_atomic_int_dec_and_test(&mon->refs))
        return;
    close(mon->fd);
    g_clear_pointer(&mon->writer, g_source_unref);
    g_byte_array_unref(mon->in);
    g_byte_array_unref(mon->out);
    g_main_context_unref(mon->context);
    g_mutex_clear(&mon->lock);
    g_mutex_clear(&mon->reading);
    if (mon->callbacks.release)
        mon->callbacks.release(mon->opaque);
    g_free(mon->domainName);
    g_free(mon->dead);
    g_free(mon);
}

void qemuMonitorClose(QemuMonitor *mon)
{
    monitorFail(mon, "it was closed");
}
