/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_domain_address_pci.c: PCI addresses, and the root ports and bridges that they need
 *
 * What the XML gives is taken first, then the chipset's fixed places, then the PCI controllers, then all other devices in
 * libvirt's order. When a device finds no place the map grows by a bus, and after a round that made it grow everything is
 * placed once more: the new controllers then come first. So a domain gets the same addresses as with stock libvirt; only
 * more root ports are left free (QEMU_SPARE_ROOT_PORTS), for memory devices that come later. */
#include "qemu/qemu_domain_address_priv.h"

#include "conf/video_conf.h"
#include "qemu/qemu_domain_defaults.h"
#include "util/mem_error.h"

#include <string.h>

#define QEMU_SPARE_ROOT_PORTS 4
#define I440FX_CHIPSET_SLOT 1
#define I440FX_VIDEO_SLOT 2
#define Q35_VIDEO_SLOT 1
#define Q35_CHIPSET_SLOT 0x1f

/* A place that was chosen, applied at the end. */
typedef struct {
    DeviceInfo *info;
    DevicePciAddress pci;
} Choice;

typedef struct {
    DomainDef *def;
    GPtrArray *users;               /* PciUser; borrowed */
    GArray *models;                 /* ControllerModel of each bus, those of @def and those grown */
    unsigned given;                 /* how many of them @def has */
    gboolean hadPorts;              /* a root port was in the XML */
    QemuPciMap *map;
    GArray *choices;                /* of Choice */
    GArray *grown;                  /* DevicePciAddress of the controllers after @given */
    gboolean grew;
} Placer;

static gboolean isX86(const DomainDef *def)
{
    return def->arch == ARCH_X86_64 || def->arch == ARCH_I686;
}

static gboolean isUnplaced(const DeviceInfo *info)
{
    return !deviceInfoIsAssigned(info);
}

static void choose(Placer *placer, DeviceInfo *info, DevicePciAddress pci)
{
    Choice choice = { info, pci };

    choice.pci.multifunction = info->pci.multifunction;
    g_array_append_val(placer->choices, choice);
}

/* ---- buses ---- */

static gboolean noRoom(GError **err)
{
    memErrorSet(err, VIR_ERR_INTERNAL_ERROR,
                "no PCI slot is free for all devices: there are at most '%d' PCI buses",
                QEMU_PCI_MOST_BUSES);
    return FALSE;
}

static gboolean addBus(Placer *placer, ControllerModel model, GError **err)
{
    if (!qemuPciMapAddBus(placer->map, model))
        return noRoom(err);
    g_array_append_val(placer->models, model);
    placer->grew = TRUE;
    return TRUE;
}

/* One more place of the kind, with what it hangs on. */
static gboolean grow(Placer *placer, PciPlace place, GError **err)
{
    DevicePciAddress unused = { 0 };

    switch (place) {
    case PCI_PLACE_EXPRESS:
        return addBus(placer, CONTROLLER_MODEL_PCIE_ROOT_PORT, err);
    case PCI_PLACE_CONVENTIONAL:
        if (!qemuDomainHasPcie(placer->def))
            return addBus(placer, CONTROLLER_MODEL_PCI_BRIDGE, err);
        /* the bridge sits on a root port of its own */
        if (!qemuPciMapFind(placer->map, PCI_PLACE_EXPRESS, &unused)) {
            if (!addBus(placer, CONTROLLER_MODEL_PCIE_ROOT_PORT, err) ||
                !qemuPciMapFind(placer->map, PCI_PLACE_EXPRESS, &unused))
                return noRoom(err);
        }
        return addBus(placer, CONTROLLER_MODEL_PCIE_TO_PCI_BRIDGE, err);
    case PCI_PLACE_ROOT_PORT:
    case PCI_PLACE_LAST:
        break;
    }
    return noRoom(err);
}

static gboolean find(Placer *placer, PciPlace place, DevicePciAddress *pci, GError **err)
{
    return qemuPciMapFind(placer->map, place, pci) ||
           (grow(placer, place, err) && (qemuPciMapFind(placer->map, place, pci) || noRoom(err)));
}

