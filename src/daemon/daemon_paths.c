/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* daemon_paths.c: which folders, sockets and files a daemon has */
#include "daemon/daemon_paths.h"

#include "util/mem_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define SYSTEM_URI "qemu:///system"
#define SESSION_URI "qemu:///session"

/* The scheme in the URI is qemu's, because programs on libvirt tell the kind of hypervisor from it. */

static void addSockets(DaemonPaths *paths, gboolean readonlyToo)
{
    paths->socket = g_build_filename(paths->run, "virtmemd-sock", NULL);
    paths->socketReadonly = readonlyToo ? g_build_filename(paths->run, "virtmemd-sock-ro", NULL) : NULL;
    paths->pidFile = g_build_filename(paths->run, "virtmemd.pid", NULL);
}

static gboolean initRoot(DaemonPaths *paths, const char *root, uid_t uid)
{
    g_autofree char *absolute = g_canonicalize_filename(root, NULL);
    paths->run = g_build_filename(absolute, "run", NULL);
    paths->driver.config = g_build_filename(absolute, "etc", NULL);
    paths->driver.state = g_build_filename(absolute, "run", "qemu", NULL);
    paths->driver.lib = g_build_filename(absolute, "lib", "qemu", NULL);
    paths->driver.cache = g_build_filename(absolute, "cache", NULL);
    paths->driver.log = g_build_filename(absolute, "log", NULL);
    paths->driver.privileged = uid == 0;
    paths->uri = SESSION_URI;
    addSockets(paths, TRUE);
    return TRUE;
}

/* Beside a stock libvirtd's files, never among them. */
static gboolean initSystem(DaemonPaths *paths)
{
    paths->run = g_strdup("/run/libvirt");
    paths->runIsShared = TRUE;
    paths->driver.config = g_strdup("/etc/libvirt/virtmem");
    paths->driver.state = g_strdup("/run/libvirt/virtmem");
    paths->driver.lib = g_strdup("/var/lib/libvirt/virtmem");
    paths->driver.cache = g_strdup("/var/cache/libvirt/virtmem");
    paths->driver.log = g_strdup("/var/log/libvirt/virtmem");
    paths->driver.privileged = TRUE;
    paths->uri = SYSTEM_URI;
    addSockets(paths, TRUE);
    return TRUE;
}

static char *fromEnvironment(const char *variable, const char *belowHome)
{
    const char *value = g_getenv(variable);
    /* As the XDG specification has it: a relative path counts as none. */
    if (value && g_path_is_absolute(value))
        return g_strdup(value);
    return g_build_filename(g_get_home_dir(), belowHome, NULL);
}

/* libvirt.so starts a session daemon with XDG_RUNTIME_DIR, XDG_CONFIG_HOME and XDG_CACHE_HOME, but without
 * XDG_DATA_HOME: nothing may hang on that one, or a daemon started by hand would see other files. */
static gboolean initSession(DaemonPaths *paths)
{
    g_autofree char *config = fromEnvironment("XDG_CONFIG_HOME", ".config");
    g_autofree char *cache = fromEnvironment("XDG_CACHE_HOME", ".cache");
    const char *runtime = g_getenv("XDG_RUNTIME_DIR");

    paths->run = g_build_filename(runtime && g_path_is_absolute(runtime) ? runtime : cache, "libvirt", NULL);
    paths->driver.config = g_build_filename(config, "libvirt", "virtmem", NULL);
    paths->driver.state = g_build_filename(paths->run, "virtmem", NULL);
    paths->driver.lib = g_build_filename(config, "libvirt", "virtmem", "lib", NULL);
    paths->driver.cache = g_build_filename(cache, "libvirt", "virtmem", NULL);
    paths->driver.log = g_build_filename(cache, "libvirt", "virtmem", "log", NULL);
    paths->uri = SESSION_URI;
    addSockets(paths, FALSE);
    return TRUE;
}

gboolean daemonPathsInit(DaemonPaths *paths, const char *root, uid_t uid, GError **err)
{
    memset(paths, 0, sizeof(*paths));
    if (root)
        return initRoot(paths, root, uid);
    return uid == 0 ? initSystem(paths) : initSession(paths);
}

void daemonPathsClear(DaemonPaths *paths)
{
    g_free(paths->driver.config);
    g_free(paths->driver.state);
    g_free(paths->driver.lib);
    g_free(paths->driver.cache);
    g_free(paths->driver.log);
    g_free(paths->run);
    g_free(paths->socket);
    g_free(paths->socketReadonly);
    g_free(paths->pidFile);
    memset(paths, 0, sizeof(*paths));
}

static gboolean makePrivate(const char *folder, GError **err)
{
    if (!memFileMakeFolder(folder, 0700, err))
        return FALSE;
    if (chmod(folder, 0700) < 0) {
        memErrorSetSystem(err, errno, "Unable to make folder '%s' private", folder);
        return FALSE;
    }
    return TRUE;
}

gboolean daemonPathsMake(const DaemonPaths *paths, GError **err)
{
    if (paths->runIsShared ? !memFileMakeFolder(paths->run, 0755, err) : !makePrivate(paths->run, err))
        return FALSE;
    return makePrivate(paths->driver.config, err) && makePrivate(paths->driver.state, err) &&
           makePrivate(paths->driver.lib, err) && makePrivate(paths->driver.cache, err) &&
           makePrivate(paths->driver.log, err);
}
