/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtmemd.c: the daemon: sets up, runs the loop, stops cleanly */
#define G_LOG_DOMAIN "daemon"
#include "daemon/daemon_log.h"
#include "daemon/daemon_options.h"
#include "daemon/daemon_paths.h"
#include "daemon/daemon_sockets.h"
#include "rpc/rpc_server.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARENAS 2                /* malloc's; one for each thread would cost megabytes */
#define MMAP_BYTES (128 * 1024)
#define IDLE_CHECK_MS 250
#define SIGNALS_UNTIL_EXIT 3    /* of TERM or INT: then without waiting for calls in progress */

typedef struct {
    const DaemonOptions *options;
    DaemonPaths paths;
    GMainLoop *loop;
    RpcServer *server;
    QemuDriver *driver;
    GPtrArray *socketFiles;     /* to remove at the end */
    int lock;
    gint64 idleSinceUs;         /* 0: not idle */
} Daemon;

/* ---- signals: a pipe, because handlers are reset in QEMU's process and a blocked mask would not be ---- */

static int signalPipe[2] = { -1, -1 };
static volatile sig_atomic_t stopSignals;

static void onSignal(int number)
{
    int saved = errno;
    unsigned char byte = (unsigned char)number;
    if (number != SIGHUP && ++stopSignals >= SIGNALS_UNTIL_EXIT)
        _exit(EXIT_FAILURE);
    ssize_t ignored = write(signalPipe[1], &byte, 1);
    (void)ignored;
    errno = saved;
}

static void onNothing(int number)
{
}

static gboolean signalReadable(int fd, GIOCondition condition, gpointer opaque)
{
    Daemon *daemon = opaque;
    unsigned char number = 0;
    if (read(fd, &number, 1) != 1)
        return G_SOURCE_CONTINUE;
    if (number == SIGHUP) {
        g_info("SIGHUP: nothing to read anew");
    } else {
        g_info("%s: leaving, guests run on", number == SIGTERM ? "SIGTERM" : "SIGINT");
        g_main_loop_quit(daemon->loop);
    }
    return G_SOURCE_CONTINUE;
}

static gboolean setUpSignals(Daemon *daemon, GError **err)
{
    struct sigaction action = { .sa_handler = onSignal, .sa_flags = SA_RESTART };
    struct sigaction nothing = { .sa_handler = onNothing, .sa_flags = SA_RESTART };
    if (pipe2(signalPipe, O_CLOEXEC | O_NONBLOCK) < 0) {
        memErrorSetSystem(err, errno, "Unable to create a pipe");
        return FALSE;
    }
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    sigaction(SIGPIPE, &nothing, NULL);
    g_unix_fd_add(signalPipe[0], G_IO_IN, signalReadable, daemon);
    return TRUE;
}

/* ---- leaving when idle ---- */

static gboolean checkIdle(gpointer opaque)
{
    Daemon *daemon = opaque;
    gint64 nowUs = g_get_monotonic_time();
    if (rpcServerCountClients(daemon->server) > 0 || !qemuDriverIsIdle(daemon->driver)) {
        daemon->idleSinceUs = 0;
        return G_SOURCE_CONTINUE;
    }
    if (daemon->idleSinceUs == 0)
        daemon->idleSinceUs = nowUs;
    if (nowUs - daemon->idleSinceUs >= daemon->options->timeoutSeconds * G_TIME_SPAN_SECOND) {
        g_info("no clients and no guests for %d s: leaving", daemon->options->timeoutSeconds);
        g_main_loop_quit(daemon->loop);
    }
    return G_SOURCE_CONTINUE;
}

/* ---- setting up ---- */