/* Buses that addresses name and no controller makes. */
static gboolean addNamedBuses(Placer *placer, GError **err)
{
    gboolean express = qemuDomainHasPcie(placer->def);

    for (guint i = 0; i < placer->users->len; i++) {
        const PciUser *user = g_ptr_array_index(placer->users, i);
        ControllerModel model = express ? CONTROLLER_MODEL_PCIE_ROOT_PORT : CONTROLLER_MODEL_PCI_BRIDGE;

        if (isUnplaced(user->info))
            continue;
        while (placer->models->len <= user->info->pci.bus) {
            if (express && placer->models->len == user->info->pci.bus && user->info->pci.slot > 0)
                model = CONTROLLER_MODEL_PCIE_TO_PCI_BRIDGE;
            g_array_append_val(placer->models, model);
            placer->grew = TRUE;
        }
    }
    return placer->models->len <= QEMU_PCI_MOST_BUSES || noRoom(err);
}

/* Indexes that are left out between others become ports or bridges too: a bus has its controller's number. */
static void fillGaps(Placer *placer)
{
    int last = 0;

    for (gsize i = 0; i < placer->def->ncontrollers; i++) {
        if (placer->def->controllers[i]->type == CONTROLLER_PCI)
            last = MAX(last, placer->def->controllers[i]->index);
    }
    for (int i = controllerFreeIndex(placer->def, CONTROLLER_PCI); i < MIN(last, QEMU_PCI_MOST_BUSES);
         i = controllerFreeIndex(placer->def, CONTROLLER_PCI)) {
        qemuDomainControllerInsert(placer->def, controllerDefNew(CONTROLLER_PCI, i,
                                                                 qemuDomainHasPcie(placer->def) ? CONTROLLER_MODEL_PCIE_ROOT_PORT
                                                                                                : CONTROLLER_MODEL_PCI_BRIDGE));
    }
}

static gboolean collectBuses(Placer *placer, GError **err)
{
    int count = controllerFreeIndex(placer->def, CONTROLLER_PCI);

    for (gsize i = 0; i < placer->def->ncontrollers; i++) {
        const ControllerDef *controller = placer->def->controllers[i];

        if (controller->type == CONTROLLER_PCI && controller->index >= QEMU_PCI_MOST_BUSES) {
            memErrorSet(err, VIR_ERR_XML_ERROR, "PCI controller index '%d' is too large: at most '%d'", controller->index,
                        QEMU_PCI_MOST_BUSES - 1);
            return FALSE;
        }
    }
    for (int i = 0; i < count; i++) {
        ControllerModel model = controllerFind(placer->def, CONTROLLER_PCI, i)->model;

        placer->hadPorts |= model == CONTROLLER_MODEL_PCIE_ROOT_PORT;
        g_array_append_val(placer->models, model);
    }
    placer->given = placer->models->len;
    return TRUE;
}

/* ---- fixed places ---- */

/* The one address that a controller inside the chipset can have; NULL: this is none. */
static const DevicePciAddress *fixedAddress(const DomainDef *def, const ControllerDef *controller)
{
    static const DevicePciAddress ide = { .slot = I440FX_CHIPSET_SLOT, .function = 1 };
    static const DevicePciAddress usb = { .slot = I440FX_CHIPSET_SLOT, .function = 2 };
    static const DevicePciAddress sata = { .slot = Q35_CHIPSET_SLOT, .function = 2 };

    if (!controller || controller->index != 0 || !isX86(def))
        return NULL;
    if (qemuDomainHasPcie(def))
        return controller->type == CONTROLLER_SATA ? &sata : NULL;
    if (controller->type == CONTROLLER_IDE)
        return &ide;
    if (controller->type == CONTROLLER_USB && controller->model == CONTROLLER_MODEL_PIIX3_UHCI)
        return &usb;
    return NULL;
}

static void takeChipset(Placer *placer)
{
    if (!isX86(placer->def))
        return;
    if (qemuDomainHasPcie(placer->def)) {
        qemuPciMapTake(placer->map, 0, Q35_CHIPSET_SLOT, 0);
        qemuPciMapTake(placer->map, 0, Q35_CHIPSET_SLOT, 2);
        qemuPciMapTake(placer->map, 0, Q35_CHIPSET_SLOT, 3);
        return;
    }
    for (unsigned function = 0; function < 8; function++)
        qemuPciMapTake(placer->map, 0, I440FX_CHIPSET_SLOT, function);
}

