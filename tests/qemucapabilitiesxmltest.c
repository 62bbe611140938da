/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemucapabilitiesxmltest.c: capabilities documents of recorded hosts and binaries, and comparing CPUs */
#include "qemu/qemu_capabilities_xml.h"
#include "qemu/qemu_cpu.h"
#include "qemu/qemu_host.h"
#include "test_golden.h"
#include "test_host.h"
#include "util/mem_error.h"
#include "util/mem_xml.h"

#include <libvirt/libvirt.h>
#include <string.h>

/* One for all tests, so that each binary of the machine is probed once. */
static QemuCapsCache *liveCache;

static QemuCaps *load(const char *arch)
{
    g_autofree char *path = testSourcePath("qemucapabilitiesdata/qemu_7.2.0.%s.replies", arch);
    g_autoptr(GError) error = NULL;
    QemuCaps *caps = qemuCapsFromRecording(path, &error);

    g_assert_no_error(error);
    return caps;
}

static void compareXml(const char *name, const char *xml)
{
    g_autofree char *path = testSourcePath("qemucapabilitiesxmldata/%s.xml", name);
    g_autoptr(GError) error = NULL;
    g_autoptr(xmlDoc) doc = memXmlParse(xml, name, &error);

    g_assert_no_error(error);
    testGoldenCompare(path, xml);
}

/* ---- <capabilities> ---- */

static void testCapabilities(gconstpointer data)
{
    const char *host = data;
    g_autofree char *name = g_strconcat("capabilities-", host, NULL);
    g_autoptr(GError) error = NULL;
    g_autofree char *xml = NULL;
    QemuGuestArch guests[] = { { ARCH_X86_64, load("x86_64") }, { ARCH_S390X, load("s390x") } };
    char *root = testHostBegin(host);

    if (g_str_equal(host, "numa"))
        qemuCapsSetForTest(guests[0].caps, QEMU_CAPS_KVM, TRUE);
    xml = qemuCapabilitiesFormatXml(guests, G_N_ELEMENTS(guests), &error);
    g_assert_no_error(error);
    compareXml(name, xml);
    testHostEnd(root);
    for (gsize i = 0; i < G_N_ELEMENTS(guests); i++)
        qemuCapsUnref(guests[i].caps);
}

/* ---- <domainCapabilities> ---- */

static const struct {
    const char *arch, *machine;
    DomainVirtType type;
} domains[] = {
    { "x86_64", "pc", DOMAIN_VIRT_QEMU },
    { "x86_64", "q35", DOMAIN_VIRT_KVM },
    { "aarch64", "virt", DOMAIN_VIRT_QEMU },
    { "ppc64", "pseries", DOMAIN_VIRT_QEMU },
    { "s390x", "s390-ccw-virtio", DOMAIN_VIRT_QEMU },
};

static char *domainName(gsize row)
{
    return g_strdup_printf("domain-%s-%s-%s", domains[row].arch, domains[row].machine,
                           domainVirtTypeToString((int)domains[row].type));
}

static void testDomain(gconstpointer data)
{
    gsize row = GPOINTER_TO_SIZE(data);
    g_autoptr(QemuCaps) caps = load(domains[row].arch);
    g_autofree char *name = domainName(row);
    g_autofree char *xml = NULL;

    xml = qemuCapabilitiesFormatDomainXml(caps, qemuCapsMachine(caps, domains[row].machine), domains[row].type);
    compareXml(name, xml);
}

