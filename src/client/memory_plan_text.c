/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory_plan_text.c: a step in words, as XML, as the libvirt call and as the QMP that it becomes */
#include "client/memory_plan_priv.h"

#include <string.h>

#include "util/mem_json.h"
#include "util/mem_units.h"
#include "util/mem_xml.h"

char *planSize(guint64 kib)
{
    return kib > MEM_KIB_MAX ? g_strdup_printf("%" G_GUINT64_FORMAT " KiB", kib) : memUnitsPretty(kib * 1024);
}

char *planSizeExact(guint64 kib)
{
    return kib % 1024 ? g_strdup_printf("%" G_GUINT64_FORMAT " KiB", kib) : g_strdup_printf("%" G_GUINT64_FORMAT " MiB", kib / 1024);
}

static char *minimalXml(const virMemDevice *device, guint64 requestedKib)
{
    g_autoptr(MemXmlOut) out = memXmlOutNew();
    g_autofree char *node = g_strdup_printf("%d", device->node);

    memXmlOutStart(out, "memory");
    memXmlOutAttr(out, "model", virMemModelName(device->model));
    memXmlOutStart(out, "target");
    memXmlOutSizeKib(out, "size", device->sizeKib);
    if (device->node >= 0)
        memXmlOutText(out, "node", node);
    memXmlOutSizeKib(out, "block", device->blockKib);
    memXmlOutSizeKib(out, "requested", requestedKib);
    memXmlOutEnd(out);
    memXmlOutEnd(out);
    return memXmlOutSteal(g_steal_pointer(&out));
}

char *planVirtioMemXml(const virMemDevice *device, guint64 requestedKib)
{
    g_autoptr(xmlDoc) doc = device->xml ? memXmlParse(device->xml, "memory device", NULL) : NULL;
    xmlNode *root = doc ? memXmlRoot(doc, "memory", NULL) : NULL;
    xmlNode *target = root ? memXmlChild(root, "target") : NULL;
    g_autofree char *value = g_strdup_printf("%" G_GUINT64_FORMAT, requestedKib);

    if (!target)
        return minimalXml(device, requestedKib);
    xmlNode *requested = memXmlChild(target, "requested"), *current = memXmlChild(target, "current");
    if (requested) {
        xmlNodeSetContent(requested, BAD_CAST value);
        xmlSetProp(requested, BAD_CAST "unit", BAD_CAST "KiB");
    } else {
        requested = xmlNewTextChild(target, NULL, BAD_CAST "requested", BAD_CAST value);
        xmlNewProp(requested, BAD_CAST "unit", BAD_CAST "KiB");
    }
    if (current) {
        xmlNode *blanks = current->prev && current->prev->type == XML_TEXT_NODE ? current->prev : NULL;
        xmlUnlinkNode(current);
        xmlFreeNode(current);
        if (blanks && xmlIsBlankNode(blanks) && blanks->next) {
            xmlUnlinkNode(blanks);
            xmlFreeNode(blanks);
        }
    }
    return memXmlNodeText(root);
}

char *planDimmXml(const PlanState *state, const PlanDimm *dimm)
{
    g_autoptr(MemXmlOut) out = memXmlOutNew();
    g_autofree char *node = g_strdup_printf("%d", dimm->node);

    memXmlOutStart(out, "memory");
    memXmlOutAttr(out, "model", "dimm");
    memXmlOutStart(out, "target");
    memXmlOutSizeKib(out, "size", dimm->kib);
    if (state->inventory->numa)
        memXmlOutText(out, "node", node);
    memXmlOutEnd(out);
    memXmlOutEnd(out);
    return memXmlOutSteal(g_steal_pointer(&out));
}

static char *qmpLine(const char *command, MemJson *arguments)
{
    g_autoptr(MemJson) line = memJsonNew();

    memJsonAddString(line, "execute", command);
    memJsonAdd(line, "arguments", arguments);
    return memJsonFormat(line);
}

char *planPlugQmp(const PlanState *state, const virMemStep *step, unsigned slot)
{
    const virMemNode *node = memoryInventoryNode(state->inventory, step->node);
    MemJson *backend = node && node->backend ? memJsonParse(node->backend, strlen(node->backend), NULL) : NULL;
    MemJson *device = memJsonNew();
    g_autofree char *id = g_strconcat("mem", step->alias, NULL);

    if (!backend) {
        backend = memJsonNew();
        memJsonAddString(backend, "qom-type", "memory-backend-ram");
    }
    memJsonAddString(backend, "id", id);
    memJsonAddUint64(backend, "size", step->toKib * 1024);
    memJsonAddString(device, "driver", "pc-dimm");
    if (state->inventory->numa)
        memJsonAddInt(device, "node", step->node);
    memJsonAddString(device, "memdev", id);
    memJsonAddString(device, "id", step->alias);
    memJsonAddUint64(device, "slot", slot);
    g_autofree char *first = qmpLine("object-add", backend), *second = qmpLine("device_add", device);
    return g_strconcat(first, "\n", second, NULL);
}

static void plugWords(virMemStep *step, const char *to)
{
    step->text = g_strdup_printf("plug a DIMM of %s into node %d", to, step->node);
    step->call = g_strdup("virDomainAttachDeviceFlags(dom, xml, VIR_DOMAIN_AFFECT_LIVE)");
    step->undoText = g_strdup_printf("unplug that DIMM of %s", to);
    step->undoCall = g_strdup_printf("virDomainDetachDeviceAlias(dom, \"%s\", VIR_DOMAIN_AFFECT_LIVE)", step->alias);
}