/* TRUE in *@fixed: the address of @user is settled. */
static gboolean placeFixed(Placer *placer, const PciUser *user, gboolean *fixed, GError **err)
{
    const DevicePciAddress *only = fixedAddress(placer->def, user->controller);
    const DevicePciAddress *given = &user->info->pci;

    *fixed = only != NULL;
    if (!only)
        return TRUE;
    if (isUnplaced(user->info)) {
        choose(placer, user->info, *only);
        return TRUE;
    }
    if (given->domain || given->bus || given->slot != only->slot || given->function != only->function) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR,
                    "controller '%s' '0' of this machine must have PCI address '0:0:%x.%x'",
                    controllerTypeToString((int)user->controller->type), only->slot, only->function);
        return FALSE;
    }
    return TRUE;
}

static VideoDef *primaryVideo(const DomainDef *def)
{
    for (gsize i = 0; i < def->nvideos; i++) {
        if (def->videos[i]->primary)
            return def->videos[i];
    }
    return NULL;
}

/* Where firmware and guests expect the first graphics card of a PC. */
static gboolean placePrimaryVideo(Placer *placer, GError **err)
{
    VideoDef *video = primaryVideo(placer->def);
    gboolean express = qemuDomainHasPcie(placer->def);
    DevicePciAddress pci = { .slot = express ? Q35_VIDEO_SLOT : I440FX_VIDEO_SLOT };

    if (!isX86(placer->def) || !video || !isUnplaced(&video->info) || video->model == VIDEO_NONE ||
        video->model == VIDEO_RAMFB)
        return TRUE;
    if (!qemuPciMapSlotIsFree(placer->map, 0, pci.slot)) {
        PciPlace place = express && (video->model == VIDEO_VIRTIO || video->model == VIDEO_BOCHS) ? PCI_PLACE_EXPRESS
                                                                                              : PCI_PLACE_CONVENTIONAL;

        if (!find(placer, place, &pci, err))
            return FALSE;
    } else if (!qemuPciMapReserve(placer->map, &pci, FALSE, err)) {
        return FALSE;
    }
    choose(placer, &video->info, pci);
    return TRUE;
}

/* ---- one round ---- */

static gboolean reserveController(Placer *placer, const ControllerDef *controller, GError **err)
{
    gboolean port = controller->model == CONTROLLER_MODEL_PCIE_ROOT_PORT;
    ControllerModel on;

    if (controller->info.pci.bus >= (unsigned)controller->index) {
        memErrorSet(err, VIR_ERR_XML_ERROR,
                    "PCI controller '%d' cannot sit on bus '%u': a controller's bus must have a lower index",
                    controller->index, controller->info.pci.bus);
        return FALSE;
    }
    on = qemuPciMapBusModel(placer->map, controller->info.pci.bus);
    if (port && on != CONTROLLER_MODEL_PCIE_ROOT) {
        memErrorSet(err, VIR_ERR_XML_ERROR,
                    "PCI controller '%d' with model 'pcie-root-port' must sit on 'pcie-root', not on '%s'",
                    controller->index, controllerModelToString((int)on));
        return FALSE;
    }
    return qemuPciMapReserve(placer->map, &controller->info.pci, port, err);
}

static gboolean reserveGiven(Placer *placer, GError **err)
{
    for (gsize i = 0; i < placer->def->ncontrollers; i++) {
        const ControllerDef *controller = placer->def->controllers[i];

        if (controller->type == CONTROLLER_PCI && !isUnplaced(&controller->info) &&
            !reserveController(placer, controller, err))
            return FALSE;
    }
    for (guint i = 0; i < placer->users->len; i++) {
        const PciUser *user = g_ptr_array_index(placer->users, i);

        if (!isUnplaced(user->info) && !fixedAddress(placer->def, user->controller) &&
            !qemuPciMapReserve(placer->map, &user->info->pci, FALSE, err))
            return FALSE;
    }
    return TRUE;
}

static PciPlace placeOfModel(ControllerModel model)
{
    if (model == CONTROLLER_MODEL_PCIE_ROOT_PORT)
        return PCI_PLACE_ROOT_PORT;
    return model == CONTROLLER_MODEL_PCIE_TO_PCI_BRIDGE ? PCI_PLACE_EXPRESS : PCI_PLACE_CONVENTIONAL;
}

