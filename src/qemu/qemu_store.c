/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_store.c: definitions, autostart marks and status files on disk; loading all of them */
#define G_LOG_DOMAIN "qemu/qemu_store"
#include "qemu/qemu_driver_priv.h"

#include "qemu/qemu_domain_defaults.h"
#include "qemu/qemu_spawn.h"
#include "util/mem_file.h"
#include "util/mem_units.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- paths ---- */

static char *namePath(const char *folder, const char *name, const char *suffix)
{
    return g_strdup_printf("%s/%s%s", folder, name, suffix);
}

char *qemuStoreConfigPath(QemuDriver *driver, const char *name)
{
    return namePath(driver->paths.config, name, ".xml");
}

char *qemuStoreAutostartPath(QemuDriver *driver, const char *name)
{
    return g_strdup_printf("%s/autostart/%s.xml", driver->paths.config, name);
}

char *qemuStoreStatusPath(QemuDriver *driver, const char *name)
{
    return namePath(driver->paths.state, name, ".xml");
}

char *qemuStoreLogPath(QemuDriver *driver, const char *name)
{
    return namePath(driver->paths.log, name, ".log");
}

char *qemuStoreDomainFolder(QemuDriver *driver, const DomainDef *live)
{
    g_autofree char *shortName = qemuDomainShortName(live);

    return g_strdup_printf("%s/domain-%s", driver->paths.lib, shortName);
}

char *qemuStoreMonitorPath(QemuDriver *driver, const DomainDef *live)
{
    g_autofree char *folder = qemuStoreDomainFolder(driver, live);

    return g_strdup_printf("%s/monitor.sock", folder);
}

/* ---- definitions: the disk is waited for without lock ---- */

gboolean qemuStoreSaveConfig(QemuDomain *dom, const DomainDef *def, GError **err)
{
    g_autofree char *path = qemuStoreConfigPath(dom->driver, dom->name);
    g_autofree char *text = domainDefFormat(def, DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE);
    gboolean done;

    g_mutex_unlock(&dom->lock);
    done = memFileReplace(path, text, -1, err);
    g_mutex_lock(&dom->lock);
    return done;
}

gboolean qemuStoreRemoveConfig(QemuDomain *dom, GError **err)
{
    g_autofree char *path = qemuStoreConfigPath(dom->driver, dom->name);
    gboolean done;

    if (!qemuStoreSetAutostart(dom, FALSE, err))
        return FALSE;
    g_mutex_unlock(&dom->lock);
    done = memFileRemove(path, err);
    g_mutex_lock(&dom->lock);
    return done;
}

static gboolean markAutostart(QemuDomain *dom, gboolean on, GError **err)
{
    g_autofree char *path = qemuStoreAutostartPath(dom->driver, dom->name);
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *target = g_strdup_printf("../%s.xml", dom->name);

    if (!on)
        return memFileRemove(path, err);
    if (!memFileMakeFolder(folder, 0700, err))
        return FALSE;
    if (symlink(target, path) < 0 && errno != EEXIST) {
        memErrorSetSystem(err, errno, "cannot make autostart link '%s'", path);
        return FALSE;
    }
    return TRUE;
}

gboolean qemuStoreSetAutostart(QemuDomain *dom, gboolean on, GError **err)
{
    gboolean done;

    g_mutex_unlock(&dom->lock);
    done = markAutostart(dom, on, err);
    g_mutex_lock(&dom->lock);
    if (done)
        dom->autostart = on;
    return done;
}

/* ---- status: without fsync, waiting for a disk at each change of a guest would cost more than starting it ---- */

