/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpctest.c: the RPC server over a double of the driver: every structure byte by byte, faults, bounds, clocks */
#include "rpc/rpc_dispatch.h"
#include "rpcfakedriver.h"
#include "rpcscript.h"
#include "test_golden.h"

#include <errno.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MANY_CLIENTS 1000

typedef struct {
    RpcScriptServer script;
    GMainLoop *loop;
    GThread *thread;
    RpcServerOptions options;
} Fixture;

static GHashTable *seen;        /* "PROGRAM NUMBER" of every procedure that some script had answered */

static gpointer loopThread(gpointer opaque)
{
    Fixture *fixture = opaque;
    g_main_loop_run(fixture->loop);
    return NULL;
}

static void startWith(Fixture *fixture, void (*change)(RpcServerOptions *options))
{
    rpcServerOptionsInit(&fixture->options);
    if (change)
        change(&fixture->options);
    RpcScriptServer *script = &fixture->script;
    script->context = g_main_context_new();
    script->server = rpcServerNew(script->context, &fixture->options, NULL);
    g_assert_nonnull(script->server);
    script->driver = qemuDriverNew(NULL, NULL, rpcServerEvent, script->server, NULL);
    rpcServerSetDriver(script->server, script->driver);
    fixture->loop = g_main_loop_new(script->context, FALSE);
    fixture->thread = g_thread_new("loop", loopThread, fixture);
}

static gboolean quit(gpointer loop)
{
    g_main_loop_quit(loop);
    return G_SOURCE_REMOVE;
}

static void stop(Fixture *fixture)
{
    RpcScriptServer *script = &fixture->script;
    g_main_context_invoke(script->context, quit, fixture->loop);
    g_thread_join(fixture->thread);
    rpcServerFree(script->server);
    qemuDriverFree(script->driver);
    g_main_loop_unref(fixture->loop);
    g_main_context_unref(script->context);
}

/* ---- plain clients ---- */

static void put32(guint8 *to, guint32 value)
{
    value = GUINT32_TO_BE(value);
    memcpy(to, &value, 4);
}

static void sendMessage(int fd, guint32 program, gint32 procedure, int type, guint32 serial, const void *payload,
                        gsize bytes)
{
    guint8 data[256];
    const guint32 words[] = { (guint32)(RPC_HEADER_BYTES + bytes), program, 1, (guint32)procedure, (guint32)type, serial, 0 };
    for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
        put32(data + i * 4, words[i]);
    if (bytes > 0)
        memcpy(data + RPC_HEADER_BYTES, payload, bytes);
    g_assert_cmpint(send(fd, data, RPC_HEADER_BYTES + bytes, MSG_NOSIGNAL), ==, RPC_HEADER_BYTES + bytes);
}

static void sendCall(int fd, gint32 procedure, guint32 serial, const void *payload, gsize bytes)
{
    sendMessage(fd, RPC_PROGRAM_REMOTE, procedure, RPC_TYPE_CALL, serial, payload, bytes);
}

static gboolean receiveAll(int fd, guint8 *data, gsize bytes)
{
    while (bytes > 0) {
        ssize_t n = recv(fd, data, bytes, 0);
        if (n <= 0)
            return FALSE;
        data += n;
        bytes -= (gsize)n;
    }
    return TRUE;
}

/* FALSE: closed, or nothing came for long. */
static gboolean receiveHeader(int fd, RpcHeader *header)
{
    guint8 data[65536];
    if (!receiveAll(fd, data, 4))
        return FALSE;
    gsize bytes = (gsize)data[0] << 24 | (gsize)data[1] << 16 | (gsize)data[2] << 8 | data[3];
    g_assert_cmpuint(bytes, <=, sizeof(data));
    RpcFrame frame;
    g_assert_true(receiveAll(fd, data + 4, bytes - 4));
    g_assert_cmpint(rpcFrameScan(data, bytes, &frame), ==, RPC_SCAN_WHOLE);
    *header = frame.header;
    return TRUE;
}

static void checkReply(int fd, gint32 procedure)
{
    RpcHeader header;
    g_assert_true(receiveHeader(fd, &header));
    g_assert_cmpint(header.procedure, ==, procedure);
    g_assert_cmpint(header.type, ==, RPC_TYPE_REPLY);
    g_assert_cmpint(header.status, ==, RPC_STATUS_OK);
}

