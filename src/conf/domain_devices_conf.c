/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* domain_devices_conf.c: <devices>: a table of element names and their families */
#include "conf/domain_devices_conf.h"

#include "conf/chardev_conf.h"
#include "conf/controller_conf.h"
#include "conf/disk_conf.h"
#include "conf/graphics_conf.h"
#include "conf/guest_conf.h"
#include "conf/input_conf.h"
#include "conf/memballoon_conf.h"
#include "conf/net_conf.h"
#include "conf/rng_conf.h"
#include "conf/video_conf.h"
#include "conf/watchdog_conf.h"
#include "util/mem_error.h"

#include <string.h>

#define DEVICES_MAX 4096

MEM_ENUM_IMPL(panicModel, PANIC_LAST, NULL, "isa", "pseries", "s390");

/* A family that may be there many times: where its list is in DomainDef and what to do with each. */
typedef struct {
    const char *name;
    gsize list, count;              /* offsets */
    gboolean hasInfo;
    gsize info;                     /* offset of DeviceInfo in the definition */
    gpointer (*parse)(const xmlNode *node, unsigned flags, GError **err);
    void (*format)(MemXmlOut *out, gconstpointer def, unsigned flags);
    void (*free)(gpointer def);
    gboolean (*validate)(gconstpointer def, const DomainDef *domain, GError **err);
} Family;

/* The families' functions, with the types taken off. */
#define FAMILY_FUNCTIONS(prefix, Type) \
    static gpointer prefix##ParseAny(const xmlNode *node, unsigned flags, GError **err) \
    { \
        return prefix##Parse(node, flags, err); \
    } \
    static void prefix##FormatAny(MemXmlOut *out, gconstpointer def, unsigned flags) \
    { \
        prefix##Format(out, (const Type *)def, flags); \
    } \
    static void prefix##FreeAny(gpointer def) \
    { \
        prefix##Free((Type *)def); \
    } \
    static gboolean prefix##ValidateAny(gconstpointer def, const DomainDef *domain, GError **err) \
    { \
        return prefix##Validate((const Type *)def, domain, err); \
    } \
    G_STATIC_ASSERT(1)

FAMILY_FUNCTIONS(diskDef, DiskDef);
FAMILY_FUNCTIONS(controllerDef, ControllerDef);
FAMILY_FUNCTIONS(netDef, NetDef);
FAMILY_FUNCTIONS(chardevDef, ChardevDef);
FAMILY_FUNCTIONS(inputDef, InputDef);
FAMILY_FUNCTIONS(graphicsDef, GraphicsDef);
FAMILY_FUNCTIONS(videoDef, VideoDef);
FAMILY_FUNCTIONS(watchdogDef, WatchdogDef);
FAMILY_FUNCTIONS(rngDef, RngDef);
FAMILY_FUNCTIONS(memoryDeviceDef, MemoryDeviceDef);

#define FAMILY_BASE(element, field, prefix) \
    .name = element, .list = G_STRUCT_OFFSET(DomainDef, field), .count = G_STRUCT_OFFSET(DomainDef, n##field), \
    .parse = prefix##ParseAny, .format = prefix##FormatAny, .free = prefix##FreeAny, .validate = prefix##ValidateAny
#define FAMILY(element, field, prefix, Type) \
    { FAMILY_BASE(element, field, prefix), .hasInfo = TRUE, .info = G_STRUCT_OFFSET(Type, info) }
#define FAMILY_BARE(element, field, prefix) { FAMILY_BASE(element, field, prefix) }

/* In the order of writing. The elements between them stand in formatSingles(). */
static const Family families[] = {
    FAMILY("disk", disks, diskDef, DiskDef),
    FAMILY("controller", controllers, controllerDef, ControllerDef),
    FAMILY("interface", nets, netDef, NetDef),
    FAMILY("serial", serials, chardevDef, ChardevDef),
    FAMILY("console", consoles, chardevDef, ChardevDef),
    FAMILY("channel", channels, chardevDef, ChardevDef),
    FAMILY("input", inputs, inputDef, InputDef),
    FAMILY_BARE("graphics", graphics, graphicsDef),
    FAMILY("video", videos, videoDef, VideoDef),
    FAMILY("watchdog", watchdogs, watchdogDef, WatchdogDef),
    FAMILY("rng", rngs, rngDef, RngDef),
    FAMILY("memory", memories, memoryDeviceDef, MemoryDeviceDef),
};

/* The single elements, parsed by functions of their own. */
static const char *const singles[] = { "emulator", "audio", "memballoon", "panic", NULL };

static gpointer **listOf(const DomainDef *def, const Family *family)
{
    return (gpointer **)G_STRUCT_MEMBER_P(def, family->list);
}

static gsize *countOf(const DomainDef *def, const Family *family)
{
    return (gsize *)G_STRUCT_MEMBER_P(def, family->count);
}

/* The first console can be a second sight of the first serial port, and has no identity of its own. */
static gboolean isMirror(const DomainDef *def, const Family *family, gconstpointer device)
{
    return strcmp(family->name, "console") == 0 &&
           ((const ChardevDef *)device)->target == CHARDEV_TARGET_CONSOLE_SERIAL;
}

static gboolean parseFamily(const xmlNode *devices, const Family *family, DomainDef *def, unsigned flags,
                            GError **err)
{
    gsize total = memXmlCountChildren(devices, family->name);
    gpointer **list = listOf(def, family);
    gsize *count = countOf(def, family);

    if (total > DEVICES_MAX) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "more than %d '%s' elements in 'devices'", DEVICES_MAX,
                    family->name);
        return FALSE;
    }
    *list = g_new0(gpointer, total);
    for (const xmlNode *node = memXmlChild(devices, family->name); node; node = memXmlNext(node, family->name)) {
        gpointer device = family->parse(node, flags, err);

        if (!device)
            return FALSE;
        (*list)[(*count)++] = device;
    }
    return TRUE;
}

