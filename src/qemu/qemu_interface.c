/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_interface.c: the host's side of a guest before it starts: tap devices, bridges, vhost, VNC ports */
#include "qemu/qemu_interface.h"

#include "conf/graphics_conf.h"
#include "conf/net_conf.h"
#include "util/mem_error.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* after <net/if.h>, whose types they repeat otherwise */
#include <linux/if_tun.h>
#include <linux/sockios.h>

#define TUN_DEVICE "/dev/net/tun"
#define VHOST_DEVICE "/dev/vhost-net"
#define NAME_PATTERN "vnet%d"           /* the kernel fills in the first free number */
#define FIRST_VNC_PORT 5900
#define LAST_VNC_PORT 65535

/* ---- ioctls ---- */

static void fillName(struct ifreq *request, const char *name)
{
    memset(request, 0, sizeof(*request));
    g_strlcpy(request->ifr_name, name, sizeof(request->ifr_name));
}

static int controlSocket(GError **err)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        memErrorSetSystem(err, errno, "cannot open a socket to configure interfaces");
    return fd;
}

static gboolean bringUp(int control, const char *name, GError **err)
{
    struct ifreq request;

    fillName(&request, name);
    if (ioctl(control, SIOCGIFFLAGS, &request) == 0) {
        request.ifr_flags |= IFF_UP;
        if (ioctl(control, SIOCSIFFLAGS, &request) == 0)
            return TRUE;
    }
    memErrorSetSystem(err, errno, "cannot bring interface '%s' up", name);
    return FALSE;
}

static gboolean setMtu(int control, const char *name, unsigned mtuBytes, GError **err)
{
    struct ifreq request;

    if (!mtuBytes)
        return TRUE;
    fillName(&request, name);
    request.ifr_mtu = (int)mtuBytes;
    if (ioctl(control, SIOCSIFMTU, &request) == 0)
        return TRUE;
    memErrorSetSystem(err, errno, "cannot set the mtu of interface '%s' to '%u'", name, mtuBytes);
    return FALSE;
}

/* The host's end gets an address that no guest has: libvirt's rule is the guest's with fe in front, so that a bridge, which
 * takes its lowest port's address, does not change its own with each guest. */
static gboolean setMac(int control, const char *name, const unsigned char *guestMac, GError **err)
{
    struct ifreq request;

    fillName(&request, name);
    request.ifr_hwaddr.sa_family = 1;   /* ARPHRD_ETHER */
    memcpy(request.ifr_hwaddr.sa_data, guestMac, 6);
    request.ifr_hwaddr.sa_data[0] = (char)0xfe;
    if (ioctl(control, SIOCSIFHWADDR, &request) == 0)
        return TRUE;
    memErrorSetSystem(err, errno, "cannot set the address of interface '%s'", name);
    return FALSE;
}

static gboolean joinBridge(int control, const char *bridge, const char *name, GError **err)
{
    unsigned index = if_nametoindex(name);
    struct ifreq request;

    fillName(&request, bridge);
    request.ifr_ifindex = (int)index;
    if (index && ioctl(control, SIOCBRADDIF, &request) == 0)
        return TRUE;
    memErrorSetSystem(err, errno, "cannot add interface '%s' to bridge '%s'", name, bridge);
    return FALSE;
}

/* One queue of tap @name, which is made if it is not there; the name that it got replaces *@name. */
static int openQueue(char **name, gboolean multiQueue, GError **err)
{
    struct ifreq request;
    int fd = open(TUN_DEVICE, O_RDWR | O_CLOEXEC);

    if (fd < 0) {
        memErrorSetSystem(err, errno, "cannot open '%s'", TUN_DEVICE);
        return -1;
    }
    fillName(&request, *name ? *name : NAME_PATTERN);
    request.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (multiQueue ? IFF_MULTI_QUEUE : 0));
    if (ioctl(fd, TUNSETIFF, &request) < 0) {
        memErrorSetSystem(err, errno, "cannot open tap interface '%s'", *name ? *name : NAME_PATTERN);
        close(fd);
        return -1;
    }
    g_free(*name);
    *name = g_strdup(request.ifr_name);
    return fd;
}

/* ---- one interface ---- */

static gboolean openQueues(NetDef *net, QemuInterfaceFds *fds, GError **err)
{
    gsize wanted = MAX(net->queues, 1);

    fds->tap = g_new0(int, wanted);
    for (; fds->count < wanted; fds->count++) {
        int fd = openQueue(&net->target, wanted > 1, err);

        if (fd < 0)
            return FALSE;
        fds->tap[fds->count] = fd;
    }
    return TRUE;
}

