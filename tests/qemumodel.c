/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemumodel.c: the memory of a QEMU at the other end of a monitor */
#include "qemumodel.h"

#include "monitormock.h"
#include "util/mem_json.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GREETING "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 2, \"major\": 7}}, \"capabilities\": [\"oob\"]}}\r\n"
#define FIRST_BASE 0x100000000

typedef struct {
    char *alias, *driver, *memdev;
    guint64 bytes, requestedBytes, currentBytes, base, block;
    int slot, node;
} Device;

struct QemuModel {
    char *schema;
    GMutex lock;                /* guards all below */
    GCond woken;
    GHashTable *objects;        /* id -> size in bytes, as guint64 * */
    GPtrArray *devices;
    guint64 bootBytes, target;
    guint64 nextTarget;         /* 0: none */
    gint64 interval;
    char *stats;
    guint index, failAt;
    QemuModelFault fault;
    char *errorClass;
    QemuModelGuest guest;
    gboolean failed, awake;
    GString *held;              /* answers that a hanging QEMU owes */
    GString *dialogue;
    char *problem;
    GSourceOnceFunc ended;
    gpointer opaque;
    int fd;
    GThread *thread;
};

static void deviceFree(gpointer data)
{
    Device *device = data;

    g_free(device->alias);
    g_free(device->driver);
    g_free(device->memdev);
    g_free(device);
}

QemuModel *qemuModelNew(const char *schema, guint64 bootBytes)
{
    QemuModel *model = g_new0(QemuModel, 1);

    model->schema = g_strdup(schema);
    g_mutex_init(&model->lock);
    g_cond_init(&model->woken);
    model->objects = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    model->devices = g_ptr_array_new_with_free_func(deviceFree);
    model->bootBytes = model->target = bootBytes;
    model->dialogue = g_string_new(NULL);
    model->held = g_string_new(NULL);
    model->fd = -1;
    return model;
}

static Device *find(QemuModel *model, const char *alias)
{
    for (guint i = 0; i < model->devices->len; i++) {
        Device *device = g_ptr_array_index(model->devices, i);

        if (g_strcmp0(device->alias, alias) == 0)
            return device;
    }
    return NULL;
}

static gboolean isKind(const Device *device, const char *word)
{
    return strstr(device->driver, word) != NULL;
}

static void addObject(QemuModel *model, const char *id, guint64 bytes)
{
    guint64 *size = g_new(guint64, 1);

    *size = bytes;
    g_hash_table_insert(model->objects, g_strdup(id), size);
}

static void addDevice(QemuModel *model, Device *device)
{
    guint64 base = FIRST_BASE;

    for (guint i = 0; i < model->devices->len; i++) {
        const Device *other = g_ptr_array_index(model->devices, i);

        base = MAX(base, other->base + other->bytes);
    }
    if (!device->base)
        device->base = base;
    device->currentBytes = isKind(device, "virtio-mem") ? 0 : device->bytes;
    g_ptr_array_add(model->devices, device);
}

void qemuModelSeed(QemuModel *model, const char *alias, const char *driver, guint64 bytes, guint64 requestedBytes, int slot)
{
    Device *device = g_new0(Device, 1);

    device->alias = g_strdup(alias);
    device->driver = g_strdup(driver);
    device->memdev = g_strconcat("mem", alias, NULL);
    device->bytes = bytes;
    device->requestedBytes = requestedBytes;
    device->slot = slot;
    device->block = 2 * 1024 * 1024;
    addObject(model, device->memdev, bytes);
    addDevice(model, device);
}

void qemuModelFail(QemuModel *model, guint index, QemuModelFault fault, const char *errorClass)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&model->lock);

    model->failAt = index ? model->index + index : 0;
    model->fault = fault;
    g_free(model->errorClass);
    model->errorClass = g_strdup(errorClass ? errorClass : "GenericError");
}

void qemuModelSetGuest(QemuModel *model, QemuModelGuest guest)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&model->lock);

    model->guest = guest;
}

