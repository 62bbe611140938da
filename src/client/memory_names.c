/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_names.c: the public enumerations in words */
#include <glib.h>
#include <libvirt/libvirt-memory.h>

/* Each table holds one word for each value, and the compiler counts them. */
#define NAMES(table, count) G_STATIC_ASSERT(G_N_ELEMENTS(table) == (count))

static const char *const errorNames[] = {
    "ok", "invalid-arg", "libvirt", "lost", "not-running", "no-device", "impossible", "incomplete", "unreadable", "system",
};
NAMES(errorNames, 1 - VIR_MEM_ERR_SYSTEM);

static const char *const modelNames[] = {
    "dimm", "nvdimm", "virtio-mem", "virtio-pmem", "sgx-epc", "other",
};
NAMES(modelNames, VIR_MEM_MODEL_OTHER + 1);

static const char *const stepNames[] = {
    "virtio-mem", "plug-dimm", "unplug-dimm", "balloon",
};
NAMES(stepNames, VIR_MEM_STEP_BALLOON + 1);

static const char *const statsNames[] = {
    "fresh", "stale", "no-report", "stuck", "off",
};
NAMES(statsNames, VIR_MEM_STATS_OFF + 1);

static const struct {
    const char *name;
    const char *advice;
} diagnoses[] = {
    {"none", NULL},
    {"no-driver", "load the driver in the guest (virtio_mem, virtio_balloon, or ACPI memory hotplug for a DIMM) and ask again"},
    {"not-online", "let the guest online new memory: echo online_movable > /sys/devices/system/memory/auto_online_blocks"},
    {"unmovable", "free memory in the guest or let it online memory as movable; what its kernel holds there goes only with a reboot"},
    {"guest-memory", "give the guest more boot memory, or free some in it: each GiB plugged needs 16 MiB of it first"},
    {"refused", "read what the guest's or libvirt's log says of the refusal"},
    {"stalled", "look at the guest's kernel log, and wait longer if it is only slow"},
    {"lost", "connect again and look at the inventory: what was begun goes on in the guest"},
    {"cancelled", NULL},
};
NAMES(diagnoses, VIR_MEM_DIAGNOSIS_CANCELLED + 1);

static const char *nameOf(const char *const *table, size_t count, int value)
{
    return value >= 0 && (size_t) value < count ? table[value] : NULL;
}

const char *virMemErrorName(int code)
{
    const char *name = nameOf(errorNames, G_N_ELEMENTS(errorNames), -code);

    return name ? name : "unknown";
}

const char *virMemModelName(int model)
{
    return nameOf(modelNames, G_N_ELEMENTS(modelNames), model);
}

const char *virMemStepKindName(int kind)
{
    return nameOf(stepNames, G_N_ELEMENTS(stepNames), kind);
}

const char *virMemStatsStateName(int state)
{
    return nameOf(statsNames, G_N_ELEMENTS(statsNames), state);
}

const char *virMemDiagnosisName(int diagnosis)
{
    return diagnosis >= 0 && diagnosis < (int) G_N_ELEMENTS(diagnoses) ? diagnoses[diagnosis].name : NULL;
}

const char *virMemDiagnosisAdvice(int diagnosis)
{
    return diagnosis >= 0 && diagnosis < (int) G_N_ELEMENTS(diagnoses) ? diagnoses[diagnosis].advice : NULL;
}

unsigned long virMemGetVersion(void)
{
    unsigned long parts[3] = {0};
    const char *at = MEM_VERSION;

    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        char *end = NULL;
        parts[i] = strtoul(at, &end, 10);
        at = *end == '.' ? end + 1 : end;
    }
    return parts[0] * 1000000 + parts[1] * 1000 + parts[2];
}
