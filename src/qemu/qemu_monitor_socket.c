/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_monitor_socket.c: a monitor's UNIX socket, to connect to and to listen on, whatever the length of its path */
#define G_LOG_DOMAIN "qemu/qemu_monitor_socket"
#include "qemu/qemu_monitor.h"

#include "util/mem_error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* An address for @path that does not depend on its length: through the open folder. *@folder is to be closed after use. */
static gboolean socketAddress(const char *path, struct sockaddr_un *address, int *folder, GError **err)
{
    g_autofree char *parent = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    int length;

    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    *folder = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*folder < 0) {
        memErrorSetSystem(err, errno, "cannot open folder '%s'", parent);
        return FALSE;
    }
    length = g_snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", *folder, name);
    if (length >= (int)sizeof address->sun_path) {
        close(*folder);
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "socket name '%s' is too long", name);
        return FALSE;
    }
    return TRUE;
}

/* 0, or -1 with errno. */
typedef int (*Attach)(int fd, const struct sockaddr_un *address);

/* A new socket that @attach has given the address of @path; -1 says that one cannot do @what. */
static int socketAt(const char *path, Attach attach, const char *what, GError **err)
{
    struct sockaddr_un address;
    int folder, problem = 0, fd;

    if (!socketAddress(path, &address, &folder, err))
        return -1;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || attach(fd, &address) < 0)
        problem = errno;
    close(folder);
    if (!problem)
        return fd;
    if (fd >= 0)
        close(fd);
    memErrorSetSystem(err, problem, "cannot %s monitor socket '%s'", what, path);
    return -1;
}

/* A full backlog must not block: nobody but us connects here. */
static int attachConnect(int fd, const struct sockaddr_un *address)
{
    if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        return -1;
    return connect(fd, (const struct sockaddr *)address, sizeof *address);
}

/* The mode of the descriptor before bind() becomes the mode of the name: never open to others, not for a moment. */
static int attachListen(int fd, const struct sockaddr_un *address)
{
    if (fchmod(fd, 0600) < 0 || bind(fd, (const struct sockaddr *)address, sizeof *address) < 0)
        return -1;
    return listen(fd, 4);
}

int qemuMonitorConnect(const char *path, GError **err)
{
    return socketAt(path, attachConnect, "connect to", err);
}

int qemuMonitorListen(const char *path, GError **err)
{
    unlink(path);
    return socketAt(path, attachListen, "listen on", err);
}
