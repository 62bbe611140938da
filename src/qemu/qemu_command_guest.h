/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_command_guest.h: parts of the command line beside memory and devices: CPU, clock, firmware, character devices */
#pragma once

#include "qemu/qemu_command.h"

/* The value of -cpu; NULL on error. Caller frees. */
char *qemuCommandGuestCpu(const DomainDef *def, const QemuCaps *caps, GError **err);
void qemuCommandGuestSmp(GPtrArray *argv, const DomainDef *def);

/* -blockdev of the firmware images, before -machine names them: ",pflash0=...,pflash1=..." is appended to @machine. */
void qemuCommandGuestPflash(GPtrArray *argv, GString *machine, const DomainDef *def, const QemuCommandContext *context);
void qemuCommandGuestSmbios(GPtrArray *argv, const DomainDef *def);
void qemuCommandGuestClock(GPtrArray *argv, const DomainDef *def, const QemuCommandContext *context);
void qemuCommandGuestBoot(GPtrArray *argv, const DomainDef *def);

/* -chardev and -device of serials, consoles and channels. */
gboolean qemuCommandGuestChardevs(GPtrArray *argv, const DomainDef *def, const QemuCommandContext *context, GError **err);

/* Append @option and @value (taken over). */
void qemuCommandGuestAdd(GPtrArray *argv, const char *option, char *value);
/* @text with each comma doubled, as QEMU's key=value options want it. Caller frees. */
char *qemuCommandGuestEscape(const char *text);