static void unplugWords(virMemStep *step, const char *from)
{
    step->text = g_strdup_printf("unplug '%s', a DIMM of %s in node %d", step->alias, from, step->node);
    step->call = g_strdup_printf("virDomainDetachDeviceAlias(dom, \"%s\", VIR_DOMAIN_AFFECT_LIVE)", step->alias);
    step->qmp = g_strdup_printf("{\"execute\":\"device_del\",\"arguments\":{\"id\":\"%s\"}}\n"
                                "{\"execute\":\"object-del\",\"arguments\":{\"id\":\"mem%s\"}}",
                                step->alias, step->alias);
    step->undoText = g_strdup_printf("plug a DIMM of %s into node %d again", from, step->node);
    step->undoCall = g_strdup("virDomainAttachDeviceFlags(dom, xml, VIR_DOMAIN_AFFECT_LIVE)");
}

/* The same calls on a definition, whose devices need not have aliases and become no QMP. */
static void configWords(virMemStep *step, const char *name, const char *from, const char *to)
{
    static const char flag[] = "VIR_DOMAIN_AFFECT_CONFIG";

    switch ((virMemStepKind) step->kind) {
    case VIR_MEM_STEP_VIRTIO_MEM:
        step->text = g_strdup_printf("have %s in node %d start with %s instead of %s", name, step->node, to, from);
        step->call = g_strdup_printf("virDomainUpdateDeviceFlags(dom, xml, %s)", flag);
        step->undoText = g_strdup_printf("have it start with %s again", from);
        step->undoCall = g_strdup_printf("virDomainUpdateDeviceFlags(dom, xml with <requested> %s, %s)", from, flag);
        break;
    case VIR_MEM_STEP_PLUG_DIMM:
        step->text = g_strdup_printf("add a DIMM of %s to node %d", to, step->node);
        step->call = g_strdup_printf("virDomainAttachDeviceFlags(dom, xml, %s)", flag);
        step->undoText = g_strdup("take that DIMM out");
        step->undoCall = g_strdup_printf("virDomainDetachDeviceFlags(dom, xml, %s)", flag);
        break;
    case VIR_MEM_STEP_UNPLUG_DIMM:
        step->text = g_strdup_printf("take %s out of node %d", name, step->node);
        step->call = g_strdup_printf("virDomainDetachDeviceFlags(dom, xml, %s)", flag);
        step->undoText = g_strdup_printf("add that DIMM of %s to node %d again", from, step->node);
        step->undoCall = g_strdup_printf("virDomainAttachDeviceFlags(dom, xml, %s)", flag);
        break;
    case VIR_MEM_STEP_BALLOON:
        step->text = g_strdup_printf("have the balloon leave %s of boot memory and DIMMs", to);
        step->call = g_strdup_printf("virDomainSetMemoryFlags(dom, %llu, %s)", step->toKib, flag);
        step->undoText = g_strdup_printf("have it leave %s again", from);
        step->undoCall = g_strdup_printf("virDomainSetMemoryFlags(dom, %llu, %s)", step->fromKib, flag);
        break;
    }
}

static char *deviceName(const virMemStep *step, guint64 sizeKib)
{
    g_autofree char *size = planSize(sizeKib);

    if (step->alias)
        return g_strdup_printf("'%s'", step->alias);
    return g_strdup_printf(step->kind == VIR_MEM_STEP_VIRTIO_MEM ? "the virtio-mem device of %s" : "the DIMM of %s", size);
}

void planStepWords(const PlanState *state, virMemStep *step, guint64 sizeKib)
{
    if (state->config) {
        g_autofree char *name = deviceName(step, sizeKib), *before = planSize(step->fromKib), *after = planSize(step->toKib);
        configWords(step, name, before, after);
        return;
    }

    g_autofree char *from = planSize(step->fromKib), *to = planSize(step->toKib);
    guint64 bytes = step->toKib * 1024;

    switch ((virMemStepKind) step->kind) {
    case VIR_MEM_STEP_VIRTIO_MEM:
        step->text = g_strdup_printf("ask '%s' in node %d for %s instead of %s", step->alias, step->node, to, from);
        step->call = g_strdup("virDomainUpdateDeviceFlags(dom, xml, VIR_DOMAIN_AFFECT_LIVE)");
        step->qmp = g_strdup_printf("{\"execute\":\"qom-set\",\"arguments\":{\"path\":\"/machine/peripheral/%s\","
                                    "\"property\":\"requested-size\",\"value\":%" G_GUINT64_FORMAT "}}",
                                    step->alias, bytes);
        step->undoText = g_strdup_printf("ask '%s' for %s again", step->alias, from);
        step->undoCall = g_strdup_printf("virDomainUpdateDeviceFlags(dom, xml with <requested> %s, VIR_DOMAIN_AFFECT_LIVE)", from);
        break;
    case VIR_MEM_STEP_PLUG_DIMM:
        plugWords(step, to);
        break;
    case VIR_MEM_STEP_UNPLUG_DIMM:
        unplugWords(step, from);
        break;
    case VIR_MEM_STEP_BALLOON:
        step->text = g_strdup_printf("%s the balloon: leave %s instead of %s", step->toKib < step->fromKib ? "inflate" : "deflate",
                                     to, from);
        step->call = g_strdup_printf("virDomainSetMemoryFlags(dom, %llu, VIR_DOMAIN_AFFECT_LIVE)", step->toKib);
        step->qmp = g_strdup_printf("{\"execute\":\"balloon\",\"arguments\":{\"value\":%" G_GUINT64_FORMAT "}}", bytes);
        step->undoText = g_strdup_printf("leave %s again", from);
        step->undoCall = g_strdup_printf("virDomainSetMemoryFlags(dom, %llu, VIR_DOMAIN_AFFECT_LIVE)", step->fromKib);
        break;
    }
}
