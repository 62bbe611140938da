/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* monitormock.c: a scripted QEMU at the other end of a monitor */
#include "monitormock.h"

#include "util/mem_file.h"
#include "util/mem_json.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 20000
#define GREETING "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 2, \"major\": 7}}, \"capabilities\": [\"oob\"]}}\r\n"

typedef enum { STEP_EXPECT, STEP_SAY, STEP_HANG_UP } StepKind;

typedef struct {
    StepKind kind;
    char *request, *reply;
    GBytes *bytes;
} Step;

struct MonitorMock {
    char *schema;
    GPtrArray *script;
    gsize tear;
    gboolean deaf;
    int fd;
    GThread *thread;
    GString *input;
    char *problem;          /* the thread's until it is joined */
};

/* ---- the schema ---- */

static GHashTable *loadSchema(const char *path)
{
    static GMutex lock;
    static GHashTable *known;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&lock);
    GHashTable *types;
    g_autofree char *text = NULL;
    gsize length;
    g_autoptr(MemJson) all = NULL;

    if (!known)
        known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);
    types = g_hash_table_lookup(known, path);
    if (types)
        return types;
    text = memFileRead(path, 16 * 1024 * 1024, &length, NULL);
    all = text ? memJsonParse(text, length, NULL) : NULL;
    g_assert_nonnull(all);
    types = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)memJsonFree);
    for (gsize i = 0; i < memJsonArrayLength(all); i++) {
        MemJson *entry = memJsonArrayGet(all, i);
        g_autofree char *key = g_strdup_printf("%s%s", g_strcmp0(memJsonGetString(entry, "meta-type"), "command") == 0 ? "!" : "",
                                               memJsonGetString(entry, "name"));

        g_hash_table_insert(types, (gpointer)g_intern_string(key), json_object_get(entry));
    }
    g_hash_table_insert(known, g_strdup(path), types);
    return types;
}

static char *checkValue(GHashTable *types, const char *type, MemJson *value, const char *where, gboolean open);

static char *checkBuiltin(const char *jsonType, MemJson *value, const char *where)
{
    static const struct {
        const char *name;
        json_type type;
    } table[] = {
        { "string", json_type_string }, { "int", json_type_int },        { "boolean", json_type_boolean },
        { "object", json_type_object }, { "array", json_type_array },    { "number", json_type_double },
    };

    if (g_strcmp0(jsonType, "value") == 0 || (g_strcmp0(jsonType, "number") == 0 && json_object_is_type(value, json_type_int)))
        return NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
        if (g_strcmp0(jsonType, table[i].name) == 0 && json_object_is_type(value, table[i].type))
            return NULL;
    }
    return g_strdup_printf("'%s' is no %s", where, jsonType);
}

static char *checkEnum(MemJson *entry, MemJson *value, const char *where)
{
    MemJson *values = memJsonGetArray(entry, "values");

    for (gsize i = 0; json_object_is_type(value, json_type_string) && i < memJsonArrayLength(values); i++) {
        if (g_strcmp0(json_object_get_string(memJsonArrayGet(values, i)), json_object_get_string(value)) == 0)
            return NULL;
    }
    return g_strdup_printf("'%s' has the value %s, which the schema does not list", where, json_object_to_json_string(value));
}

/* The members of object type @entry and of the variant that @value chooses. */
static GPtrArray *membersOf(GHashTable *types, MemJson *entry, MemJson *value)
{
    GPtrArray *members = g_ptr_array_new();
    MemJson *own = memJsonGetArray(entry, "members"), *variants = memJsonGetArray(entry, "variants");
    const char *tag = memJsonGetString(entry, "tag");
    const char *chosen = tag ? memJsonGetString(value, tag) : NULL;

    for (gsize i = 0; i < memJsonArrayLength(own); i++)
        g_ptr_array_add(members, memJsonArrayGet(own, i));
    for (gsize i = 0; variants && i < memJsonArrayLength(variants); i++) {
        MemJson *variant = memJsonArrayGet(variants, i);

        if (g_strcmp0(memJsonGetString(variant, "case"), chosen) == 0) {
            g_autoptr(GPtrArray) more = membersOf(types, g_hash_table_lookup(types, memJsonGetString(variant, "type")), value);

            g_ptr_array_extend(members, more, NULL, NULL);
        }
    }
    return members;
}

static char *checkObject(GHashTable *types, MemJson *entry, MemJson *value, const char *where, gboolean open)
{
    g_autoptr(GPtrArray) members = NULL;
    g_autoptr(GHashTable) allowed = g_hash_table_new(g_str_hash, g_str_equal);

    if (!json_object_is_type(value, json_type_object))
        return g_strdup_printf("'%s' is no object", where);
    members = membersOf(types, entry, value);
    for (guint i = 0; i < members->len; i++) {
        MemJson *member = g_ptr_array_index(members, i);
        const char *name = memJsonGetString(member, "name");
        MemJson *given = memJsonGet(value, name);
        gboolean optional = json_object_object_get_ex(member, "default", NULL);
        char *problem = given ? checkValue(types, memJsonGetString(member, "type"), given, name, FALSE) : NULL;

        g_hash_table_add(allowed, (gpointer)name);
        if (problem)
            return problem;
        if (!given && !optional)
            return g_strdup_printf("'%s' lacks '%s'", where, name);
    }
    json_object_object_foreach(value, key, unused) {
        (void)unused;
        if (!open && !g_hash_table_contains(allowed, key))
            return g_strdup_printf("'%s' has no member '%s' in the schema", where, key);
    }
    return NULL;
}

