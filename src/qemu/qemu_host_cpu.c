/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_host_cpu.c: what the host is: its CPU in words, its identity, its sleep states */

#include "qemu/qemu_host.h"
#include "qemu/qemu_host_priv.h"

#include <string.h>

/* The text after "NAME<tab>:" of the first CPU; "" when there is none. Caller frees. */
static char *cpuField(const char *text, const char *name)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (gsize i = 0; lines[i] && *lines[i]; i++) {
        char *colon = strchr(lines[i], ':');

        if (!colon)
            continue;
        *colon = '\0';
        if (g_str_equal(g_strchomp(lines[i]), name))
            return g_strdup(g_strstrip(colon + 1));
    }
    return g_strdup("");
}

static unsigned cpuNumber(const char *text, const char *name)
{
    g_autofree char *value = cpuField(text, name);

    return (unsigned)g_ascii_strtoull(value, NULL, 0);
}

void qemuHostCpuInfoGet(QemuHostCpuInfo *info)
{
    g_autofree char *text = qemuHostRead("/proc/cpuinfo");
    g_autofree char *flags = NULL;

    if (!text)
        text = g_strdup("");
    info->vendor = cpuField(text, "vendor_id");
    info->microcode = cpuField(text, "microcode");
    info->family = cpuNumber(text, "cpu family");
    info->model = cpuNumber(text, "model");
    info->stepping = cpuNumber(text, "stepping");
    info->physicalBits = cpuNumber(text, "address sizes");
    flags = cpuField(text, "flags");
    info->flags = g_strsplit(flags, " ", -1);
}

void qemuHostCpuInfoClear(QemuHostCpuInfo *info)
{
    g_clear_pointer(&info->vendor, g_free);
    g_clear_pointer(&info->microcode, g_free);
    g_clear_pointer(&info->flags, g_strfreev);
}

static gboolean isUuid(const char *text)
{
    return g_uuid_string_is_valid(text) && strspn(text, "0-") < 36 && strspn(text, "fF-") < 36;
}

char *qemuHostUuid(void)
{
    g_autofree char *board = qemuHostRead("/sys/class/dmi/id/product_uuid");
    g_autofree char *machine = qemuHostRead("/etc/machine-id");
    g_autofree char *uuid = NULL;

    if (board && isUuid(g_strstrip(board)))
        return g_ascii_strdown(board, -1);
    if (!machine || strlen(g_strstrip(machine)) != 32)
        return g_strdup("00000000-0000-0000-0000-000000000000");
    return g_strdup_printf("%.8s-%.4s-%.4s-%.4s-%.12s", machine, machine + 8, machine + 12, machine + 16, machine + 20);
}

const char **qemuHostSleepStates(void)
{
    static const struct {
        const char *word, *state;
    } known[] = { { "mem", "suspend_mem" }, { "disk", "suspend_disk" } };
    g_autofree char *text = qemuHostRead("/sys/power/state");
    g_auto(GStrv) words = g_strsplit_set(text ? text : "", " \n", -1);
    const char **states = g_new0(const char *, G_N_ELEMENTS(known) + 2);
    gsize count = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(known); i++) {
        if (g_strv_contains((const char *const *)words, known[i].word))
            states[count++] = known[i].state;
    }
    if (count == G_N_ELEMENTS(known))
        states[count] = "suspend_hybrid";
    return states;
}
