/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memcmd_device.c: attach-dimm, attach-nvdimm, attach-virtio-mem, attach-virtio-pmem, attach-sgx-epc */
#include "cmd_common.h"
#include "device_build.h"

#include <stdio.h>
#include <string.h>

static const char *const accessChoices[] = { "shared", "private", NULL };
static const char *const yesNoChoices[] = { "yes", "no", NULL };
static const char *const onOffChoices[] = { "on", "off", NULL };

#define OPTION_SIZE(text) \
    { .name = "size", .kind = CMD_KIND_SIZE, .flags = CMD_REQUIRED | CMD_POSITIONAL | CMD_POSITIVE, .value = "SIZE", .help = text }
#define OPTION_NODE \
    { .name = "node", .kind = CMD_KIND_NUMBER, .value = "NODE", .max = CONF_SET_LIMIT - 1, .help = "guest NUMA node it belongs to" }
#define OPTION_ACCESS \
    { .name = "access", .kind = CMD_KIND_CHOICE, .value = "ACCESS", .choices = accessChoices, .help = "how the host maps the memory" }
#define OPTION_DISCARD \
    { .name = "discard", .kind = CMD_KIND_CHOICE, .value = "YESNO", .choices = yesNoChoices, .help = "drop the content when it ends" }
#define OPTION_PAGESIZE \
    { .name = "pagesize", .kind = CMD_KIND_SIZE, .flags = CMD_POSITIVE, .value = "SIZE", .help = "of the host's pages behind it" }
#define OPTION_NODEMASK \
    { .name = "nodemask", .kind = CMD_KIND_STRING, .value = "NODES", .help = "host nodes it is taken from, such as 0-1" }
#define OPTION_PATH \
    { .name = "path", .kind = CMD_KIND_STRING, .flags = CMD_REQUIRED, .value = "FILE", .help = "the file behind it on the host", \
      .complete = CMD_COMPLETE_FILE }
#define OPTION_SLOT \
    { .name = "slot", .kind = CMD_KIND_NUMBER, .value = "SLOT", .max = 4294967295, .help = "slot it goes into (default: a free one)" }
#define OPTION_BASE \
    { .name = "base", .kind = CMD_KIND_ADDRESS, .value = "ADDRESS", .help = "guest physical address, in bytes" }
#define OPTION_ADDRESS \
    { .name = "address", .kind = CMD_KIND_STRING, .value = "PCI", .help = "PCI address, such as 0000:05:00.0" }
#define OPTION_ALIAS \
    { .name = "alias", .kind = CMD_KIND_STRING, .value = "ALIAS", .help = "a name of your own, beginning with ua-" }
#define OPTION_ONOFF(which, text) \
    { .name = which, .kind = CMD_KIND_CHOICE, .value = "ONOFF", .choices = onOffChoices, .help = text }
#define OPTIONS_VIRTIO \
    OPTION_ONOFF("iommu", "behind the guest's IOMMU"), \
    OPTION_ONOFF("ats", "address translation service"), \
    OPTION_ONOFF("packed", "packed virtqueues"), \
    OPTION_ONOFF("page-per-vq", "a page for each virtqueue's notifications")
#define OPTIONS_AFFECT \
    OPTION_PERSISTENT, OPTION_CONFIG, OPTION_LIVE, OPTION_CURRENT, OPTION_PRINT_XML

/* ---- attach ---- */

static const virMemDevice *newDevice(const virMemInventory *before, const virMemInventory *after)
{
    for (gsize i = 0; i < after->ndevices; i++) {
        const char *alias = after->devices[i]->alias;
        if (alias && !virMemInventoryFind(before, alias))
            return after->devices[i];
    }
    return NULL;
}

static gboolean attachLive(Ctl *ctl, const Cmd *cmd, virDomainPtr dom, const MemoryDeviceDef *def, const char *xml, unsigned affect,
                           GError **err)
{
    g_autoptr(virMemInventory) before = ctlInventory(dom, VIR_DOMAIN_AFFECT_LIVE, err);
    g_autoptr(virMemInventory) after = NULL;
    const virMemDevice *device;

    if (!before)
        return FALSE;
    if (virDomainAttachDeviceFlags(dom, xml, affect) < 0)
        return ctlLibvirtError(err, "cannot attach the '%s' device to domain '%s'", memoryDeviceModelToString(def->model), before->name);
    after = ctlInventory(dom, VIR_DOMAIN_AFFECT_LIVE, err);
    device = after ? newDevice(before, after) : NULL;
    if (!device) {
        g_clear_error(err);
        cmdErrorSet(err, CMD_PARTLY, "the '%s' device was attached to domain '%s' and is gone again", memoryDeviceModelToString(def->model), before->name);
        return FALSE;
    }
    ctlSay(ctl, "Memory device '%s' attached", device->alias);
    return !cmdGiven(cmd, "wait") || commonWait(ctl, cmd, dom, before, device->alias, 0, err);
}

