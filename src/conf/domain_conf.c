/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* domain_conf.c: <domain> <-> DomainDef: the frame; each family has its own file */
#include "conf/domain_conf.h"

#include "conf/chardev_conf.h"
#include "conf/cpu_conf.h"
#include "conf/domain_devices_conf.h"
#include "conf/guest_conf.h"
#include "conf/memballoon_conf.h"
#include "util/mem_error.h"
#include "util/mem_units.h"

#include <string.h>

MEM_ENUM_IMPL(domainVirtType, DOMAIN_VIRT_LAST, "qemu", "kvm");
MEM_ENUM_IMPL(domainAction, DOMAIN_ACTION_LAST, "destroy", "restart", "preserve", "rename-restart", "coredump-destroy",
              "coredump-restart");

#define IOTHREADS_MAX 1024

typedef gboolean (*ElementParse)(const xmlNode *node, DomainDef *def, unsigned flags, GError **err);

DomainDef *domainDefNew(void)
{
    DomainDef *def = g_new0(DomainDef, 1);

    def->id = -1;
    def->vcpus.max = 1;
    def->os = osDefNew();
    def->onReboot = DOMAIN_ACTION_RESTART;
    return def;
}

void domainDefFree(DomainDef *def)
{
    if (!def)
        return;
    g_free(def->name);
    g_free(def->title);
    g_free(def->description);
    g_free(def->machine);
    if (def->metadata)
        xmlFreeDoc(def->metadata->doc);
    memoryBackingDefClear(&def->backing);
    numaDefClear(&def->numa);
    memBitmapFree(def->vcpus.cpuset);
    cpuDefFree(def->cpu);
    osDefFree(def->os);
    g_free(def->emulator);
    g_free(def->partition);
    domainDevicesClear(def);
    g_strfreev(def->qemuArgs);
    g_strfreev(def->qemuEnv);
    g_free(def);
}

/* ---- parsing: one function per element ---- */

static gboolean parseName(const xmlNode *node, DomainDef *def, unsigned flags, GError **err)
{
    def->name = memXmlText(node);
    if (!def->name || !*def->name) {
        memErrorSet(err, VIR_ERR_NO_NAME, "domain <name> is empty");
        return FALSE;
    }
    if (strchr(def->name, '/') || strchr(def->name, '\n') || strcmp(def->name, ".") == 0 ||
        strcmp(def->name, "..") == 0) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "domain name '%s' is not a plain name: '/', a line break, '.' and '..' "
                    "cannot be in a file name", def->name);
        return FALSE;
    }
    return TRUE;
}

static gboolean parseUuidText(const char *text, unsigned char *uuid)
{
    gsize digits = 0;

    for (; *text; text++) {
        int value = g_ascii_xdigit_value(*text);

        if (*text == '-' && digits % 2 == 0)
            continue;
        if (value < 0 || digits == 32)
            return FALSE;
        uuid[digits / 2] = (unsigned char)(digits % 2 ? uuid[digits / 2] << 4 | value : value);
        digits++;
    }
    return digits == 32;
}

static void generateUuid(unsigned char *uuid)
{
    g_autofree char *text = g_uuid_string_random();

    parseUuidText(text, uuid);
}

static gboolean parseUuid(const xmlNode *node, DomainDef *def, unsigned flags, GError **err)
{
    g_autofree char *text = memXmlText(node);
    g_autofree char *stripped = text ? g_strstrip(g_strdup(text)) : g_strdup("");

    if (parseUuidText(stripped, def->uuid))
        return TRUE;
    memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "uuid '%s' is not 32 hexadecimal digits", stripped);
    return FALSE;
}

static gboolean parseTitle(const xmlNode *node, DomainDef *def, unsigned flags, GError **err)
{
    def->title = memXmlText(node);
    if (!def->title || !strchr(def->title, '\n'))
        return TRUE;
    memErrorSet(err, VIR_ERR_XML_ERROR, "title '%s' has a line break", def->title);
    return FALSE;
}

static gboolean parseDescription(const xmlNode *node, DomainDef *def, unsigned flags, GError **err)
{
    def->description = memXmlText(node);
    return TRUE;
}

