/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_command_net.c: interfaces: a -netdev on the host's side, a -device on the guest's */
#include "qemu/qemu_command_devices.h"

#include "qemu/qemu_command_address.h"
#include "qemu/qemu_interface.h"

static MemTristate transitionalOf(NetModel model)
{
    if (model == NET_MODEL_VIRTIO_TRANSITIONAL)
        return MEM_TRISTATE_YES;
    return model == NET_MODEL_VIRTIO_NON_TRANSITIONAL ? MEM_TRISTATE_NO : MEM_TRISTATE_ABSENT;
}

char *qemuCommandNetDriver(const NetDef *net)
{
    if (netModelIsVirtio(net->model))
        return qemuCommandVirtioDriver("virtio-net", &net->info, transitionalOf(net->model));
    return g_strdup(netModelToString((int)net->model));
}

/* ---- the host's side ---- */

static char *joinFds(const int *fds, gsize count)
{
    GString *text = g_string_new(NULL);

    for (gsize i = 0; i < count; i++)
        g_string_append_printf(text, "%s%d", i ? ":" : "", fds[i]);
    return g_string_free(text, FALSE);
}

static void addFds(MemJson *props, const char *one, const char *several, const int *fds, gsize count)
{
    g_autofree char *text = joinFds(fds, count);

    if (count)
        memJsonAddString(props, count == 1 ? one : several, text);
}

/* Without descriptors QEMU opens the tap by name: what a person who copies the command line wants. */
static void addTap(MemJson *props, const NetDef *net, const QemuInterfaceFds *fds)
{
    if (fds && fds->count) {
        addFds(props, "fd", "fds", fds->tap, fds->count);
        if (fds->vhostCount) {
            memJsonAddBool(props, "vhost", TRUE);
            addFds(props, "vhostfd", "vhostfds", fds->vhost, fds->vhostCount);
        }
        return;
    }
    memJsonAddString(props, "ifname", net->target);
    memJsonAddString(props, "script", "no");
    memJsonAddString(props, "downscript", "no");
    if (net->queues > 1)
        memJsonAddUint64(props, "queues", net->queues);
    if (net->backend == NET_BACKEND_VHOST)
        memJsonAddBool(props, "vhost", TRUE);
}

static MemJson *netBackend(const NetDef *net, const QemuInterfaceFds *fds)
{
    g_autofree char *id = g_strdup_printf("host%s", net->info.alias);
    MemJson *props = memJsonNew();

    memJsonAddString(props, "type", net->type == NET_TYPE_USER ? "user" : "tap");
    if (net->type != NET_TYPE_USER)
        addTap(props, net, fds);
    memJsonAddString(props, "id", id);
    return props;
}

/* ---- the guest's side ---- */

static void addVirtio(MemJson *props, const NetDef *net)
{
    qemuCommandAddVirtioOptions(props, &net->virtio);
    if (net->ioeventfd)
        memJsonAddBool(props, "ioeventfd", net->ioeventfd == MEM_TRISTATE_YES);
    if (net->eventIdx)
        memJsonAddBool(props, "event_idx", net->eventIdx == MEM_TRISTATE_YES);
    if (net->queues > 1) {
        memJsonAddBool(props, "mq", TRUE);
        /* two per queue pair, one for control and one for configuration */
        if (net->info.type == DEVICE_ADDRESS_PCI)
            memJsonAddUint64(props, "vectors", 2 * (guint64)net->queues + 2);
    }
    if (net->rxQueueSize)
        memJsonAddUint64(props, "rx_queue_size", net->rxQueueSize);
    if (net->txQueueSize)
        memJsonAddUint64(props, "tx_queue_size", net->txQueueSize);
    if (net->mtuBytes)
        memJsonAddUint64(props, "host_mtu", net->mtuBytes);
}

static MemJson *netDevice(const DomainDef *def, const NetDef *net, GError **err)
{
    unsigned bootIndex = qemuCommandNetBootIndex(def, net);
    g_autofree char *driver = qemuCommandNetDriver(net);
    g_autofree char *backend = g_strdup_printf("host%s", net->info.alias);
    g_autofree char *mac = netMacText(net->mac);
    g_autoptr(MemJson) props = memJsonNew();

    memJsonAddString(props, "driver", driver);
    if (netModelIsVirtio(net->model))
        addVirtio(props, net);
    memJsonAddString(props, "netdev", backend);
    memJsonAddString(props, "id", net->info.alias);
    memJsonAddString(props, "mac", mac);
    if (bootIndex)
        memJsonAddUint64(props, "bootindex", bootIndex);
    if (!qemuCommandAddAddress(props, def, &net->info, err))
        return NULL;
    return g_steal_pointer(&props);
}

gboolean qemuCommandNets(GPtrArray *argv, const DomainDef *def, const QemuCommandContext *context, GError **err)
{
    for (gsize i = 0; i < def->nnets; i++) {
        const QemuInterfaceFds *fds = context->interfaceFds && !context->native ? &context->interfaceFds[i] : NULL;
        MemJson *device = netDevice(def, def->nets[i], err);

        if (!device)
            return FALSE;
        qemuCommandAppendJson(argv, "-netdev", netBackend(def->nets[i], fds));
        qemuCommandAppendDevice(argv, device);
    }
    return TRUE;
}