static char *checkAlternate(GHashTable *types, MemJson *entry, MemJson *value, const char *where)
{
    MemJson *members = memJsonGetArray(entry, "members");

    for (gsize i = 0; i < memJsonArrayLength(members); i++) {
        g_autofree char *problem = checkValue(types, memJsonGetString(memJsonArrayGet(members, i), "type"), value, where, FALSE);

        if (!problem)
            return NULL;
    }
    return g_strdup_printf("'%s' fits no alternative", where);
}

/* @open: members beyond the schema are fine (device_add takes the properties of any device). */
static char *checkValue(GHashTable *types, const char *type, MemJson *value, const char *where, gboolean open)
{
    MemJson *entry = g_hash_table_lookup(types, type);
    const char *kind = entry ? memJsonGetString(entry, "meta-type") : NULL;

    if (g_strcmp0(kind, "builtin") == 0)
        return checkBuiltin(memJsonGetString(entry, "json-type"), value, where);
    if (g_strcmp0(kind, "enum") == 0)
        return checkEnum(entry, value, where);
    if (g_strcmp0(kind, "object") == 0)
        return checkObject(types, entry, value, where, open);
    if (g_strcmp0(kind, "alternate") == 0)
        return checkAlternate(types, entry, value, where);
    if (g_strcmp0(kind, "array") == 0) {
        if (!json_object_is_type(value, json_type_array))
            return g_strdup_printf("'%s' is no list", where);
        for (gsize i = 0; i < memJsonArrayLength(value); i++) {
            char *problem = checkValue(types, memJsonGetString(entry, "element-type"), memJsonArrayGet(value, i), where, FALSE);

            if (problem)
                return problem;
        }
        return NULL;
    }
    return g_strdup_printf("'%s' has the type '%s', which the schema lacks", where, type);
}

static char *checkCommand(const char *schema, MemJson *request)
{
    GHashTable *types = loadSchema(schema);
    const char *command = memJsonGetString(request, "execute");
    g_autofree char *key = g_strdup_printf("!%s", command ? command : "");
    MemJson *entry = g_hash_table_lookup(types, key);
    MemJson *arguments = memJsonGet(request, "arguments");
    g_autoptr(MemJson) none = memJsonNew();

    if (!entry)
        return g_strdup_printf("'%s' is no command", command ? command : "(none)");
    return checkValue(types, memJsonGetString(entry, "arg-type"), arguments ? arguments : none, command,
                      g_strcmp0(command, "device_add") == 0);
}

char *monitorMockCheckCommand(const char *schema, const char *request)
{
    g_autoptr(MemJson) value = memJsonParse(request, strlen(request), NULL);

    return value ? checkCommand(schema, value) : g_strdup("no JSON");
}

/* ---- the script ---- */

static void stepFree(gpointer data)
{
    Step *step = data;

    g_free(step->request);
    g_free(step->reply);
    g_clear_pointer(&step->bytes, g_bytes_unref);
    g_free(step);
}

static void addStep(MonitorMock *mock, StepKind kind, const char *request, const char *reply, GBytes *bytes)
{
    Step *step = g_new0(Step, 1);

    step->kind = kind;
    step->request = g_strdup(request);
    step->reply = g_strdup(reply);
    step->bytes = bytes;
    g_ptr_array_add(mock->script, step);
}

MonitorMock *monitorMockNewStale(const char *schema, const char *stale)
{
    MonitorMock *mock = g_new0(MonitorMock, 1);

    mock->schema = g_strdup(schema);
    mock->script = g_ptr_array_new_with_free_func(stepFree);
    mock->input = g_string_new(NULL);
    mock->fd = -1;
    monitorMockSay(mock, GREETING, -1);
    if (stale)
        monitorMockSay(mock, stale, -1);
    monitorMockExpect(mock, "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]},\"id\":true}", "{\"return\": {}}");
    monitorMockExpect(mock, "{\"execute\":\"qmp_capabilities\"}",
                      "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"Capabilities negotiation is already complete\"}}");
    return mock;
}

MonitorMock *monitorMockNew(const char *schema)
{
    return monitorMockNewStale(schema, NULL);
}

void monitorMockExpect(MonitorMock *mock, const char *request, const char *reply)
{
    addStep(mock, STEP_EXPECT, request, reply, NULL);
}

void monitorMockSay(MonitorMock *mock, const char *bytes, gssize length)
{
    addStep(mock, STEP_SAY, NULL, NULL, g_bytes_new(bytes, length < 0 ? strlen(bytes) : (gsize)length));
}