/* Both definitions are looked at before either is changed. */
static gboolean checkAll(const MemoryDeviceDef *def, virDomainPtr dom, unsigned affect, GError **err)
{
    static const unsigned states[] = { VIR_DOMAIN_AFFECT_LIVE, VIR_DOMAIN_AFFECT_CONFIG };

    for (gsize i = 0; i < G_N_ELEMENTS(states); i++) {
        g_autoptr(virMemInventory) inventory = NULL;
        if (!(affect & states[i]))
            continue;
        inventory = ctlInventory(dom, states[i], err);
        if (!inventory || !deviceBuildCheck(def, inventory, states[i] == VIR_DOMAIN_AFFECT_LIVE, err))
            return FALSE;
    }
    return TRUE;
}

static gboolean attach(Ctl *ctl, const Cmd *cmd, MemoryDeviceModel model, GError **err)
{
    g_autoptr(MemoryDeviceDef) def = deviceBuild(cmd, model, err);
    g_autoptr(virDomain) dom = def ? ctlDomain(ctl, cmd, err) : NULL;
    g_autofree char *xml = NULL;
    unsigned affect = 0;

    if (!dom || !ctlAffect(cmd, dom, &affect, err) || !checkAll(def, dom, affect, err))
        return FALSE;
    if (cmdGiven(cmd, "wait") && !(affect & VIR_DOMAIN_AFFECT_LIVE)) {
        cmdErrorSet(err, CMD_FAILED, "domain '%s' is not running: there is nothing to wait for, leave out '--wait'", virDomainGetName(dom));
        return FALSE;
    }
    xml = memoryDeviceDefToString(def, DOMAIN_FORMAT_INACTIVE);
    if (cmdGiven(cmd, "print-xml")) {
        fputs(xml, stdout);
        if (!g_str_has_suffix(xml, "\n"))
            putchar('\n');
        return TRUE;
    }
    if (affect & VIR_DOMAIN_AFFECT_LIVE)
        return attachLive(ctl, cmd, dom, def, xml, affect, err);
    if (virDomainAttachDeviceFlags(dom, xml, affect) < 0)
        return ctlLibvirtError(err, "cannot attach the '%s' device to domain '%s'", memoryDeviceModelToString(model), virDomainGetName(dom));
    ctlSay(ctl, "Memory device added to the configuration of '%s'", virDomainGetName(dom));
    return TRUE;
}

/* ---- attach-dimm ---- */

static const CmdInfo dimmInfo = {
    .summary = "plug a DIMM",
    .description = "Adds ordinary memory that the guest gets as a whole. It can be taken away again only if the guest can empty all of it.",
};

static const CmdOption dimmOptions[] = {
    OPTION_DOMAIN,
    OPTION_SIZE("size of the DIMM"),
    OPTION_NODE,
    OPTION_SLOT,
    OPTION_BASE,
    OPTION_ACCESS,
    OPTION_DISCARD,
    OPTION_PAGESIZE,
    OPTION_NODEMASK,
    OPTION_ALIAS,
    OPTIONS_AFFECT,
    OPTION_WAIT,
    OPTION_TIMEOUT,
    { 0 }
};

static gboolean cmdAttachDimm(Ctl *ctl, const Cmd *cmd, GError **err)
{
    return attach(ctl, cmd, MEMORY_DEVICE_DIMM, err);
}

/* ---- attach-nvdimm ---- */

static const CmdInfo nvdimmInfo = {
    .summary = "plug persistent memory that a file holds",
    .description = "Adds a DIMM whose content is that of a file and outlives the guest. A running guest takes it only if it was started "
                   "with one, and never gives it back.",
};

static const CmdOption nvdimmOptions[] = {
    OPTION_DOMAIN,
    OPTION_SIZE("size of the device, label included"),
    OPTION_PATH,
    OPTION_NODE,
    OPTION_SLOT,
    OPTION_BASE,
    OPTION_ACCESS,
    OPTION_DISCARD,
    { .name = "label", .kind = CMD_KIND_SIZE, .value = "SIZE", .flags = CMD_POSITIVE, .help = "size of the label area at its end" },
    { .name = "alignsize", .kind = CMD_KIND_SIZE, .value = "SIZE", .flags = CMD_POSITIVE, .help = "alignment of the file's mapping" },
    { .name = "pmem", .help = "the file is on real persistent memory" },
    { .name = "readonly", .help = "the guest may not write to it" },
    { .name = "uuid", .kind = CMD_KIND_STRING, .value = "UUID", .help = "identity of the device, on pSeries only" },
    OPTION_ALIAS,
    OPTIONS_AFFECT,
    OPTION_WAIT,
    OPTION_TIMEOUT,
    { 0 }
};

