/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memcmd_balloon.c: setmem, memballoon: the balloon's size and its settings */
#include "cmd_common.h"
#include "out_table.h"
#include "util/mem_xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const onOffChoices[] = { "on", "off", NULL };

/* ---- setmem ---- */

static gboolean checkBalloon(const virMemInventory *inventory, guint64 kib, GError **err)
{
    g_autofree char *asked = outKibExact(kib);
    g_autofree char *top = outKibExact(inventory->balloonTopKib);

    if (strcmp(inventory->balloonModel, "none") == 0) {
        cmdErrorSet(err, CMD_FAILED, "domain '%s' has no balloon: 'virsh-memory resize' uses what it has", inventory->name);
        return FALSE;
    }
    if (kib > inventory->balloonTopKib) {
        cmdErrorSet(err, CMD_FAILED, "option '--size' is %s: without virtio-mem domain '%s' has %s at most, 'virsh-memory resize' goes beyond", asked,
                    inventory->name, top);
        return FALSE;
    }
    return TRUE;
}

static guint64 virtioMemKib(const virMemInventory *inventory)
{
    guint64 sum = 0;

    for (gsize i = 0; i < inventory->ndevices; i++) {
        const virMemDevice *device = inventory->devices[i];
        if (device->model == VIR_MEM_MODEL_VIRTIO_MEM && device->current.kib != VIR_MEM_UNKNOWN)
            sum += device->current.kib;
    }
    return sum;
}

static const CmdInfo setmemInfo = {
    .summary = "set what the balloon leaves to a guest",
    .description = "Inflates or deflates the balloon until the guest has SIZE, memory of virtio-mem devices not counted. The guest does it "
                   "when it can; --wait shows it and ends when it is done.",
};

static const CmdOption setmemOptions[] = {
    OPTION_DOMAIN,
    { .name = "size", .kind = CMD_KIND_SIZE, .flags = CMD_REQUIRED | CMD_POSITIONAL | CMD_POSITIVE, .value = "SIZE", .help = "what the guest shall have" },
    OPTION_CONFIG,
    OPTION_LIVE,
    OPTION_CURRENT,
    OPTION_WAIT,
    OPTION_TIMEOUT,
    { 0 }
};

static gboolean cmdSetmem(Ctl *ctl, const Cmd *cmd, GError **err)
{
    guint64 kib = cmdNumber(cmd, "size", 0);
    g_autoptr(virDomain) dom = ctlDomain(ctl, cmd, err);
    g_autoptr(virMemInventory) inventory = NULL;
    g_autofree char *size = outKibExact(kib);
    unsigned affect = 0;

    if (!dom || !ctlAffect(cmd, dom, &affect, err))
        return FALSE;
    inventory = ctlInventory(dom, affect, err);
    if (!inventory || !checkBalloon(inventory, kib, err))
        return FALSE;
    if (virDomainSetMemoryFlags(dom, kib, affect) < 0)
        return ctlLibvirtError(err, "cannot set the balloon of domain '%s' to %s", inventory->name, size);
    if (affect & VIR_DOMAIN_AFFECT_LIVE)
        ctlSay(ctl, "Domain '%s' asked for %s", inventory->name, size);
    if (affect & VIR_DOMAIN_AFFECT_CONFIG)
        ctlSay(ctl, "Domain '%s' starts with %s next time", inventory->name, size);
    if (!cmdGiven(cmd, "wait") || !(affect & VIR_DOMAIN_AFFECT_LIVE))
        return TRUE;
    return commonWait(ctl, cmd, dom, inventory, NULL, kib + virtioMemKib(inventory), err);
}

/* ---- memballoon ---- */