void qemuModelSetStats(QemuModel *model, const char *stats)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&model->lock);

    g_free(model->stats);
    model->stats = g_strdup(stats);
}

void qemuModelAddObject(QemuModel *model, const char *id, guint64 bytes)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&model->lock);

    addObject(model, id, bytes);
}

void qemuModelMoveBalloon(QemuModel *model, guint64 target)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&model->lock);

    model->nextTarget = target;
}

void qemuModelSetInterval(QemuModel *model, gint64 seconds)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&model->lock);

    model->interval = seconds;
}

/* ---- sending; under the lock ---- */

static void sendText(QemuModel *model, const char *text)
{
    gsize length = strlen(text);

    while (length > 0) {
        ssize_t n = send(model->fd, text, length, MSG_NOSIGNAL);

        if (n <= 0)
            return;
        text += n;
        length -= (gsize)n;
    }
}

static void say(QemuModel *model, const char *mark, const char *json, const char *line)
{
    g_string_append_printf(model->dialogue, "%s %s\n", mark, json);
    if (model->failed && !model->awake && model->fault >= QEMU_MODEL_HANG)
        g_string_append(model->held, line);
    else
        sendText(model, line);
}

static void event(QemuModel *model, const char *name, const char *data)
{
    g_autofree char *json = g_strdup_printf("{\"event\":\"%s\",\"data\":%s}", name, data);
    g_autofree char *line = g_strdup_printf("{\"event\": \"%s\", \"data\": %s, \"timestamp\": {\"seconds\": 1, \"microseconds\": 2}}\r\n",
                                            name, data);

    say(model, "!", json, line);
}

/* @body: "\"return\":..." or "\"error\":...". @id: NULL for a command that has none. */
static char *replyLine(const char *body, const char *id)
{
    return id ? g_strdup_printf("{%s, \"id\": %s}\r\n", body, id) : g_strdup_printf("{%s}\r\n", body);
}

static void answer(QemuModel *model, const char *id, const char *body)
{
    g_autofree char *json = g_strdup_printf("{%s}", body);
    g_autofree char *line = replyLine(body, id);

    say(model, "<", json, line);
}

static char *errorBody(const char *class, const char *words)
{
    return g_strdup_printf("\"error\":{\"class\":\"%s\",\"desc\":\"%s\"}", class, words);
}

#define DONE g_strdup("\"return\":{}")

/* ---- commands: each gives the body of its answer ---- */

static char *objectAdd(QemuModel *model, MemJson *arguments)
{
    const char *id = memJsonGetString(arguments, "id");
    guint64 bytes = 0;

    if (g_hash_table_contains(model->objects, id))
        return errorBody("GenericError", "attempt to add duplicate property");
    memJsonGetUint64(arguments, "size", &bytes);
    addObject(model, id, bytes);
    return DONE;
}

static gboolean isUsed(QemuModel *model, const char *id)
{
    for (guint i = 0; i < model->devices->len; i++) {
        if (g_strcmp0(((Device *)g_ptr_array_index(model->devices, i))->memdev, id) == 0)
            return TRUE;
    }
    return FALSE;
}

static char *objectDel(QemuModel *model, MemJson *arguments)
{
    const char *id = memJsonGetString(arguments, "id");

    if (!g_hash_table_contains(model->objects, id))
        return errorBody("GenericError", "object not found");
    if (isUsed(model, id))
        return errorBody("GenericError", "object is in use, can not be deleted");
    g_hash_table_remove(model->objects, id);
    return DONE;
}

