/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memoryclienttest.c: every verdict and its words, the rows of statistics, and what is read from XML */
#include <string.h>
#include <glib.h>

#include "client/memory_diagnose.h"
#include "client/memory_host.h"
#include "client/memory_inventory.h"
#include "client/memory_stats.h"

#define MIB 1024ULL

#define VMEM MEMORY_CHANGE_VIRTIO_MEM
#define UNKNOWN .hasKib = VIR_MEM_UNKNOWN, .totalBeforeKib = VIR_MEM_UNKNOWN, .totalKib = VIR_MEM_UNKNOWN, .availableKib = VIR_MEM_UNKNOWN

static const struct {
    MemoryObservation seen;
    int diagnosis;
    const char *text;
} cases[] = {
    {{.change = VMEM, .alias = "v0", .wantedKib = 512 * MIB, UNKNOWN}, VIR_MEM_DIAGNOSIS_NO_DRIVER,
     "the guest did not react to 'v0' at all: it has no driver for it"},
    {{.change = VMEM, .alias = "v0", .wantedKib = 512 * MIB, .paused = TRUE, UNKNOWN}, VIR_MEM_DIAGNOSIS_STALLED,
     "'v0' stays at 0 B: the guest is paused"},
    {{.change = VMEM, .alias = "v0", .startKib = 0, .nowKib = 1024 * MIB, .wantedKib = 2048 * MIB, .moved = TRUE,
      .hasKib = VIR_MEM_UNKNOWN,
      .totalBeforeKib = 900 * MIB, .totalKib = 890 * MIB, .availableKib = 700 * MIB}, VIR_MEM_DIAGNOSIS_NOT_ONLINE,
     "'v0' has 1 GiB plugged, but the guest does not use it: its memory is not online"},
    {{.change = MEMORY_CHANGE_GUEST, .startKib = 1024 * MIB, .nowKib = 2048 * MIB, .wantedKib = 2048 * MIB, .moved = TRUE,
      .hasKib = 2048 * MIB, .totalBeforeKib = 900 * MIB, .totalKib = 890 * MIB, .availableKib = 700 * MIB},
     VIR_MEM_DIAGNOSIS_NOT_ONLINE, "the guest has 1 GiB more plugged, but reports only 890 MiB in all: the rest is not online"},
    /* A balloon that gives back has nothing to be brought online. */
    {{.change = MEMORY_CHANGE_BALLOON, .startKib = 512 * MIB, .nowKib = 768 * MIB, .wantedKib = 1024 * MIB, .moved = TRUE,
      .hasKib = 768 * MIB, .totalBeforeKib = 900 * MIB, .totalKib = 900 * MIB, .availableKib = 700 * MIB},
     VIR_MEM_DIAGNOSIS_STALLED, "the balloon stays at 768 MiB of 1 GiB, and the guest does not say why"},
    {{.change = VMEM, .alias = "v0", .startKib = 0, .nowKib = 1024 * MIB, .wantedKib = 4096 * MIB, .moved = TRUE,
      .hasKib = VIR_MEM_UNKNOWN,
      .totalBeforeKib = 900 * MIB, .totalKib = 1900 * MIB, .availableKib = 20 * MIB}, VIR_MEM_DIAGNOSIS_GUEST_MEMORY,
     "'v0' has 1 GiB of 4 GiB: the guest has only 20 MiB available, too little for the page structures of the rest"},
    {{.change = VMEM, .alias = "v0", .startKib = 0, .nowKib = 1024 * MIB, .wantedKib = 4096 * MIB, .moved = TRUE,
      .hasKib = VIR_MEM_UNKNOWN,
      .totalBeforeKib = 900 * MIB, .totalKib = 1900 * MIB, .availableKib = 1500 * MIB}, VIR_MEM_DIAGNOSIS_STALLED,
     "'v0' stays at 1 GiB of 4 GiB, and the guest does not say why"},
    {{.change = VMEM, .alias = "v0", .nowKib = 512 * MIB, .wantedKib = 1024 * MIB, .hadDriver = TRUE, UNKNOWN},
     VIR_MEM_DIAGNOSIS_STALLED, "'v0' stays at 512 MiB of 1 GiB, and the guest does not say why"},
    {{.change = VMEM, .alias = "v0", .nowKib = 512 * MIB, .wantedKib = 0, .hadDriver = TRUE, .availableKib = 800 * MIB},
     VIR_MEM_DIAGNOSIS_UNMOVABLE, "'v0' stays at 512 MiB instead of 0 B: the guest's kernel holds pages there that cannot be moved"},
    {{.change = VMEM, .alias = "v0", .nowKib = 512 * MIB, .wantedKib = 0, .hadDriver = TRUE, .availableKib = 100 * MIB},
     VIR_MEM_DIAGNOSIS_UNMOVABLE, "'v0' stays at 512 MiB instead of 0 B: the guest uses that memory, only 100 MiB is available in it"},
    {{.change = MEMORY_CHANGE_UNPLUG, .alias = "dimm0", .nowKib = 512 * MIB, .guestRefused = TRUE, .availableKib = 900 * MIB},
     VIR_MEM_DIAGNOSIS_UNMOVABLE, "the guest refused to let go of 'dimm0': its kernel holds pages there that cannot be moved"},
    {{.change = MEMORY_CHANGE_UNPLUG, .alias = "dimm0", .nowKib = 512 * MIB, .guestRefused = TRUE, .availableKib = 90 * MIB},
     VIR_MEM_DIAGNOSIS_REFUSED,
     "the guest refused to let go of 'dimm0': it uses that memory, only 90 MiB of 512 MiB is available in it"},
    {{.change = MEMORY_CHANGE_UNPLUG, .alias = "dimm0", .nowKib = 512 * MIB, UNKNOWN}, VIR_MEM_DIAGNOSIS_STALLED,
     "the guest did not answer the request to let go of 'dimm0'"},
    {{.change = MEMORY_CHANGE_PLUG, .alias = "dimm0", .nowKib = 512 * MIB, .wantedKib = 512 * MIB, .moved = TRUE,
      .hasKib = VIR_MEM_UNKNOWN,
      .totalBeforeKib = 900 * MIB, .totalKib = 900 * MIB, .availableKib = 500 * MIB}, VIR_MEM_DIAGNOSIS_NOT_ONLINE,
     "'dimm0' has 512 MiB plugged, but the guest does not use it: its memory is not online"},
    {{.change = MEMORY_CHANGE_BALLOON, .nowKib = 1024 * MIB, .wantedKib = 512 * MIB, UNKNOWN}, VIR_MEM_DIAGNOSIS_NO_DRIVER,
     "the guest did not react to the balloon at all: it has no driver for it"},
    {{.change = MEMORY_CHANGE_GUEST, .nowKib = 1024 * MIB, .wantedKib = 512 * MIB, UNKNOWN}, VIR_MEM_DIAGNOSIS_NO_DRIVER,
     "the guest did not react at all: it has no driver for its balloon or its virtio-mem devices"},
    {{.change = MEMORY_CHANGE_GUEST, .startKib = 1024 * MIB, .nowKib = 700 * MIB, .wantedKib = 512 * MIB, .moved = TRUE, UNKNOWN},
     VIR_MEM_DIAGNOSIS_STALLED, "the guest stays at 700 MiB instead of 512 MiB, and the guest does not say why"},
    {{.change = MEMORY_CHANGE_BALLOON, .nowKib = 768 * MIB, .wantedKib = 512 * MIB, .moved = TRUE, UNKNOWN}, VIR_MEM_DIAGNOSIS_STALLED,
     "the balloon stays at 768 MiB instead of 512 MiB, and the guest does not say why"},
    {{.change = VMEM, .alias = "v0", .nowKib = 2 * MIB, .lost = TRUE, UNKNOWN}, VIR_MEM_DIAGNOSIS_LOST,
     "the connection to libvirt was lost; 'v0' had 2 MiB when it was last seen"},
    {{.change = VMEM, .alias = "v0", .stopped = TRUE, .cancelled = TRUE, UNKNOWN}, VIR_MEM_DIAGNOSIS_LOST, "the guest stopped running"},
    {{.change = VMEM, .alias = "v0", .nowKib = 2 * MIB, .cancelled = TRUE, UNKNOWN}, VIR_MEM_DIAGNOSIS_CANCELLED,
     "cancelled with 'v0' at 2 MiB"},
    {{.change = VMEM, .alias = "v0", .libvirtMessage = "no", .libvirtCode = 1, UNKNOWN}, VIR_MEM_DIAGNOSIS_REFUSED,
     "libvirt refused to change 'v0': no"},
};

