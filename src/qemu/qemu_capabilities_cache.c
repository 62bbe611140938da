/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_capabilities_cache.c: capabilities of binaries, remembered by path, size and mtime, in memory and on disk */

#include "qemu/qemu_capabilities_priv.h"

#include "util/mem_error.h"
#include "util/mem_file.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How it works: an entry per path, with the key of the binary it speaks of. Who finds no entry or another key reads the
 * file, or probes, without the lock; the entry says so ("busy") and others who ask for it wait. A failure is given to
 * those who waited, and is not remembered: the next to ask tries again. */

#define CACHE_FILE_MAX_BYTES (4 * 1024 * 1024)

typedef struct {
    char *key;                  /* NULL: never got one */
    QemuCaps *caps;
    gboolean busy;              /* somebody is probing */
    guint tries;                /* how many probes have ended */
    GError *failure;            /* of the last try */
} CacheEntry;

struct QemuCapsCache {
    GMutex lock;
    GCond ended;                /* a probe has ended */
    GHashTable *entries;        /* under lock: path -> CacheEntry, never removed */
    char *folder;               /* immutable; NULL: memory only */
};

static void entryFree(gpointer data)
{
    CacheEntry *entry = data;

    qemuCapsUnref(entry->caps);
    g_clear_error(&entry->failure);
    g_free(entry->key);
    g_free(entry);
}

QemuCapsCache *qemuCapsCacheNew(const char *folder)
{
    QemuCapsCache *cache = g_new0(QemuCapsCache, 1);

    g_mutex_init(&cache->lock);
    g_cond_init(&cache->ended);
    cache->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, entryFree);
    cache->folder = g_strdup(folder);
    return cache;
}

void qemuCapsCacheFree(QemuCapsCache *cache)
{
    if (!cache)
        return;
    g_hash_table_unref(cache->entries);
    g_mutex_clear(&cache->lock);
    g_cond_clear(&cache->ended);
    g_free(cache->folder);
    g_free(cache);
}

/* What the capabilities of @binary depend on. Caller frees. */
static char *makeKey(const char *binary, GError **err)
{
    struct stat st;

    if (stat(binary, &st) < 0) {
        memErrorSetSystem(err, errno, "emulator '%s' cannot be used", binary);
        return NULL;
    }
    if (!S_ISREG(st.st_mode) || access(binary, X_OK) < 0) {
        memErrorSet(err, VIR_ERR_SYSTEM_ERROR, "emulator '%s' cannot be used: %s", binary,
                    S_ISREG(st.st_mode) ? "it is not executable" : "it is not a file");
        return NULL;
    }
    return g_strdup_printf("%s size=%" G_GINT64_FORMAT " mtime=%" G_GINT64_FORMAT ".%09ld kvm=%d", binary,
                           (gint64)st.st_size, (gint64)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, qemuCapsKvmWorks());
}

static char *cachePath(const QemuCapsCache *cache, const char *binary)
{
    g_autofree char *name = g_compute_checksum_for_string(G_CHECKSUM_SHA256, binary, -1);

    return cache->folder ? g_strdup_printf("%s/%.32s.caps", cache->folder, name) : NULL;
}

static QemuCaps *readCached(const char *path, const char *key)
{
    g_autofree char *text = path ? memFileRead(path, CACHE_FILE_MAX_BYTES, NULL, NULL) : NULL;

    return text ? qemuCapsFromText(text, key, NULL) : NULL;
}

/* The cache saves time only: a folder that cannot be written costs a probe at the next start of the daemon. */
static void writeCached(const QemuCapsCache *cache, const char *path, const char *key, const QemuCaps *caps)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) problem = NULL;

    if (!path)
        return;
    text = qemuCapsToText(caps, key);
    if (!memFileMakeFolder(cache->folder, 0700, &problem) || !memFileReplace(path, text, -1, &problem))
        g_warning("capabilities of '%s' cannot be kept: %s", caps->binary, problem->message);
}