static void openConnection(int fd)
{
    static const guint8 args[12] = { 0, 0, 0, 1 };
    sendCall(fd, 66, 0, NULL, 0);
    checkReply(fd, 66);
    sendCall(fd, 1, 1, args, sizeof(args));
    checkReply(fd, 1);
}

static int openClient(Fixture *fixture)
{
    int fd = rpcScriptConnect(&fixture->script, FALSE);
    openConnection(fd);
    return fd;
}

static void waitForClients(Fixture *fixture, unsigned count)
{
    while (rpcServerCountClients(fixture->script.server) != count)
        g_usleep(1000);
}

/* DOMAIN_RESET's arguments, which a held double does not answer. */
static gsize resetArgs(guint8 *args)
{
    static const guint8 name[12] = { 0, 0, 0, 5, 'g', 'u', 'e', 's', 't' };
    memcpy(args, name, 12);
    memcpy(args + 12, RPC_FAKE_UUID, 16);
    memset(args + 28, 0, 8);
    return 36;
}

/* ---- scripts ---- */

static void testScript(gconstpointer name)
{
    Fixture fixture;
    g_autofree char *path = testSourcePath("rpcdata/%s", (const char *)name);
    startWith(&fixture, NULL);
    rpcScriptRun(path, &fixture.script, seen);
    stop(&fixture);
}

static void checkTable(const RpcProcedure *rows, guint32 program)
{
    for (; rows->name; rows++) {
        g_autofree char *key = g_strdup_printf("%x %d", program, rows->number);
        if (!g_hash_table_contains(seen, key))
            g_error("no script in tests/rpcdata has '%s' (%d) answered: add one", rows->name, rows->number);
    }
}

/* After all scripts. */
static void testAllSeen(void)
{
    checkTable(rpcProceduresConnect, RPC_PROGRAM_REMOTE);
    checkTable(rpcProceduresHost, RPC_PROGRAM_REMOTE);
    checkTable(rpcProceduresDomain, RPC_PROGRAM_REMOTE);
    checkTable(rpcProceduresInspect, RPC_PROGRAM_REMOTE);
    checkTable(rpcProceduresMemory, RPC_PROGRAM_REMOTE);
    checkTable(rpcProceduresForeign, RPC_PROGRAM_REMOTE);
    checkTable(rpcProceduresEvent, RPC_PROGRAM_REMOTE);
    checkTable(rpcProceduresQemu, RPC_PROGRAM_QEMU);
}

/* ---- many clients ---- */

static void testManyClients(void)
{
    Fixture fixture;
    struct rlimit limit;
    int fds[MANY_CLIENTS];
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    startWith(&fixture, NULL);
    for (int i = 0; i < MANY_CLIENTS; i++)
        fds[i] = rpcScriptConnect(&fixture.script, FALSE);
    for (int i = 0; i < MANY_CLIENTS; i++)
        openConnection(fds[i]);
    g_assert_cmpuint(rpcServerCountClients(fixture.script.server), ==, MANY_CLIENTS);
    for (int i = 0; i < MANY_CLIENTS; i++)
        sendCall(fds[i], 51, 2, NULL, 0);
    for (int i = 0; i < MANY_CLIENTS; i++)
        checkReply(fds[i], 51);
    for (int i = 0; i < MANY_CLIENTS; i++)
        close(fds[i]);
    waitForClients(&fixture, 0);
    while (rpcFakeClientsGone(fixture.script.driver) != MANY_CLIENTS)
        g_usleep(1000);
    stop(&fixture);
}

/* ---- many calls of one client ---- */

static void testPipelined(void)
{
    Fixture fixture;
    startWith(&fixture, NULL);
    int fd = openClient(&fixture);
    gboolean answered[8] = { FALSE };
    for (guint32 i = 0; i < 8; i++)
        sendCall(fd, 51, i, NULL, 0);
    for (int i = 0; i < 8; i++) {
        RpcHeader header;
        g_assert_true(receiveHeader(fd, &header));
        g_assert_cmpuint(header.serial, <, 8);
        g_assert_false(answered[header.serial]);
        answered[header.serial] = TRUE;
    }
    close(fd);
    stop(&fixture);
}

