/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_command_devices.h: controllers, disks, network cards and the other non-memory devices on the command line */
#pragma once

#include "conf/controller_conf.h"
#include "conf/disk_conf.h"
#include "conf/input_conf.h"
#include "conf/net_conf.h"
#include "conf/video_conf.h"
#include "conf/watchdog_conf.h"
#include "qemu/qemu_command.h"
#include "util/mem_json.h"

/* All controllers: they come before everything that sits on them, memory devices included. */
gboolean qemuCommandControllers(GPtrArray *argv, const DomainDef *def, const QemuCaps *caps,
                                const QemuCommandContext *context, GError **err);
/* Disks, interfaces, inputs, graphics, video, random number generators, watchdogs. */
gboolean qemuCommandDevices(GPtrArray *argv, const DomainDef *def, const QemuCaps *caps,
                            const QemuCommandContext *context, GError **err);

/* The -device driver; NULL: part of the machine, needs none. Caller frees. */
char *qemuCommandControllerDriver(const DomainDef *def, const ControllerDef *controller);
char *qemuCommandNetDriver(const NetDef *net);
char *qemuCommandVideoDriver(const DomainDef *def, const VideoDef *video);
char *qemuCommandInputDriver(const InputDef *input);
char *qemuCommandWatchdogDriver(const WatchdogDef *watchdog);

/* By family, in qemu_command_disk.c, _net.c, _display.c and _devices.c. */
gboolean qemuCommandDisks(GPtrArray *argv, const DomainDef *def, GError **err);
gboolean qemuCommandNets(GPtrArray *argv, const DomainDef *def, const QemuCommandContext *context, GError **err);
gboolean qemuCommandGraphics(GPtrArray *argv, const DomainDef *def, const QemuCommandContext *context, GError **err);
gboolean qemuCommandVideos(GPtrArray *argv, const DomainDef *def, GError **err);

/* The boot order of a disk or interface: its own, or what <os><boot dev=> gives the first of its kind. 0: none. */
unsigned qemuCommandDiskBootIndex(const DomainDef *def, const DiskDef *disk);
unsigned qemuCommandNetBootIndex(const DomainDef *def, const NetDef *net);
