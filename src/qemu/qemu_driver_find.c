/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_driver_find.c: domains by name, number, UUID and filter, and what the flags of a call mean for one */
#define G_LOG_DOMAIN "qemu/qemu_driver_find"
#include "qemu/qemu_driver.h"

#include "qemu/qemu_driver_priv.h"

#define RECONNECT_PATIENCE_US (2 * G_USEC_PER_SEC)

/* ---- shared ---- */

gboolean qemuDriverCheckFlags(unsigned flags, unsigned known, const char *what, GError **err)
{
    if (!(flags & ~known))
        return TRUE;
    memErrorSet(err, VIR_ERR_INVALID_ARG, "unsupported flags (0x%x) in function %s", flags & ~known, what);
    return FALSE;
}

static QemuDomain *orNoDomain(QemuDomain *dom, const char *how, const char *what, GError **err)
{
    gint64 deadline = g_get_monotonic_time() + RECONNECT_PATIENCE_US;
    gboolean known;

    if (!dom) {
        memErrorSet(err, VIR_ERR_NO_DOMAIN, "no domain with matching %s '%s'", how, what);
        return NULL;
    }
    g_mutex_lock(&dom->lock);
    while (dom->reconnecting) {
        if (!g_cond_wait_until(&dom->changed, &dom->lock, deadline))
            break;
    }
    known = qemuDomainDef(dom) != NULL;
    g_mutex_unlock(&dom->lock);
    if (known)
        return dom;
    qemuDomainRelease(dom);
    return orNoDomain(NULL, how, what, err);
}

QemuDomain *qemuDriverFind(QemuDriver *driver, QemuUuid uuid, GError **err)
{
    char text[QEMU_UUID_TEXT];

    return orNoDomain(qemuDomainListFindUuid(driver->domains, uuid), "uuid", qemuUuidFormat(uuid, text), err);
}

gboolean qemuDriverAffects(QemuDomain *dom, unsigned flags, gboolean *live, gboolean *config, GError **err)
{
    *live = (flags & VIR_DOMAIN_AFFECT_LIVE) != 0;
    *config = (flags & VIR_DOMAIN_AFFECT_CONFIG) != 0;
    if (!*live && !*config) {
        *live = dom->live != NULL;
        *config = !*live;
    }
    return (!*live || qemuDomainCheckActive(dom, err)) && (!*config || qemuDomainCheckPersistent(dom, err));
}

gboolean qemuDriverAffectsNow(QemuDomain *dom, unsigned flags, gboolean *live, gboolean *config, GError **err)
{
    do {
        if (!qemuDriverAffects(dom, flags, live, config, err))
            return FALSE;
    } while (*config && qemuStoreWait(dom));
    return TRUE;
}

/* ---- finding ---- */

static gboolean fillFound(QemuDomain *dom, QemuDomainRef *ref)
{
    if (!dom)
        return FALSE;
    {
        g_auto(QemuGuard) guard = qemuGuardLock(dom);

        qemuDomainFillRef(dom, ref);
    }
    qemuDomainRelease(dom);
    return TRUE;
}

gboolean qemuDriverLookupById(QemuDriver *driver, int id, QemuDomainRef *ref, GError **err)
{
    g_autofree char *text = g_strdup_printf("%d", id);

    return fillFound(orNoDomain(qemuDomainListFindId(driver->domains, id), "id", text, err), ref);
}

gboolean qemuDriverLookupByUuid(QemuDriver *driver, QemuUuid uuid, QemuDomainRef *ref, GError **err)
{
    return fillFound(qemuDriverFind(driver, uuid, err), ref);
}

gboolean qemuDriverLookupByName(QemuDriver *driver, const char *name, QemuDomainRef *ref, GError **err)
{
    return fillFound(orNoDomain(qemuDomainListFindName(driver->domains, name), "name", name, err), ref);
}

/* ---- listing ---- */

/* A pair of filter bits: none or both set is no filter. */
static gboolean pairPasses(unsigned flags, unsigned yes, unsigned no, gboolean is)
{
    if (!(flags & (yes | no)) || (flags & (yes | no)) == (yes | no))
        return TRUE;
    return (flags & yes) ? is : !is;
}

static unsigned stateBit(int state)
{
    if (state == VIR_DOMAIN_RUNNING)
        return VIR_CONNECT_LIST_DOMAINS_RUNNING;
    if (state == VIR_DOMAIN_PAUSED)
        return VIR_CONNECT_LIST_DOMAINS_PAUSED;
    if (state == VIR_DOMAIN_SHUTOFF)
        return VIR_CONNECT_LIST_DOMAINS_SHUTOFF;
    return VIR_CONNECT_LIST_DOMAINS_OTHER;
}

#define STATE_BITS (VIR_CONNECT_LIST_DOMAINS_RUNNING | VIR_CONNECT_LIST_DOMAINS_PAUSED | VIR_CONNECT_LIST_DOMAINS_SHUTOFF | \
                    VIR_CONNECT_LIST_DOMAINS_OTHER)
#define LIST_BITS 0xffffu

gboolean qemuDriverPassesFilter(QemuDomain *dom, unsigned flags)
{
    return pairPasses(flags, VIR_CONNECT_LIST_DOMAINS_ACTIVE, VIR_CONNECT_LIST_DOMAINS_INACTIVE, dom->live != NULL) &&
           pairPasses(flags, VIR_CONNECT_LIST_DOMAINS_PERSISTENT, VIR_CONNECT_LIST_DOMAINS_TRANSIENT, dom->config != NULL) &&
           pairPasses(flags, VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE, VIR_CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE, FALSE) &&
           pairPasses(flags, VIR_CONNECT_LIST_DOMAINS_AUTOSTART, VIR_CONNECT_LIST_DOMAINS_NO_AUTOSTART, dom->autostart) &&
           pairPasses(flags, VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT, VIR_CONNECT_LIST_DOMAINS_NO_SNAPSHOT, FALSE) &&
           pairPasses(flags, VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT, VIR_CONNECT_LIST_DOMAINS_NO_CHECKPOINT, FALSE) &&
           (!(flags & STATE_BITS) || (flags & stateBit(dom->state)));
}

static void refFree(gpointer data)
{
    QemuDomainRef *ref = data;

    qemuDomainRefClear(ref);
    g_free(ref);
}

GPtrArray *qemuDriverListDomains(QemuDriver *driver, unsigned flags, GError **err)
{
    g_autoptr(GPtrArray) all = qemuDomainListSnapshot(driver->domains);
    g_autoptr(GPtrArray) refs = g_ptr_array_new_with_free_func(refFree);

    if (!qemuDriverCheckFlags(flags, LIST_BITS, "virConnectListAllDomains", err))
        return NULL;
    for (guint i = 0; i < all->len; i++) {
        QemuDomain *dom = g_ptr_array_index(all, i);
        g_auto(QemuGuard) guard = qemuGuardLock(dom);
        QemuDomainRef *ref;

        if (dom->removed || !qemuDomainDef(dom) || !qemuDriverPassesFilter(dom, flags))
            continue;
        ref = g_new0(QemuDomainRef, 1);
        qemuDomainFillRef(dom, ref);
        g_ptr_array_add(refs, ref);
    }
    return g_steal_pointer(&refs);
}