static void testVerdicts(void)
{
    gboolean seen[VIR_MEM_DIAGNOSIS_CANCELLED + 1] = {TRUE};

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        char *text = NULL;
        g_assert_cmpint(memoryDiagnose(&cases[i].seen, &text), ==, cases[i].diagnosis);
        g_assert_cmpstr(text, ==, cases[i].text);
        g_free(text);
        seen[cases[i].diagnosis] = TRUE;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(seen); i++)
        g_assert_true(seen[i]);
}

/* Sizes in MiB; 0: not known. */
static const struct {
    guint64 added, has, before, after;
    MemoryOnline online;
} uses[] = {
    {1024, 2048, 900, 1900, MEMORY_ONLINE_YES},
    {1024, 2048, 900, 900, MEMORY_ONLINE_NO},
    {1024, 2048, 900, 890, MEMORY_ONLINE_NO},
    {1024, 2048, 900, 1411, MEMORY_ONLINE_NO},          /* just under half of it */
    {1024, 2048, 900, 1412, MEMORY_ONLINE_YES},
    {1024, 0, 900, 900, MEMORY_ONLINE_NO},              /* the rise alone */
    {1024, 2048, 0, 900, MEMORY_ONLINE_UNKNOWN},
    {1024, 2048, 900, 0, MEMORY_ONLINE_UNKNOWN},
    {31, 1055, 900, 900, MEMORY_ONLINE_UNKNOWN},        /* noise */
    {0, 1024, 900, 900, MEMORY_ONLINE_UNKNOWN},
    {128, 1152, 900, 900, MEMORY_ONLINE_NO},
    {128, 1152, 900, 1028, MEMORY_ONLINE_YES},
    {1024, 2048, 3900, 1940, MEMORY_ONLINE_YES},        /* the report of before is of before a shrink */
    {200, 1400, 1250, 1290, MEMORY_ONLINE_YES},
    {1024, 2048, 3900, 900, MEMORY_ONLINE_NO},
    {4096, 131072, 118000, 118000, MEMORY_ONLINE_NO},
    {4096, 131072, 130000, 122000, MEMORY_ONLINE_YES},  /* lost in what a large guest's kernel keeps: nothing is claimed */
    {65536, 131072, 63000, 63000, MEMORY_ONLINE_NO},
};