static gboolean parseMetadata(const xmlNode *node, DomainDef *def, unsigned flags, GError **err)
{
    xmlDoc *doc = xmlNewDoc((const xmlChar *)"1.0");

    def->metadata = xmlDocCopyNode((xmlNode *)node, doc, 1);
    xmlDocSetRootElement(doc, def->metadata);
    return TRUE;
}

static gboolean parseBacking(const xmlNode *node, DomainDef *def, unsigned flags, GError **err)
{
    return memoryBackingDefParse(node, &def->backing, err);
}

static gboolean parseMemtune(const xmlNode *node, DomainDef *def, unsigned flags, GError **err)
{
    return memtuneDefParse(node, &def->memtune, err);
}

static gboolean parseVcpu(const xmlNode *node, DomainDef *def, unsigned flags, GError **err)
{
    return vcpusParse(node, &def->vcpus, err);
}

static gboolean parseIothreads(const xmlNode *node, DomainDef *def, unsigned flags, GError **err)
{
    g_autofree char *text = memXmlText(node);

    if (text && memUnitsParseUint(text, &def->iothreads) && def->iothreads <= IOTHREADS_MAX)
        return TRUE;
    memErrorSet(err, VIR_ERR_XML_ERROR, "iothreads '%s' is not a number up to '%d'", text ? text : "", IOTHREADS_MAX);
    return FALSE;
}

static gboolean parseResource(const xmlNode *node, DomainDef *def, unsigned flags, GError **err)
{
    static const char *const children[] = { "partition", NULL };

    def->partition = memXmlChildText(node, "partition");
    return memXmlOnlyChildren(node, children, err);
}

static gboolean parseSysinfo(const xmlNode *node, DomainDef *def, unsigned flags, GError **err)
{
    return sysinfoDefParse(node, &def->os->sysinfo, err);
}

static gboolean parseOsType(const xmlNode *os, DomainDef *def, GError **err)
{
    static const char *const attrs[] = { "arch", "machine", NULL };
    const xmlNode *node = memXmlChild(os, "type");
    g_autofree char *type = node ? memXmlText(node) : NULL;
    g_autofree char *arch = NULL;

    if (!type) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "<os> has no <type>");
        return FALSE;
    }
    if (strcmp(type, "hvm") != 0) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "os type '%s' is not supported: use 'hvm'", type);
        return FALSE;
    }
    arch = memXmlAttr(node, "arch");
    if (arch && archFromString(arch) <= ARCH_NONE) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "os type arch '%s' is not supported", arch);
        return FALSE;
    }
    def->arch = arch ? (Arch)archFromString(arch) : ARCH_NONE;
    def->machine = memXmlAttr(node, "machine");
    return memXmlOnlyAttrs(node, attrs, err);
}

static gboolean parseOs(const xmlNode *node, DomainDef *def, unsigned flags, GError **err)
{
    return parseOsType(node, def, err) && osDefParse(node, def->os, err);
}

static gboolean parseFeatures(const xmlNode *node, DomainDef *def, unsigned flags, GError **err)
{
    return featuresDefParse(node, &def->os->features, err);
}

static gboolean parseCpu(const xmlNode *node, DomainDef *def, unsigned flags, GError **err)
{
    if (memXmlCountChildren(node, "numa") > 1) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "element 'numa' is given twice in 'cpu'");
        return FALSE;
    }
    def->cpu = cpuDefParse(node, flags, err);
    return def->cpu != NULL;
}

static gboolean parseClock(const xmlNode *node, DomainDef *def, unsigned flags, GError **err)
{
    return clockDefParse(node, &def->os->clock, err);
}

static gboolean parsePm(const xmlNode *node, DomainDef *def, unsigned flags, GError **err)
{
    return pmDefParse(node, &def->os->pm, err);
}

static gboolean parseAction(const xmlNode *node, DomainAction *action, GError **err)
{
    g_autofree char *text = memXmlText(node);
    int value = domainActionFromString(text);

    if (value < 0) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "%s '%s' is not a known action", node->name, text ? text : "");
        return FALSE;
    }
    *action = (DomainAction)value;
    return TRUE;
}

