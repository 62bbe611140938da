/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_cgroup.h: a control group for each guest's QEMU, with <memtune> and the nodes of <numatune> in it: cgroup v1 or
 * v2, whichever has the controller */
#pragma once

#include "conf/memory_backing_conf.h"
#include "util/mem_bitmap.h"

#include <sys/types.h>

/* A group lies below the one that the daemon itself is in, so that whoever limits the daemon limits its guests:
 *
 *   v1   OWN                   the daemon
 *        OWN/virtmem-UUID      a guest
 *   v2   SERVICE/virtmemd      the daemon (systemd 254: Delegate=yes, DelegateSubgroup=virtmemd)
 *        SERVICE/virtmem-UUID  a guest
 *
 * A v2 group has processes or passes controllers on, not both. So when the daemon is in no leaf made for it, guests are in
 *
 *   v2   /virtmemd/virtmem-UUID
 *
 * where a restart of the daemon's own group does not meet them.
 *
 * A guest is put there before QEMU runs: memory is charged to the group in which it was first touched. Nothing is kept in
 * memory that the kernel knows: the group of a QEMU that is found again is what /proc says of it. */

/* Put @pid into a group named after @uuid ("6695eb01-..."), made if need be. The group's folder, which the caller frees; NULL:
 * VIR_ERR_OPERATION_INVALID saying why there can be none on this host. */
char *qemuCgroupEnter(pid_t pid, const char *uuid, GError **err);

/* The folder of the group of ours that @pid is in; NULL: none, with the reason as above. Caller frees. */
char *qemuCgroupFind(pid_t pid, GError **err);

/* Keep the memory of @pid and all its threads on @nodes of the host, what it has and what it gets, in a group as above. The
 * group's folder, which the caller frees; NULL: VIR_ERR_OPERATION_INVALID saying why this host cannot. */
char *qemuCgroupSetNodes(pid_t pid, const char *uuid, const MemBitmap *nodes, GError **err);
/* The folder of the group that does; NULL: none. Caller frees. */
char *qemuCgroupFindNodes(pid_t pid);

/* The limits of @tune into the group in @folder; what is not given is left as it is, unlimited takes a limit away.
 * VIR_ERR_OPERATION_INVALID: no such limit on this host (swap accounting); VIR_ERR_SYSTEM_ERROR: the kernel refuses. */
gboolean qemuCgroupSetLimits(const char *folder, const MemtuneDef *tune, GError **err);

/* Remove the group in @folder, if nothing runs in it. */
void qemuCgroupRemove(const char *folder);
/* At the daemon's start: remove the groups of guests that nobody put away. Those of running guests stay. */
void qemuCgroupSweep(void);