static gboolean placeControllers(Placer *placer, GError **err)
{
    unsigned count = placer->models->len;

    for (unsigned i = 1; i < count; i++) {
        ControllerDef *controller = i < placer->given ? controllerFind(placer->def, CONTROLLER_PCI, (int)i) : NULL;
        DevicePciAddress pci = { 0 };

        if (controller && !isUnplaced(&controller->info))
            continue;
        if (!find(placer, placeOfModel(g_array_index(placer->models, ControllerModel, i)), &pci, err))
            return FALSE;
        if (controller)
            choose(placer, &controller->info, pci);
        else
            g_array_append_val(placer->grown, pci);
    }
    return TRUE;
}

/* The four controllers of an ICH9 share a slot. Their functions: */
static int ich9Function(const ControllerDef *controller)
{
    if (!controller || controller->type != CONTROLLER_USB)
        return -1;
    if (controller->model == CONTROLLER_MODEL_ICH9_EHCI1)
        return 7;
    return controllerIsUsbCompanion(controller) ? (int)(controller->model - CONTROLLER_MODEL_ICH9_UHCI1) : -1;
}

/* The slot of those that share @user's index and have one already. */
static gboolean ich9Slot(const Placer *placer, const PciUser *user, DevicePciAddress *pci)
{
    for (guint i = 0; i < placer->users->len; i++) {
        const PciUser *other = g_ptr_array_index(placer->users, i);

        if (other == user || ich9Function(other->controller) < 0 || other->controller->index != user->controller->index)
            continue;
        if (!isUnplaced(other->info)) {
            *pci = other->info->pci;
            return TRUE;
        }
        for (guint j = 0; j < placer->choices->len; j++) {
            const Choice *choice = &g_array_index(placer->choices, Choice, j);

            if (choice->info == other->info) {
                *pci = choice->pci;
                return TRUE;
            }
        }
    }
    return FALSE;
}

static gboolean placeIch9(Placer *placer, const PciUser *user, GError **err)
{
    static const unsigned usual[] = { 0x1d, 0x1a };
    DevicePciAddress pci = { 0 };
    gboolean known = ich9Slot(placer, user, &pci);

    for (gsize i = 0; i < G_N_ELEMENTS(usual) && !known && qemuDomainHasPcie(placer->def); i++) {
        known = qemuPciMapSlotIsFree(placer->map, 0, usual[i]);
        pci.slot = usual[i];
    }
    pci.function = (unsigned)ich9Function(user->controller);
    if (known) {
        pci.multifunction = MEM_TRISTATE_YES;
        if (!qemuPciMapReserve(placer->map, &pci, FALSE, err))
            return FALSE;
    } else {
        if (!find(placer, PCI_PLACE_CONVENTIONAL, &pci, err))
            return FALSE;
        pci.function = (unsigned)ich9Function(user->controller);
        qemuPciMapKeepFunction(placer->map, &pci);
    }
    choose(placer, user->info, pci);
    return TRUE;
}

static gboolean isChosen(const Placer *placer, const DeviceInfo *info)
{
    const VideoDef *video = primaryVideo(placer->def);

    /* of all users only the primary video is placed ahead of its turn */
    if (!video || &video->info != info)
        return FALSE;
    for (guint i = 0; i < placer->choices->len; i++) {
        if (g_array_index(placer->choices, Choice, i).info == info)
            return TRUE;
    }
    return FALSE;
}

static gboolean placeUsers(Placer *placer, GError **err)
{
    for (guint i = 0; i < placer->users->len; i++) {
        const PciUser *user = g_ptr_array_index(placer->users, i);
        DevicePciAddress pci = { 0 };
        gboolean fixed;

        if (!placeFixed(placer, user, &fixed, err))
            return FALSE;
        if (fixed || !isUnplaced(user->info) || isChosen(placer, user->info))
            continue;
        if (ich9Function(user->controller) >= 0) {
            if (!placeIch9(placer, user, err))
                return FALSE;
            continue;
        }
        if (!find(placer, user->place, &pci, err))
            return FALSE;
        choose(placer, user->info, pci);
    }
    return TRUE;
}

