/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_driver_define.c: definitions: from XML to a complete one, define, undefine, autostart, XML back */
#define G_LOG_DOMAIN "qemu/qemu_driver_define"
#include "qemu/qemu_driver.h"

#include "conf/domain_schema.h"
#include "qemu/qemu_command.h"
#include "qemu/qemu_domain_defaults.h"
#include "qemu/qemu_driver_priv.h"
#include "qemu/qemu_process.h"

#include <string.h>

/* ---- from XML ---- */

char *qemuDriverEmulator(QemuDriver *driver, const DomainDef *def, GError **err)
{
    Arch arch = def->arch;
    char *binary;

    if (def->emulator)
        return g_strdup(def->emulator);
    if (arch == ARCH_NONE)
        arch = qemuDriverHostArch();
    binary = qemuCapsCacheFindBinary(driver->caps, arch);
    if (!binary)
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "no emulator found for architecture '%s'", archToString((int)arch));
    return binary;
}

QemuCaps *qemuDriverCapsFor(QemuDriver *driver, const DomainDef *def, GError **err)
{
    g_autofree char *binary = qemuDriverEmulator(driver, def, err);

    return binary ? qemuCapsCacheGet(driver->caps, binary, err) : NULL;
}

QemuCaps *qemuDriverCapsOf(QemuDomain *dom, GError **err)
{
    const DomainDef *live = dom->live;
    g_autofree char *binary = dom->caps ? NULL : qemuDriverEmulator(dom->driver, qemuDomainDef(dom), err);
    g_autoptr(QemuCaps) caps = NULL;

    if (dom->caps)
        return qemuCapsRef(dom->caps);
    if (!binary)
        return NULL;
    g_mutex_unlock(&dom->lock);
    caps = qemuCapsCacheGet(dom->driver->caps, binary, err);
    g_mutex_lock(&dom->lock);
    if (!caps || (live && !qemuDomainStillRuns(dom, live, err)))
        return NULL;
    if (live)
        dom->caps = qemuCapsRef(caps);
    return g_steal_pointer(&caps);
}

DomainDef *qemuDriverParse(QemuDriver *driver, const char *xml, gboolean validateSchema, QemuCaps **caps, GError **err)
{
    const unsigned flags = DOMAIN_PARSE_INACTIVE | DOMAIN_PARSE_ABI_UPDATE;
    g_autoptr(DomainDef) def = NULL;
    g_autoptr(QemuCaps) known = NULL;

    if (validateSchema && !domainSchemaValidate(xml, err))
        return NULL;
    def = domainDefParseString(xml, flags, err);
    known = def ? qemuDriverCapsFor(driver, def, err) : NULL;
    if (!known)
        return NULL;
    if (!def->emulator)
        def->emulator = g_strdup(qemuCapsBinary(known));
    if (!qemuDomainDefaults(def, known, flags, err) || !qemuDomainValidate(def, known, err))
        return NULL;
    if (caps)
        *caps = g_steal_pointer(&known);
    return g_steal_pointer(&def);
}

/* ---- names ---- */

/* Under defineLock: is @def's pair of name and UUID free or one domain's? VIR_ERR_OPERATION_FAILED otherwise. */
static gboolean checkNames(QemuDriver *driver, const DomainDef *def, GError **err)
{
    g_autoptr(QemuDomain) sameUuid = qemuDomainListFindUuid(driver->domains, def->uuid);
    g_autoptr(QemuDomain) sameName = qemuDomainListFindName(driver->domains, def->name);
    char text[QEMU_UUID_TEXT];

    if (sameUuid == sameName)
        return TRUE;
    if (sameUuid)
        memErrorSet(err, VIR_ERR_OPERATION_FAILED, "domain '%s' is already defined with uuid %s", sameUuid->name,
                    qemuUuidFormat(def->uuid, text));
    else
        memErrorSet(err, VIR_ERR_OPERATION_FAILED, "domain '%s' already exists with uuid %s", def->name,
                    qemuUuidFormat(sameName->uuid, text));
    return FALSE;
}