gboolean qemuStoreSaveStatus(QemuDomain *dom, GError **err)
{
    g_autofree char *path = qemuStoreStatusPath(dom->driver, dom->name);
    g_autofree char *text = NULL;
    MemXmlOut *out = memXmlOutNew();

    memXmlOutStart(out, "domstatus");
    memXmlOutAttrf(out, "state", "%d", dom->state);
    memXmlOutAttrf(out, "reason", "%d", dom->reason);
    memXmlOutAttrf(out, "pid", "%d", (int)dom->process.pid);
    memXmlOutAttrUint64(out, "startTime", dom->process.startTime);
    memXmlOutAttrf(out, "logOffset", "%" G_GINT64_FORMAT, dom->process.logOffset);
    memXmlOutAttrf(out, "ending", "%d", dom->stopReason);
    memXmlOutAttr(out, "starting", dom->starting ? "yes" : "no");
    memXmlOutAttr(out, "autodestroy", dom->autodestroy ? "yes" : "no");
    memXmlOutAttr(out, "transient", dom->config ? "no" : "yes");
    memXmlOutAttr(out, "updated", dom->updated ? "yes" : "no");
    domainDefFormatTo(out, dom->live, DOMAIN_FORMAT_STATUS | DOMAIN_FORMAT_SECURE);
    memXmlOutEnd(out);
    text = memXmlOutSteal(out);
    return memFileReplaceUnsynced(path, text, -1, err);
}

gboolean qemuStoreNoteStatus(QemuDomain *dom)
{
    g_autoptr(GError) error = NULL;

    if (!dom->live || qemuStoreSaveStatus(dom, &error))
        return TRUE;
    g_warning("%s: the status was not saved: %s", dom->name, error->message);
    return FALSE;
}

void qemuStoreRemoveStatus(QemuDomain *dom)
{
    g_autofree char *path = qemuStoreStatusPath(dom->driver, dom->name);

    unlink(path);
}

/* ---- loading ---- */

/* The name in "NAME.xml", or NULL for a file that is none of ours. Caller frees. */
static char *nameOf(const char *file)
{
    return g_str_has_suffix(file, ".xml") ? g_strndup(file, strlen(file) - strlen(".xml")) : NULL;
}

static DomainDef *readConfig(QemuDriver *driver, const char *name, GError **err)
{
    g_autofree char *path = qemuStoreConfigPath(driver, name);
    g_autofree char *text = memFileRead(path, MEM_XML_MAX_BYTES, NULL, err);
    g_autoptr(DomainDef) def = NULL;

    if (!text)
        return NULL;
    def = domainDefParseString(text, DOMAIN_PARSE_INACTIVE, err);
    if (!def)
        return NULL;
    if (g_strcmp0(def->name, name) != 0) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "file '%s' holds a domain of name '%s'", path, def->name);
        return NULL;
    }
    return g_steal_pointer(&def);
}

static void loadConfig(QemuDriver *driver, const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DomainDef) def = readConfig(driver, name, &error);
    g_autoptr(QemuDomain) dom = NULL;
    g_autofree char *autostart = qemuStoreAutostartPath(driver, name);

    if (!def) {
        g_warning("the definition of domain '%s' cannot be loaded and is left alone: %s", name, error->message);
        return;
    }
    dom = qemuDomainNew(driver, def);
    dom->config = g_steal_pointer(&def);
    dom->autostart = g_file_test(autostart, G_FILE_TEST_IS_SYMLINK) || g_file_test(autostart, G_FILE_TEST_EXISTS);
    if (!qemuDomainListAdd(driver->domains, dom))
        g_warning("the definition of domain '%s' has the UUID of another and is left alone", name);
}

static gboolean attrYes(const xmlNode *node, const char *name)
{
    g_autofree char *value = memXmlAttr(node, name);

    return g_strcmp0(value, "yes") == 0;
}

/* The domain that status @root speaks of: the one loaded before, or a transient one. New reference. */
static QemuDomain *statusDomain(QemuDriver *driver, const xmlNode *root, DomainDef *def, GError **err)
{
    g_autoptr(QemuDomain) dom = qemuDomainListFindUuid(driver->domains, def->uuid);

    if (dom)
        return g_steal_pointer(&dom);
    dom = qemuDomainNew(driver, def);
    if (!attrYes(root, "transient"))
        g_warning("%s: runs, and its definition is missing: it is transient now", def->name);
    if (!qemuDomainListAdd(driver->domains, dom)) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "there is another domain of name '%s'", def->name);
        return NULL;
    }
    return g_steal_pointer(&dom);
}

