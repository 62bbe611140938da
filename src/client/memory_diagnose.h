/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_diagnose.h: observations in, verdict and words out */
#pragma once

#include <glib.h>
#include <libvirt/libvirt-memory.h>

typedef enum {
    MEMORY_CHANGE_VIRTIO_MEM = 0,   /* a virtio-mem device takes another size */
    MEMORY_CHANGE_PLUG,             /* a DIMM comes into use */
    MEMORY_CHANGE_UNPLUG,           /* a device goes */
    MEMORY_CHANGE_BALLOON,
    MEMORY_CHANGE_GUEST,            /* the guest as a whole */
} MemoryChange;

/* Memory that was added, beside what the guest itself said before and afterwards. */
typedef struct {
    guint64 addedKib;
    guint64 hasKib;                 /* what the guest has now by libvirt's count; VIR_MEM_UNKNOWN */
    guint64 totalBeforeKib;         /* its MemTotal before it; VIR_MEM_UNKNOWN */
    guint64 totalKib;               /* and after it */
} MemoryUse;

typedef enum {
    MEMORY_ONLINE_UNKNOWN = 0,      /* no report, or too little was added to tell */
    MEMORY_ONLINE_YES,
    MEMORY_ONLINE_NO,
} MemoryOnline;

/* Whether the guest uses what was added. Pure. A report of before the change may be older than an earlier change, so a
 * MemTotal that did not rise counts only if it is also far below what the guest has. */
MemoryOnline memoryOnlineJudge(const MemoryUse *use);

/* What was seen of a change that did not come to its end. */
typedef struct {
    int change;                     /* MemoryChange */
    const char *alias;              /* NULL for balloon and guest */
    guint64 startKib, wantedKib, nowKib;        /* of device, balloon or guest */
    gboolean moved;                 /* nowKib changed at least once */
    gboolean hadDriver;             /* the device was in use before */
    gboolean guestRefused;          /* libvirt announced that the guest would not let go */
    gboolean paused, lost, stopped, cancelled;
    int libvirtCode;                /* of a call that was refused; VIR_ERR_OK */
    const char *libvirtMessage;
    guint64 totalBeforeKib;         /* the guest's MemTotal when it began; VIR_MEM_UNKNOWN */
    guint64 totalKib;               /* and now */
    guint64 hasKib;                 /* what the guest has in all; VIR_MEM_UNKNOWN */
    guint64 availableKib;
    gint64 stillMs;
} MemoryObservation;

/* The verdict (virMemDiagnosis) with one line of words in *@text, which the caller frees. Pure. */
int memoryDiagnose(const MemoryObservation *seen, char **text);