static char *deviceAdd(QemuModel *model, MemJson *arguments)
{
    const char *memdev = memJsonGetString(arguments, "memdev");
    const char *alias = memJsonGetString(arguments, "id");
    const guint64 *bytes = memdev ? g_hash_table_lookup(model->objects, memdev) : NULL;
    Device *device;
    gint64 number;

    if (!bytes || isUsed(model, memdev))
        return errorBody("GenericError", "no such memdev, or in use");
    if (find(model, alias))
        return errorBody("GenericError", "duplicate device id");
    device = g_new0(Device, 1);
    device->alias = g_strdup(alias);
    device->driver = g_strdup(memJsonGetString(arguments, "driver"));
    device->memdev = g_strdup(memdev);
    device->bytes = *bytes;
    device->slot = memJsonGetInt(arguments, "slot", &number) ? (int)number : (int)model->devices->len;
    device->node = memJsonGetInt(arguments, "node", &number) ? (int)number : 0;
    memJsonGetUint64(arguments, "addr", &device->base);
    memJsonGetUint64(arguments, "requested-size", &device->requestedBytes);
    memJsonGetUint64(arguments, "block-size", &device->block);
    addDevice(model, device);
    return DONE;
}

static void gone(QemuModel *model, const char *alias)
{
    g_autofree char *child = g_strdup_printf("{\"path\":\"/machine/peripheral/%s/virtio-backend\"}", alias);
    g_autofree char *own = g_strdup_printf("{\"device\":\"%s\",\"path\":\"/machine/peripheral/%s\"}", alias, alias);
    Device *device = find(model, alias);

    if (device)
        g_ptr_array_remove(model->devices, device);
    event(model, "DEVICE_DELETED", child);
    event(model, "DEVICE_DELETED", own);
}

static void guestReacts(QemuModel *model, const char *alias)
{
    g_autofree char *ost = g_strdup_printf("{\"info\":{\"device\":\"%s\",\"source\":3,\"status\":1,\"slot\":\"0\",\"slot-type\":\"DIMM\"}}", alias);
    g_autofree char *begun = g_strdup_printf("{\"info\":{\"device\":\"%s\",\"source\":3,\"status\":132,\"slot\":\"0\",\"slot-type\":\"DIMM\"}}", alias);
    g_autofree char *old = g_strdup_printf("{\"device\":\"%s\",\"msg\":\"the guest holds it\"}", alias);
    g_autofree char *new = g_strdup_printf("{\"device\":\"%s\",\"path\":\"/machine/peripheral/%s\"}", alias, alias);

    switch (model->guest) {
    case QEMU_MODEL_GIVES:
        event(model, "ACPI_DEVICE_OST", begun);
        gone(model, alias);
        break;
    case QEMU_MODEL_REFUSES_OST:
        event(model, "ACPI_DEVICE_OST", begun);
        event(model, "ACPI_DEVICE_OST", ost);
        break;
    case QEMU_MODEL_REFUSES_ERROR:
        event(model, "MEM_UNPLUG_ERROR", old);
        event(model, "DEVICE_UNPLUG_GUEST_ERROR", new);
        break;
    case QEMU_MODEL_SILENT:
    case QEMU_MODEL_GONE_ALREADY:
    case QEMU_MODEL_GUEST_LAST:
        break;
    }
}

static char *deviceDel(QemuModel *model, MemJson *arguments)
{
    const char *alias = memJsonGetString(arguments, "id");
    Device *device = find(model, alias);

    if (!device || model->guest == QEMU_MODEL_GONE_ALREADY) {
        if (device)
            g_ptr_array_remove(model->devices, device);
        return errorBody("DeviceNotFound", "Device not found");
    }
    if (!isKind(device, "pc-dimm"))
        return errorBody("GenericError", "this device cannot be unplugged");
    return DONE;
}

static Device *byPath(QemuModel *model, MemJson *arguments)
{
    const char *path = memJsonGetString(arguments, "path");

    return g_str_has_prefix(path, "/machine/peripheral/") ? find(model, path + strlen("/machine/peripheral/")) : NULL;
}

static char *qomSet(QemuModel *model, MemJson *arguments)
{
    const char *property = memJsonGetString(arguments, "property");
    Device *device = byPath(model, arguments);
    guint64 value = 0;

    memJsonGetUint64(arguments, "value", &value);
    if (g_strcmp0(property, "requested-size") == 0 && device) {
        device->requestedBytes = value;
        return DONE;
    }
    if (g_strcmp0(property, "guest-stats-polling-interval") == 0) {
        model->interval = (gint64)value;
        return DONE;
    }
    return errorBody("DeviceNotFound", "no such path or property");
}