/* Eight calls that do not return: five are read, and two are worked on, being for one guest. Meanwhile the client's
 * PINGs are answered and another client is
 * served; when they may return, all eight are answered. */
static void testHeldUp(void)
{
    Fixture fixture;
    guint8 args[64];
    gsize bytes = resetArgs(args);
    RpcHeader header;
    startWith(&fixture, NULL);
    int fd = openClient(&fixture);
    int other = openClient(&fixture);

    rpcFakeHold(fixture.script.driver, TRUE);
    for (guint32 i = 0; i < 8; i++)
        sendCall(fd, 245, i, args, bytes);
    rpcFakeWaitHeld(fixture.script.driver, RPC_POOL_PER_GUEST);
    for (int i = 0; i < 3; i++) {
        sendMessage(fd, RPC_PROGRAM_KEEPALIVE, RPC_KEEPALIVE_PING, RPC_TYPE_MESSAGE, 0, NULL, 0);
        g_assert_true(receiveHeader(fd, &header));
        g_assert_cmpuint(header.program, ==, RPC_PROGRAM_KEEPALIVE);
        g_assert_cmpint(header.procedure, ==, RPC_KEEPALIVE_PONG);
    }
    sendCall(other, 51, 2, NULL, 0);
    checkReply(other, 51);
    rpcFakeHold(fixture.script.driver, FALSE);
    for (int i = 0; i < 8; i++)
        checkReply(fd, 245);
    close(fd);
    close(other);
    stop(&fixture);
}

/* Many clients that wait for one guest, more than there are workers: calls for no guest are still served, those that
 * may wait included. */
static void testStuckGuest(void)
{
    Fixture fixture;
    guint8 args[64];
    gsize bytes = resetArgs(args);
    int fds[20];
    startWith(&fixture, NULL);
    rpcFakeHold(fixture.script.driver, TRUE);
    for (gsize i = 0; i < G_N_ELEMENTS(fds); i++) {
        fds[i] = openClient(&fixture);
        sendCall(fds[i], 245, 2, args, bytes);
    }
    rpcFakeWaitHeld(fixture.script.driver, RPC_POOL_PER_GUEST);
    int other = openClient(&fixture);
    sendCall(other, 4, 2, NULL, 0);
    checkReply(other, 4);
    rpcFakeHold(fixture.script.driver, FALSE);
    for (gsize i = 0; i < G_N_ELEMENTS(fds); i++) {
        checkReply(fds[i], 245);
        close(fds[i]);
    }
    close(other);
    stop(&fixture);
}

/* A client that goes in the middle of a call is gone only when the call is over. */
static void testGoneDuringCall(void)
{
    Fixture fixture;
    guint8 args[64];
    gsize bytes = resetArgs(args);
    startWith(&fixture, NULL);
    int fd = openClient(&fixture);
    rpcFakeHold(fixture.script.driver, TRUE);
    sendCall(fd, 245, 2, args, bytes);
    rpcFakeWaitHeld(fixture.script.driver, 1);
    close(fd);
    waitForClients(&fixture, 0);
    g_assert_cmpuint(rpcFakeClientsGone(fixture.script.driver), ==, 0);
    rpcFakeHold(fixture.script.driver, FALSE);
    while (rpcFakeClientsGone(fixture.script.driver) != 1)
        g_usleep(1000);
    stop(&fixture);
}

/* ---- clients that do not read ---- */

static void smallBounds(RpcServerOptions *options)
{
    options->pauseBytes = 64 * 1024;
    options->dropBytes = 256 * 1024;
    options->tickMs = 20;
    options->stallMs = 200;
}