static gboolean cmdAttachNvdimm(Ctl *ctl, const Cmd *cmd, GError **err)
{
    return attach(ctl, cmd, MEMORY_DEVICE_NVDIMM, err);
}

/* ---- attach-virtio-mem ---- */

static const CmdInfo virtioMemInfo = {
    .summary = "add a device whose memory can grow and shrink",
    .description = "Adds a virtio-mem device. SIZE is the most it can have; what the guest is asked to take of it is the requested size, "
                   "nothing at first, and can be changed at any time in steps of the block.",
};

static const CmdOption virtioMemOptions[] = {
    OPTION_DOMAIN,
    OPTION_SIZE("the most it can have"),
    { .name = "requested-size", .kind = CMD_KIND_SIZE, .value = "SIZE", .help = "what the guest is asked to take (default: 0)" },
    { .name = "block", .kind = CMD_KIND_SIZE, .flags = CMD_POSITIVE, .value = "SIZE", .help = "smallest step, a power of two (default: 2MiB)" },
    OPTION_NODE,
    OPTION_ACCESS,
    OPTION_DISCARD,
    OPTION_PAGESIZE,
    OPTION_NODEMASK,
    OPTION_BASE,
    { .name = "dynamic-memslots", .kind = CMD_KIND_CHOICE, .value = "YESNO", .choices = yesNoChoices, .help = "use memory slots as they are needed" },
    OPTIONS_VIRTIO,
    OPTION_ADDRESS,
    OPTION_ALIAS,
    OPTIONS_AFFECT,
    OPTION_WAIT,
    OPTION_TIMEOUT,
    { 0 }
};

static gboolean cmdAttachVirtioMem(Ctl *ctl, const Cmd *cmd, GError **err)
{
    return attach(ctl, cmd, MEMORY_DEVICE_VIRTIO_MEM, err);
}

/* ---- attach-virtio-pmem ---- */

static const CmdInfo virtioPmemInfo = {
    .summary = "add a file as persistent memory over virtio",
    .description = "Adds a virtio-pmem device: a file that the guest maps, without a page cache of its own. It stays until the guest ends.",
};

static const CmdOption virtioPmemOptions[] = {
    OPTION_DOMAIN,
    OPTION_SIZE("size of the device"),
    OPTION_PATH,
    OPTION_BASE,
    OPTIONS_VIRTIO,
    OPTION_ADDRESS,
    OPTION_ALIAS,
    OPTIONS_AFFECT,
    OPTION_WAIT,
    OPTION_TIMEOUT,
    { 0 }
};

static gboolean cmdAttachVirtioPmem(Ctl *ctl, const Cmd *cmd, GError **err)
{
    return attach(ctl, cmd, MEMORY_DEVICE_VIRTIO_PMEM, err);
}

/* ---- attach-sgx-epc ---- */

static const CmdInfo sgxEpcInfo = {
    .summary = "give a guest enclave memory (Intel SGX)",
    .description = "Adds a section of the processor's enclave page cache to the configuration. A running guest cannot take one.",
};

static const CmdOption sgxEpcOptions[] = {
    OPTION_DOMAIN,
    OPTION_SIZE("size of the section"),
    OPTION_NODE,
    OPTION_NODEMASK,
    OPTION_ALIAS,
    OPTIONS_AFFECT,
    { 0 }
};

static gboolean cmdAttachSgxEpc(Ctl *ctl, const Cmd *cmd, GError **err)
{
    return attach(ctl, cmd, MEMORY_DEVICE_SGX_EPC, err);
}

const CmdDef deviceCommands[] = {
    { "attach-dimm", &dimmInfo, dimmOptions, cmdAttachDimm, CMD_CHANGES | CMD_WAITS },
    { "attach-nvdimm", &nvdimmInfo, nvdimmOptions, cmdAttachNvdimm, CMD_CHANGES | CMD_WAITS },
    { "attach-sgx-epc", &sgxEpcInfo, sgxEpcOptions, cmdAttachSgxEpc, CMD_CHANGES },
    { "attach-virtio-mem", &virtioMemInfo, virtioMemOptions, cmdAttachVirtioMem, CMD_CHANGES | CMD_WAITS },
    { "attach-virtio-pmem", &virtioPmemInfo, virtioPmemOptions, cmdAttachVirtioPmem, CMD_CHANGES | CMD_WAITS },
    { 0 }
};