static char *qomGet(QemuModel *model, MemJson *arguments)
{
    const char *property = memJsonGetString(arguments, "property");
    const Device *device = byPath(model, arguments);

    if (g_strcmp0(property, "requested-size") == 0 && device)
        return g_strdup_printf("\"return\":%" G_GUINT64_FORMAT, device->requestedBytes);
    if (g_strcmp0(property, "guest-stats-polling-interval") == 0)
        return g_strdup_printf("\"return\":%" G_GINT64_FORMAT, model->interval);
    if (g_strcmp0(property, "guest-stats") == 0)
        return g_strdup_printf("\"return\":%s", model->stats ? model->stats : "{\"stats\":{},\"last-update\":0}");
    return errorBody("DeviceNotFound", "no such path or property");
}

static int compareNames(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Borrowed names, sorted. */
static GPtrArray *names(QemuModel *model, gboolean objects)
{
    GPtrArray *all = g_ptr_array_new();
    GHashTableIter iter;
    gpointer key;

    g_hash_table_iter_init(&iter, model->objects);
    while (objects && g_hash_table_iter_next(&iter, &key, NULL))
        g_ptr_array_add(all, key);
    for (guint i = 0; !objects && i < model->devices->len; i++)
        g_ptr_array_add(all, ((Device *)g_ptr_array_index(model->devices, i))->alias);
    g_ptr_array_sort(all, compareNames);
    return all;
}

static char *qomList(QemuModel *model, MemJson *arguments)
{
    g_autoptr(GPtrArray) all = names(model, g_strcmp0(memJsonGetString(arguments, "path"), "/objects") == 0);
    GString *text = g_string_new("\"return\":[{\"name\":\"type\",\"type\":\"string\"}");

    for (guint i = 0; i < all->len; i++)
        g_string_append_printf(text, ",{\"name\":\"%s\",\"type\":\"child<x>\"}", (char *)g_ptr_array_index(all, i));
    g_string_append_c(text, ']');
    return g_string_free(text, FALSE);
}

static void describe(GString *text, const Device *device)
{
    g_string_append_printf(text, "%s{\"type\":\"%s\",\"data\":{\"id\":\"%s\",\"memdev\":\"/objects/%s\",", text->str[text->len - 1] == '[' ? "" : ",",
                           isKind(device, "pc-dimm") ? "dimm" : isKind(device, "nvdimm") ? "nvdimm"
                                                            : isKind(device, "virtio-mem") ? "virtio-mem" : "virtio-pmem",
                           device->alias, device->memdev);
    if (isKind(device, "virtio-mem"))
        g_string_append_printf(text, "\"memaddr\":%" G_GUINT64_FORMAT ",\"requested-size\":%" G_GUINT64_FORMAT ",\"size\":%" G_GUINT64_FORMAT
                               ",\"max-size\":%" G_GUINT64_FORMAT ",\"block-size\":%" G_GUINT64_FORMAT ",\"node\":%d}}",
                               device->base, device->requestedBytes, device->currentBytes, device->bytes, device->block, device->node);
    else if (isKind(device, "virtio-pmem"))
        g_string_append_printf(text, "\"memaddr\":%" G_GUINT64_FORMAT ",\"size\":%" G_GUINT64_FORMAT "}}", device->base, device->bytes);
    else
        g_string_append_printf(text, "\"addr\":%" G_GUINT64_FORMAT ",\"size\":%" G_GUINT64_FORMAT
                               ",\"slot\":%d,\"node\":%d,\"hotplugged\":true,\"hotpluggable\":true}}",
                               device->base, device->bytes, device->slot, device->node);
}

static char *queryMemoryDevices(QemuModel *model, MemJson *arguments)
{
    GString *text = g_string_new("\"return\":[");

    for (guint i = 0; i < model->devices->len; i++)
        describe(text, g_ptr_array_index(model->devices, i));
    g_string_append_c(text, ']');
    return g_string_free(text, FALSE);
}

/* QEMU counts DIMMs into the balloon's figure; the guest of this model does at once what it is told. */
static guint64 actual(QemuModel *model)
{
    guint64 bytes = model->target;

    for (guint i = 0; i < model->devices->len; i++) {
        const Device *device = g_ptr_array_index(model->devices, i);

        bytes += isKind(device, "pc-dimm") ? device->bytes : 0;
    }
    return bytes;
}

static char *queryBalloon(QemuModel *model, MemJson *arguments)
{
    return g_strdup_printf("\"return\":{\"actual\":%" G_GUINT64_FORMAT "}", actual(model));
}

static void moveBalloon(QemuModel *model)
{
    g_autofree char *data = NULL;

    if (!model->nextTarget)
        return;
    model->target = model->nextTarget;
    data = g_strdup_printf("{\"actual\":%" G_GUINT64_FORMAT "}", actual(model));
    event(model, "BALLOON_CHANGE", data);
}

static char *balloon(QemuModel *model, MemJson *arguments)
{
    memJsonGetUint64(arguments, "value", &model->target);
    return DONE;
}

static char *nothing(QemuModel *model, MemJson *arguments)
{
    return DONE;
}

static const struct {
    const char *name;
    char *(*func)(QemuModel *model, MemJson *arguments);
} commands[] = {
    { "balloon", balloon },
    { "device_add", deviceAdd },
    { "device_del", deviceDel },
    { "object-add", objectAdd },
    { "object-del", objectDel },
    { "qmp_capabilities", nothing },
    { "qom-get", qomGet },
    { "qom-list", qomList },
    { "qom-set", qomSet },
    { "query-balloon", queryBalloon },
    { "query-memory-devices", queryMemoryDevices },
};

/* ---- serving ---- */

static void setProblem(QemuModel *model, char *problem)
{
    if (model->problem)
        g_free(problem);
    else
        model->problem = problem;
}

static char *carryOut(QemuModel *model, const char *name, MemJson *request)
{
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (g_strcmp0(commands[i].name, name) == 0)
            return commands[i].func(model, memJsonGet(request, "arguments"));
    }
    setProblem(model, g_strdup_printf("unexpected command: %s", json_object_to_json_string(request)));
    return errorBody("CommandNotFound", "unexpected");
}