/* Which emulator, machine and type a question with gaps means, and what is refused. */
static void testChoose(void)
{
    static const struct {
        const char *emulator, *arch, *machine, *type;
        int code;
        const char *words;
    } rows[] = {
        { NULL, "x86_64", NULL, NULL, VIR_ERR_OK, "pc-i440fx" },
        { NULL, "x86_64", "q35", "qemu", VIR_ERR_OK, "pc-q35" },
        { "/usr/bin/qemu-system-x86_64", NULL, NULL, NULL, VIR_ERR_OK, "pc-i440fx" },
        { NULL, "hppa", NULL, NULL, VIR_ERR_INVALID_ARG, "hppa" },
        { NULL, "x86_64", "foo", NULL, VIR_ERR_INVALID_ARG, "'foo'" },
        { NULL, "x86_64", NULL, "xen", VIR_ERR_INVALID_ARG, "'xen'" },
        { "/usr/bin/qemu-system-x86_64", "aarch64", NULL, NULL, VIR_ERR_INVALID_ARG, "'aarch64'" },
        { "/nonexistent", NULL, NULL, NULL, VIR_ERR_SYSTEM_ERROR, "/nonexistent" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        const QemuMachine *machine = NULL;
        DomainVirtType type;
        g_autoptr(QemuCaps) caps = qemuCapabilitiesChoose(liveCache, rows[i].emulator, rows[i].arch, rows[i].machine,
                                                          rows[i].type, &machine, &type, &error);

        if (rows[i].code == VIR_ERR_OK) {
            g_assert_no_error(error);
            g_assert_true(g_str_has_prefix(machine->name, rows[i].words));
            continue;
        }
        g_assert_null(caps);
        g_assert_error(error, MEM_ERROR, rows[i].code);
        g_assert_nonnull(strstr(error->message, rows[i].words));
    }
}

static void testGuests(void)
{
    gsize count;
    QemuGuestArch *guests = qemuCapabilitiesGuests(liveCache, &count);
    gboolean found = FALSE;

    for (gsize i = 0; i < count; i++)
        found |= guests[i].arch == ARCH_X86_64;
    g_assert_true(found);
    qemuCapabilitiesGuestsFree(guests, count);
}

static void testModelNames(void)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) x86 = qemuCapabilitiesCpuModelNames(liveCache, "x86_64", &error);
    g_auto(GStrv) arm = qemuCapabilitiesCpuModelNames(liveCache, "aarch64", &error);

    g_assert_no_error(error);
    g_assert_true(g_strv_contains((const char *const *)x86, "Nehalem"));
    g_assert_false(g_strv_contains((const char *const *)x86, "Nehalem-v1"));
    g_assert_false(g_strv_contains((const char *const *)x86, "max"));
    g_assert_null(arm[0]);
    g_assert_null(qemuCapabilitiesCpuModelNames(liveCache, "foo", &error));
    g_assert_error(error, MEM_ERROR, VIR_ERR_INVALID_ARG);
}

/* ---- CPUs ---- */

#define X86(inner) "<cpu><arch>x86_64</arch>" inner "</cpu>"