static gboolean statusFill(QemuDomain *dom, const xmlNode *root, GError **err)
{
    int pid = 0;
    guint64 logOffset = 0;

    if (!memXmlAttrInt(root, "state", TRUE, &dom->state, err) || !memXmlAttrInt(root, "reason", TRUE, &dom->reason, err) ||
        !memXmlAttrInt(root, "pid", TRUE, &pid, err) || !memXmlAttrInt(root, "ending", FALSE, &dom->stopReason, err) ||
        !memXmlAttrUint64(root, "startTime", TRUE, &dom->process.startTime, err) ||
        !memXmlAttrUint64(root, "logOffset", TRUE, &logOffset, err))
        return FALSE;
    dom->process.pid = pid;
    dom->process.logOffset = (gint64)logOffset;
    dom->starting = attrYes(root, "starting");
    dom->autodestroy = attrYes(root, "autodestroy");
    dom->updated = attrYes(root, "updated");
    return TRUE;
}

static gboolean readStatus(QemuDriver *driver, const char *name, GError **err)
{
    g_autofree char *path = qemuStoreStatusPath(driver, name);
    g_autofree char *text = memFileRead(path, MEM_XML_MAX_BYTES, NULL, err);
    g_autoptr(xmlDoc) doc = text ? memXmlParse(text, "domain status", err) : NULL;
    xmlNode *root = doc ? memXmlRoot(doc, "domstatus", err) : NULL;
    xmlNode *node = root ? memXmlChild(root, "domain") : NULL;
    g_autoptr(DomainDef) def = NULL;
    g_autoptr(QemuDomain) dom = NULL;

    if (!root)
        return FALSE;
    if (!node) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "file '%s' holds no domain", path);
        return FALSE;
    }
    def = domainDefParseNode(node, DOMAIN_PARSE_STATUS, err);
    if (!def)
        return FALSE;
    dom = statusDomain(driver, root, def, err);
    if (!dom)
        return FALSE;
    if (!statusFill(dom, root, err)) {
        if (!dom->config)
            qemuDomainListRemove(driver->domains, dom);
        return FALSE;
    }
    dom->live = g_steal_pointer(&def);
    qemuDomainListSetId(driver->domains, dom, dom->live->id);
    driver->lastId = MAX(driver->lastId, dom->id);
    dom->reconnecting = TRUE;
    return TRUE;
}

static void loadStatus(QemuDriver *driver, const char *name)
{
    g_autoptr(GError) error = NULL;

    if (!readStatus(driver, name, &error))
        g_warning("the status of domain '%s' cannot be loaded and is left alone: %s", name, error->message);
}

static void eachName(QemuDriver *driver, const char *folder, void (*func)(QemuDriver *, const char *))
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *file;

    while (dir && (file = g_dir_read_name(dir))) {
        g_autofree char *name = nameOf(file);

        if (name)
            func(driver, name);
    }
}

/* Is @folder one of a domain that runs, or has a QEMU that still listens there (its status file cannot be read)? */
static gboolean folderInUse(GHashTable *used, const char *folder)
{
    g_autofree char *socket = g_strdup_printf("%s/monitor.sock", folder);
    int fd;

    if (g_hash_table_contains(used, folder))
        return TRUE;
    fd = qemuMonitorConnect(socket, NULL);
    if (fd < 0)
        return FALSE;
    close(fd);
    g_warning("a QEMU that nothing is known of listens in '%s'", folder);
    return TRUE;
}

void qemuStoreSweep(QemuDriver *driver)
{
    g_autoptr(GPtrArray) all = qemuDomainListSnapshot(driver->domains);
    g_autoptr(GHashTable) used = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GDir) dir = g_dir_open(driver->paths.lib, 0, NULL);
    const char *name;

    for (guint i = 0; i < all->len; i++) {
        QemuDomain *dom = g_ptr_array_index(all, i);
        g_auto(QemuGuard) guard = qemuGuardLock(dom);

        if (dom->live)
            g_hash_table_add(used, qemuStoreDomainFolder(driver, dom->live));
    }
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *folder = g_build_filename(driver->paths.lib, name, NULL);

        if (g_str_has_prefix(name, "domain-") && !folderInUse(used, folder) && !memFileRemove(folder, NULL))
            g_warning("the leftover folder '%s' cannot be removed", folder);
    }
}

void qemuStoreLoad(QemuDriver *driver)
{
    eachName(driver, driver->paths.config, loadConfig);
    eachName(driver, driver->paths.state, loadStatus);
}