/* Under the lock. FALSE: the connection ends. */
static gboolean doOne(QemuModel *model, MemJson *request, const char *id)
{
    const char *name = memJsonGetString(request, "execute");
    gboolean fails = model->failAt && model->index == model->failAt;
    g_autofree char *body = NULL;

    model->failed = model->failed || fails;
    if (fails && model->fault == QEMU_MODEL_DIE)
        return FALSE;
    while (fails && model->fault == QEMU_MODEL_HANG_BEFORE && !model->awake)
        g_cond_wait(&model->woken, &model->lock);
    if (fails && model->fault == QEMU_MODEL_ERROR) {
        body = errorBody(model->errorClass, "injected");
        answer(model, id, body);
        return TRUE;
    }
    body = carryOut(model, name, request);
    if (g_strcmp0(name, "device_add") == 0)
        moveBalloon(model);
    if (fails && model->fault == QEMU_MODEL_DIE_AFTER)
        return FALSE;
    answer(model, id, body);
    if (g_strcmp0(name, "device_del") == 0 && !strstr(body, "error"))
        guestReacts(model, memJsonGetString(memJsonGet(request, "arguments"), "id"));
    return TRUE;
}

static gboolean serve(QemuModel *model, const char *line)
{
    g_autoptr(MemJson) request = memJsonParse(line, strlen(line), NULL);
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&model->lock);
    g_autofree char *id = g_strdup(json_object_get_string(memJsonGet(request, "id")));
    g_autofree char *text = NULL;
    char *problem;

    json_object_object_del(request, "id");
    text = memJsonFormat(request);
    problem = monitorMockCheckCommand(model->schema, text);
    if (problem)
        setProblem(model, g_strdup_printf("QEMU would refuse %s: %s", text, problem));
    g_free(problem);
    if (strstr(text, "qmp_capabilities")) {
        g_autofree char *ready = replyLine("\"return\": {}", id);

        sendText(model, ready);
        return TRUE;
    }
    model->index++;
    g_string_append_printf(model->dialogue, "> %s\n", text);
    return doOne(model, request, id);
}