QemuDomain *qemuDriverFindOrAdd(QemuDriver *driver, const DomainDef *def, GError **err)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&driver->defineLock);
    g_autoptr(QemuDomain) dom = NULL;

    if (!checkNames(driver, def, err))
        return NULL;
    dom = qemuDomainListFindUuid(driver->domains, def->uuid);
    if (!dom) {
        dom = qemuDomainNew(driver, def);
        qemuDomainListAdd(driver->domains, dom);
    }
    return g_steal_pointer(&dom);
}

/* ---- define ---- */

/* With the right to store; @def is taken over. */
static gboolean takeDefinition(QemuDomain *dom, DomainDef *def, GError **err)
{
    g_autoptr(DomainDef) owned = def;
    gboolean known = dom->config != NULL;

    if (!qemuStoreSaveConfig(dom, def, err))
        return FALSE;
    g_clear_pointer(&dom->config, domainDefFree);
    dom->config = g_steal_pointer(&owned);
    dom->updated = dom->live != NULL;
    qemuStoreNoteStatus(dom);
    qemuEventLifecycle(dom, VIR_DOMAIN_EVENT_DEFINED,
                       known ? VIR_DOMAIN_EVENT_DEFINED_UPDATED : VIR_DOMAIN_EVENT_DEFINED_ADDED);
    return TRUE;
}

gboolean qemuDriverDefine(QemuDriver *driver, const char *xml, unsigned flags, QemuDomainRef *ref, GError **err)
{
    g_autoptr(DomainDef) def = NULL;

    if (!qemuDriverCheckFlags(flags, VIR_DOMAIN_DEFINE_VALIDATE, "qemuDomainDefineXMLFlags", err))
        return FALSE;
    def = qemuDriverParse(driver, xml, (flags & VIR_DOMAIN_DEFINE_VALIDATE) != 0, NULL, err);
    while (def) {
        g_autoptr(QemuDomain) dom = qemuDriverFindOrAdd(driver, def, err);
        g_auto(QemuGuard) guard = { 0 };
        g_auto(QemuStoreRight) right = { 0 };

        if (!dom)
            return FALSE;
        guard = qemuGuardLock(dom);
        right = qemuStoreBegin(dom);
        /* undefined, or ended, since it was found: its name may be another's by now */
        if (dom->removed)
            continue;
        if (!takeDefinition(dom, g_steal_pointer(&def), err))
            return FALSE;
        qemuDomainFillRef(dom, ref);
        return TRUE;
    }
    return FALSE;
}

#define UNDEFINE_FLAGS (VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA | \
                        VIR_DOMAIN_UNDEFINE_NVRAM | VIR_DOMAIN_UNDEFINE_KEEP_NVRAM | \
                        VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA | VIR_DOMAIN_UNDEFINE_TPM | VIR_DOMAIN_UNDEFINE_KEEP_TPM)

/* With the right to store, under lock, which is given up meanwhile. */
static gboolean removeNvram(QemuDomain *dom, unsigned flags, GError **err)
{
    gboolean done;

    g_mutex_unlock(&dom->lock);
    done = qemuDriverHandleNvram(dom->config, flags, err);
    g_mutex_lock(&dom->lock);
    return done;
}

gboolean qemuDriverUndefine(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };
    g_autoptr(QemuJob) job = NULL;
    g_auto(QemuStoreRight) right = { 0 };

    if (!dom || !qemuDriverCheckFlags(flags, UNDEFINE_FLAGS, "qemuDomainUndefineFlags", err))
        return FALSE;
    guard = qemuGuardLock(dom);
    job = qemuJobBegin(dom, "undefine", err);
    if (!job)
        return FALSE;
    right = qemuStoreBegin(dom);
    if (!dom->config) {
        memErrorSet(err, VIR_ERR_OPERATION_INVALID, "cannot undefine transient domain");
        return FALSE;
    }
    if (!removeNvram(dom, flags, err) || !qemuStoreRemoveConfig(dom, err))
        return FALSE;
    g_clear_pointer(&dom->config, domainDefFree);
    dom->updated = FALSE;
    qemuEventLifecycle(dom, VIR_DOMAIN_EVENT_UNDEFINED, VIR_DOMAIN_EVENT_UNDEFINED_REMOVED);
    if (dom->live)
        qemuStoreNoteStatus(dom);
    else
        qemuDomainListRemove(driver->domains, dom);
    return TRUE;
}

