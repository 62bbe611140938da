/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_process_prepare.c: what has to be there before QEMU is executed: folders, log, environment, limits */
#define G_LOG_DOMAIN "qemu/qemu_process_prepare"
#include "qemu/qemu_process.h"

#include "conf/guest_conf.h"
#include "qemu/qemu_command_memory.h"
#include "qemu/qemu_domain_defaults.h"
#include "qemu/qemu_host_priv.h"
#include "qemu/qemu_spawn.h"
#include "util/mem_file.h"
#include "util/mem_units.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_ROTATE_BYTES (2 * 1024 * 1024)
#define NVRAM_MAX_BYTES (64 * 1024 * 1024)

void qemuProcessContextFill(QemuDriver *driver, const DomainDef *def, QemuProcessContext *context)
{
    memset(context, 0, sizeof *context);
    context->memoryBackingFolder = g_strdup_printf("%s/ram", driver->paths.lib);
    context->domainFolder = qemuStoreDomainFolder(driver, def);
    context->shortName = qemuDomainShortName(def);
    context->nvramFolder = g_strdup_printf("%s/nvram", driver->paths.lib);
    context->context = (QemuCommandContext){
        .memoryBackingFolder = context->memoryBackingFolder,
        .domainFolder = context->domainFolder,
        .shortName = context->shortName,
        .monitorFd = QEMU_SPAWN_MONITOR_FD,
        .dumpGuestCore = FALSE,
        .defaultVncListen = "127.0.0.1",
        .nvramFolder = context->nvramFolder,
    };
}

void qemuProcessContextClear(QemuProcessContext *context)
{
    g_clear_pointer(&context->memoryBackingFolder, g_free);
    g_clear_pointer(&context->domainFolder, g_free);
    g_clear_pointer(&context->shortName, g_free);
    g_clear_pointer(&context->nvramFolder, g_free);
}

gboolean qemuProcessCheckMemoryFile(const MemoryDeviceDef *device, GError **err)
{
    g_autofree char *path = device->sourcePath ? qemuHostPath("%s", device->sourcePath) : NULL;
    struct stat info;

    if (!path || stat(path, &info) == 0)
        return TRUE;
    memErrorSetSystem(err, errno, "file '%s' of the '%s' device cannot be used", device->sourcePath,
                      memoryDeviceModelToString(device->model));
    return FALSE;
}

gboolean qemuProcessMakeFolders(QemuDriver *driver, const DomainDef *def, GError **err)
{
    g_auto(QemuProcessContext) context = { 0 };
    g_auto(GStrv) folders = NULL;

    for (gsize i = 0; i < def->nmemories; i++) {
        if (!qemuProcessCheckMemoryFile(def->memories[i], err))
            return FALSE;
    }
    qemuProcessContextFill(driver, def, &context);
    if (!memFileRemove(context.domainFolder, err) || !memFileMakeFolder(context.domainFolder, 0700, err))
        return FALSE;
    folders = qemuCommandMemoryFolders(def, &context.context);
    for (gsize i = 0; folders && folders[i]; i++) {
        if (!memFileMakeFolder(folders[i], 0700, err))
            return FALSE;
    }
    return TRUE;
}

static char *now(void)
{
    g_autoptr(GDateTime) time = g_date_time_new_now_utc();

    return g_date_time_format(time, "%Y-%m-%d %H:%M:%S+0000");
}

static gboolean append(int fd, const char *text)
{
    gsize length = strlen(text);

    return write(fd, text, length) == (ssize_t)length;
}

/* Note the end in the log. */
static void closeLog(QemuDriver *driver, const char *name, const char *how)
{
    g_autofree char *path = qemuStoreLogPath(driver, name);
    g_autofree char *stamp = now();
    g_autofree char *line = g_strdup_printf("%s: shutting down, reason=%s\n", stamp, how);
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return;
    if (!append(fd, line))
        g_debug("the log '%s' is full", path);
    close(fd);
}

