/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_watch.h: news of one domain: libvirt's events, cancellation, and a new connection when the old one is lost */
#pragma once

#include <glib.h>
#include <libvirt/libvirt-memory.h>

typedef struct MemoryWatch MemoryWatch;

/* Registers for the domain's events where the connection can have them. @options may be NULL; it is borrowed, as its
 * members are. NULL with @err set: out of files. Until it is freed, in the same
 * thread, that thread gets no SIGPIPE. */
MemoryWatch *memoryWatchNew(virDomainPtr dom, const virMemRunOptions *options, virMemError *err);
void memoryWatchFree(MemoryWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MemoryWatch, memoryWatchFree)

/* The domain on the connection of now. Borrowed. */
virDomainPtr memoryWatchDomain(const MemoryWatch *watch);
/* FALSE: nothing comes by itself, so that the domain must be asked at intervals. */
gboolean memoryWatchHasEvents(const MemoryWatch *watch);
/* Returns at the next event, when cancelled, or after @timeoutMs. */
void memoryWatchWait(MemoryWatch *watch, guint timeoutMs, gboolean heedCancel);
gboolean memoryWatchCancelled(const MemoryWatch *watch);

/* Whether libvirt announced since the last memoryWatchForget() that the guest would not let go of the device, that it is
 * gone, or that the guest stopped. */
gboolean memoryWatchRefused(MemoryWatch *watch, const char *alias);
gboolean memoryWatchStopped(MemoryWatch *watch);
void memoryWatchForget(MemoryWatch *watch);

/* One attempt at a new connection. FALSE: none yet, or the guest is not known there any more, which counts as stopped. */
gboolean memoryWatchReconnect(MemoryWatch *watch);
gboolean memoryWatchCanReconnect(const MemoryWatch *watch);
