/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_driver_config.c: changing the stored definition; the firmware's variables; the architecture of the host */
#define G_LOG_DOMAIN "qemu/qemu_driver_config"
#include "qemu/qemu_driver_priv.h"

#include "conf/guest_conf.h"
#include "util/mem_file.h"

#include <sys/utsname.h>

gboolean qemuDriverStoreConfig(QemuDomain *dom, DomainDef *def, GError **err)
{
    g_autoptr(DomainDef) owned = def;
    g_auto(QemuStoreRight) right = qemuStoreBegin(dom);

    if (!qemuStoreSaveConfig(dom, def, err))
        return FALSE;
    domainDefFree(dom->config);
    dom->config = g_steal_pointer(&owned);
    if (dom->live && !dom->updated) {
        dom->updated = TRUE;
        qemuStoreNoteStatus(dom);
    }
    return TRUE;
}

Arch qemuDriverHostArch(void)
{
    struct utsname host;
    int arch = uname(&host) == 0 ? archFromString(host.machine) : -1;

    return arch > 0 ? (Arch)arch : ARCH_X86_64;
}

gboolean qemuDriverHandleNvram(const DomainDef *def, unsigned flags, GError **err)
{
    const char *path = def->os ? def->os->nvram : NULL;

    if ((flags & VIR_DOMAIN_UNDEFINE_NVRAM) && (flags & VIR_DOMAIN_UNDEFINE_KEEP_NVRAM)) {
        memErrorSet(err, VIR_ERR_INVALID_ARG, "flags 'nvram' and 'keep-nvram' exclude each other");
        return FALSE;
    }
    if (!path || (flags & VIR_DOMAIN_UNDEFINE_KEEP_NVRAM) || !g_file_test(path, G_FILE_TEST_EXISTS))
        return TRUE;
    if (!(flags & VIR_DOMAIN_UNDEFINE_NVRAM)) {
        memErrorSet(err, VIR_ERR_OPERATION_INVALID, "cannot undefine domain with nvram");
        return FALSE;
    }
    return memFileRemove(path, err);
}