/* vhost is an acceleration: without the device QEMU does it all, unless the XML insists. */
static gboolean openVhost(const NetDef *net, QemuInterfaceFds *fds, gboolean useVhost, GError **err)
{
    gboolean insists = net->backend == NET_BACKEND_VHOST;

    if (net->backend == NET_BACKEND_QEMU || !netModelIsVirtio(net->model) || (!insists && !useVhost))
        return TRUE;
    fds->vhost = g_new0(int, fds->count);
    for (; fds->vhostCount < fds->count; fds->vhostCount++) {
        int fd = open(VHOST_DEVICE, O_RDWR | O_CLOEXEC);

        if (fd >= 0) {
            fds->vhost[fds->vhostCount] = fd;
            continue;
        }
        if (insists)
            memErrorSetSystem(err, errno, "cannot open '%s' for interface '%s'", VHOST_DEVICE, net->target);
        while (fds->vhostCount > 0)
            close(fds->vhost[--fds->vhostCount]);
        return !insists;
    }
    return TRUE;
}

static gboolean configure(const NetDef *net, int control, GError **err)
{
    if (net->managed == MEM_TRISTATE_NO)    /* somebody else's */
        return TRUE;
    return setMac(control, net->target, net->mac, err) && setMtu(control, net->target, net->mtuBytes, err) &&
           (net->type != NET_TYPE_BRIDGE || joinBridge(control, net->bridge, net->target, err)) &&
           bringUp(control, net->target, err);
}

static gboolean openOne(NetDef *net, QemuInterfaceFds *fds, int control, gboolean useVhost, GError **err)
{
    if (net->managed == MEM_TRISTATE_NO && if_nametoindex(net->target) == 0) {
        memErrorSetSystem(err, errno, "tap interface '%s', which is not managed, does not exist", net->target);
        return FALSE;
    }
    return openQueues(net, fds, err) && configure(net, control, err) && openVhost(net, fds, useVhost, err);
}

static gboolean openAll(DomainDef *def, QemuInterfaceFds *all, gboolean useVhost, GError **err)
{
    int control = controlSocket(err);
    gboolean ok = control >= 0;

    for (gsize i = 0; ok && i < def->nnets; i++) {
        if (def->nets[i]->type != NET_TYPE_USER)
            ok = openOne(def->nets[i], &all[i], control, useVhost, err);
    }
    if (control >= 0)
        close(control);
    return ok;
}

QemuInterfaceFds *qemuInterfaceOpen(DomainDef *def, gboolean useVhost, GError **err)
{
    QemuInterfaceFds *all = g_new0(QemuInterfaceFds, def->nnets + 1);

    if (openAll(def, all, useVhost, err))
        return all;
    qemuInterfaceClose(all, def->nnets);
    return NULL;
}

void qemuInterfaceClose(QemuInterfaceFds *fds, gsize count)
{
    for (gsize i = 0; fds && i < count; i++) {
        for (gsize j = 0; j < fds[i].count; j++)
            close(fds[i].tap[j]);
        for (gsize j = 0; j < fds[i].vhostCount; j++)
            close(fds[i].vhost[j]);
        g_free(fds[i].tap);
        g_free(fds[i].vhost);
    }
    g_free(fds);
}

/* ---- VNC ---- */

/* Can @port be listened on now? What is not an address of this host counts as free: QEMU will say what is wrong with it. */
static gboolean portIsFree(const char *address, int port)
{
    struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    g_autofree char *service = g_strdup_printf("%d", port);
    gboolean isFree = TRUE;
    int fd, on = 1;

    if (getaddrinfo(address, service, &hints, &found) != 0)
        return TRUE;
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        isFree = bind(fd, found->ai_addr, found->ai_addrlen) == 0 ? listen(fd, 1) == 0 : errno != EADDRINUSE;
        close(fd);
    }
    freeaddrinfo(found);
    return isFree;
}

gboolean qemuInterfaceChooseVncPorts(DomainDef *def, const char *defaultListen, GError **err)
{
    for (gsize i = 0; i < def->ngraphics; i++) {
        GraphicsDef *graphics = def->graphics[i];
        const char *address;

        if (graphics->listen != GRAPHICS_LISTEN_ADDRESS)
            continue;
        if (!graphics->address)
            graphics->address = g_strdup(defaultListen);
        address = graphics->address;
        if (!graphics->autoport)
            continue;
        graphics->port = 0;
        for (int port = FIRST_VNC_PORT; port <= LAST_VNC_PORT && !graphics->port; port++) {
            if (portIsFree(address, port))
                graphics->port = port;
        }
        if (!graphics->port) {
            memErrorSet(err, VIR_ERR_INTERNAL_ERROR,
                        "no free VNC port on '%s' from '%d' to '%d'",
                        address, FIRST_VNC_PORT, LAST_VNC_PORT);
            return FALSE;
        }
    }
    return TRUE;
}