static gboolean parseAudio(const xmlNode *node, DomainDef *def, GError **err)
{
    static const char *const attrs[] = { "id", "type", NULL };
    static const char *const children[] = { NULL };
    g_autofree char *type = memXmlAttr(node, "type");

    if (g_strcmp0(type, "none") != 0) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "audio type '%s' is not supported: use 'none'", type ? type : "");
        return FALSE;
    }
    def->audioNone = TRUE;
    return memXmlOnlyAttrs(node, attrs, err) && memXmlOnlyChildren(node, children, err);
}

static gboolean parsePanic(const xmlNode *node, DomainDef *def, GError **err)
{
    static const char *const attrs[] = { "model", NULL };
    static const char *const children[] = { NULL };
    int model = PANIC_NONE;

    if (!memXmlOnlyAttrs(node, attrs, err) || !memXmlOnlyChildren(node, children, err) ||
        !memXmlAttrEnum(node, "model", FALSE, panicModelFromString, &model, err))
        return FALSE;
    def->panic = model == PANIC_NONE ? PANIC_ISA : (PanicModel)model;
    return TRUE;
}

static gboolean parseSingles(const xmlNode *devices, DomainDef *def, unsigned flags, GError **err)
{
    const xmlNode *balloon = memXmlChild(devices, "memballoon");
    const xmlNode *audio = memXmlChild(devices, "audio");
    const xmlNode *panic = memXmlChild(devices, "panic");

    for (gsize i = 0; singles[i]; i++) {
        if (memXmlCountChildren(devices, singles[i]) > 1) {
            memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "more than one '%s' in 'devices'", singles[i]);
            return FALSE;
        }
    }
    def->emulator = memXmlChildText(devices, "emulator");
    if (balloon) {
        def->balloon = memballoonDefParse(balloon, flags, err);
        if (!def->balloon)
            return FALSE;
    }
    return (!audio || parseAudio(audio, def, err)) && (!panic || parsePanic(panic, def, err));
}

gboolean domainDevicesParse(const xmlNode *node, DomainDef *def, unsigned flags, GError **err)
{
    const char *known[G_N_ELEMENTS(families) + G_N_ELEMENTS(singles)] = { NULL };
    gsize count = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(families); i++)
        known[count++] = families[i].name;
    for (gsize i = 0; singles[i]; i++)
        known[count++] = singles[i];

    /* As in libvirt, memory devices come after the balloon: of two faults the first is told. */
    for (gsize i = 0; i < G_N_ELEMENTS(families); i++) {
        gboolean last = families[i].list == G_STRUCT_OFFSET(DomainDef, memories);

        if ((last && !parseSingles(node, def, flags, err)) || !parseFamily(node, &families[i], def, flags, err))
            return FALSE;
    }
    return memXmlOnlyChildren(node, known, err);
}

/* What stands after the family called @after. */
static void formatSingles(MemXmlOut *out, const DomainDef *def, const char *after, unsigned flags)
{
    if (strcmp(after, "graphics") == 0 && def->audioNone) {
        memXmlOutStart(out, "audio");
        memXmlOutAttr(out, "id", "1");
        memXmlOutAttr(out, "type", "none");
        memXmlOutEnd(out);
    }
    if (strcmp(after, "watchdog") == 0 && def->balloon)
        memballoonDefFormat(out, def->balloon, flags);
    if (strcmp(after, "rng") == 0 && def->panic != PANIC_NONE) {
        memXmlOutStart(out, "panic");
        memXmlOutAttr(out, "model", panicModelToString(def->panic));
        memXmlOutEnd(out);
    }
}

