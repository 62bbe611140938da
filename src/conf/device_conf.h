/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* device_conf.h: what every device has: alias, address, boot order, virtio driver options */
#pragma once

#include "util/mem_enum.h"
#include "util/mem_xml.h"

typedef enum {
    DEVICE_ADDRESS_NONE = 0,
    DEVICE_ADDRESS_PCI,
    DEVICE_ADDRESS_DRIVE,
    DEVICE_ADDRESS_VIRTIO_SERIAL,
    DEVICE_ADDRESS_CCW,
    DEVICE_ADDRESS_USB,
    DEVICE_ADDRESS_SPAPR_VIO,
    DEVICE_ADDRESS_VIRTIO_MMIO,
    DEVICE_ADDRESS_ISA,
    DEVICE_ADDRESS_DIMM,

    DEVICE_ADDRESS_LAST
} DeviceAddressType;

MEM_ENUM_DECL(deviceAddressType);

typedef struct {
    unsigned domain, bus, slot, function;
    MemTristate multifunction;
} DevicePciAddress;

typedef struct {
    unsigned slot;
    guint64 base;               /* guest physical, bytes; 0: not given */
} DeviceDimmAddress;

typedef struct {
    unsigned controller, bus, target, unit;
} DeviceDriveAddress;

typedef struct {
    unsigned controller, bus, port;
} DeviceVirtioSerialAddress;

typedef struct {
    unsigned cssid, ssid, devno;
} DeviceCcwAddress;

typedef struct {
    unsigned bus;
    char *port;                 /* "1.2" or NULL */
} DeviceUsbAddress;

typedef struct {
    guint64 reg;
    gboolean hasReg;
} DeviceSpaprVioAddress;

typedef struct {
    unsigned iobase, irq;
} DeviceIsaAddress;

/* Plain data, embedded in each device definition. */
typedef struct {
    char *alias;                /* as the user gave it ("ua-...") or as assigned at start */
    DeviceAddressType type;
    DevicePciAddress pci;       /* one of these, by type */
    DeviceDimmAddress dimm;
    DeviceDriveAddress drive;
    DeviceVirtioSerialAddress serial;
    DeviceCcwAddress ccw;
    DeviceUsbAddress usb;
    DeviceSpaprVioAddress spapr;
    DeviceIsaAddress isa;
    unsigned bootIndex;         /* 0: none */
} DeviceInfo;

/* <driver iommu= ats= packed= page_per_vq=> of virtio devices. */
typedef struct {
    MemTristate iommu, ats, packed, pagePerVq;
} DeviceVirtioOptions;

/* An enum field as the int that the readers of mem_xml.h fill in: an enum without negative values is as large. */
#define DEVICE_ENUM(field) ((int *)&(field))

/* Read <alias>, <address> and (when there is one) <boot> of @node into @info.
 * An alias without "ua-" is dropped unless @keepAlias: libvirt makes those itself. */
gboolean deviceInfoParse(const xmlNode *node, gboolean keepAlias, DeviceInfo *info, GError **err);
/* Write <alias> and <address>. @onlyUserAlias: inactive XML shows "ua-" aliases only. */
void deviceInfoFormat(MemXmlOut *out, const DeviceInfo *info, gboolean onlyUserAlias);
void deviceInfoFormatBoot(MemXmlOut *out, const DeviceInfo *info);
void deviceInfoClear(DeviceInfo *info);
gboolean deviceInfoHasUserAlias(const DeviceInfo *info);

/* The options of a <driver> element already found; other attributes are the caller's. */
gboolean deviceVirtioOptionsParse(const xmlNode *driver, DeviceVirtioOptions *options, GError **err);
void deviceVirtioOptionsFormat(MemXmlOut *out, const DeviceVirtioOptions *options);
gboolean deviceVirtioOptionsAny(const DeviceVirtioOptions *options);
/* A transitional device cannot be behind an IOMMU: VIR_ERR_CONFIG_UNSUPPORTED. @what names the device. */
gboolean deviceVirtioOptionsValidate(const DeviceVirtioOptions *options, gboolean transitional, const char *what, GError **err);

/* Is there an address of its type already? PCI 0000:00:00.0, a ccw address without cssid and a USB address without
 * port count as "of this type, still to be assigned". */
gboolean deviceInfoIsAssigned(const DeviceInfo *info);
gboolean deviceInfoSamePci(const DeviceInfo *a, const DeviceInfo *b);
/* "0000:00:1f.2" for messages. Caller frees. */
char *devicePciAddressText(const DevicePciAddress *pci);

/* TRUE when attribute @name has a value of @values, a NULL-terminated list of what libvirt knows and this driver cannot do;
 * @err is then VIR_ERR_CONFIG_UNSUPPORTED. */
gboolean deviceRefuseValue(const xmlNode *node, const char *name, const char *const *values, GError **err);

/* As memXmlAttrEnum(), required, but a value that is not known is VIR_ERR_CONFIG_UNSUPPORTED: for models, of which there
 * are more in the world than libvirt or this driver knows. */
gboolean deviceAttrModel(const xmlNode *node, const char *name, int (*fromString)(const char *), int *value, GError **err);
