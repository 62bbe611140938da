/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpcscript.c: conversations with the RPC server, written down as text, byte by byte */
#include "rpcscript.h"

#include "rpc/rpc_dispatch.h"
#include "rpcfakedriver.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define RECEIVE_SECONDS 30

typedef struct {
    const char *path;
    unsigned line;
    RpcScriptServer *server;
    GHashTable *seen;
    int fd;
    RpcHeader last;                 /* of the last call */
    guint32 serial;
    char **words;                   /* of the verb's line */
    GByteArray *payload;            /* of the verb */
} Script;

G_GNUC_NORETURN static void fail(Script *script, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void fail(Script *script, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_printerr("%s:%u: %s\nRun it again: meson test -C build rpctest\n", script->path, script->line, text);
    abort();
}

/* ---- values ---- */

static void put32(GByteArray *to, guint32 value)
{
    guint8 bytes[4] = { (guint8)(value >> 24), (guint8)(value >> 16), (guint8)(value >> 8), (guint8)value };
    g_byte_array_append(to, bytes, 4);
}

static void put64(GByteArray *to, guint64 value)
{
    put32(to, (guint32)(value >> 32));
    put32(to, (guint32)value);
}

static void putText(GByteArray *to, const char *text, gsize bytes)
{
    static const guint8 zeros[4];
    put32(to, (guint32)bytes);
    g_byte_array_append(to, (const guint8 *)text, (guint)bytes);
    g_byte_array_append(to, zeros, (4 - bytes % 4) % 4);
}

static void putHex(GByteArray *to, const char *hex)
{
    for (; hex[0] && hex[1]; hex += 2) {
        guint8 byte = (guint8)(g_ascii_xdigit_value(hex[0]) * 16 + g_ascii_xdigit_value(hex[1]));
        g_byte_array_append(to, &byte, 1);
    }
}

static void putChars(GByteArray *to, gsize count, const char *text)
{
    gsize length = strlen(text);
    for (gsize i = 0; i < count; i++)
        put32(to, i < length ? (guint32)(gint32)(signed char)text[i] : 0);
}

static void putDouble(GByteArray *to, double value)
{
    guint64 bits;
    memcpy(&bits, &value, sizeof(bits));
    put64(to, bits);
}

static void putUuid(GByteArray *to)
{
    g_byte_array_append(to, (const guint8 *)RPC_FAKE_UUID, 16);
}

static void putValue(Script *script, char **words, int count)
{
    GByteArray *to = script->payload;
    const char *what = words[0];
    const char *value = count > 1 ? words[1] : "";

    if (strcmp(what, "u32") == 0 || strcmp(what, "i32") == 0) {
        put32(to, (guint32)g_ascii_strtoll(value, NULL, 0));
    } else if (strcmp(what, "u64") == 0) {
        put64(to, g_ascii_strtoull(value, NULL, 0));
    } else if (strcmp(what, "i64") == 0) {
        put64(to, (guint64)g_ascii_strtoll(value, NULL, 0));
    } else if (strcmp(what, "double") == 0) {
        putDouble(to, g_ascii_strtod(value, NULL));
    } else if (strcmp(what, "str") == 0) {
        putText(to, value, strlen(value));
    } else if (strcmp(what, "chars") == 0) {
        putChars(to, (gsize)g_ascii_strtoull(value, NULL, 0), count > 2 ? words[2] : "");
    } else if (strcmp(what, "hex") == 0) {
        putHex(to, value);
    } else if (strcmp(what, "uuid") == 0) {
        putUuid(to);
    } else if (strcmp(what, "dom") == 0) {
        putText(to, "guest", 5);
        putUuid(to);
        put32(to, (guint32)g_ascii_strtoll(value, NULL, 0));
    } else if (strcmp(what, "some") == 0) {
        put32(to, 1);
    } else if (strcmp(what, "none") == 0) {
        put32(to, 0);
    } else if (strcmp(what, "repeat") == 0) {
        gsize n = (gsize)g_ascii_strtoull(value, NULL, 0);
        g_autofree guint8 *bytes = g_malloc(n);
        memset(bytes, (int)g_ascii_strtoull(words[2], NULL, 0), n);
        g_byte_array_append(to, bytes, (guint)n);
    } else {
        fail(script, "unknown value '%s'", what);
    }
}

/* ---- bytes ---- */

static void sendBytes(Script *script, const guint8 *data, gsize bytes)
{
    while (bytes > 0) {
        ssize_t n = send(script->fd, data, bytes, MSG_NOSIGNAL);
        if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
            return;             /* "closed" will tell */
        if (n < 0)
            fail(script, "send: %s", g_strerror(errno));
        data += n;
        bytes -= (gsize)n;
    }
}

static gsize receiveBytes(Script *script, guint8 *data, gsize bytes)
{
    gsize done = 0;
    while (done < bytes) {
        ssize_t n = recv(script->fd, data + done, bytes - done, 0);
        if (n < 0 && errno != ECONNRESET)
            fail(script, "recv: %s", g_strerror(errno));
        if (n <= 0)
            break;
        done += (gsize)n;
    }
    return done;
}

static void sendMessage(Script *script, const RpcHeader *header, const GByteArray *payload, gboolean inPieces)
{
    g_autoptr(GByteArray) message = g_byte_array_new();
    put32(message, RPC_HEADER_BYTES + payload->len);
    put32(message, header->program);
    put32(message, header->version);
    put32(message, (guint32)header->procedure);
    put32(message, (guint32)header->type);
    put32(message, header->serial);
    put32(message, (guint32)header->status);
    g_byte_array_append(message, payload->data, payload->len);
    gsize step = inPieces ? 1 : message->len;
    for (gsize at = 0; at < message->len; at += step)
        sendBytes(script, message->data + at, step);
}

/* The next message, its frame pointing into the returned bytes. */
static guint8 *receiveMessage(Script *script, RpcFrame *frame)
{
    guint8 length[4];
    if (receiveBytes(script, length, 4) != 4)
        fail(script, "the server closed the connection");
    gsize bytes = (gsize)length[0] << 24 | (gsize)length[1] << 16 | (gsize)length[2] << 8 | length[3];
    guint8 *data = g_malloc(bytes);
    memcpy(data, length, 4);
    if (receiveBytes(script, data + 4, bytes - 4) != bytes - 4 || rpcFrameScan(data, bytes, frame) != RPC_SCAN_WHOLE)
        fail(script, "a message was cut short");
    return data;
}

static void checkHeader(Script *script, const RpcHeader *is, const RpcHeader *should)
{
    if (memcmp(is, should, sizeof(*is)) != 0)
        fail(script, "header is %x/%u proc %d type %d serial %u status %d, should be %x/%u proc %d type %d serial %u status %d",
             is->program, is->version, is->procedure, is->type, is->serial, is->status, should->program, should->version,
             should->procedure, should->type, should->serial, should->status);
}

static char *toHex(const guint8 *data, gsize bytes)
{
    GString *text = g_string_new(NULL);
    for (gsize i = 0; i < bytes; i++)
        g_string_append_printf(text, "%s%02x", i && i % 4 == 0 ? " " : "", data[i]);
    return g_string_free(text, FALSE);
}

static void checkPayload(Script *script, const guint8 *data, gsize bytes)
{
    if (bytes == script->payload->len && memcmp(data, script->payload->data, bytes) == 0)
        return;
    g_autofree char *is = toHex(data, bytes);
    g_autofree char *should = toHex(script->payload->data, script->payload->len);
    fail(script, "payload\n is        %s\n should be %s", is, should);
}

/* rpcgen's code must read the bytes and write the same again. */
static void checkRoundTrip(Script *script, xdrproc_t filter, gsize size, const guint8 *data, gsize bytes)
{
    if (!filter)
        return;
    g_autofree void *value = g_malloc0(size);
    g_autofree guint8 *again = g_malloc0(bytes + 4);
    XDR xdr;
    xdrmem_create(&xdr, (char *)data, (u_int)bytes, XDR_DECODE);
    if (!filter(&xdr, value) || xdr_getpos(&xdr) != bytes)
        fail(script, "our own structure does not fit the bytes");
    xdrmem_create(&xdr, (char *)again, (u_int)bytes, XDR_ENCODE);
    if (!filter(&xdr, value) || memcmp(again, data, bytes) != 0)
        fail(script, "our own structure does not give the same bytes");
    xdr_free(filter, value);
}

/* ---- verbs ---- */

typedef struct {
    RpcScriptServer *server;
    int fd;
    gboolean readonly;
    gint done;
} Handover;

static gboolean handOver(gpointer opaque)
{
    Handover *handover = opaque;
    rpcServerAddClient(handover->server->server, handover->fd, handover->readonly);
    g_atomic_int_set(&handover->done, 1);
    return G_SOURCE_REMOVE;
}

int rpcScriptConnect(RpcScriptServer *server, gboolean readonly)
{
    int fds[2];
    struct timeval limit = { .tv_sec = RECEIVE_SECONDS };
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
    setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    Handover handover = { .server = server, .fd = fds[1], .readonly = readonly };
    g_main_context_invoke(server->context, handOver, &handover);
    while (!g_atomic_int_get(&handover.done))
        g_thread_yield();
    return fds[0];
}

static const char *word(Script *script, const char *name)
{
    for (char **at = script->words + 1; *at; at++) {
        gsize length = strlen(name);
        if (g_str_has_prefix(*at, name) && (*at)[length] == '=')
            return *at + length + 1;
        if (strcmp(*at, name) == 0)
            return *at + length;
    }
    return NULL;
}

static gint64 number(Script *script, const char *name, gint64 otherwise)
{
    const char *text = word(script, name);
    return text ? g_ascii_strtoll(text, NULL, 0) : otherwise;
}

static guint32 program(Script *script)
{
    const char *name = script->words[1];
    if (!name)
        fail(script, "a program is missing");
    return strcmp(name, "remote") == 0 ? RPC_PROGRAM_REMOTE
         : strcmp(name, "qemu") == 0   ? RPC_PROGRAM_QEMU
         : strcmp(name, "keepalive") == 0 ? RPC_PROGRAM_KEEPALIVE : (guint32)g_ascii_strtoull(name, NULL, 0);
}

static void doConnect(Script *script)
{
    if (script->fd >= 0)
        close(script->fd);
    script->fd = rpcScriptConnect(script->server, word(script, "ro") != NULL);
    script->serial = 0;
}

static void doCall(Script *script)
{
    RpcHeader header = {
        .program = program(script),
        .version = (guint32)number(script, "version", 1),
        .procedure = (gint32)g_ascii_strtoll(script->words[2], NULL, 0),
        .type = (gint32)number(script, "type", RPC_TYPE_CALL),
        .serial = script->serial++,
        .status = (gint32)number(script, "status", 0),
    };
    script->last = header;
    const RpcProcedure *procedure = rpcDispatchFind(header.program, header.procedure);
    if (procedure && !word(script, "bad"))
        checkRoundTrip(script, procedure->argsFilter, procedure->argsBytes, script->payload->data, script->payload->len);
    sendMessage(script, &header, script->payload, word(script, "pieces") != NULL);
}

static void doSend(Script *script)
{
    RpcHeader header = {
        .program = program(script),
        .version = 1,
        .procedure = (gint32)g_ascii_strtoll(script->words[2], NULL, 0),
        .type = (gint32)number(script, "type", 0),
        .serial = word(script, "same") ? script->last.serial : 0,
        .status = (gint32)number(script, "status", 0),
    };
    sendMessage(script, &header, script->payload, FALSE);
}

static void doReply(Script *script)
{
    RpcFrame frame;
    g_autofree guint8 *data = receiveMessage(script, &frame);
    RpcHeader should = script->last;
    should.type = RPC_TYPE_REPLY;
    should.status = (gint32)number(script, "status", 0);
    checkHeader(script, &frame.header, &should);
    if (!word(script, "any"))
        checkPayload(script, frame.payload, frame.payloadBytes);
    const RpcProcedure *procedure = rpcDispatchFind(should.program, should.procedure);
    if (should.status == 0)
        checkRoundTrip(script, procedure->retFilter, procedure->retBytes, frame.payload, frame.payloadBytes);
    g_hash_table_add(script->seen, g_strdup_printf("%x %d", should.program, should.procedure));
}

static void checkError(Script *script, const RpcFrame *frame)
{
    WireError error = { 0 };
    XDR xdr;
    checkRoundTrip(script, (xdrproc_t)xdr_WireError, sizeof(error), frame->payload, frame->payloadBytes);
    xdrmem_create(&xdr, (char *)frame->payload, (u_int)frame->payloadBytes, XDR_DECODE);
    if (!xdr_WireError(&xdr, &error) || !error.message)
        fail(script, "the error has no message");
    const char *text = script->words[3] ? script->words[3] : "";
    if (error.code != atoi(script->words[1]) || error.domain != atoi(script->words[2]) || !strstr(*error.message, text))
        fail(script, "error is %d/%d '%s', should be %s/%s '%s'", error.code, error.domain, *error.message,
             script->words[1], script->words[2], text);
    xdr_free((xdrproc_t)xdr_WireError, (char *)&error);
}

static void doError(Script *script)
{
    RpcFrame frame;
    g_autofree guint8 *data = receiveMessage(script, &frame);
    RpcHeader should = script->last;
    should.type = RPC_TYPE_REPLY;
    should.status = RPC_STATUS_ERROR;
    checkHeader(script, &frame.header, &should);
    checkError(script, &frame);
    g_hash_table_add(script->seen, g_strdup_printf("%x %d", should.program, should.procedure));
}

static void doEvent(Script *script)
{
    RpcFrame frame;
    g_autofree guint8 *data = receiveMessage(script, &frame);
    RpcHeader should = {
        .program = program(script), .version = 1,
        .procedure = (gint32)g_ascii_strtoll(script->words[2], NULL, 0), .type = RPC_TYPE_MESSAGE,
    };
    checkHeader(script, &frame.header, &should);
    checkPayload(script, frame.payload, frame.payloadBytes);
}

static void doStream(Script *script)
{
    RpcFrame frame;
    g_autofree guint8 *data = receiveMessage(script, &frame);
    RpcHeader should = script->last;
    should.type = RPC_TYPE_STREAM;
    should.status = (gint32)g_ascii_strtoll(script->words[1], NULL, 0);
    checkHeader(script, &frame.header, &should);
    if (should.status != RPC_STATUS_ERROR)
        checkPayload(script, frame.payload, frame.payloadBytes);
}

static void doPing(Script *script)
{
    g_autoptr(GByteArray) nothing = g_byte_array_new();
    RpcHeader ping = { RPC_PROGRAM_KEEPALIVE, 1, RPC_KEEPALIVE_PING, RPC_TYPE_MESSAGE, 0, 0 };
    sendMessage(script, &ping, nothing, FALSE);
    RpcFrame frame;
    g_autofree guint8 *data = receiveMessage(script, &frame);
    ping.procedure = RPC_KEEPALIVE_PONG;
    checkHeader(script, &frame.header, &ping);
    if (frame.payloadBytes != 0)
        fail(script, "a PONG with a payload");
}

static void doRaw(Script *script)
{
    sendBytes(script, script->payload->data, script->payload->len);
}

static void doClosed(Script *script)
{
    guint8 byte;
    if (receiveBytes(script, &byte, 1) != 0)
        fail(script, "the server sent something instead of closing");
}

static void simpleCall(Script *script, gint32 procedure, const char *payloadHex, const char *replyHex)
{
    script->last = (RpcHeader){ RPC_PROGRAM_REMOTE, 1, procedure, RPC_TYPE_CALL, script->serial++, 0 };
    g_autoptr(GByteArray) args = g_byte_array_new();
    putHex(args, payloadHex);
    sendMessage(script, &script->last, args, FALSE);
    g_byte_array_set_size(script->payload, 0);
    putHex(script->payload, replyHex);
    doReply(script);
}

static void doOpen(Script *script)
{
    doConnect(script);
    simpleCall(script, 66, "", "0000000100000000");
    simpleCall(script, 1, "000000010000000000000000", "");
}

static void doEmit(Script *script)
{
    QemuEvent event = {
        .id = atoi(script->words[1]),
        .dom = { .name = (char *)"guest", .id = 7 },
        .event = (int)number(script, "event", 0),
        .detail = (int)number(script, "detail", 0),
        .flags = (unsigned)number(script, "flags", 0),
        .value = (guint64)number(script, "value", 0),
        .text1 = (char *)word(script, "text1"),
        .text2 = (char *)word(script, "text2"),
        .seconds = 1700000000,
        .micros = 123456,
    };
    memcpy(event.dom.uuid, RPC_FAKE_UUID, 16);
    if (word(script, "other"))
        event.dom.uuid[0] = 0xff;
    rpcFakeEmit(script->server->driver, &event);
}

static void doStart(Script *script)
{
    QemuDomainRef ref = { 0 };
    qemuDriverStart(script->server->driver, (QemuUuid)RPC_FAKE_UUID, 0, NULL, &ref, NULL);
    qemuDomainRefClear(&ref);
}

static void doStop(Script *script)
{
    qemuDriverDestroy(script->server->driver, (QemuUuid)RPC_FAKE_UUID, 0, NULL);
}

static void doConsole(Script *script)
{
    g_autofree guint8 *data = g_malloc(script->payload->len);
    gsize done = 0;
    while (done < script->payload->len) {
        ssize_t n = read(rpcFakeConsole(script->server->driver), data + done, script->payload->len - done);
        if (n == 0)
            fail(script, "the console was closed");
        if (n < 0)
            g_thread_yield();
        else
            done += (gsize)n;
    }
    checkPayload(script, data, done);
}

static void doType(Script *script)
{
    if (write(rpcFakeConsole(script->server->driver), script->payload->data, script->payload->len) !=
        (ssize_t)script->payload->len)
        fail(script, "write: %s", g_strerror(errno));
}

static const struct {
    const char *name;
    void (*func)(Script *script);
} verbs[] = {
    { "call", doCall }, { "closed", doClosed }, { "connect", doConnect }, { "console", doConsole }, { "emit", doEmit },
    { "error", doError }, { "event", doEvent }, { "open", doOpen }, { "ping", doPing }, { "raw", doRaw },
    { "reply", doReply }, { "send", doSend }, { "start", doStart }, { "stop", doStop }, { "stream", doStream },
    { "type", doType },
};

static void runVerb(Script *script)
{
    if (!script->words)
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(verbs); i++) {
        if (strcmp(verbs[i].name, script->words[0]) == 0) {
            verbs[i].func(script);
            g_clear_pointer(&script->words, g_strfreev);
            g_byte_array_set_size(script->payload, 0);
            return;
        }
    }
    fail(script, "unknown verb '%s'", script->words[0]);
}

void rpcScriptRun(const char *path, RpcScriptServer *server, GHashTable *seen)
{
    Script script = { .path = path, .server = server, .seen = seen, .fd = -1, .payload = g_byte_array_new() };
    g_autofree char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, NULL))
        fail(&script, "cannot be read");
    g_auto(GStrv) lines = g_strsplit(text, "\n", 0);
    unsigned verbLine = 0;
    for (unsigned i = 0; lines[i]; i++) {
        int count = 0;
        char **words = NULL;
        if (!g_shell_parse_argv(lines[i], &count, &words, NULL))
            continue;
        if (g_ascii_isspace(lines[i][0])) {
            script.line = i + 1;
            putValue(&script, words, count);
            g_strfreev(words);
            continue;
        }
        script.line = verbLine;
        runVerb(&script);
        verbLine = i + 1;
        script.words = words;
    }
    script.line = verbLine;
    runVerb(&script);
    if (script.fd >= 0)
        close(script.fd);
    g_byte_array_unref(script.payload);
}