static gboolean parseOnPoweroff(const xmlNode *node, DomainDef *def, unsigned flags, GError **err)
{
    return parseAction(node, &def->onPoweroff, err);
}

static gboolean parseOnReboot(const xmlNode *node, DomainDef *def, unsigned flags, GError **err)
{
    return parseAction(node, &def->onReboot, err);
}

static gboolean parseOnCrash(const xmlNode *node, DomainDef *def, unsigned flags, GError **err)
{
    return parseAction(node, &def->onCrash, err);
}

/* The daemon runs its guests without a security driver, so only the label that asks for none can be kept. */
static gboolean parseSeclabel(const xmlNode *node, DomainDef *def, unsigned flags, GError **err)
{
    g_autofree char *type = memXmlAttr(node, "type");
    g_autofree char *model = memXmlAttr(node, "model");

    if (g_strcmp0(type, "none") != 0 && (model || g_strcmp0(type, "dynamic") != 0)) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "seclabel type '%s' model '%s' is not supported: use type 'none'",
                    type ? type : "", model ? model : "");
        return FALSE;
    }
    def->seclabelNone = TRUE;
    return TRUE;
}

static gboolean appendArg(const xmlNode *node, GPtrArray *args, GError **err)
{
    char *value = memXmlAttr(node, "value");

    if (!value) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "qemu:arg has no attribute 'value'");
        return FALSE;
    }
    g_ptr_array_add(args, value);
    return TRUE;
}

static gboolean appendEnv(const xmlNode *node, GPtrArray *env, GError **err)
{
    g_autofree char *name = memXmlAttr(node, "name");
    g_autofree char *value = memXmlAttr(node, "value");

    if (!name || !*name || g_ascii_isdigit(*name) ||
        strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name)) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "qemu:env name '%s' is not letters, digits and underscores",
                    name ? name : "");
        return FALSE;
    }
    g_ptr_array_add(env, g_strdup_printf("%s=%s", name, value ? value : ""));
    return TRUE;
}

static char **takeList(GPtrArray *list)
{
    if (!list->len)
        return NULL;
    g_ptr_array_add(list, NULL);
    return g_strdupv((char **)list->pdata);
}

static gboolean parseCommandline(const xmlNode *node, DomainDef *def, unsigned flags, GError **err)
{
    static const char *const children[] = { "qemu:arg", "qemu:env", NULL };
    g_autoptr(GPtrArray) args = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) env = g_ptr_array_new_with_free_func(g_free);

    if (!node->ns || g_strcmp0((const char *)node->ns->href, DOMAIN_QEMU_NAMESPACE) != 0) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "element 'qemu:commandline' is not of the namespace '%s'",
                    DOMAIN_QEMU_NAMESPACE);
        return FALSE;
    }
    if (!memXmlOnlyChildren(node, children, err))
        return FALSE;
    for (const xmlNode *child = memXmlChild(node, NULL); child; child = memXmlNext(child, NULL)) {
        if (memXmlIs(child, "arg") ? !appendArg(child, args, err) : !appendEnv(child, env, err))
            return FALSE;
    }
    def->qemuArgs = takeList(args);
    def->qemuEnv = takeList(env);
    return TRUE;
}

/* In the order of reading; NULL: read elsewhere. An element that is not here is refused. */
static const struct {
    const char *name;
    ElementParse parse;
} elements[] = {
    { "name", parseName },
    { "uuid", parseUuid },
    { "title", parseTitle },
    { "description", parseDescription },
    { "metadata", parseMetadata },
    { "os", parseOs },
    { "resource", parseResource },
    { "sysinfo", parseSysinfo },
    { "memory", NULL },
    { "currentMemory", NULL },
    { "maxMemory", NULL },
    { "memoryBacking", parseBacking },
    { "memtune", parseMemtune },
    { "vcpu", parseVcpu },
    { "iothreads", parseIothreads },
    { "cpu", parseCpu },
    { "numatune", NULL },
    { "features", parseFeatures },
    { "clock", parseClock },
    { "on_poweroff", parseOnPoweroff },
    { "on_reboot", parseOnReboot },
    { "on_crash", parseOnCrash },
    { "pm", parsePm },
    { "devices", domainDevicesParse },
    { "seclabel", parseSeclabel },
    { "qemu:commandline", parseCommandline },
};

