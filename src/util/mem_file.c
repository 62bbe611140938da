/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mem_file.c: files that survive a crash, private folders, small reads */
#include "util/mem_file.h"

#include "util/mem_error.h"
#include "util/mem_units.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void closeFd(int *fd)
{
    int saved = errno;

    if (*fd >= 0)
        close(*fd);
    errno = saved;
}

#define AUTO_CLOSE __attribute__((cleanup(closeFd))) int

static gboolean writeAll(int fd, const char *text, gsize length)
{
    while (length) {
        ssize_t done = write(fd, text, length);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return FALSE;
        text += done;
        length -= (gsize)done;
    }
    return TRUE;
}

/* A rename is safe on disk only when its folder is. */
static gboolean syncFolderOf(const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    AUTO_CLOSE fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd >= 0 && fsync(fd) == 0;
}

static gboolean replace(const char *path, const char *text, gssize length, gboolean sync, GError **err)
{
    g_autofree char *temporary = g_strdup_printf("%s.XXXXXX", path);
    AUTO_CLOSE fd = mkostemp(temporary, O_CLOEXEC);

    if (fd < 0) {
        memErrorSetSystem(err, errno, "cannot create a temporary file for '%s'", path);
        return FALSE;
    }
    if (!writeAll(fd, text, length < 0 ? strlen(text) : (gsize)length) || (sync && fsync(fd) < 0) ||
        rename(temporary, path) < 0) {
        memErrorSetSystem(err, errno, "cannot write '%s'", path);
        unlink(temporary);
        return FALSE;
    }
    if (sync && !syncFolderOf(path)) {
        memErrorSetSystem(err, errno, "cannot sync the folder of '%s'", path);
        return FALSE;
    }
    return TRUE;
}

gboolean memFileReplace(const char *path, const char *text, gssize length, GError **err)
{
    return replace(path, text, length, TRUE, err);
}

gboolean memFileReplaceUnsynced(const char *path, const char *text, gssize length, GError **err)
{
    return replace(path, text, length, FALSE, err);
}

char *memFileRead(const char *path, gsize maxBytes, gsize *length, GError **err)
{
    AUTO_CLOSE fd = open(path, O_RDONLY | O_CLOEXEC);
    g_autoptr(GByteArray) text = g_byte_array_new();
    guint8 chunk[16384];
    ssize_t got;

    if (fd < 0) {
        memErrorSetSystem(err, errno, "cannot open '%s'", path);
        return NULL;
    }
    while ((got = read(fd, chunk, sizeof(chunk))) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            memErrorSetSystem(err, errno, "cannot read '%s'", path);
            return NULL;
        }
        if (text->len + (gsize)got > maxBytes) {
            memErrorSet(err, VIR_ERR_OPERATION_FAILED, "'%s' is larger than %" G_GSIZE_FORMAT " bytes", path, maxBytes);
            return NULL;
        }
        g_byte_array_append(text, chunk, (guint)got);
    }
    if (length)
        *length = text->len;
    g_byte_array_append(text, (const guint8 *)"", 1);
    return (char *)g_byte_array_free(g_steal_pointer(&text), FALSE);
}

gboolean memFileReadUint64(const char *path, guint64 *value)
{
    g_autofree char *text = memFileRead(path, 4096, NULL, NULL);

    return text && memUnitsParseUint64(g_strchomp(text), value);
}

gboolean memFileMakeFolder(const char *path, mode_t mode, GError **err)
{
    g_autofree char *parent = g_path_get_dirname(path);

    if (mkdir(path, mode) == 0)
        return TRUE;
    if (errno == ENOENT && strcmp(parent, path) != 0) {
        if (!memFileMakeFolder(parent, 0755, err))
            return FALSE;
        if (mkdir(path, mode) == 0)
            return TRUE;
    }
    if (errno == EEXIST && g_file_test(path, G_FILE_TEST_IS_DIR))
        return TRUE;
    memErrorSetSystem(err, errno, "cannot create folder '%s'", path);
    return FALSE;
}

static int removeOne(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

gboolean memFileRemove(const char *path, GError **err)
{
    struct stat st;

    if (lstat(path, &st) < 0 && errno == ENOENT)
        return TRUE;
    if (nftw(path, removeOne, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0)
        return TRUE;
    memErrorSetSystem(err, errno, "cannot remove '%s'", path);
    return FALSE;
}

char *memFileTail(const char *path, off_t from, gsize maxBytes)
{
    AUTO_CLOSE fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    g_autofree char *text = NULL;
    ssize_t got;

    if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= from)
        return g_strdup("");
    if ((guint64)(st.st_size - from) > maxBytes)
        from = st.st_size - (off_t)maxBytes;
    text = g_malloc((gsize)(st.st_size - from) + 1);
    got = pread(fd, text, (gsize)(st.st_size - from), from);
    return got <= 0 ? g_strdup("") : g_utf8_make_valid(text, got);
}