static void testOnline(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(uses); i++) {
        MemoryUse use = {
            .addedKib = uses[i].added * MIB, .hasKib = uses[i].has ? uses[i].has * MIB : VIR_MEM_UNKNOWN,
            .totalBeforeKib = uses[i].before ? uses[i].before * MIB : VIR_MEM_UNKNOWN,
            .totalKib = uses[i].after ? uses[i].after * MIB : VIR_MEM_UNKNOWN,
        };
        g_test_message("case %zu", i);
        g_assert_cmpint(memoryOnlineJudge(&use), ==, uses[i].online);
    }
}

static void testNames(void)
{
    g_assert_cmpstr(virMemDiagnosisName(VIR_MEM_DIAGNOSIS_CANCELLED), ==, "cancelled");
    g_assert_null(virMemDiagnosisName(VIR_MEM_DIAGNOSIS_CANCELLED + 1));
    g_assert_null(virMemDiagnosisName(-1));
    g_assert_nonnull(virMemDiagnosisAdvice(VIR_MEM_DIAGNOSIS_UNMOVABLE));
    g_assert_cmpstr(virMemErrorName(VIR_MEM_ERR_SYSTEM), ==, "system");
    g_assert_cmpstr(virMemErrorName(VIR_MEM_ERR_SYSTEM - 1), ==, "unknown");
    g_assert_cmpstr(virMemErrorName(1), ==, "unknown");
    g_assert_cmpstr(virMemModelName(VIR_MEM_MODEL_SGX_EPC), ==, "sgx-epc");
    g_assert_null(virMemModelName(VIR_MEM_MODEL_OTHER + 1));
    g_assert_cmpstr(virMemStepKindName(VIR_MEM_STEP_BALLOON), ==, "balloon");
    g_assert_cmpstr(virMemStatsStateName(VIR_MEM_STATS_OFF), ==, "off");
    g_assert_cmpuint(virMemGetVersion(), >=, 1000);
}

