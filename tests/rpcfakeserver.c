/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpcfakeserver.c: the RPC layer over the double of the driver, on a socket, for tests with stock clients
 *
 * usage: rpcfakeserver SOCKET [SOCKET-RO]; says "ready" and serves until its standard input ends. Its consoles answer
 * in capitals. */
#include "rpc/rpc_server.h"
#include "rpcfakedriver.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int listenOn(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1024) < 0)
        g_error("cannot listen on '%s'", path);
    return fd;
}

#define CONSOLE_MS 5

static gboolean answerConsole(gpointer driver)
{
    char data[256];
    int fd = rpcFakeConsole(driver);
    ssize_t n = fd >= 0 ? read(fd, data, sizeof(data)) : 0;
    for (ssize_t i = 0; i < n; i++)
        data[i] = g_ascii_toupper(data[i]);
    if (n > 0 && write(fd, data, (size_t)n) != n)
        g_warning("the console takes no more");
    return G_SOURCE_CONTINUE;
}

static gboolean inputEnded(GIOChannel *channel, GIOCondition condition, gpointer loop)
{
    char byte;
    if (read(0, &byte, 1) > 0)
        return G_SOURCE_CONTINUE;
    g_main_loop_quit(loop);
    return G_SOURCE_REMOVE;
}

int main(int argc, char **argv)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    RpcServerOptions options;
    rpcServerOptionsInit(&options);
    RpcServer *server = rpcServerNew(g_main_context_default(), &options, NULL);
    QemuDriver *driver = qemuDriverNew(NULL, NULL, rpcServerEvent, server, NULL);

    rpcServerSetDriver(server, driver);
    for (int i = 1; i < argc; i++)
        rpcServerListen(server, listenOn(argv[i]), i == 2, NULL);
    GIOChannel *input = g_io_channel_unix_new(0);
    g_timeout_add(CONSOLE_MS, answerConsole, driver);
    g_io_add_watch(input, G_IO_IN | G_IO_HUP, inputEnded, loop);
    puts("ready");
    fflush(stdout);
    g_main_loop_run(loop);

    g_io_channel_unref(input);
    rpcServerFree(server);
    qemuDriverFree(driver);
    return 0;
}
