/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* disk_conf.h: <disk>: files and block devices as disks and CD-ROMs */
#pragma once

#include "conf/conf_types.h"
#include "conf/device_conf.h"

typedef enum {
    DISK_TYPE_FILE = 0,
    DISK_TYPE_BLOCK,

    DISK_TYPE_LAST
} DiskType;

MEM_ENUM_DECL(diskType);

typedef enum {
    DISK_DEVICE_DISK = 0,
    DISK_DEVICE_CDROM,

    DISK_DEVICE_LAST
} DiskDevice;

MEM_ENUM_DECL(diskDevice);

typedef enum {
    DISK_BUS_NONE = 0,
    DISK_BUS_IDE,
    DISK_BUS_SCSI,
    DISK_BUS_VIRTIO,
    DISK_BUS_USB,
    DISK_BUS_SATA,

    DISK_BUS_LAST
} DiskBus;

MEM_ENUM_DECL(diskBus);

typedef enum {
    DISK_FORMAT_RAW = 0,
    DISK_FORMAT_QCOW2,

    DISK_FORMAT_LAST
} DiskFormat;

MEM_ENUM_DECL(diskFormat);

typedef enum {
    DISK_CACHE_DEFAULT = 0,
    DISK_CACHE_NONE,
    DISK_CACHE_WRITETHROUGH,
    DISK_CACHE_WRITEBACK,
    DISK_CACHE_DIRECTSYNC,
    DISK_CACHE_UNSAFE,

    DISK_CACHE_LAST
} DiskCache;

MEM_ENUM_DECL(diskCache);

typedef enum {
    DISK_IO_DEFAULT = 0,
    DISK_IO_NATIVE,
    DISK_IO_THREADS,
    DISK_IO_URING,

    DISK_IO_LAST
} DiskIo;

MEM_ENUM_DECL(diskIo);

typedef enum {
    DISK_DISCARD_DEFAULT = 0,
    DISK_DISCARD_UNMAP,
    DISK_DISCARD_IGNORE,

    DISK_DISCARD_LAST
} DiskDiscard;

MEM_ENUM_DECL(diskDiscard);

typedef enum {
    DISK_DETECT_ZEROES_DEFAULT = 0,
    DISK_DETECT_ZEROES_OFF,
    DISK_DETECT_ZEROES_ON,
    DISK_DETECT_ZEROES_UNMAP,

    DISK_DETECT_ZEROES_LAST
} DiskDetectZeroes;

MEM_ENUM_DECL(diskDetectZeroes);

typedef enum {
    DISK_ERROR_DEFAULT = 0,
    DISK_ERROR_STOP,
    DISK_ERROR_REPORT,
    DISK_ERROR_IGNORE,
    DISK_ERROR_ENOSPC,      /* writing only */

    DISK_ERROR_LAST
} DiskErrorPolicy;

MEM_ENUM_DECL(diskErrorPolicy);

typedef enum {
    DISK_MODEL_DEFAULT = 0,
    DISK_MODEL_VIRTIO,
    DISK_MODEL_VIRTIO_TRANSITIONAL,
    DISK_MODEL_VIRTIO_NON_TRANSITIONAL,

    DISK_MODEL_LAST
} DiskModel;

MEM_ENUM_DECL(diskModel);

typedef enum {
    DISK_TRAY_CLOSED = 0,
    DISK_TRAY_OPEN,

    DISK_TRAY_LAST
} DiskTray;

MEM_ENUM_DECL(diskTray);

struct DiskDef {
    DiskType type;
    DiskDevice device;
    DiskModel model;
    char *source;                   /* path; NULL: an empty CD-ROM drive */
    char *target;                   /* "vda" */
    DiskBus bus;                    /* never NONE after parse */
    DiskTray tray;
    MemTristate removable;          /* usb */
    unsigned rotationRate;          /* 0: not given */

    DiskFormat format;
    DiskCache cache;
    DiskIo io;
    DiskDiscard discard;
    DiskDetectZeroes detectZeroes;
    DiskErrorPolicy errorPolicy, rerrorPolicy;
    MemTristate ioeventfd, eventIdx, copyOnRead;
    unsigned queues, queueSize;     /* 0: not given */
    DeviceVirtioOptions virtio;

    gboolean readonly, shareable;
    gboolean backingEnd;            /* <backingStore/>: the image is known to have none */
    char *serial, *wwn, *vendor, *product;
    unsigned logicalBlockBytes, physicalBlockBytes;     /* 0: not given */
    DeviceInfo info;
};

DiskDef *diskDefNew(void);
void diskDefFree(DiskDef *def);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DiskDef, diskDefFree)
/* @flags: DomainParseFlags. */
DiskDef *diskDefParse(const xmlNode *node, unsigned flags, GError **err);
/* @flags: DomainFormatFlags. */
void diskDefFormat(MemXmlOut *out, const DiskDef *def, unsigned flags);
gboolean diskDefValidate(const DiskDef *def, const DomainDef *domain, GError **err);

/* Number of the drive that a target name means, without its prefix: "vda" 0, "sdaa" 26; -1: no such name. */
int diskTargetIndex(const char *target);
