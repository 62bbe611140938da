/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mem_file.h: files that survive a crash, private folders, small reads */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* Write @text to @path so that at any moment the path holds the old or the new content whole:
 * temporary name in the same folder, fsync, rename, fsync of the folder. Mode 0600. */
gboolean memFileReplace(const char *path, const char *text, gssize length, GError **err);

/* As memFileReplace but without fsync, for what is worth nothing after the host has crashed (status of running guests). */
gboolean memFileReplaceUnsynced(const char *path, const char *text, gssize length, GError **err);

/* Read all of @path, refusing more than @maxBytes (VIR_ERR_OPERATION_FAILED). Caller frees. */
char *memFileRead(const char *path, gsize maxBytes, gsize *length, GError **err);

/* Read a number from a one-line file such as those of /sys. FALSE if unreadable or no number. */
gboolean memFileReadUint64(const char *path, guint64 *value);

/* Make @path and its missing parents; the last one gets @mode, others 0755. An existing folder is fine. */
gboolean memFileMakeFolder(const char *path, mode_t mode, GError **err);

/* Remove a file or a whole folder; not there is fine. Does not follow symbolic links. */
gboolean memFileRemove(const char *path, GError **err);

/* The last @maxBytes of @path from offset @from on, as valid UTF-8; "" if unreadable. Caller frees. */
char *memFileTail(const char *path, off_t from, gsize maxBytes);