/* Calls whose answers are not taken: no more are read, and after a while the client is dropped. Another one is served. */
static void testDoesNotRead(void)
{
    Fixture fixture;
    guint8 message[RPC_HEADER_BYTES];
    const guint32 words[] = { RPC_HEADER_BYTES, RPC_PROGRAM_REMOTE, 1, 7, RPC_TYPE_CALL, 0, 0 };
    for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
        put32(message + i * 4, words[i]);
    startWith(&fixture, smallBounds);
    int fd = openClient(&fixture);
    int other = openClient(&fixture);
    gboolean dropped = FALSE;
    while (!dropped) {
        ssize_t n = send(fd, message, sizeof(message), MSG_NOSIGNAL | MSG_DONTWAIT);
        dropped = n < 0 && errno != EAGAIN;
        if (n < 0 && !dropped)
            g_usleep(1000);
        g_assert_true(n < 0 || n == sizeof(message));
    }
    sendCall(other, 51, 2, NULL, 0);
    checkReply(other, 51);
    g_assert_cmpuint(rpcServerCountClients(fixture.script.server), ==, 1);
    close(fd);
    close(other);
    stop(&fixture);
}

/* Events that are not taken: dropped at the bound, long before the clock. */
static void patient(RpcServerOptions *options)
{
    smallBounds(options);
    options->stallMs = 3600 * 1000;
}

static void testDoesNotReadEvents(void)
{
    Fixture fixture;
    startWith(&fixture, patient);
    int fd = openClient(&fixture);
    static const guint8 args[8] = { 0 };
    sendCall(fd, 316, 2, args, sizeof(args));
    checkReply(fd, 316);
    QemuEvent event = { .id = 0, .dom = { .name = (char *)"guest", .id = 1 } };
    while (rpcServerCountClients(fixture.script.server) > 0)
        rpcFakeEmit(fixture.script.driver, &event);
    close(fd);
    stop(&fixture);
}

/* ---- clocks ---- */

static void fastClocks(RpcServerOptions *options)
{
    options->tickMs = 10;
    options->keepaliveMs = 30;
    options->keepaliveCount = 3;
    options->signInMs = 100;
}

static void askForKeepalive(int fd)
{
    guint8 feature[4];
    put32(feature, 10);
    sendCall(fd, 60, 2, feature, sizeof(feature));
    checkReply(fd, 60);
}

/* A client that asked gets PINGs, and is dropped when it answers none; one that did not ask gets none. */
static void testKeepalive(void)
{
    Fixture fixture;
    RpcHeader header;
    startWith(&fixture, fastClocks);
    int silent = openClient(&fixture);
    int never = openClient(&fixture);
    askForKeepalive(silent);
    int pings = 0;
    while (receiveHeader(silent, &header)) {
        g_assert_cmpuint(header.program, ==, RPC_PROGRAM_KEEPALIVE);
        g_assert_cmpint(header.procedure, ==, RPC_KEEPALIVE_PING);
        g_assert_cmpint(header.type, ==, RPC_TYPE_MESSAGE);
        pings++;
    }
    g_assert_cmpint(pings, ==, 3);
    sendCall(never, 51, 2, NULL, 0);
    checkReply(never, 51);
    close(silent);
    close(never);
    stop(&fixture);
}

static void testKeepaliveAnswered(void)
{
    Fixture fixture;
    RpcHeader header;
    startWith(&fixture, fastClocks);
    int fd = openClient(&fixture);
    askForKeepalive(fd);
    for (int i = 0; i < 10; i++) {
        g_assert_true(receiveHeader(fd, &header));
        g_assert_cmpint(header.procedure, ==, RPC_KEEPALIVE_PING);
        sendMessage(fd, RPC_PROGRAM_KEEPALIVE, RPC_KEEPALIVE_PONG, RPC_TYPE_MESSAGE, 0, NULL, 0);
    }
    close(fd);
    stop(&fixture);
}

static void testSignIn(void)
{
    Fixture fixture;
    guint8 byte;
    startWith(&fixture, fastClocks);
    int fd = rpcScriptConnect(&fixture.script, FALSE);
    g_assert_cmpint(recv(fd, &byte, 1, 0), ==, 0);
    close(fd);
    stop(&fixture);
}

/* ---- streams ---- */

/* A megabyte through the console each way, with nobody reading at first: it waits, and arrives whole. */
#define CONSOLE_BYTES (1024 * 1024)

static gpointer readConsole(gpointer opaque)
{
    QemuDriver *driver = opaque;
    gsize total = 0;
    guint8 data[4096];
    while (total < CONSOLE_BYTES) {
        ssize_t n = read(rpcFakeConsole(driver), data, sizeof(data));
        if (n > 0)
            total += (gsize)n;
        else
            g_usleep(100);
    }
    return NULL;
}

