/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* daemon_sockets.c: listening sockets, made or inherited, and the lock of the pid file */
#include "daemon/daemon_sockets.h"

#include "util/mem_error.h"
#include "util/mem_units.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024
#define FIRST_INHERITED 3
#define INHERITED_MAX 64

int daemonSocketsLock(const char *pidFile, GError **err)
{
    int fd = open(pidFile, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        memErrorSetSystem(err, errno, "Unable to open pid file '%s'", pidFile);
        return -1;
    }
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
        char pid[32] = "";
        ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);
        memErrorSet(err, VIR_ERR_OPERATION_INVALID, "another virtmemd (pid %s) is running here: it holds '%s'",
                    n > 0 ? g_strchomp(pid) : "unknown", pidFile);
        close(fd);
        return -1;
    }
    g_autofree char *text = g_strdup_printf("%d\n", (int)getpid());
    if (ftruncate(fd, 0) < 0 || pwrite(fd, text, strlen(text), 0) < 0) {
        memErrorSetSystem(err, errno, "Unable to write pid file '%s'", pidFile);
        close(fd);
        return -1;
    }
    return fd;
}

static gboolean setAddress(struct sockaddr_un *address, const char *path, GError **err)
{
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof(address->sun_path)) {
        memErrorSet(err, VIR_ERR_INVALID_ARG, "socket path '%s' is longer than %zu bytes", path,
                    sizeof(address->sun_path) - 1);
        return FALSE;
    }
    strcpy(address->sun_path, path);
    return TRUE;
}

/* Make room for a socket at the address. */
static gboolean removeStale(const struct sockaddr_un *address, GError **err)
{
    const char *path = address->sun_path;
    struct stat st;
    if (lstat(path, &st) < 0)
        return TRUE;
    if (!S_ISSOCK(st.st_mode)) {
        memErrorSet(err, VIR_ERR_OPERATION_INVALID, "'%s' is there and is not a socket", path);
        return FALSE;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int rc = connect(fd, (const struct sockaddr *)address, sizeof(*address));
    gboolean served = rc == 0 || errno == EAGAIN;
    close(fd);
    if (served) {
        memErrorSet(err, VIR_ERR_OPERATION_INVALID, "another program serves socket '%s'", path);
        return FALSE;
    }
    unlink(path);
    return TRUE;
}

int daemonSocketsListen(const char *path, GError **err)
{
    struct sockaddr_un address;
    if (!setAddress(&address, path, err) || !removeStale(&address, err))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* Before bind: the file never exists with a wider mode. */
    if (fd < 0 || fchmod(fd, 0600) < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        chmod(path, 0600) < 0 || listen(fd, BACKLOG) < 0) {
        memErrorSetSystem(err, errno, "Unable to listen on socket '%s'", path);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

GArray *daemonSocketsInherited(void)
{
    GArray *sockets = g_array_new(FALSE, TRUE, sizeof(DaemonSocket));
    const char *pid = g_getenv("LISTEN_PID");
    const char *count = g_getenv("LISTEN_FDS");
    const char *text = g_getenv("LISTEN_FDNAMES");
    guint64 owner = 0, n = 0;

    if (pid && count && memUnitsParseUint64(pid, &owner) && owner == (guint64)getpid() &&
        memUnitsParseUint64(count, &n)) {
        g_auto(GStrv) names = g_strsplit(text ? text : "", ":", 0);
        guint known = g_strv_length(names);
        for (guint i = 0; i < MIN(n, INHERITED_MAX); i++) {
            DaemonSocket inherited = { .fd = FIRST_INHERITED + (int)i };
            inherited.readonly = i < known && strstr(names[i], "-ro") != NULL;
            fcntl(inherited.fd, F_SETFD, FD_CLOEXEC);
            fcntl(inherited.fd, F_SETFL, fcntl(inherited.fd, F_GETFL) | O_NONBLOCK);
            g_array_append_val(sockets, inherited);
        }
    }
    g_unsetenv("LISTEN_PID");
    g_unsetenv("LISTEN_FDS");
    g_unsetenv("LISTEN_FDNAMES");
    return sockets;
}

void daemonSocketsNotify(const char *state)
{
    const char *path = g_getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;
    if (!path || !setAddress(&address, path, NULL))
        return;
    socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (address.sun_path[0] == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, bytes);
    close(fd);
}
