/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemudomainaddresstest.c: places for hotplugged devices, and address assignment at its limits */
#include "qemu/qemu_domain_defaults.h"

#include "qemu/qemu_pci_map.h"
#include "test_cases.h"
#include "util/mem_error.h"

#include <string.h>

#define MOST_SECONDS 20         /* for five hundred devices, with sanitizers on a slow machine */

static const char template[] =
    "<domain type='qemu'><name>guest</name><uuid>7b2c4f0e-5a1d-4c39-9b6a-0d6f2f1e8a35</uuid>"
    "<memory unit='MiB'>512</memory><os><type arch='x86_64' machine='%s'>hvm</type></os>"
    "<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>%s</devices></domain>";

static DomainDef *define(const char *machine, const char *devices, GError **err)
{
    TestCase plain = { .name = (char *)"address", .arch = (char *)"x86_64", .host = (char *)"plain",
                       .caps = (char *[]){ NULL } };
    g_autoptr(QemuCaps) caps = testCaseCaps(&plain);
    g_autofree char *xml = g_strdup_printf(template, machine, devices);

    return testCaseDefine(xml, caps, err);
}

/* ---- the map ---- */

static void testMapTakes(void)
{
    g_autoptr(QemuPciMap) map = qemuPciMapNew();
    DevicePciAddress pci = { .slot = 5 };
    g_autoptr(GError) error = NULL;

    g_assert_true(qemuPciMapAddBus(map, CONTROLLER_MODEL_PCI_ROOT));
    g_assert_true(qemuPciMapReserve(map, &pci, FALSE, &error));
    pci.function = 1;
    g_assert_false(qemuPciMapReserve(map, &pci, FALSE, &error));
    g_assert_cmpint(memErrorCode(error), ==, VIR_ERR_XML_ERROR);
    g_assert_false(qemuPciMapIsShared(map, &pci));
    for (unsigned slot = 1; slot < 32; slot++) {
        if (slot == 5)
            continue;
        g_assert_true(qemuPciMapFind(map, PCI_PLACE_CONVENTIONAL, &pci));
        g_assert_cmpuint(pci.slot, ==, slot);
        g_assert_cmpuint(pci.function, ==, 0);
    }
    g_assert_false(qemuPciMapFind(map, PCI_PLACE_CONVENTIONAL, &pci));
    g_assert_false(qemuPciMapFind(map, PCI_PLACE_EXPRESS, &pci));
}

/* Eight root ports to a slot, none beside a device that is something else. */
static void testMapRootPorts(void)
{
    g_autoptr(QemuPciMap) map = qemuPciMapNew();
    DevicePciAddress pci = { .slot = 1, .multifunction = MEM_TRISTATE_YES };

    g_assert_true(qemuPciMapAddBus(map, CONTROLLER_MODEL_PCIE_ROOT));
    g_assert_true(qemuPciMapReserve(map, &pci, FALSE, NULL));
    for (unsigned i = 0; i < 9; i++) {
        g_assert_true(qemuPciMapFind(map, PCI_PLACE_ROOT_PORT, &pci));
        g_assert_cmpuint(pci.slot, ==, i < 8 ? 2 : 3);
        g_assert_cmpuint(pci.function, ==, i % 8);
    }
}

/* ---- hotplug ---- */