static gboolean checkElements(const xmlNode *root, GError **err)
{
    static const char *const attrs[] = { "type", "id", NULL };
    const char *known[G_N_ELEMENTS(elements) + 1] = { NULL };

    for (gsize i = 0; i < G_N_ELEMENTS(elements); i++)
        known[i] = elements[i].name;
    return memXmlOnlyAttrs(root, attrs, err) && memXmlOnlyChildren(root, known, err);
}

static const char *localName(const char *name)
{
    const char *colon = strchr(name, ':');

    return colon ? colon + 1 : name;
}

static gboolean parseElements(const xmlNode *root, DomainDef *def, unsigned flags, GError **err)
{
    for (gsize i = 0; i < G_N_ELEMENTS(elements); i++) {
        const char *name = localName(elements[i].name);
        const xmlNode *node = memXmlChild(root, name);

        if (!elements[i].parse) {
            if ((strcmp(name, "memory") == 0 && !domainMemoryParse(root, def, err)) ||
                (strcmp(name, "numatune") == 0 && !numaDefParse(root, def, err)))
                return FALSE;
            continue;
        }
        if (!node)
            continue;
        if (memXmlNext(node, name)) {
            memErrorSet(err, VIR_ERR_XML_ERROR, "element '%s' is given twice in 'domain'", elements[i].name);
            return FALSE;
        }
        if (!elements[i].parse(node, def, flags, err))
            return FALSE;
    }
    return TRUE;
}

static gboolean parseVirtType(const xmlNode *root, DomainDef *def, GError **err)
{
    g_autofree char *type = memXmlAttr(root, "type");
    int value = domainVirtTypeFromString(type);

    if (!type) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "domain has no attribute 'type'");
        return FALSE;
    }
    if (value < 0) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "domain type '%s' is not supported: use 'qemu' or 'kvm'", type);
        return FALSE;
    }
    def->virtType = (DomainVirtType)value;
    return TRUE;
}

static gboolean checkRequired(const xmlNode *root, GError **err)
{
    if (!memXmlChild(root, "name")) {
        memErrorSet(err, VIR_ERR_NO_NAME, "domain has no <name>");
        return FALSE;
    }
    if (!memXmlChild(root, "os")) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "domain has no <os> with a <type>");
        return FALSE;
    }
    return TRUE;
}

DomainDef *domainDefParseNode(const xmlNode *root, unsigned flags, GError **err)
{
    g_autoptr(DomainDef) def = domainDefNew();

    if (!parseVirtType(root, def, err) || !checkRequired(root, err) || !parseElements(root, def, flags, err) ||
        !checkElements(root, err))
        return NULL;
    if ((flags & DOMAIN_PARSE_STATUS) && !memXmlAttrInt(root, "id", FALSE, &def->id, err))
        return NULL;
    if (!memXmlChild(root, "uuid"))
        generateUuid(def->uuid);
    if (!domainDefDefaults(def, flags, err))
        return NULL;
    return g_steal_pointer(&def);
}

DomainDef *domainDefParseString(const char *xml, unsigned flags, GError **err)
{
    g_autoptr(xmlDoc) doc = memXmlParse(xml, "domain_definition", err);
    const xmlNode *root = doc ? memXmlRoot(doc, "domain", err) : NULL;

    return root ? domainDefParseNode(root, flags, err) : NULL;
}

DomainDef *domainDefCopy(const DomainDef *def, GError **err)
{
    g_autofree char *xml = domainDefFormat(def, DOMAIN_FORMAT_STATUS | DOMAIN_FORMAT_SECURE);

    return domainDefParseString(xml, DOMAIN_PARSE_STATUS, err);
}

/* ---- formatting, in libvirt's order ---- */