static gboolean placeOnce(Placer *placer, GError **err)
{
    g_clear_pointer(&placer->map, qemuPciMapFree);
    placer->map = qemuPciMapNew();
    g_array_set_size(placer->choices, 0);
    g_array_set_size(placer->grown, 0);
    for (guint i = 0; i < placer->models->len; i++) {
        if (!qemuPciMapAddBus(placer->map, g_array_index(placer->models, ControllerModel, i)))
            return noRoom(err);
    }
    takeChipset(placer);
    return reserveGiven(placer, err) && placePrimaryVideo(placer, err) && placeControllers(placer, err) &&
           placeUsers(placer, err);
}

static void addSpares(Placer *placer)
{
    static const ControllerModel port = CONTROLLER_MODEL_PCIE_ROOT_PORT;

    for (int i = 0; i < QEMU_SPARE_ROOT_PORTS && placer->models->len < QEMU_PCI_MOST_BUSES; i++)
        g_array_append_val(placer->models, port);
}

static gboolean placeAll(Placer *placer, GError **err)
{
    gboolean first = TRUE;

    do {
        placer->grew = FALSE;
        if (first && !addNamedBuses(placer, err))
            return FALSE;
        if (!placeOnce(placer, err))
            return FALSE;
        if (first && qemuDomainHasPcie(placer->def) && (placer->grew || !placer->hadPorts)) {
            addSpares(placer);
            placer->grew = TRUE;
        }
        first = FALSE;
    } while (placer->grew);
    return TRUE;
}

/* ---- the result ---- */

/* A slot whose functions several devices share says so at its function 0. */
static void markShared(const Placer *placer, DeviceInfo *info)
{
    if (info->type == DEVICE_ADDRESS_PCI && info->pci.function == 0 && !info->pci.multifunction && !isUnplaced(info) &&
        qemuPciMapIsShared(placer->map, &info->pci))
        info->pci.multifunction = MEM_TRISTATE_YES;
}

/* What a PCI controller is in QEMU follows from its index and place. */
static void completeController(const DomainDef *def, ControllerDef *controller)
{
    if (controller->model == CONTROLLER_MODEL_PCI_ROOT && (def->arch == ARCH_PPC64 || def->arch == ARCH_PPC64LE)) {
        controller->hostIndex = 0;
        if (!controller->modelName)
            controller->modelName = g_strdup("spapr-pci-host-bridge");
    }
    if (controller->model == CONTROLLER_MODEL_PCIE_ROOT_PORT) {
        if (!controller->modelName)
            controller->modelName = g_strdup("pcie-root-port");
        if (controller->chassis < 0)
            controller->chassis = controller->index;
        if (controller->port < 0)
            controller->port = (int)((controller->info.pci.slot << 3) + controller->info.pci.function);
    } else if (controller->model == CONTROLLER_MODEL_PCI_BRIDGE) {
        if (!controller->modelName)
            controller->modelName = g_strdup("pci-bridge");
        if (controller->chassisNr < 0)
            controller->chassisNr = controller->index;
    } else if (controller->model == CONTROLLER_MODEL_PCIE_TO_PCI_BRIDGE && !controller->modelName) {
        controller->modelName = g_strdup("pcie-pci-bridge");
    }
}

static void apply(Placer *placer)
{
    for (guint i = 0; i < placer->choices->len; i++) {
        const Choice *choice = &g_array_index(placer->choices, Choice, i);

        choice->info->type = DEVICE_ADDRESS_PCI;
        choice->info->pci = choice->pci;
    }
    for (guint i = 0; i < placer->users->len; i++)
        markShared(placer, ((PciUser *)g_ptr_array_index(placer->users, i))->info);
    for (guint i = 0; i < placer->grown->len; i++) {
        unsigned index = placer->given + i;
        ControllerDef *controller =
            controllerDefNew(CONTROLLER_PCI, (int)index, g_array_index(placer->models, ControllerModel, index));

        controller->info.type = DEVICE_ADDRESS_PCI;
        controller->info.pci = g_array_index(placer->grown, DevicePciAddress, i);
        qemuDomainControllerInsert(placer->def, controller);
    }
    for (gsize i = 0; i < placer->def->ncontrollers; i++) {
        if (placer->def->controllers[i]->type == CONTROLLER_PCI) {
            markShared(placer, &placer->def->controllers[i]->info);
            completeController(placer->def, placer->def->controllers[i]);
        }
    }
}