static void testHotplugExpress(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DomainDef) def = define("q35", "", &error);
    DeviceInfo given = { .type = DEVICE_ADDRESS_PCI, .pci = { .bus = 1 } };
    unsigned plugged = 0;

    g_assert_no_error(error);
    g_assert_false(qemuDomainAssignPciAddress(def, &given, TRUE, &error));
    g_assert_cmpint(memErrorCode(error), ==, VIR_ERR_XML_ERROR);
    g_clear_error(&error);

    for (;; plugged++) {
        MemoryDeviceDef *device = memoryDeviceDefNew(MEMORY_DEVICE_VIRTIO_MEM);

        if (!qemuDomainAssignPciAddress(def, &device->info, TRUE, &error)) {
            memoryDeviceDefFree(device);
            break;
        }
        /* bus 1 has the USB controller, bus 2 the balloon */
        g_assert_cmpuint(device->info.pci.bus, ==, 3 + plugged);
        g_assert_cmpuint(device->info.pci.slot, ==, 0);
        def->memories = g_renew(MemoryDeviceDef *, def->memories, def->nmemories + 1);
        def->memories[def->nmemories++] = device;
    }
    g_assert_cmpuint(plugged, ==, 4);
    g_assert_cmpint(memErrorCode(error), ==, VIR_ERR_INTERNAL_ERROR);
}

static void testHotplugConventional(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DomainDef) def = define("pc", "", &error);
    DeviceInfo info = { 0 };
    DeviceInfo beyond = { .type = DEVICE_ADDRESS_PCI, .pci = { .bus = 7, .slot = 1 } };

    g_assert_no_error(error);
    g_assert_true(qemuDomainAssignPciAddress(def, &info, TRUE, &error));
    g_assert_cmpuint(info.pci.bus, ==, 0);
    g_assert_cmpuint(info.pci.slot, ==, 3);
    g_assert_false(qemuDomainAssignPciAddress(def, &beyond, TRUE, &error));
    g_assert_cmpint(memErrorCode(error), ==, VIR_ERR_XML_ERROR);
}

/* ---- many ---- */

static char *manyNets(unsigned count)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < count; i++)
        g_string_append(text, "<interface type='user'><model type='virtio'/></interface>");
    return g_string_free(text, FALSE);
}

/* Every device has a place of its own, and defining the result again moves none. */
static void testMany(void)
{
    g_autofree char *devices = manyNets(100);
    g_autoptr(GError) error = NULL;
    g_autoptr(DomainDef) def = define("q35", devices, &error);
    g_autofree char *first = def ? domainDefFormat(def, DOMAIN_FORMAT_INACTIVE) : NULL;
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    g_autoptr(DomainDef) again = NULL;
    g_autofree char *second = NULL;
    const char *inside, *end;
    g_autofree char *own = NULL;

    g_assert_no_error(error);
    inside = strstr(first, "<emulator>");
    inside = strstr(inside, "\n");
    end = strstr(first, "</devices>");
    own = g_strndup(inside, (gsize)(end - inside));
    again = define("q35", own, &error);
    g_assert_no_error(error);
    second = domainDefFormat(again, DOMAIN_FORMAT_INACTIVE);
    g_assert_cmpstr(first, ==, second);
    for (gsize i = 0; i < def->ncontrollers; i++)
        g_assert_true(def->controllers[i]->type != CONTROLLER_PCI ||
                      g_hash_table_add(seen, GINT_TO_POINTER(def->controllers[i]->index + 1)));
}

static void testTooMany(void)
{
    g_autofree char *devices = manyNets(500);
    g_autoptr(GError) error = NULL;
    g_autoptr(GTimer) timer = g_timer_new();
    g_autoptr(DomainDef) def = define("q35", devices, &error);

    g_assert_null(def);
    g_assert_nonnull(error);
    g_assert_cmpint(memErrorCode(error), ==, VIR_ERR_INTERNAL_ERROR);
    g_assert_cmpfloat(g_timer_elapsed(timer, NULL), <, MOST_SECONDS);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qemudomainaddress/map/takes", testMapTakes);
    g_test_add_func("/qemudomainaddress/map/root-ports", testMapRootPorts);
    g_test_add_func("/qemudomainaddress/hotplug/express", testHotplugExpress);
    g_test_add_func("/qemudomainaddress/hotplug/conventional", testHotplugConventional);
    g_test_add_func("/qemudomainaddress/many", testMany);
    g_test_add_func("/qemudomainaddress/too-many", testTooMany);
    return g_test_run();
}