void monitorMockHangUp(MonitorMock *mock)
{
    addStep(mock, STEP_HANG_UP, NULL, NULL, NULL);
}

void monitorMockTear(MonitorMock *mock, gsize bytes)
{
    mock->tear = bytes;
}

void monitorMockDeaf(MonitorMock *mock)
{
    mock->deaf = TRUE;
}

/* ---- playing it ---- */

static void fail(MonitorMock *mock, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void fail(MonitorMock *mock, const char *format, ...)
{
    va_list list;

    if (mock->problem)
        return;
    va_start(list, format);
    mock->problem = g_strdup_vprintf(format, list);
    va_end(list);
}

static void sendBytes(MonitorMock *mock, const char *bytes, gsize length)
{
    gsize piece = mock->tear ? mock->tear : length;

    while (length > 0) {
        ssize_t n = send(mock->fd, bytes, MIN(piece, length), MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return;
        bytes += n;
        length -= (gsize)n;
    }
}

/* One line without its end, or NULL: the other side hung up, or nothing came. Caller frees. */
static char *readLine(MonitorMock *mock)
{
    for (;;) {
        const char *end = memchr(mock->input->str, '\n', mock->input->len);
        struct pollfd ready = { .fd = mock->fd, .events = POLLIN };
        char buffer[65536];
        ssize_t n;

        if (end) {
            char *line = g_strndup(mock->input->str, (gsize)(end - mock->input->str));

            g_string_erase(mock->input, 0, end - mock->input->str + 1);
            return line;
        }
        if (poll(&ready, 1, PATIENCE_MS) != 1) {
            fail(mock, "nothing came for %d ms", PATIENCE_MS);
            return NULL;
        }
        n = recv(mock->fd, buffer, sizeof buffer, 0);
        if (n <= 0)
            return NULL;
        g_string_append_len(mock->input, buffer, n);
    }
}

/* @id is taken over. */
static void reply(MonitorMock *mock, const Step *step, MemJson *id)
{
    g_autoptr(MemJson) message = memJsonParse(step->reply, strlen(step->reply), NULL);
    g_autofree char *text = NULL;
    g_autofree char *line = NULL;

    g_assert_nonnull(message);
    if (id)
        memJsonAdd(message, "id", id);
    text = memJsonFormat(message);
    line = g_strdup_printf("%s\r\n", text);
    sendBytes(mock, line, strlen(line));
}

static void expect(MonitorMock *mock, const Step *step)
{
    g_autofree char *line = readLine(mock);
    g_autoptr(MemJson) request = line ? memJsonParse(line, strlen(line), NULL) : NULL;
    g_autoptr(MemJson) wanted = memJsonParse(step->request, strlen(step->request), NULL);
    g_autoptr(MemJson) id = NULL;
    g_autofree char *problem = NULL;

    g_assert_nonnull(wanted);
    if (!request) {
        fail(mock, "instead of %s came: %s", step->request, line ? line : "the end");
        return;
    }
    id = json_object_get(memJsonGet(request, "id"));
    json_object_object_del(request, "id");
    if (memJsonGet(wanted, "id") && !id) {
        fail(mock, "without an id came: %s", line);
        return;
    }
    json_object_object_del(wanted, "id");
    if (!json_object_equal(request, wanted)) {
        fail(mock, "instead of %s came: %s", step->request, line);
        return;
    }
    problem = checkCommand(mock->schema, request);
    if (problem)
        fail(mock, "QEMU would refuse %s: %s", line, problem);
    else if (step->reply)
        reply(mock, step, g_steal_pointer(&id));
}

static gpointer play(gpointer data)
{
    MonitorMock *mock = data;
    g_autofree char *rest = NULL;

    for (guint i = 0; i < mock->script->len && !mock->problem; i++) {
        const Step *step = g_ptr_array_index(mock->script, i);

        switch (step->kind) {
        case STEP_EXPECT:
            expect(mock, step);
            break;
        case STEP_SAY:
            sendBytes(mock, g_bytes_get_data(step->bytes, NULL), g_bytes_get_size(step->bytes));
            break;
        case STEP_HANG_UP:
            shutdown(mock->fd, SHUT_RDWR);
            return NULL;
        }
    }
    if (mock->problem) {
        shutdown(mock->fd, SHUT_RDWR);
        return NULL;
    }
    if (mock->deaf)
        return NULL;
    rest = readLine(mock);
    if (rest)
        fail(mock, "after the end of the script came: %s", rest);
    return NULL;
}

int monitorMockStart(MonitorMock *mock)
{
    int pair[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    mock->fd = pair[0];
    mock->thread = g_thread_new("mock", play, mock);
    return pair[1];
}

char *monitorMockFinish(MonitorMock *mock)
{
    char *problem;

    g_thread_join(mock->thread);
    close(mock->fd);
    problem = mock->problem;
    g_string_free(mock->input, TRUE);
    g_ptr_array_unref(mock->script);
    g_free(mock->schema);
    g_free(mock);
    return problem;
}