static QemuCaps *readOrProbe(const QemuCapsCache *cache, const char *binary, const char *key, GError **err)
{
    g_autofree char *path = cachePath(cache, binary);
    QemuCaps *caps = readCached(path, key);

    if (caps)
        return caps;
    if ((caps = qemuCapsProbe(binary, err)))
        writeCached(cache, path, key, caps);
    /* The answers were megabytes of JSON for an instant, once in a binary's life: do not keep the heap that large. */
    malloc_trim(0);
    return caps;
}

static CacheEntry *getEntry(QemuCapsCache *cache, const char *binary)
{
    CacheEntry *entry = g_hash_table_lookup(cache->entries, binary);

    if (!entry) {
        entry = g_new0(CacheEntry, 1);
        g_hash_table_insert(cache->entries, g_strdup(binary), entry);
    }
    return entry;
}

/* Under the lock; gives it up while it works. */
static QemuCaps *renew(QemuCapsCache *cache, CacheEntry *entry, const char *binary, const char *key, GError **err)
{
    g_autoptr(GError) problem = NULL;
    QemuCaps *caps;

    entry->busy = TRUE;
    g_mutex_unlock(&cache->lock);
    caps = readOrProbe(cache, binary, key, &problem);
    g_mutex_lock(&cache->lock);
    entry->busy = FALSE;
    entry->tries++;
    g_clear_pointer(&entry->caps, qemuCapsUnref);
    g_clear_error(&entry->failure);
    g_free(entry->key);
    entry->key = g_strdup(key);
    entry->caps = caps;
    entry->failure = problem ? g_error_copy(problem) : NULL;
    g_cond_broadcast(&cache->ended);
    if (caps)
        return qemuCapsRef(caps);
    g_propagate_error(err, g_steal_pointer(&problem));
    return NULL;
}

QemuCaps *qemuCapsCacheGet(QemuCapsCache *cache, const char *binary, GError **err)
{
    g_autofree char *key = makeKey(binary, err);
    g_autoptr(GMutexLocker) locker = NULL;
    CacheEntry *entry;

    if (!key)
        return NULL;
    locker = g_mutex_locker_new(&cache->lock);
    entry = getEntry(cache, binary);
    while (entry->busy) {
        guint tries = entry->tries;

        while (entry->tries == tries)
            g_cond_wait(&cache->ended, &cache->lock);
        if (g_strcmp0(entry->key, key) == 0 && entry->failure) {
            g_propagate_error(err, g_error_copy(entry->failure));
            return NULL;
        }
    }
    if (entry->caps && g_str_equal(entry->key, key))
        return qemuCapsRef(entry->caps);
    return renew(cache, entry, binary, key, err);
}

/* @name in PATH, then where distributions put emulators; the absolute path. Caller frees. */
static char *findProgram(const char *name)
{
    static const char *const folders[] = { "/usr/bin", "/usr/libexec", "/usr/local/bin" };
    char *path = g_find_program_in_path(name);

    for (gsize i = 0; !path && i < G_N_ELEMENTS(folders); i++) {
        path = g_build_filename(folders[i], name, NULL);
        if (!g_file_test(path, G_FILE_TEST_IS_EXECUTABLE))
            g_clear_pointer(&path, g_free);
    }
    return path;
}

static Arch hostArch(void)
{
#if defined(__x86_64__)
    return ARCH_X86_64;
#elif defined(__i386__)
    return ARCH_I686;
#elif defined(__aarch64__)
    return ARCH_AARCH64;
#elif defined(__powerpc64__)
    return ARCH_PPC64;
#elif defined(__s390x__)
    return ARCH_S390X;
#else
    return ARCH_NONE;
#endif
}

char *qemuCapsCacheFindBinary(QemuCapsCache *cache, Arch arch)
{
    const char *target = qemuCapsTargetOfArch(arch);
    g_autofree char *name = g_strconcat("qemu-system-", target, NULL);
    char *path;

    if (!target)
        return NULL;
    if ((path = findProgram(name)) || arch != hostArch())
        return path;
    /* Distributions with one emulator only call it by what it does. */
    return (path = findProgram("qemu-kvm")) ? path : findProgram("kvm");
}