static void removeOrWarn(const char *path)
{
    g_autoptr(GError) error = NULL;

    if (!memFileRemove(path, &error))
        g_warning("'%s' stays behind: %s", path, error->message);
}

void qemuProcessRemoveFiles(QemuDomain *dom, const char *how)
{
    g_auto(QemuProcessContext) context = { 0 };
    g_auto(GStrv) folders = NULL;

    qemuProcessContextFill(dom->driver, dom->live, &context);
    folders = qemuCommandMemoryFolders(dom->live, &context.context);
    g_mutex_unlock(&dom->lock);
    closeLog(dom->driver, dom->name, how);
    for (gsize i = 0; folders && folders[i]; i++)
        removeOrWarn(folders[i]);
    removeOrWarn(context.domainFolder);
    g_mutex_lock(&dom->lock);
}

void qemuProcessNameNvram(DomainDef *def, const char *folder)
{
    char *path = qemuDomainNvramPath(def, folder);

    g_free(def->os->nvram);
    def->os->nvram = path;
}

gboolean qemuProcessMakeNvram(const DomainDef *def, const char *folder, GError **err)
{
    const char *path = def->os->nvram;
    g_autofree char *template = qemuDomainNvramTemplate(def);
    g_autofree char *parent = path ? g_path_get_dirname(path) : NULL;
    g_autofree char *text = NULL;
    gsize length;

    if (!path)
        return TRUE;
    if (g_str_equal(parent, folder) && !memFileMakeFolder(folder, 0700, err))
        return FALSE;
    if (!template || g_file_test(path, G_FILE_TEST_EXISTS))
        return TRUE;
    text = memFileRead(template, NVRAM_MAX_BYTES, &length, err);
    return text && memFileReplace(path, text, (gssize)length, err);
}

int qemuProcessOpenLog(QemuDriver *driver, const char *name, char *const *argv, char *const *env, gint64 *offset, GError **err)
{
    g_autofree char *path = qemuStoreLogPath(driver, name);
    g_autofree char *old = g_strdup_printf("%s.0", path);
    g_autofree char *command = qemuCommandToString(argv, env, FALSE);
    g_autofree char *stamp = now();
    g_autofree char *head = g_strdup_printf("%s: starting up libvirt-memory version %s\n%s\n", stamp, MEM_VERSION, command);
    struct stat info;
    int fd;

    if (stat(path, &info) == 0 && info.st_size > LOG_ROTATE_BYTES)
        rename(path, old);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || !append(fd, head) || fstat(fd, &info) < 0) {
        memErrorSetSystem(err, errno, "cannot write the log '%s'", path);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    *offset = info.st_size;
    return fd;
}

char **qemuProcessEnvironment(const DomainDef *def)
{
    static const char *const kept[] = { "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "XDG_RUNTIME_DIR" };
    g_auto(GStrv) env = g_new0(char *, 1);

    env = g_environ_setenv(env, "LC_ALL", "C", TRUE);
    for (gsize i = 0; i < G_N_ELEMENTS(kept); i++) {
        const char *value = g_getenv(kept[i]);

        if (value)
            env = g_environ_setenv(env, kept[i], value, TRUE);
    }
    for (gsize i = 0; def->qemuEnv && def->qemuEnv[i]; i++) {
        const char *equals = strchr(def->qemuEnv[i], '=');
        g_autofree char *name = equals ? g_strndup(def->qemuEnv[i], (gsize)(equals - def->qemuEnv[i])) : NULL;

        if (name)
            env = g_environ_setenv(env, name, equals + 1, TRUE);
    }
    return g_steal_pointer(&env);
}

guint64 qemuProcessMemlockBytes(const DomainDef *def)
{
    if (def->memtune.hasHard)
        return def->memtune.hardLimitKib >= MEM_KIB_UNLIMITED ? G_MAXUINT64 : def->memtune.hardLimitKib * 1024;
    return def->backing.locked ? G_MAXUINT64 : 0;
}