/* The host is the one of numa.host: an Intel Broadwell with TSX and IBRS. */
static const struct {
    const char *name, *xml;
    unsigned flags;
    int result;
    int code;
    const char *words;
} compares[] = {
    { "older", X86("<model>Nehalem</model>"), 0, VIR_CPU_COMPARE_SUPERSET, 0, NULL },
    { "same-model", X86("<model>Broadwell-IBRS</model>"), 0, VIR_CPU_COMPARE_SUPERSET, 0, NULL },
    { "newer", X86("<model>Icelake-Server</model>"), 0, VIR_CPU_COMPARE_INCOMPATIBLE, 0, NULL },
    { "newer-fail", X86("<model>Icelake-Server</model>"), VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE,
      VIR_CPU_COMPARE_ERROR, VIR_ERR_CPU_INCOMPATIBLE, "avx512f" },
    { "vendor", X86("<model>Opteron_G1</model>"), 0, VIR_CPU_COMPARE_INCOMPATIBLE, 0, NULL },
    { "generic", X86("<model>qemu32</model><feature name='xsave'/>"), 0, VIR_CPU_COMPARE_SUPERSET, 0, NULL },
    { "feature", X86("<model>Nehalem</model><feature name='avx2'/>"), 0, VIR_CPU_COMPARE_SUPERSET, 0, NULL },
    { "libvirt-name", X86("<model>Nehalem</model><feature name='tsc_adjust'/>"), 0, VIR_CPU_COMPARE_SUPERSET, 0, NULL },
    { "missing-feature", X86("<model>Nehalem</model><feature name='sha-ni'/>"), 0, VIR_CPU_COMPARE_INCOMPATIBLE, 0, NULL },
    { "disabled-feature", "<cpu match='exact'><model>Icelake-Server</model><feature policy='disable' name='vaes'/></cpu>", 0,
      VIR_CPU_COMPARE_INCOMPATIBLE, 0, NULL },
    { "forbidden-feature", "<cpu match='exact'><model>Nehalem</model><feature policy='forbid' name='avx2'/></cpu>", 0,
      VIR_CPU_COMPARE_INCOMPATIBLE, 0, NULL },
    { "optional-feature", "<cpu><model>Nehalem</model><feature policy='optional' name='sha-ni'/></cpu>", 0,
      VIR_CPU_COMPARE_SUPERSET, 0, NULL },
    { "strict", "<cpu match='strict'><model>Nehalem</model></cpu>", 0, VIR_CPU_COMPARE_INCOMPATIBLE, 0, NULL },
    { "host-model", "<cpu mode='host-model'/>", 0, VIR_CPU_COMPARE_IDENTICAL, 0, NULL },
    { "other-arch", "<cpu><arch>aarch64</arch><model>x</model></cpu>", 0, VIR_CPU_COMPARE_INCOMPATIBLE, 0, NULL },
    { "unknown-model", X86("<model>Nope</model>"), 0, VIR_CPU_COMPARE_ERROR, VIR_ERR_INTERNAL_ERROR, "'Nope'" },
    { "no-model", "<cpu/>", 0, VIR_CPU_COMPARE_ERROR, VIR_ERR_XML_ERROR, "model" },
    { "other-root", "<foo/>", 0, VIR_CPU_COMPARE_ERROR, VIR_ERR_XML_ERROR, "cpu" },
    { "cut", "<cpu>", 0, VIR_CPU_COMPARE_ERROR, VIR_ERR_XML_DETAIL, "" },
    { "bad-policy", X86("<model>Nehalem</model><feature policy='x' name='avx'/>"), 0, VIR_CPU_COMPARE_ERROR,
      VIR_ERR_XML_ERROR, "'x'" },
    { "no-name", X86("<model>Nehalem</model><feature/>"), 0, VIR_CPU_COMPARE_ERROR, VIR_ERR_XML_ERROR, "'name'" },
};

static void testCompare(gconstpointer data)
{
    gsize row = GPOINTER_TO_SIZE(data);
    g_autoptr(QemuCaps) caps = load("x86_64");
    g_autoptr(GError) error = NULL;
    g_auto(QemuCpuSet) host = { 0 };
    char *root = testHostBegin("numa");

    qemuCpuHost(&host);
    testHostEnd(root);
    g_assert_cmpint(qemuCpuCompare(caps, &host, compares[row].xml, compares[row].flags, &error), ==, compares[row].result);
    if (!compares[row].code) {
        g_assert_no_error(error);
        return;
    }
    g_assert_error(error, MEM_ERROR, compares[row].code);
    g_assert_nonnull(strstr(error->message, compares[row].words));
}

/* What the capabilities say of the host is the host. */
static void testCompareOwn(void)
{
    g_autoptr(QemuCaps) caps = load("x86_64");
    QemuGuestArch guest = { ARCH_X86_64, caps };
    char *root = testHostBegin("numa");
    g_autofree char *xml = qemuCapabilitiesFormatXml(&guest, 1, NULL);
    g_autoptr(xmlDoc) doc = memXmlParse(xml, "capabilities", NULL);
    xmlNode *cpu = memXmlChild(memXmlChild(xmlDocGetRootElement(doc), "host"), "cpu");
    g_autofree char *text = memXmlNodeText(cpu);
    g_auto(QemuCpuSet) host = { 0 };
    g_autoptr(GError) error = NULL;
    int result;

    qemuCpuHost(&host);
    result = qemuCpuCompare(caps, &host, text, 0, &error);
    g_assert_no_error(error);
    g_assert_cmpint(result, ==, VIR_CPU_COMPARE_IDENTICAL);
    testHostEnd(root);
}

