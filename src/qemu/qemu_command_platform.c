/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_command_platform.c: firmware, SMBIOS tables, clock and boot on the command line */
#include "qemu/qemu_command_guest.h"

#include "conf/guest_conf.h"
#include "qemu/qemu_domain_defaults.h"
#include "util/mem_json.h"

#include <string.h>

void qemuCommandGuestAdd(GPtrArray *argv, const char *option, char *value)
{
    g_ptr_array_add(argv, g_strdup(option));
    g_ptr_array_add(argv, value);
}

char *qemuCommandGuestEscape(const char *text)
{
    GString *escaped = g_string_new(NULL);

    for (; *text; text++) {
        if (*text == ',')
            g_string_append_c(escaped, ',');
        g_string_append_c(escaped, *text);
    }
    return g_string_free(escaped, FALSE);
}

static void addImage(GPtrArray *argv, int unit, const char *path, gboolean readonly)
{
    g_autoptr(MemJson) storage = memJsonNew();
    g_autoptr(MemJson) format = memJsonNew();
    g_autofree char *storageName = g_strdup_printf("libvirt-pflash%d-storage", unit);
    g_autofree char *formatName = g_strdup_printf("libvirt-pflash%d-format", unit);

    memJsonAddString(storage, "driver", "file");
    memJsonAddString(storage, "filename", path);
    memJsonAddString(storage, "node-name", storageName);
    memJsonAddBool(storage, "auto-read-only", TRUE);
    memJsonAddString(storage, "discard", "unmap");
    qemuCommandGuestAdd(argv, "-blockdev", memJsonFormat(storage));

    memJsonAddString(format, "node-name", formatName);
    memJsonAddBool(format, "read-only", readonly);
    memJsonAddString(format, "driver", "raw");
    memJsonAddString(format, "file", storageName);
    qemuCommandGuestAdd(argv, "-blockdev", memJsonFormat(format));
}

void qemuCommandGuestPflash(GPtrArray *argv, GString *machine, const DomainDef *def, const QemuCommandContext *context)
{
    g_autofree char *nvram = qemuDomainNvramPath(def, context->nvramFolder);

    if (!osDefHasPflash(def->os))
        return;
    addImage(argv, 0, def->os->loader, def->os->loaderReadonly == MEM_TRISTATE_YES);
    g_string_append(machine, ",pflash0=libvirt-pflash0-format");
    if (!nvram)
        return;
    addImage(argv, 1, nvram, FALSE);
    g_string_append(machine, ",pflash1=libvirt-pflash1-format");
}

void qemuCommandGuestSmbios(GPtrArray *argv, const DomainDef *def)
{
    static const int types[SYSINFO_LAST] = { 0, 1, 2, 3, 11 };
    const SysinfoDef *sysinfo = &def->os->sysinfo;
    GString *text = NULL;

    if (def->os->smbios != OS_SMBIOS_SYSINFO)
        return;
    for (gsize i = 0; i < sysinfo->nentries; i++) {
        const SysinfoEntry *entry = &sysinfo->entries[i];
        const SysinfoEntry *next = i + 1 < sysinfo->nentries ? entry + 1 : NULL;
        g_autofree char *value = qemuCommandGuestEscape(entry->value);

        if (!text) {
            text = g_string_new(NULL);
            g_string_append_printf(text, "type=%d", types[entry->table]);
        }
        g_string_append_printf(text, ",%s=%s", entry->name ? entry->name : "value", value);
        if (!next || next->table != entry->table || next->instance != entry->instance)
            qemuCommandGuestAdd(argv, "-smbios", g_string_free(g_steal_pointer(&text), FALSE));
    }
}

static char *rtcBase(const ClockDef *clock, gint64 nowSeconds)
{
    g_autoptr(GDateTime) now = NULL;
    g_autoptr(GDateTime) base = NULL;
    gint64 seconds = nowSeconds ? nowSeconds : g_get_real_time() / G_USEC_PER_SEC;

    switch (clock->offset) {
    case CLOCK_UTC:
    case CLOCK_LAST:
        return g_strdup("utc");
    case CLOCK_LOCALTIME:
        return g_strdup("localtime");
    case CLOCK_VARIABLE:
        now = g_date_time_new_from_unix_utc(seconds);
        if (clock->basisLocaltime) {
            g_autoptr(GDateTime) local = g_date_time_new_from_unix_local(seconds);

            seconds += g_date_time_get_utc_offset(local) / G_TIME_SPAN_SECOND;
        }
        seconds += clock->adjustmentSeconds;
        break;
    case CLOCK_ABSOLUTE:
        seconds = (gint64)clock->startSeconds;
        break;
    }
    base = g_date_time_new_from_unix_utc(seconds);
    return base ? g_date_time_format(base, "%Y-%m-%dT%H:%M:%S") : g_strdup("utc");
}

static gboolean isX86(const DomainDef *def)
{
    return def->arch == ARCH_X86_64 || def->arch == ARCH_I686;
}

void qemuCommandGuestClock(GPtrArray *argv, const DomainDef *def, const QemuCommandContext *context)
{
    const ClockDef *clock = &def->os->clock;
    const TimerDef *rtc = clockDefTimer(clock, TIMER_RTC);
    const TimerDef *pit = clockDefTimer(clock, TIMER_PIT);
    g_autofree char *base = rtcBase(clock, context->nowSeconds);
    GString *text = g_string_new(NULL);

    g_string_append_printf(text, "base=%s", base);
    if (rtc && rtc->track == TIMER_TRACK_GUEST)
        g_string_append(text, ",clock=vm");
    else if (rtc && rtc->track == TIMER_TRACK_WALL)
        g_string_append(text, ",clock=host");
    if (rtc && rtc->tickpolicy == TICKPOLICY_CATCHUP)
        g_string_append(text, ",driftfix=slew");
    qemuCommandGuestAdd(argv, "-rtc", g_string_free(text, FALSE));

    if (pit && isX86(def) && (pit->tickpolicy == TICKPOLICY_DELAY || pit->tickpolicy == TICKPOLICY_DISCARD))
        qemuCommandGuestAdd(argv, "-global",
                            g_strdup_printf("kvm-pit.lost_tick_policy=%s", tickPolicyToString(pit->tickpolicy)));
}

void qemuCommandGuestBoot(GPtrArray *argv, const DomainDef *def)
{
    const OsDef *os = def->os;
    GString *text = g_string_new(NULL);

    if (os->bootmenu != MEM_TRISTATE_ABSENT)
        g_string_append_printf(text, "menu=%s,", memTristateSwitchToString(os->bootmenu));
    if (os->bootmenu == MEM_TRISTATE_YES && os->hasBootmenuTimeout)
        g_string_append_printf(text, "splash-time=%u,", os->bootmenuTimeoutMs);
    if (os->hasRebootTimeout)
        g_string_append_printf(text, "reboot-timeout=%d,", os->rebootTimeoutMs);
    g_string_append(text, "strict=on");
    qemuCommandGuestAdd(argv, "-boot", g_string_free(text, FALSE));

    if (os->kernel)
        qemuCommandGuestAdd(argv, "-kernel", g_strdup(os->kernel));
    if (os->initrd)
        qemuCommandGuestAdd(argv, "-initrd", g_strdup(os->initrd));
    if (os->cmdline)
        qemuCommandGuestAdd(argv, "-append", g_strdup(os->cmdline));
    if (os->dtb)
        qemuCommandGuestAdd(argv, "-dtb", g_strdup(os->dtb));
}