/* ---- statistics ---- */

typedef struct {
    int state;
    long long ageMs;
    unsigned long long used, reclaimable;
} RowWanted;

/* "name=value ..." as the bulk call would say it. */
static void checkRow(int id, const char *words, RowWanted wanted)
{
    virTypedParameter parameters[16];
    virDomainStatsRecord record = {.params = parameters};
    virMemStatsRow row = {.id = id};
    g_auto(GStrv) pairs = g_strsplit(words, " ", -1);

    for (char **pair = pairs; *pair; pair++) {
        char *equals = strchr(*pair, '=');
        if (!equals)
            continue;
        virTypedParameter *parameter = &parameters[record.nparams++];
        *equals = '\0';
        g_snprintf(parameter->field, sizeof(parameter->field), "balloon.%s", *pair);
        parameter->type = VIR_TYPED_PARAM_ULLONG;
        parameter->value.ul = g_ascii_strtoull(equals + 1, NULL, 10);
    }
    memoryStatsFill(&row, &record, 1000, 10000);
    g_assert_cmpint(row.state, ==, wanted.state);
    g_assert_cmpint(row.ageMs, ==, wanted.ageMs);
    g_assert_cmpuint(row.usedKib, ==, wanted.used);
    g_assert_cmpuint(row.reclaimableKib, ==, wanted.reclaimable);
}

static void testStats(void)
{
    static const char full[] = "current=900 maximum=1000 available=800 unused=300 usable=500 last-update=%d rss=700";
    g_autofree char *fresh = g_strdup_printf(full, 998), *stale = g_strdup_printf(full, 980);
    g_autofree char *future = g_strdup_printf(full, 1005), *never = g_strdup_printf(full, 0);

    checkRow(1, fresh, (RowWanted) {VIR_MEM_STATS_FRESH, 2000, 300, 200});
    checkRow(1, stale, (RowWanted) {VIR_MEM_STATS_STALE, 20000, 300, 200});
    checkRow(1, future, (RowWanted) {VIR_MEM_STATS_FRESH, 0, 300, 200});
    checkRow(1, never, (RowWanted) {VIR_MEM_STATS_STALE, -1, 300, 200});
    checkRow(1, "current=900 maximum=1000 last-update=0 rss=700",
             (RowWanted) {VIR_MEM_STATS_NO_REPORT, -1, VIR_MEM_UNKNOWN, VIR_MEM_UNKNOWN});
    checkRow(1, "current=900 maximum=1000", (RowWanted) {VIR_MEM_STATS_STUCK, -1, VIR_MEM_UNKNOWN, VIR_MEM_UNKNOWN});
    checkRow(-1, "maximum=1000", (RowWanted) {VIR_MEM_STATS_OFF, -1, VIR_MEM_UNKNOWN, VIR_MEM_UNKNOWN});
    checkRow(1, "available=800 unused=300 last-update=1000 rss=1", (RowWanted) {VIR_MEM_STATS_FRESH, 0, 500, 0});
}

/* ---- XML ---- */

static const char domainXml[] =
    "<domain type='kvm' id='1'><name>g</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>"
    "<maxMemory slots='4' unit='GiB'>8</maxMemory><memory unit='MiB'>3328</memory><currentMemory unit='MiB'>1200</currentMemory>"
    "<memoryBacking><hugepages><page size='2' unit='MiB' nodeset='1'/></hugepages><locked/></memoryBacking>"
    "<memtune><hard_limit unit='GiB'>9</hard_limit></memtune>"
    "<numatune><memory mode='strict' nodeset='0-1'/><memnode cellid='1' mode='strict' nodeset='1'/></numatune>"
    "<vcpu>4</vcpu><os><type arch='x86_64' machine='q35'>hvm</type></os>"
    "<cpu><numa><cell id='0' cpus='0-2' memory='512' unit='MiB'/><cell id='1' cpus='3' memory='512' unit='MiB'/></numa></cpu>"
    "<devices><newer-thing/>"
    "<memory model='dimm'><target><size unit='MiB'>256</size><node>1</node></target><alias name='dimm2'/>"
    "<address type='dimm' slot='2' base='0x100000000'/></memory>"
    "<memory model='virtio-mem'><source><pagesize unit='KiB'>4</pagesize></source><target><size unit='MiB'>2048</size><node>0</node>"
    "<block unit='KiB'>2048</block><requested unit='MiB'>300</requested><current unit='MiB'>200</current></target>"
    "<alias name='virtiomem0'/><address type='pci' domain='0x0000' bus='0x03' slot='0x00' function='0x0'/></memory>"
    "<memory model='later'><source/></memory>"
    "<memballoon model='virtio' autodeflate='on'><stats period='5'/></memballoon></devices></domain>";

