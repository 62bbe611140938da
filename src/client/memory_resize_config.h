/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_resize_config.h: plans for what a guest starts with next time, done */
#pragma once

#include <glib.h>
#include <libvirt/libvirt-memory.h>

/* virMemRun() for a plan with config set, its arguments checked. */
int memoryResizeConfig(virDomainPtr dom, const virMemPlan *plan, const virMemRunOptions *options, virMemResult **result,
                       virMemError *err);