/* Functions above 0 make function 0 of their slot a part, not the whole. */
static void shareGivenSlots(const Placer *placer)
{
    g_autoptr(GHashTable) shared = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < placer->users->len; i++) {
        const DeviceInfo *info = ((PciUser *)g_ptr_array_index(placer->users, i))->info;

        if (!isUnplaced(info) && info->pci.function)
            g_hash_table_add(shared, GUINT_TO_POINTER(info->pci.bus * 32 + info->pci.slot + 1));
    }
    for (guint i = 0; i < placer->users->len; i++) {
        DeviceInfo *info = ((PciUser *)g_ptr_array_index(placer->users, i))->info;

        if (!isUnplaced(info) && !info->pci.function && !info->pci.multifunction &&
            g_hash_table_contains(shared, GUINT_TO_POINTER(info->pci.bus * 32 + info->pci.slot + 1)))
            info->pci.multifunction = MEM_TRISTATE_YES;
    }
}

static gboolean checkHasPci(const DomainDef *def, const GPtrArray *users, GError **err)
{
    if (controllerFind(def, CONTROLLER_PCI, 0))
        return TRUE;
    if (users->len) {
        memErrorSet(err, VIR_ERR_XML_ERROR,
                    "a device needs a PCI bus, and machine '%s' has none", def->machine);
        return FALSE;
    }
    return TRUE;
}

gboolean qemuDomainAddressPci(DomainDef *def, GError **err)
{
    g_autoptr(GPtrArray) users = qemuDomainAddressPciUsers(def);
    g_autoptr(GArray) models = g_array_new(FALSE, FALSE, sizeof(ControllerModel));
    g_autoptr(GArray) choices = g_array_new(FALSE, FALSE, sizeof(Choice));
    g_autoptr(GArray) grown = g_array_new(FALSE, FALSE, sizeof(DevicePciAddress));
    Placer placer = { .def = def, .users = users, .models = models, .choices = choices, .grown = grown };
    gboolean ok;

    if (!checkHasPci(def, users, err))
        return FALSE;
    if (!controllerFind(def, CONTROLLER_PCI, 0))
        return TRUE;
    shareGivenSlots(&placer);
    fillGaps(&placer);
    ok = collectBuses(&placer, err) && placeAll(&placer, err);
    if (ok)
        apply(&placer);
    qemuPciMapFree(placer.map);
    return ok;
}

/* ---- hotplug ---- */

gboolean qemuDomainAssignPciAddress(const DomainDef *def, DeviceInfo *info, gboolean express, GError **err)
{
    g_autoptr(GPtrArray) users = qemuDomainAddressPciUsers(def);
    g_autoptr(GArray) models = g_array_new(FALSE, FALSE, sizeof(ControllerModel));
    g_autoptr(GArray) choices = g_array_new(FALSE, FALSE, sizeof(Choice));
    g_autoptr(GArray) grown = g_array_new(FALSE, FALSE, sizeof(DevicePciAddress));
    /* the placer only reads the definition on this path */
    Placer placer = { .def = (DomainDef *)def, .users = users, .models = models, .choices = choices, .grown = grown };
    PciPlace place = express && qemuDomainHasPcie(def) ? PCI_PLACE_EXPRESS : PCI_PLACE_CONVENTIONAL;
    DevicePciAddress pci = info->pci;
    gboolean ok = collectBuses(&placer, err) && placeOnce(&placer, err);

    if (ok && !isUnplaced(info)) {
        if (info->type != DEVICE_ADDRESS_PCI || pci.bus >= qemuPciMapBusCount(placer.map)) {
            memErrorSet(err, VIR_ERR_XML_ERROR,
                        "address type '%s', bus '%u' does not exist in this guest",
                        deviceAddressTypeToString((int)info->type), pci.bus);
            ok = FALSE;
        } else {
            ok = qemuPciMapReserve(placer.map, &pci, FALSE, err);
        }
    } else if (ok && !qemuPciMapFind(placer.map, place, &pci)) {
        memErrorSet(err, VIR_ERR_INTERNAL_ERROR, "no free PCI slot for a hotplugged device: %s",
                    place == PCI_PLACE_EXPRESS ? "add 'pcie-root-port' controllers to the domain and start it again"
                                               : "all slots of conventional PCI are taken");
        ok = FALSE;
    }
    qemuPciMapFree(placer.map);
    if (!ok)
        return FALSE;
    info->type = DEVICE_ADDRESS_PCI;
    info->pci = pci;
    return TRUE;
}