/* A thousand clients and the monitors of all guests: the usual soft limit is too low. */
static void raiseLimits(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = MIN(limit.rlim_max, 65536);
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static gboolean serve(Daemon *daemon, const char *path, gboolean readonly, GError **err)
{
    int fd = daemonSocketsListen(path, err);
    if (fd < 0)
        return FALSE;
    g_ptr_array_add(daemon->socketFiles, g_strdup(path));
    return rpcServerListen(daemon->server, fd, readonly, err);
}

static gboolean serveAll(Daemon *daemon, GError **err)
{
    g_autoptr(GArray) inherited = daemonSocketsInherited();
    for (guint i = 0; i < inherited->len; i++) {
        DaemonSocket *from = &g_array_index(inherited, DaemonSocket, i);
        if (!rpcServerListen(daemon->server, from->fd, from->readonly, err))
            return FALSE;
    }
    if (inherited->len == 0) {
        if (!serve(daemon, daemon->paths.socket, FALSE, err))
            return FALSE;
        if (daemon->paths.socketReadonly && !serve(daemon, daemon->paths.socketReadonly, TRUE, err))
            return FALSE;
    }
    for (char **path = daemon->options->listen; path && *path; path++) {
        g_autofree char *absolute = g_canonicalize_filename(*path, NULL);
        if (!serve(daemon, absolute, FALSE, err))
            return FALSE;
    }
    return TRUE;
}

static gboolean setUp(Daemon *daemon, GError **err)
{
    if (!daemonPathsInit(&daemon->paths, daemon->options->root, geteuid(), err) ||
        !daemonPathsMake(&daemon->paths, err))
        return FALSE;
    daemon->lock = daemonSocketsLock(daemon->paths.pidFile, err);
    if (daemon->lock < 0)
        return FALSE;
    g_autofree char *logFile = g_build_filename(daemon->paths.driver.log, "virtmemd.log", NULL);
    daemonLogInit(daemon->options->logLevel, logFile);
    if (!setUpSignals(daemon, err))
        return FALSE;

    RpcServerOptions options;
    rpcServerOptionsInit(&options);
    options.uri = daemon->paths.uri;
    GMainContext *context = g_main_context_default();
    daemon->server = rpcServerNew(context, &options, err);
    if (!daemon->server)
        return FALSE;
    daemon->driver = qemuDriverNew(&daemon->paths.driver, context, rpcServerEvent, daemon->server, err);
    if (!daemon->driver)
        return FALSE;
    rpcServerSetDriver(daemon->server, daemon->driver);
    return serveAll(daemon, err);
}

static void tearDown(Daemon *daemon)
{
    daemonSocketsNotify("STOPPING=1");
    if (daemon->lock >= 0) {
        for (guint i = 0; i < daemon->socketFiles->len; i++)
            unlink(g_ptr_array_index(daemon->socketFiles, i));
    }
    rpcServerFree(daemon->server);
    if (daemon->driver)
        qemuDriverFree(daemon->driver);
    /* The pid file stays: removing it would let a third daemon lock a file that a second one has just opened. */
    if (daemon->lock >= 0) {
        if (ftruncate(daemon->lock, 0) < 0)
            g_warning("cannot empty pid file '%s'", daemon->paths.pidFile);
        close(daemon->lock);
    }
    g_ptr_array_unref(daemon->socketFiles);
    g_main_loop_unref(daemon->loop);
    daemonPathsClear(&daemon->paths);
}

static int run(const DaemonOptions *options)
{
    g_autoptr(GError) error = NULL;
    Daemon daemon = {
        .options = options,
        .loop = g_main_loop_new(NULL, FALSE),
        .socketFiles = g_ptr_array_new_with_free_func(g_free),
        .lock = -1,
    };
    gboolean ok = setUp(&daemon, &error);
    if (ok) {
        if (options->timeoutSeconds > 0)
            g_timeout_add(IDLE_CHECK_MS, checkIdle, &daemon);
        daemonSocketsNotify("READY=1");
        g_main_loop_run(daemon.loop);
    } else {
        g_autofree char *text = memErrorText(error);
        fprintf(stderr, "virtmemd: %s\n", text);
    }
    tearDown(&daemon);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    g_auto(DaemonOptions) options = { 0 };
    g_autoptr(GError) error = NULL;

    mallopt(M_ARENA_MAX, ARENAS);
    /* A fixed threshold, so that the memory of a large message goes back when it is done with. */
    mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
    umask(0077);
    if (!daemonOptionsParse(&options, argc, argv, &error)) {
        fprintf(stderr, "virtmemd: %s\nTry 'virtmemd --help'.\n", error->message);
        return 2;
    }
    if (options.showHelp) {
        fputs(daemonOptionsHelp(), stdout);
        return EXIT_SUCCESS;
    }
    if (options.showVersion) {
        puts("virtmemd (libvirt-memory) " MEM_VERSION);
        return EXIT_SUCCESS;
    }
    raiseLimits();
    return run(&options);
}