/* <memballoon> of the configuration with the settings that only a new start can change. */
static char *changedDomain(virDomainPtr dom, const Cmd *cmd, GError **err)
{
    g_autofree char *xml = virDomainGetXMLDesc(dom, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
    g_autoptr(xmlDoc) doc = NULL;
    xmlNode *root, *devices, *balloon;

    if (!xml) {
        ctlLibvirtError(err, "cannot read the configuration of domain '%s'", virDomainGetName(dom));
        return NULL;
    }
    doc = memXmlParse(xml, "domain", err);
    root = doc ? memXmlRoot(doc, "domain", err) : NULL;
    if (!root)
        return NULL;
    devices = memXmlChild(root, "devices");
    balloon = devices ? memXmlChild(devices, "memballoon") : NULL;
    if (!balloon) {
        cmdErrorSet(err, CMD_FAILED, "domain '%s' has no balloon in its configuration", virDomainGetName(dom));
        return NULL;
    }
    if (cmdGiven(cmd, "autodeflate"))
        xmlSetProp(balloon, (const xmlChar *)"autodeflate", (const xmlChar *)cmdText(cmd, "autodeflate"));
    if (cmdGiven(cmd, "free-page-reporting"))
        xmlSetProp(balloon, (const xmlChar *)"freePageReporting", (const xmlChar *)cmdText(cmd, "free-page-reporting"));
    return memXmlNodeText(root);
}

static gboolean defineSettings(Ctl *ctl, const Cmd *cmd, virDomainPtr dom, GError **err)
{
    g_autofree char *xml = changedDomain(dom, cmd, err);
    virDomainPtr defined = xml ? virDomainDefineXML(virDomainGetConnect(dom), xml) : NULL;

    if (!xml)
        return FALSE;
    if (!defined)
        return ctlLibvirtError(err, "cannot change the configuration of domain '%s'", virDomainGetName(dom));
    virDomainFree(defined);
    ctlSay(ctl, "Balloon in the configuration of '%s' changed", virDomainGetName(dom));
    return TRUE;
}

/* null for what was not given. */
static void addTristate(MemJson *object, const char *key, int value)
{
    json_object_object_add(object, key, value < 0 ? NULL : json_object_new_boolean(value));
}

static gboolean showBalloon(const Cmd *cmd, virDomainPtr dom, unsigned affect, GError **err)
{
    static const char *const words[] = { "not given", "off", "on" };
    g_autoptr(virMemInventory) inventory = ctlInventory(dom, affect, err);
    g_autofree char *actual = NULL;
    MemJson *document;

    if (!inventory)
        return FALSE;
    if (ctlJson(cmd)) {
        document = memJsonNew();
        memJsonAddString(document, "domain", inventory->name);
        memJsonAddString(document, "model", inventory->balloonModel);
        memJsonAddInt(document, "periodSeconds", inventory->balloonPeriod);
        addTristate(document, "autodeflate", inventory->balloonAutodeflate);
        addTristate(document, "freePageReporting", inventory->balloonFreePageReporting);
        outAddKib(document, "actualKib", inventory->balloonActual.kib);
        outAddKib(document, "topKib", inventory->balloonTopKib);
        outPrintJson(document);
        return TRUE;
    }
    actual = outKibExact(inventory->balloonActual.kib);
    printf("model                %s\n", inventory->balloonModel);
    printf("period               %d s\n", inventory->balloonPeriod);
    printf("autodeflate          %s\n", words[inventory->balloonAutodeflate + 1]);
    printf("free page reporting  %s\n", words[inventory->balloonFreePageReporting + 1]);
    printf("actual               %s\n", actual);
    return TRUE;
}

static const CmdInfo memballoonInfo = {
    .summary = "show or change the balloon's settings",
    .description = "Without a setting: shows them. The period of the guest's statistics can be changed at any time; --wait ends when the guest "
                   "has reported. Autodeflate and free page reporting are given to QEMU when it makes the device, and it refuses to "
                   "change them later: they change with --config, from the next start on.",
};

static const CmdOption memballoonOptions[] = {
    OPTION_DOMAIN,
    { .name = "period", .kind = CMD_KIND_NUMBER, .value = "SECONDS", .max = G_MAXINT, .help = "between the guest's statistics; 0: none" },
    { .name = "autodeflate", .kind = CMD_KIND_CHOICE, .value = "ONOFF", .choices = onOffChoices, .help = "give memory back before the guest kills for it" },
    { .name = "free-page-reporting", .kind = CMD_KIND_CHOICE, .value = "ONOFF", .choices = onOffChoices, .help = "the guest tells the host what it does not use" },
    OPTION_CONFIG,
    OPTION_LIVE,
    OPTION_CURRENT,
    { .name = "wait", .help = "wait until the guest has reported" },
    OPTION_TIMEOUT,
    OPTION_FORMAT,
    { 0 }
};

static gboolean waitForReport(Ctl *ctl, const Cmd *cmd, virDomainPtr dom, GError **err)
{
    Ctl silent = { .quiet = TRUE };
    g_autofree char *what = g_strdup_printf("domain '%s'", virDomainGetName(dom));
    g_autoptr(Progress) progress = progressNew(&silent, what);
    g_autoptr(virMemResult) result = NULL;
    CommonRun run = { ctl, progress };
    virMemRunOptions options;
    virMemError error = { 0 };

    if (!ctlCatchSignals(ctl, err))
        return FALSE;
    commonRunOptions(cmd, &run, &options);
    if (virMemWaitReport(dom, &options, &result, &error) == VIR_MEM_OK) {
        if (!ctlJson(cmd))
            ctlSay(ctl, "Domain '%s' has reported", virDomainGetName(dom));
        return TRUE;
    }
    return result ? commonShort(err, what, result) : ctlMemError(err, &error);
}

static gboolean checkHasBalloon(virDomainPtr dom, unsigned state, GError **err)
{
    g_autoptr(virMemInventory) inventory = state ? ctlInventory(dom, state, err) : NULL;

    if (!state || !inventory)
        return !state;
    if (strcmp(inventory->balloonModel, "none") != 0)
        return TRUE;
    cmdErrorSet(err, CMD_FAILED, "domain '%s' has no balloon%s", inventory->name, state == VIR_DOMAIN_AFFECT_CONFIG ? " in its configuration" : "");
    return FALSE;
}

static gboolean changeBalloon(Ctl *ctl, const Cmd *cmd, virDomainPtr dom, unsigned affect, GError **err)
{
    gboolean device = cmdGiven(cmd, "autodeflate") || cmdGiven(cmd, "free-page-reporting");

    if (device && affect & VIR_DOMAIN_AFFECT_LIVE) {
        cmdErrorSet(err, CMD_FAILED, "option '--%s' cannot change in a running guest, QEMU takes it only with a new device: '--config' sets it for the next start",
                    cmdGiven(cmd, "autodeflate") ? "autodeflate" : "free-page-reporting");
        return FALSE;
    }
    if (!checkHasBalloon(dom, affect & VIR_DOMAIN_AFFECT_LIVE, err) || !checkHasBalloon(dom, affect & VIR_DOMAIN_AFFECT_CONFIG, err) ||
        (device && !defineSettings(ctl, cmd, dom, err)))
        return FALSE;
    if (!cmdGiven(cmd, "period"))
        return TRUE;
    if (virDomainSetMemoryStatsPeriod(dom, (int)cmdNumber(cmd, "period", 0), affect) < 0) {
        ctlLibvirtError(err, "%scannot set the period of domain '%s'", device ? "all else is changed: " : "", virDomainGetName(dom));
        (*err)->code = device ? CMD_PARTLY : (*err)->code;
        return FALSE;
    }
    ctlSay(ctl, "Domain '%s' is asked for statistics every %s s", virDomainGetName(dom), cmdText(cmd, "period"));
    return TRUE;
}

static gboolean cmdMemballoon(Ctl *ctl, const Cmd *cmd, GError **err)
{
    gboolean device = cmdGiven(cmd, "autodeflate") || cmdGiven(cmd, "free-page-reporting");
    gboolean period = cmdGiven(cmd, "period");
    g_autoptr(virDomain) dom = NULL;
    unsigned affect = 0;

    if (ctl->readonly && (device || period)) {
        cmdErrorSet(err, CMD_USAGE, "command 'memballoon' changes a guest and the connection is read-only: leave out '--readonly'");
        return FALSE;
    }
    if (cmdGiven(cmd, "wait") && period && cmdNumber(cmd, "period", 0) == 0) {
        cmdErrorSet(err, CMD_USAGE, "command 'memballoon': options '--wait' and '--period 0' exclude each other: without a period no guest reports");
        return FALSE;
    }
    dom = ctlDomain(ctl, cmd, err);
    if (!dom || !ctlAffect(cmd, dom, &affect, err))
        return FALSE;
    if (cmdGiven(cmd, "wait") && !(affect & VIR_DOMAIN_AFFECT_LIVE)) {
        cmdErrorSet(err, CMD_FAILED, "domain '%s' is not running: there is nothing to wait for, leave out '--wait'", virDomainGetName(dom));
        return FALSE;
    }
    if ((device || period) && !changeBalloon(ctl, cmd, dom, affect, err))
        return FALSE;
    if (cmdGiven(cmd, "wait") && !waitForReport(ctl, cmd, dom, err))
        return FALSE;
    return device || period || showBalloon(cmd, dom, affect, err);
}

const CmdDef balloonCommands[] = {
    { "memballoon", &memballoonInfo, memballoonOptions, cmdMemballoon, CMD_WAITS },
    { "setmem", &setmemInfo, setmemOptions, cmdSetmem, CMD_CHANGES | CMD_WAITS },
    { 0 }
};