static const struct {
    const char *name;
    const char *cpus[3];
    unsigned flags;
    int code;
} baselines[] = {
    { "one", { X86("<model>Broadwell</model><feature name='sha-ni'/><feature name='invtsc'/>") }, 0, 0 },
    { "migratable", { X86("<model>Broadwell</model><feature name='invtsc'/>") }, VIR_CONNECT_BASELINE_CPU_MIGRATABLE, 0 },
    { "two", { X86("<model>Skylake-Server</model>"), X86("<model>Haswell</model>") }, 0, 0 },
    { "expanded", { X86("<model>Conroe</model>") }, VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES, 0 },
    { "two-vendors", { X86("<model>EPYC</model>"), X86("<model>Haswell</model>") }, 0, 0 },
    { "other-arch", { "<cpu><arch>aarch64</arch><model>x</model></cpu>" }, 0, 0 },
    { "other-arches", { "<cpu><arch>aarch64</arch><model>x</model></cpu>", X86("<model>EPYC</model>") }, 0,
      VIR_ERR_OPERATION_FAILED },
    { "none", { NULL }, 0, VIR_ERR_INVALID_ARG },
    { "no-model", { "<cpu/>" }, 0, VIR_ERR_INVALID_ARG },
    { "unknown", { X86("<model>Nope</model>") }, 0, VIR_ERR_INTERNAL_ERROR },
};

static void testBaseline(gconstpointer data)
{
    gsize row = GPOINTER_TO_SIZE(data);
    g_autofree char *name = g_strconcat("baseline-", baselines[row].name, NULL);
    g_autoptr(QemuCaps) caps = load("x86_64");
    g_autoptr(GError) error = NULL;
    char *const *cpus = (char *const *)baselines[row].cpus;
    g_autofree char *xml = qemuCpuBaseline(caps, cpus, g_strv_length((char **)cpus), baselines[row].flags, &error);

    if (baselines[row].code) {
        g_assert_error(error, MEM_ERROR, baselines[row].code);
        return;
    }
    g_assert_no_error(error);
    compareXml(name, xml);
}

static void addRow(const char *folder, const char *name, gsize row, GTestDataFunc func)
{
    g_autofree char *path = g_strdup_printf("/qemucapabilitiesxml/%s/%s", folder, name);

    g_test_add_data_func(path, GSIZE_TO_POINTER(row), func);
}

int main(int argc, char **argv)
{
    int result;

    g_test_init(&argc, &argv, NULL);
    liveCache = qemuCapsCacheNew(NULL);
    g_test_add_data_func("/qemucapabilitiesxml/capabilities/plain", "plain", testCapabilities);
    g_test_add_data_func("/qemucapabilitiesxml/capabilities/numa", "numa", testCapabilities);
    for (gsize i = 0; i < G_N_ELEMENTS(domains); i++) {
        g_autofree char *name = domainName(i);

        addRow("domain", name, i, testDomain);
    }
    g_test_add_func("/qemucapabilitiesxml/choose", testChoose);
    g_test_add_func("/qemucapabilitiesxml/guests", testGuests);
    g_test_add_func("/qemucapabilitiesxml/model-names", testModelNames);
    for (gsize i = 0; i < G_N_ELEMENTS(compares); i++)
        addRow("compare", compares[i].name, i, testCompare);
    g_test_add_func("/qemucapabilitiesxml/compare-own", testCompareOwn);
    for (gsize i = 0; i < G_N_ELEMENTS(baselines); i++)
        addRow("baseline", baselines[i].name, i, testBaseline);
    result = g_test_run();
    qemuCapsCacheFree(liveCache);
    return result;
}