static void formatIdentity(MemXmlOut *out, const DomainDef *def)
{
    const unsigned char *u = def->uuid;
    g_autofree char *uuid = g_strdup_printf(
        "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1], u[2], u[3], u[4], u[5],
        u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]);

    memXmlOutText(out, "name", def->name);
    memXmlOutText(out, "uuid", uuid);
    memXmlOutText(out, "title", def->title);
    memXmlOutText(out, "description", def->description);
    if (def->metadata) {
        g_autofree char *metadata = memXmlNodeText(def->metadata);

        memXmlOutVerbatim(out, metadata);
    }
}

static void formatResource(MemXmlOut *out, const DomainDef *def)
{
    if (!def->partition)
        return;
    memXmlOutStart(out, "resource");
    memXmlOutText(out, "partition", def->partition);
    memXmlOutEnd(out);
}

static void formatOs(MemXmlOut *out, const DomainDef *def)
{
    memXmlOutStart(out, "os");
    memXmlOutStart(out, "type");
    memXmlOutAttr(out, "arch", def->arch == ARCH_NONE ? NULL : archToString(def->arch));
    memXmlOutAttr(out, "machine", def->machine);
    memXmlOutEndText(out, "hvm");
    osDefFormat(out, def->os);
    memXmlOutEnd(out);
}

static void formatCommandline(MemXmlOut *out, const DomainDef *def)
{
    if (!def->qemuArgs && !def->qemuEnv)
        return;
    memXmlOutStart(out, "qemu:commandline");
    for (gsize i = 0; def->qemuArgs && def->qemuArgs[i]; i++) {
        memXmlOutStart(out, "qemu:arg");
        memXmlOutAttr(out, "value", def->qemuArgs[i]);
        memXmlOutEnd(out);
    }
    for (gsize i = 0; def->qemuEnv && def->qemuEnv[i]; i++) {
        const char *equals = strchr(def->qemuEnv[i], '=');

        memXmlOutStart(out, "qemu:env");
        memXmlOutAttrf(out, "name", "%.*s", (int)(equals - def->qemuEnv[i]), def->qemuEnv[i]);
        memXmlOutAttr(out, "value", equals[1] ? equals + 1 : NULL);
        memXmlOutEnd(out);
    }
    memXmlOutEnd(out);
}

static void formatSeclabel(MemXmlOut *out, const DomainDef *def)
{
    if (!def->seclabelNone)
        return;
    memXmlOutStart(out, "seclabel");
    memXmlOutAttr(out, "type", "none");
    memXmlOutAttr(out, "model", "none");
    memXmlOutEnd(out);
}

void domainDefFormatTo(MemXmlOut *out, const DomainDef *def, unsigned flags)
{
    memXmlOutStart(out, "domain");
    memXmlOutAttr(out, "type", domainVirtTypeToString(def->virtType));
    if (def->id >= 0 && !(flags & DOMAIN_FORMAT_INACTIVE))
        memXmlOutAttrUint64(out, "id", (guint64)def->id);
    if (def->qemuArgs || def->qemuEnv)
        memXmlOutAttr(out, "xmlns:qemu", DOMAIN_QEMU_NAMESPACE);
    formatIdentity(out, def);
    domainMemoryFormat(out, def, flags);
    memtuneDefFormat(out, &def->memtune);
    memoryBackingDefFormat(out, &def->backing);
    vcpusFormat(out, &def->vcpus);
    if (def->iothreads) {
        memXmlOutStart(out, "iothreads");
        memXmlOutEndTextUint64(out, def->iothreads);
    }
    numatuneFormat(out, &def->numa);
    formatResource(out, def);
    sysinfoDefFormat(out, &def->os->sysinfo);
    formatOs(out, def);
    featuresDefFormat(out, &def->os->features);
    cpuDefFormat(out, def->cpu, &def->numa);
    clockDefFormat(out, &def->os->clock);
    memXmlOutText(out, "on_poweroff", domainActionToString(def->onPoweroff));
    memXmlOutText(out, "on_reboot", domainActionToString(def->onReboot));
    memXmlOutText(out, "on_crash", domainActionToString(def->onCrash));
    pmDefFormat(out, &def->os->pm);
    domainDevicesFormat(out, def, flags);
    formatSeclabel(out, def);
    formatCommandline(out, def);
    memXmlOutEnd(out);
}