/* ---- autostart ---- */

gboolean qemuDriverGetAutostart(QemuDriver *driver, QemuUuid uuid, gboolean *autostart, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };

    if (!dom)
        return FALSE;
    guard = qemuGuardLock(dom);
    *autostart = dom->autostart;
    return TRUE;
}

gboolean qemuDriverSetAutostart(QemuDriver *driver, QemuUuid uuid, gboolean autostart, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };
    g_auto(QemuStoreRight) right = { 0 };

    if (!dom)
        return FALSE;
    guard = qemuGuardLock(dom);
    right = qemuStoreBegin(dom);
    if (dom->config)
        return qemuStoreSetAutostart(dom, autostart, err);
    memErrorSet(err, VIR_ERR_OPERATION_INVALID, "cannot set autostart for transient domain");
    return FALSE;
}

/* ---- XML back ---- */

char *qemuDriverGetXml(QemuDriver *driver, QemuUuid uuid, unsigned flags, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDriverFind(driver, uuid, err);
    g_auto(QemuGuard) guard = { 0 };
    const DomainDef *def;
    unsigned format = 0;

    if (!dom || !qemuDriverCheckFlags(flags, VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_UPDATE_CPU |
                                                 VIR_DOMAIN_XML_MIGRATABLE, "qemuDomainGetXMLDesc", err))
        return NULL;
    guard = qemuGuardLock(dom);
    def = (flags & VIR_DOMAIN_XML_INACTIVE) && dom->config ? dom->config : qemuDomainDef(dom);
    if (!def) {
        memErrorSet(err, VIR_ERR_NO_DOMAIN, "no domain with matching name '%s'", dom->name);
        return NULL;
    }
    if (def != dom->live || (flags & VIR_DOMAIN_XML_INACTIVE))
        format |= DOMAIN_FORMAT_INACTIVE;
    if (flags & VIR_DOMAIN_XML_SECURE)
        format |= DOMAIN_FORMAT_SECURE;
    if (flags & VIR_DOMAIN_XML_MIGRATABLE)
        format |= DOMAIN_FORMAT_MIGRATABLE;
    return domainDefFormat(def, format);
}

/* ---- to a command line ---- */

char *qemuDriverXmlToNative(QemuDriver *driver, const char *format, const char *xml, unsigned flags, GError **err)
{
    g_autoptr(QemuCaps) caps = NULL;
    g_autoptr(DomainDef) def = NULL;
    g_auto(QemuProcessContext) context = { 0 };
    g_auto(GStrv) argv = NULL;
    g_auto(GStrv) env = NULL;

    if (!qemuDriverCheckFlags(flags, 0, "qemuConnectDomainXMLToNative", err))
        return NULL;
    if (strcmp(format, "qemu-argv") != 0) {
        memErrorSet(err, VIR_ERR_INVALID_ARG, "unsupported config type '%s': 'qemu-argv' is known", format);
        return NULL;
    }
    def = qemuDriverParse(driver, xml, FALSE, &caps, err);
    if (!def || !qemuDomainPrepare(def, caps, err))
        return NULL;
    qemuProcessContextFill(driver, def, &context);
    context.context.monitorFd = -1;
    context.context.native = TRUE;
    argv = qemuCommandBuild(def, caps, &context.context, err);
    if (!argv)
        return NULL;
    env = qemuProcessEnvironment(def);
    return qemuCommandToString(argv, env, FALSE);
}
