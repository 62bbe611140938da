/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_domain_address_users.c: which devices sit on PCI, and on which kind of it */
#include "qemu/qemu_domain_address_priv.h"

#include "conf/chardev_conf.h"
#include "conf/disk_conf.h"
#include "conf/input_conf.h"
#include "conf/memballoon_conf.h"
#include "conf/net_conf.h"
#include "conf/rng_conf.h"
#include "conf/video_conf.h"
#include "conf/watchdog_conf.h"
#include "qemu/qemu_domain_defaults.h"

PciPlace qemuDomainAddressVirtioPlace(const DomainDef *def)
{
    return qemuDomainHasPcie(def) ? PCI_PLACE_EXPRESS : PCI_PLACE_CONVENTIONAL;
}

/* Only those that are on PCI or nowhere yet: ccw, mmio and spapr-vio have been given out before. */
static void add(GPtrArray *users, DeviceInfo *info, PciPlace place, const ControllerDef *controller)
{
    PciUser *user;

    if (info->type != DEVICE_ADDRESS_NONE && info->type != DEVICE_ADDRESS_PCI)
        return;
    user = g_new0(PciUser, 1);
    user->info = info;
    user->place = place;
    user->controller = controller;
    g_ptr_array_add(users, user);
}

/* Transitional virtio devices have I/O ports, which root ports run out of: they go to conventional PCI. */
static PciPlace placeOfVirtio(const DomainDef *def, gboolean transitional)
{
    return transitional ? PCI_PLACE_CONVENTIONAL : qemuDomainAddressVirtioPlace(def);
}

static void addNets(const DomainDef *def, GPtrArray *users)
{
    for (gsize i = 0; i < def->nnets; i++) {
        NetDef *net = def->nets[i];

        switch (net->model) {
        case NET_MODEL_VIRTIO:
        case NET_MODEL_VIRTIO_NON_TRANSITIONAL:
        case NET_MODEL_E1000E:
            add(users, &net->info, qemuDomainAddressVirtioPlace(def), NULL);
            break;
        case NET_MODEL_VIRTIO_TRANSITIONAL:
        case NET_MODEL_E1000:
        case NET_MODEL_RTL8139:
        case NET_MODEL_DEFAULT:
            add(users, &net->info, PCI_PLACE_CONVENTIONAL, NULL);
            break;
        case NET_MODEL_SPAPR_VLAN:
        case NET_MODEL_LAST:
            break;
        }
    }
}

static PciPlace placeOfUsb(const DomainDef *def, const ControllerDef *usb)
{
    if (usb->model == CONTROLLER_MODEL_QEMU_XHCI || usb->model == CONTROLLER_MODEL_NEC_XHCI)
        return qemuDomainAddressVirtioPlace(def);
    return PCI_PLACE_CONVENTIONAL;
}

static void addController(const DomainDef *def, GPtrArray *users, ControllerDef *controller)
{
    gboolean transitional = controller->model == CONTROLLER_MODEL_VIRTIO_TRANSITIONAL;

    switch (controller->type) {
    case CONTROLLER_USB:
        if (controller->model != CONTROLLER_MODEL_NONE)
            add(users, &controller->info, placeOfUsb(def, controller), controller);
        break;
    case CONTROLLER_SCSI:
        if (controller->model == CONTROLLER_MODEL_LSILOGIC)
            add(users, &controller->info, PCI_PLACE_CONVENTIONAL, controller);
        else if (controller->model != CONTROLLER_MODEL_IBMVSCSI)
            add(users, &controller->info, placeOfVirtio(def, transitional), controller);
        break;
    case CONTROLLER_VIRTIO_SERIAL:
        add(users, &controller->info, placeOfVirtio(def, transitional), controller);
        break;
    case CONTROLLER_SATA:
    case CONTROLLER_IDE:
        add(users, &controller->info, PCI_PLACE_CONVENTIONAL, controller);
        break;
    case CONTROLLER_PCI:            /* placed before all others */
    case CONTROLLER_LAST:
        break;
    }
}

static void addDisks(const DomainDef *def, GPtrArray *users)
{
    for (gsize i = 0; i < def->ndisks; i++) {
        DiskDef *disk = def->disks[i];

        if (disk->bus == DISK_BUS_VIRTIO)
            add(users, &disk->info, placeOfVirtio(def, disk->model == DISK_MODEL_VIRTIO_TRANSITIONAL), NULL);
    }
}

static void addBalloon(const DomainDef *def, GPtrArray *users)
{
    MemballoonDef *balloon = def->balloon;

    if (balloon && balloon->model != MEMBALLOON_NONE && balloon->model != MEMBALLOON_XEN)
        add(users, &balloon->info, placeOfVirtio(def, balloon->model == MEMBALLOON_VIRTIO_TRANSITIONAL), NULL);
}

static void addSmall(const DomainDef *def, GPtrArray *users)
{
    for (gsize i = 0; i < def->nrngs; i++)
        add(users, &def->rngs[i]->info, placeOfVirtio(def, def->rngs[i]->model == RNG_MODEL_VIRTIO_TRANSITIONAL), NULL);
    for (gsize i = 0; i < def->nwatchdogs; i++) {
        if (def->watchdogs[i]->model == WATCHDOG_I6300ESB)
            add(users, &def->watchdogs[i]->info, PCI_PLACE_CONVENTIONAL, NULL);
    }
}

static void addVideos(const DomainDef *def, GPtrArray *users)
{
    for (gsize i = 0; i < def->nvideos; i++) {
        VideoDef *video = def->videos[i];

        switch (video->model) {
        case VIDEO_VIRTIO:
        case VIDEO_BOCHS:
            add(users, &video->info, qemuDomainAddressVirtioPlace(def), NULL);
            break;
        case VIDEO_VGA:
        case VIDEO_CIRRUS:
        case VIDEO_QXL:
        case VIDEO_DEFAULT:
            add(users, &video->info, PCI_PLACE_CONVENTIONAL, NULL);
            break;
        case VIDEO_RAMFB:
        case VIDEO_NONE:
        case VIDEO_LAST:
            break;
        }
    }
}

static void addInputs(const DomainDef *def, GPtrArray *users)
{
    for (gsize i = 0; i < def->ninputs; i++) {
        InputDef *input = def->inputs[i];

        if (input->bus == INPUT_BUS_VIRTIO)
            add(users, &input->info, placeOfVirtio(def, input->model == INPUT_MODEL_VIRTIO_TRANSITIONAL), NULL);
    }
    for (gsize i = 0; i < def->nserials; i++) {
        if (def->serials[i]->target == CHARDEV_TARGET_PCI_SERIAL)
            add(users, &def->serials[i]->info, PCI_PLACE_CONVENTIONAL, NULL);
    }
}

static void addMemories(const DomainDef *def, GPtrArray *users)
{
    for (gsize i = 0; i < def->nmemories; i++) {
        MemoryDeviceDef *memory = def->memories[i];

        if (memory->model == MEMORY_DEVICE_VIRTIO_MEM || memory->model == MEMORY_DEVICE_VIRTIO_PMEM)
            add(users, &memory->info, qemuDomainAddressVirtioPlace(def), NULL);
    }
}

GPtrArray *qemuDomainAddressPciUsers(const DomainDef *def)
{
    GPtrArray *users = g_ptr_array_new_with_free_func(g_free);

    addNets(def, users);
    for (gsize i = 0; i < def->ncontrollers; i++)
        addController(def, users, def->controllers[i]);
    addDisks(def, users);
    addBalloon(def, users);
    addSmall(def, users);
    addVideos(def, users);
    addInputs(def, users);
    addMemories(def, users);
    return users;
}
