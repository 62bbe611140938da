/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_domain_alias.c: the names by which QEMU and events know devices */
#include "qemu/qemu_domain_defaults.h"

#include "conf/chardev_conf.h"
#include "conf/controller_conf.h"
#include "conf/disk_conf.h"
#include "conf/input_conf.h"
#include "conf/memballoon_conf.h"
#include "conf/net_conf.h"
#include "conf/rng_conf.h"
#include "conf/video_conf.h"
#include "conf/watchdog_conf.h"
#include "qemu/qemu_command_address.h"

#include <string.h>

/* Takes over @alias; a name that is there already, the user's or an earlier start's, stays. */
static void setAlias(DeviceInfo *info, char *alias)
{
    if (info->alias)
        g_free(alias);
    else
        info->alias = alias;
}

/* Drives of an LSI controller have no logical units. */
static gboolean isOnLsi(const DomainDef *def, const DiskDef *disk)
{
    const ControllerDef *controller = controllerFind(def, CONTROLLER_SCSI, (int)disk->info.drive.controller);

    return disk->bus == DISK_BUS_SCSI && controller && controller->model == CONTROLLER_MODEL_LSILOGIC;
}

static void nameDisk(const DomainDef *def, DiskDef *disk)
{
    const DeviceDriveAddress *drive = &disk->info.drive;
    int index = diskTargetIndex(disk->target);

    switch (disk->bus) {
    case DISK_BUS_IDE:
    case DISK_BUS_SATA:
        setAlias(&disk->info, g_strdup_printf("%s%u-%u-%u", diskBusToString(disk->bus), drive->controller, drive->bus,
                                              drive->unit));
        break;
    case DISK_BUS_SCSI:
        if (isOnLsi(def, disk)) {
            setAlias(&disk->info, g_strdup_printf("scsi%u-%u-%u", drive->controller, drive->bus, drive->unit));
            break;
        }
        setAlias(&disk->info, g_strdup_printf("scsi%u-%u-%u-%u", drive->controller, drive->bus, drive->target,
                                              drive->unit));
        break;
    case DISK_BUS_VIRTIO:
    case DISK_BUS_USB:
        setAlias(&disk->info, g_strdup_printf("%s-disk%d", diskBusToString(disk->bus), index));
        break;
    case DISK_BUS_NONE:
    case DISK_BUS_LAST:
        break;
    }
}

static void nameChardevs(ChardevDef **list, gsize count)
{
    for (gsize i = 0; i < count; i++) {
        if (list[i]->target != CHARDEV_TARGET_CONSOLE_SERIAL)
            setAlias(&list[i]->info, g_strdup_printf("%s%zu", chardevRoleToString(list[i]->role), i));
    }
}

#define NAME_LIST(list, count, prefix) \
    for (gsize i = 0; i < (count); i++) \
        setAlias(&(list)[i]->info, g_strdup_printf(prefix "%zu", i))

/* The number after @prefix in @alias, or -1. */
static int numberOf(const char *alias, const char *prefix)
{
    const char *rest = alias && g_str_has_prefix(alias, prefix) ? alias + strlen(prefix) : NULL;

    return rest && g_ascii_isdigit(*rest) ? atoi(rest) : -1;
}

static int nextNumber(const DomainDef *def, const char *prefix)
{
    int next = 0;

    for (gsize i = 0; i < def->nmemories; i++)
        next = MAX(next, numberOf(def->memories[i]->info.alias, prefix) + 1);
    return next;
}

void qemuDomainAssignMemoryAlias(const DomainDef *def, MemoryDeviceDef *device)
{
    static const char *const prefixes[MEMORY_DEVICE_LAST] = { "dimm", "nvdimm", "virtiopmem", "virtiomem", "epc" };
    const char *prefix = prefixes[device->model];

    if (device->info.alias)
        return;
    if (memoryDeviceUsesSlot(device->model))
        device->info.alias = g_strdup_printf("%s%u", prefix, device->info.dimm.slot);
    else
        device->info.alias = g_strdup_printf("%s%d", prefix, nextNumber(def, prefix));
}

void qemuDomainAssignAliases(DomainDef *def)
{
    for (gsize i = 0; i < def->ncontrollers; i++)
        setAlias(&def->controllers[i]->info, qemuCommandAddressControllerId(def, def->controllers[i]));
    for (gsize i = 0; i < def->ndisks; i++)
        nameDisk(def, def->disks[i]);
    NAME_LIST(def->nets, def->nnets, "net");
    nameChardevs(def->serials, def->nserials);
    nameChardevs(def->consoles, def->nconsoles);
    nameChardevs(def->channels, def->nchannels);
    NAME_LIST(def->inputs, def->ninputs, "input");
    NAME_LIST(def->videos, def->nvideos, "video");
    NAME_LIST(def->watchdogs, def->nwatchdogs, "watchdog");
    NAME_LIST(def->rngs, def->nrngs, "rng");
    if (def->balloon && def->balloon->model != MEMBALLOON_NONE)
        setAlias(&def->balloon->info, g_strdup("balloon0"));
    for (gsize i = 0; i < def->nmemories; i++)
        qemuDomainAssignMemoryAlias(def, def->memories[i]);
}