char *domainDefFormat(const DomainDef *def, unsigned flags)
{
    MemXmlOut *out = memXmlOutNew();

    domainDefFormatTo(out, def, flags);
    return memXmlOutSteal(out);
}

/* ---- defaults and rules ---- */

gboolean domainDefDefaults(DomainDef *def, unsigned flags, GError **err)
{
    domainDevicesDefaults(def);
    return domainMemoryDefaults(def, flags, err);
}

static gboolean validateActions(const DomainDef *def, GError **err)
{
    DomainAction off = def->onPoweroff;
    DomainAction reboot = def->onReboot;

    if (off > DOMAIN_ACTION_RESTART || reboot > DOMAIN_ACTION_RESTART ||
        def->onCrash == DOMAIN_ACTION_RESTART_RENAME) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "on_poweroff '%s', on_reboot '%s', on_crash '%s': "
                    "supported are 'destroy' and 'restart', and for on_crash also 'preserve', 'coredump-destroy' and "
                    "'coredump-restart'", domainActionToString(off), domainActionToString(reboot),
                    domainActionToString(def->onCrash));
        return FALSE;
    }
    if (reboot == DOMAIN_ACTION_DESTROY && off == DOMAIN_ACTION_RESTART) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "on_reboot 'destroy' does not go with on_poweroff 'restart'");
        return FALSE;
    }
    return TRUE;
}

static gboolean validateFirmware(const DomainDef *def, GError **err)
{
    const OsDef *os = def->os;

    if (osDefHasPflash(os) && !os->features.flags[FEATURE_ACPI] &&
        (def->arch == ARCH_X86_64 || def->arch == ARCH_I686 || def->arch == ARCH_AARCH64)) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "loader type 'pflash' needs the feature <acpi/>");
        return FALSE;
    }
    if (os->loaderSecure == MEM_TRISTATE_YES && os->features.switches[FEATURE_SWITCH_SMM] != MEM_TRISTATE_YES) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "loader secure 'yes' needs the feature <smm state='on'/>");
        return FALSE;
    }
    if (os->biosUseserial == MEM_TRISTATE_YES && !def->nserials) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "bios useserial 'yes' needs a <serial>");
        return FALSE;
    }
    return TRUE;
}

static gboolean validateSysinfo(const DomainDef *def, GError **err)
{
    const SysinfoDef *sysinfo = &def->os->sysinfo;

    for (gsize i = 0; i < sysinfo->nentries; i++) {
        const SysinfoEntry *entry = &sysinfo->entries[i];
        unsigned char uuid[16] = { 0 };

        if (entry->table != SYSINFO_SYSTEM || g_strcmp0(entry->name, "uuid") != 0)
            continue;
        if (!parseUuidText(entry->value, uuid) || memcmp(uuid, def->uuid, sizeof(uuid)) != 0) {
            memErrorSet(err, VIR_ERR_XML_DETAIL, "sysinfo system entry uuid '%s' is not the domain's <uuid>",
                        entry->value);
            return FALSE;
        }
    }
    if (def->os->smbios == OS_SMBIOS_SYSINFO && !sysinfo->present) {
        memErrorSet(err, VIR_ERR_XML_ERROR, "smbios mode 'sysinfo' needs <sysinfo type='smbios'>");
        return FALSE;
    }
    return TRUE;
}

gboolean domainDefValidateWith(const DomainDef *def, DomainMemoryRule rule, gconstpointer opaque, GError **err)
{
    return vcpusValidate(def, err) && domainMemoryValidate(def, err) &&
           (!def->cpu || cpuDefValidate(def->cpu, def, err)) && validateActions(def, err) &&
           validateFirmware(def, err) && validateSysinfo(def, err) && domainDevicesValidate(def, rule, opaque, err) &&
           domainMemoryValidateLate(def, err);
}

gboolean domainDefValidate(const DomainDef *def, GError **err)
{
    return domainDefValidateWith(def, NULL, NULL, err);
}
