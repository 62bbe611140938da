/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plan_show.h: a plan and its outcome, for people and for programs */
#pragma once

#include "util/mem_json.h"

#include <libvirt/libvirt-memory.h>

/* Steps, checks and what each step becomes, on stdout. @name: of the domain. */
void planShow(const char *name, const virMemPlan *plan);
/* The same as a document; the caller's. */
MemJson *planJson(const char *name, const virMemPlan *plan);
/* What became of it. @affects: "live" or "config". */
MemJson *planResultJson(const char *name, const char *affects, const virMemResult *result);