static void testInventory(void)
{
    virMemError error;
    g_autoptr(virMemInventory) inventory = memoryInventoryParse(domainXml, TRUE, &error);
    virDomainMemoryStatStruct stats[] = {
        {VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON, 1000 * MIB}, {VIR_DOMAIN_MEMORY_STAT_AVAILABLE, 1100 * MIB},
        {VIR_DOMAIN_MEMORY_STAT_UNUSED, 100 * MIB}, {VIR_DOMAIN_MEMORY_STAT_RSS, 77}, {VIR_DOMAIN_MEMORY_STAT_LAST_UPDATE, 990},
    };

    g_assert_nonnull(inventory);
    g_assert_cmpstr(inventory->name, ==, "g");
    g_assert_cmpuint(inventory->nnodes, ==, 2);
    g_assert_cmpint(inventory->nodes[0]->vcpus, ==, 3);
    g_assert_cmpuint(inventory->nodes[0]->pageKib, ==, 4);
    g_assert_cmpuint(inventory->nodes[1]->pageKib, ==, 2048);
    g_assert_cmpstr(inventory->nodes[0]->hostNodes, ==, "0-1");
    g_assert_cmpstr(inventory->nodes[1]->hostNodes, ==, "1");
    g_assert_cmpuint(inventory->bootKib, ==, 1024 * MIB);
    g_assert_cmpuint(inventory->balloonTopKib, ==, 1280 * MIB);
    g_assert_cmpuint(inventory->hardLimitKib, ==, 9 * 1024 * MIB);
    g_assert_true(inventory->locked);
    g_assert_cmpuint(inventory->ndevices, ==, 3);
    g_assert_cmpuint(inventory->slotsUsed, ==, 1);
    const virMemDevice *dimm = virMemInventoryFind(inventory, "dimm2"), *virtioMem = virMemInventoryFind(inventory, "virtiomem0");
    g_assert_cmpuint(dimm->base, ==, 0x100000000ULL);
    g_assert_cmpint(dimm->slot, ==, 2);
    g_assert_cmpuint(dimm->pageKib, ==, 2048);
    g_assert_cmpuint(virtioMem->pageKib, ==, 4);
    g_assert_cmpuint(virtioMem->requestedKib, ==, 300 * MIB);
    g_assert_cmpuint(virtioMem->current.kib, ==, 200 * MIB);
    g_assert_cmpstr(virtioMem->address, ==, "0000:03:00.0");
    g_assert_cmpint(inventory->devices[2]->model, ==, VIR_MEM_MODEL_OTHER);
    g_assert_cmpuint(inventory->balloonActual.kib, ==, 1000 * MIB);
    g_assert_cmpuint(inventory->guestTotal.kib, ==, VIR_MEM_UNKNOWN);

    memoryInventoryAddStats(inventory, stats, G_N_ELEMENTS(stats), 1000);
    g_assert_cmpuint(inventory->current.kib, ==, 1200 * MIB);
    g_assert_cmpuint(inventory->guestAvailable.kib, ==, 100 * MIB);
    g_assert_cmpint(inventory->guestAvailable.ageMs, ==, 10000);
    g_assert_cmpuint(inventory->resident.kib, ==, 77);
    g_assert_null(virMemInventoryFind(inventory, NULL));
    g_assert_null(virMemInventoryFind(inventory, "none"));
}