static gpointer writeConsole(gpointer opaque)
{
    QemuDriver *driver = opaque;
    guint8 data[4096] = { 0 };
    for (gsize total = 0; total < CONSOLE_BYTES;) {
        ssize_t n = write(rpcFakeConsole(driver), data, MIN(sizeof(data), CONSOLE_BYTES - total));
        if (n > 0)
            total += (gsize)n;
        else
            g_usleep(100);
    }
    return NULL;
}

static void sendStream(int fd, guint32 serial, gsize bytes)
{
    g_autofree guint8 *data = g_malloc0(RPC_HEADER_BYTES + bytes);
    const guint32 words[] = { (guint32)(RPC_HEADER_BYTES + bytes), RPC_PROGRAM_REMOTE, 1, 201, RPC_TYPE_STREAM, serial, 2 };
    for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
        put32(data + i * 4, words[i]);
    for (gsize at = 0; at < RPC_HEADER_BYTES + bytes;) {
        ssize_t n = send(fd, data + at, RPC_HEADER_BYTES + bytes - at, MSG_NOSIGNAL);
        g_assert_cmpint(n, >, 0);
        at += (gsize)n;
    }
}

static void testConsoleFlow(void)
{
    Fixture fixture;
    guint8 args[64];
    gsize bytes = resetArgs(args);
    QemuDomainRef ref = { 0 };
    startWith(&fixture, NULL);
    QemuDriver *driver = fixture.script.driver;
    g_assert_true(qemuDriverStart(driver, (QemuUuid)RPC_FAKE_UUID, 0, NULL, &ref, NULL));
    qemuDomainRefClear(&ref);
    int fd = openClient(&fixture);
    memset(args + bytes, 0, 4);
    sendCall(fd, 201, 7, args, bytes + 4);
    checkReply(fd, 201);

    GThread *reader = g_thread_new("reader", readConsole, driver);
    for (gsize total = 0; total < CONSOLE_BYTES; total += 64 * 1024)
        sendStream(fd, 7, 64 * 1024);
    g_thread_join(reader);

    GThread *writer = g_thread_new("writer", writeConsole, driver);
    gsize got = 0;
    while (got < CONSOLE_BYTES) {
        guint8 head[RPC_HEADER_BYTES], body[65536];
        g_assert_true(receiveAll(fd, head, sizeof(head)));
        gsize length = ((gsize)head[0] << 24 | (gsize)head[1] << 16 | (gsize)head[2] << 8 | head[3]) - sizeof(head);
        g_assert_cmpuint(length, <=, sizeof(body));
        g_assert_true(receiveAll(fd, body, length));
        got += length;
    }
    g_thread_join(writer);
    close(fd);
    stop(&fixture);
}

int main(int argc, char **argv)
{
    static const char *const scripts[] = {
        "connection.rpc", "console.rpc", "domain.rpc", "events.rpc", "faults.rpc", "foreign.rpc", "host.rpc", "memory.rpc",
    };
    g_test_init(&argc, &argv, NULL);
    seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(scripts); i++) {
        g_autofree char *name = g_strdup_printf("/rpc/script-%s", scripts[i]);
        g_test_add_data_func(name, scripts[i], testScript);
    }
    g_test_add_func("/rpc/script-all-procedures", testAllSeen);
    g_test_add_func("/rpc/many-clients", testManyClients);
    g_test_add_func("/rpc/pipelined", testPipelined);
    g_test_add_func("/rpc/held-up", testHeldUp);
    g_test_add_func("/rpc/stuck-guest", testStuckGuest);
    g_test_add_func("/rpc/gone-during-call", testGoneDuringCall);
    g_test_add_func("/rpc/does-not-read", testDoesNotRead);
    g_test_add_func("/rpc/does-not-read-events", testDoesNotReadEvents);
    g_test_add_func("/rpc/keepalive", testKeepalive);
    g_test_add_func("/rpc/keepalive-answered", testKeepaliveAnswered);
    g_test_add_func("/rpc/sign-in", testSignIn);
    g_test_add_func("/rpc/console-flow", testConsoleFlow);
    int rc = g_test_run();
    g_hash_table_unref(seen);
    return rc;
}