void domainDevicesFormat(MemXmlOut *out, const DomainDef *def, unsigned flags)
{
    memXmlOutStart(out, "devices");
    memXmlOutText(out, "emulator", def->emulator);
    for (gsize i = 0; i < G_N_ELEMENTS(families); i++) {
        gpointer *list = *listOf(def, &families[i]);

        for (gsize n = 0; n < *countOf(def, &families[i]); n++) {
            if (isMirror(def, &families[i], list[n]) && def->nserials)
                chardevDefFormatMirror(out, def->serials[0], flags);
            else
                families[i].format(out, list[n], flags);
        }
        formatSingles(out, def, families[i].name, flags);
    }
    memXmlOutEnd(out);
}

gboolean domainDevicesForEach(DomainDef *def, DomainDevicesFunc func, gpointer opaque)
{
    for (gsize i = 0; i < G_N_ELEMENTS(families); i++) {
        gpointer *list = *listOf(def, &families[i]);

        for (gsize n = 0; families[i].hasInfo && n < *countOf(def, &families[i]); n++) {
            if (isMirror(def, &families[i], list[n]))
                continue;
            if (!func((DeviceInfo *)G_STRUCT_MEMBER_P(list[n], families[i].info), families[i].name, opaque))
                return FALSE;
        }
    }
    return !def->balloon || func(&def->balloon->info, "memballoon", opaque);
}

static gboolean noBootIndex(DeviceInfo *info, const char *element, gpointer opaque)
{
    return info->bootIndex == 0;
}

void domainDevicesDefaults(DomainDef *def)
{
    OsDef *os = def->os;

    chardevDefDefaults(def);
    /* a disk, unless the devices say it themselves */
    if (os->nboot == 0 && domainDevicesForEach(def, noBootIndex, NULL))
        os->boot[os->nboot++] = OS_BOOT_HD;
}

static gboolean collectNames(DeviceInfo *info, const char *element, gpointer opaque)
{
    GHashTable *names = opaque;

    return !deviceInfoHasUserAlias(info) || g_hash_table_add(names, info->alias);
}

static gboolean collectBootIndexes(DeviceInfo *info, const char *element, gpointer opaque)
{
    GHashTable *indexes = opaque;

    return info->bootIndex == 0 || g_hash_table_add(indexes, GUINT_TO_POINTER(info->bootIndex));
}

static gboolean validateMemories(const DomainDef *def, DomainMemoryRule rule, gconstpointer opaque, GError **err)
{
    for (gsize i = 0; i < def->nmemories; i++) {
        if (!memoryDeviceDefValidate(def->memories[i], def, err) || (rule && !rule(def, def->memories[i], opaque, err)))
            return FALSE;
    }
    return TRUE;
}

gboolean domainDevicesValidate(const DomainDef *def, DomainMemoryRule rule, gconstpointer opaque, GError **err)
{
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) indexes = g_hash_table_new(NULL, NULL);

    if (!validateMemories(def, rule, opaque, err))
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(families); i++) {
        gpointer *list = *listOf(def, &families[i]);

        for (gsize n = 0; n < *countOf(def, &families[i]); n++) {
            if (!families[i].validate(list[n], def, err))
                return FALSE;
        }
    }
    if (!domainDevicesForEach((DomainDef *)def, collectNames, names)) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "an alias is given to two devices: each alias is one device's");
        return FALSE;
    }
    if (!domainDevicesForEach((DomainDef *)def, collectBootIndexes, indexes)) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "a boot order is given to two devices: each number is one device's");
        return FALSE;
    }
    if (g_hash_table_size(indexes) && def->os->nboot) {
        memErrorSet(err, VIR_ERR_CONFIG_UNSUPPORTED, "<boot order> of devices does not go with <boot dev> in <os>");
        return FALSE;
    }
    return TRUE;
}

void domainDevicesClear(DomainDef *def)
{
    for (gsize i = 0; i < G_N_ELEMENTS(families); i++) {
        gpointer *list = *listOf(def, &families[i]);

        for (gsize n = 0; n < *countOf(def, &families[i]); n++)
            families[i].free(list[n]);
        g_free(list);
    }
    if (def->balloon)
        memballoonDefFree(def->balloon);
}