/* 1280 MiB of boot memory and DIMM, 200 MiB of virtio-mem plugged; 1200 MiB of it is the guest's. */
static void testPlugged(void)
{
    g_autoptr(virMemInventory) inventory = memoryInventoryParse(domainXml, TRUE, NULL);
    virTypedParameter parameters[2] = {{.field = "balloon.maximum", .type = VIR_TYPED_PARAM_ULLONG},
                                       {.field = "balloon.current", .type = VIR_TYPED_PARAM_ULLONG}};
    virDomainStatsRecord record = {.params = parameters, .nparams = 2};
    virMemStatsRow row = {.id = 1};

    parameters[0].value.ul = parameters[1].value.ul = 1000;
    memoryStatsFill(&row, &record, 1000, 10000);
    g_assert_cmpuint(row.pluggedKib, ==, 1000);
    g_assert_cmpuint(row.balloonKib, ==, 0);
    parameters[1].value.ul = 900;
    memoryStatsFill(&row, &record, 1000, 10000);
    g_assert_cmpuint(row.pluggedKib, ==, VIR_MEM_UNKNOWN);
    g_assert_cmpuint(row.balloonKib, ==, VIR_MEM_UNKNOWN);
    memoryStatsFillPlugged(&row, NULL);
    g_assert_cmpuint(row.pluggedKib, ==, VIR_MEM_UNKNOWN);
    memoryStatsFillPlugged(&row, inventory);
    g_assert_cmpuint(row.pluggedKib, ==, 1480 * MIB);
    g_assert_cmpuint(row.balloonKib, ==, 280 * MIB);
    row.id = -1;
    parameters[1].value.ul = 1000;
    memoryStatsFill(&row, &record, 1000, 10000);
    g_assert_cmpuint(row.pluggedKib, ==, VIR_MEM_UNKNOWN);
}

static void testBadXml(void)
{
    static const char *const bad[] = {
        "", "<domain", "<network/>", "<domain><name>x</name></domain>",
        "<domain><name>x</name><memory>1</memory><devices><memory model='dimm'><target><size>2</size></target></memory></devices></domain>",
        "<domain><name>x</name><memory>1</memory><devices><memory model='dimm'><target/></memory></devices></domain>",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        virMemError error;
        g_assert_null(memoryInventoryParse(bad[i], TRUE, &error));
        g_assert_cmpint(error.code, ==, VIR_MEM_ERR_UNREADABLE);
        g_assert_cmpstr(error.message, !=, "");
    }
    g_assert_null(memoryHostParse("<host/>", NULL));
}

static void testHost(void)
{
    g_autoptr(virMemHost) host = memoryHostParse(
        "<capabilities><host><topology><cells num='2'>"
        "<cell id='0'><memory unit='KiB'>1000</memory><pages unit='KiB' size='1048576'>2</pages><pages unit='KiB' size='4'>250</pages>"
        "<pages unit='KiB' size='2048'>7</pages></cell>"
        "<cell id='4'><memory unit='KiB'>2000</memory></cell></cells></topology></host></capabilities>", NULL);
    g_autoptr(virMemHost) bare = memoryHostParse("<capabilities><host/></capabilities>", NULL);

    g_assert_cmpuint(host->nnodes, ==, 2);
    g_assert_cmpuint(host->pageKib, ==, 4);
    g_assert_cmpuint(host->hugeKib, ==, 2048);
    g_assert_cmpuint(memoryHostPages(memoryHostNode(host, 0), 2048)->total, ==, 7);
    g_assert_cmpuint(memoryHostNode(host, 4)->totalKib, ==, 2000);
    g_assert_null(memoryHostNode(host, 1));
    g_assert_cmpuint(bare->nnodes, ==, 1);
    g_assert_cmpuint(bare->nodes[0]->totalKib, ==, VIR_MEM_UNKNOWN);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(virInitialize(), ==, 0);
    g_test_add_func("/client/verdicts", testVerdicts);
    g_test_add_func("/client/online", testOnline);
    g_test_add_func("/client/names", testNames);
    g_test_add_func("/client/stats", testStats);
    g_test_add_func("/client/inventory", testInventory);
    g_test_add_func("/client/plugged", testPlugged);
    g_test_add_func("/client/bad-xml", testBadXml);
    g_test_add_func("/client/host", testHost);
    return g_test_run();
}
