/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* map_model.h: where a guest's memory lies in its physical address space */
#pragma once

#include <glib.h>
#include <libvirt/libvirt-memory.h>

typedef enum {
    MAP_BOOT = 0,
    MAP_DIMM,
    MAP_NVDIMM,
    MAP_VIRTIO_MEM,             /* what the guest has taken of the device */
    MAP_VIRTIO_MEM_UNPLUGGED,
    MAP_VIRTIO_PMEM,
    MAP_SGX_EPC,
    MAP_HOLE,                   /* firmware, PCI and what else is no memory */
    MAP_ROOM,                   /* where devices can still be plugged */

    MAP_KIND_LAST
} MapKind;

typedef struct {
    MapKind kind;
    guint64 start, bytes;
    int node;                   /* -1: none */
    guint64 pageKib;            /* VIR_MEM_UNKNOWN: the host's default huge page; 0: nothing behind it */
    char *alias;                /* NULL: no device */
    gboolean estimated;         /* libvirt does not tell the address: where QEMU would put it */
    gboolean continued;         /* the rest of the device before it */
    double x, width;            /* of the picture, from 0 to 1; see mapLayout() */
} MapPart;

typedef struct {
    char *title;
    GArray *parts;              /* MapPart, by address, without gaps from 0 to the end */
} Map;

/* A word for people and programs: "boot", "virtio-mem", "hole" ... Static. */
const char *mapKindName(MapKind kind);
const char *mapKindText(MapKind kind);

/* @machine: of <os><type>, or NULL. */
Map *mapNew(const virMemInventory *inventory, const char *machine);
void mapFree(Map *map);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Map, mapFree)

/* Gives each part its place: memory in proportion but none below @least, holes @hole, room a quarter at most. */
void mapLayout(Map *map, double least, double hole);

/* "0x0-0xfffffff". Caller frees. */
char *mapRange(const MapPart *part);
/* A page size for people: "-" for none. Caller frees. */
char *mapPage(const MapPart *part);