static gpointer play(gpointer data)
{
    QemuModel *model = data;
    g_autoptr(GString) input = g_string_new(NULL);
    gboolean alive = TRUE;

    while (alive) {
        char buffer[4096];
        ssize_t n = recv(model->fd, buffer, sizeof buffer, 0);
        char *end;

        if (n <= 0)
            return NULL;
        g_string_append_len(input, buffer, n);
        while (alive && (end = strchr(input->str, '\n'))) {
            *end = '\0';
            alive = serve(model, input->str);
            g_string_erase(input, 0, end - input->str + 1);
        }
    }
    shutdown(model->fd, SHUT_RDWR);
    model->ended(model->opaque);
    return NULL;
}

int qemuModelStart(QemuModel *model, GSourceOnceFunc ended, gpointer opaque)
{
    int pair[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    model->fd = pair[0];
    model->ended = ended;
    model->opaque = opaque;
    sendText(model, GREETING);
    model->thread = g_thread_new("qemu-model", play, model);
    return pair[1];
}

void qemuModelWake(QemuModel *model)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&model->lock);

    model->awake = TRUE;
    sendText(model, model->held->str);
    g_string_truncate(model->held, 0);
    g_cond_broadcast(&model->woken);
}

void qemuModelGiveUp(QemuModel *model, const char *alias)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&model->lock);

    gone(model, alias);
}

/* ---- looking ---- */

gboolean qemuModelHasFailed(QemuModel *model)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&model->lock);

    return model->failed;
}

char *qemuModelDialogue(QemuModel *model)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&model->lock);

    return g_strdup(model->dialogue->str);
}

char *qemuModelState(QemuModel *model)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&model->lock);
    g_autoptr(GPtrArray) devices = names(model, FALSE), objects = names(model, TRUE);
    GString *text = g_string_new("devices:");

    for (guint i = 0; i < devices->len; i++)
        g_string_append_printf(text, " %s", (char *)g_ptr_array_index(devices, i));
    g_string_append(text, "\nobjects:");
    for (guint i = 0; i < objects->len; i++)
        g_string_append_printf(text, " %s", (char *)g_ptr_array_index(objects, i));
    g_string_append_c(text, '\n');
    return g_string_free(text, FALSE);
}

gboolean qemuModelHasDevice(QemuModel *model, const char *alias)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&model->lock);

    return find(model, alias) != NULL;
}

gboolean qemuModelHasObject(QemuModel *model, const char *id)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&model->lock);

    return g_hash_table_contains(model->objects, id);
}

guint64 qemuModelRequested(QemuModel *model, const char *alias)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&model->lock);
    const Device *device = find(model, alias);

    return device ? device->requestedBytes : 0;
}

guint64 qemuModelTarget(QemuModel *model)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&model->lock);

    return model->target;
}

gint64 qemuModelInterval(QemuModel *model)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&model->lock);

    return model->interval;
}

guint qemuModelDevices(QemuModel *model)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&model->lock);

    return model->devices->len;
}

char *qemuModelFree(QemuModel *model)
{
    char *problem;

    qemuModelWake(model);
    if (model->thread)
        g_thread_join(model->thread);
    if (model->fd >= 0)
        close(model->fd);
    problem = g_steal_pointer(&model->problem);
    if (!problem && model->failAt && !model->failed)
        problem = g_strdup_printf("command %u, which was to fail, never came", model->failAt);
    g_free(model->schema);
    g_free(model->stats);
    g_free(model->errorClass);
    g_string_free(model->dialogue, TRUE);
    g_string_free(model->held, TRUE);
    g_ptr_array_unref(model->devices);
    g_hash_table_unref(model->objects);
    g_mutex_clear(&model->lock);
    g_cond_clear(&model->woken);
    g_free(model);
    return problem;
}
