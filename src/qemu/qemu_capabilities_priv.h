/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_capabilities_priv.h: what the makers of QemuCaps (probe, file, cache) share */
#pragma once

#include "qemu/qemu_capabilities.h"

struct QemuCaps {
    gatomicrefcount refs;
    GStringChunk *strings;      /* owns every string below but the arrays themselves */
    const char *binary;
    const char *package;
    unsigned version;
    Arch arch;
    gboolean kvmProbed;         /* the answers were given with KVM on: CPU models are the host's */
    guint64 flags;              /* bit per QemuCapsFlag */
    GPtrArray *types;           /* const char *, sorted by qemuCapsFinish */
    GArray *machines;           /* QemuMachine; the default one first, then by name, newest version first */
    GArray *cpuModels;          /* QemuCpuModel, by name; their features are freed with it */
    const char **cpuModelNames; /* of cpuModels, NULL-terminated */
    GPtrArray *maxFeatures;     /* const char *: what -cpu max (with KVM: host) turns on, sorted, NULL-terminated */
    const char *maxVendor;      /* its vendor, or NULL */
    GArray *sgxSections;        /* QemuSgxSection */
    unsigned sgxFeatures;       /* QEMU_SGX_* */
    GArray *gicVersions;        /* int: 2, 3 that the accelerator can emulate or the kernel has */
};

G_STATIC_ASSERT(QEMU_CAPS_LAST <= 64);

QemuCaps *qemuCapsNew(const char *binary);
/* A copy of @text that lives as long as @caps; NULL for NULL. */
char *qemuCapsIntern(QemuCaps *caps, const char *text);
void qemuCapsSet(QemuCaps *caps, QemuCapsFlag flag, gboolean on);
/* QEMU's name for @arch, as in "qemu-system-i386"; NULL for ARCH_NONE. ARCH_NONE for a name that is not ours. */
const char *qemuCapsTargetOfArch(Arch arch);
Arch qemuCapsArchFromTarget(const char *target);
/* Take the names in @features (const char *, of the chunk) as those of @model. */
void qemuCapsSetModelFeatures(QemuCpuModel *model, GPtrArray *features);
/* Sort and index; nothing may be added afterwards. */
void qemuCapsFinish(QemuCaps *caps);

/* Whoever answers QMP commands: a live QEMU or a recording. */
typedef struct {
    /* The whole reply ("return" or "error" member). New reference. */
    MemJson *(*ask)(gpointer opaque, MemJson *command, GError **err);
    gpointer opaque;
} QemuCapsSource;

/* Ask @source all questions. */
QemuCaps *qemuCapsProbeSource(const char *binary, const QemuCapsSource *source, GError **err);
/* qemuCapsProbe with a deadline of its own for the whole dialogue. */
QemuCaps *qemuCapsProbeWithin(const char *binary, unsigned timeoutMs, GError **err);

/* The text that the cache keeps in a file, and back. @key is compared word for word: NULL and VIR_ERR_OPERATION_FAILED
 * on any difference, damage, or version change. */
char *qemuCapsToText(const QemuCaps *caps, const char *key);
QemuCaps *qemuCapsFromText(const char *text, const char *key, GError **err);
