/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemumemdiagnosetest.c: what is said of a guest that does not do what it was asked, as a table */
#include "conf/memballoon_conf.h"
#include "qemu/qemu_memdiagnose.h"

#include <string.h>

#define XML \
    "<domain type='qemu'><name>g</name><maxMemory slots='1' unit='GiB'>4</maxMemory><memory unit='MiB'>1280</memory><vcpu>1</vcpu>" \
    "<os><type arch='x86_64' machine='pc'>hvm</type></os>" \
    "<cpu><numa><cell id='0' cpus='0' memory='256' unit='MiB'/></numa></cpu><devices><memory model='virtio-mem'><target>" \
    "<size unit='GiB'>1</size><node>0</node><block unit='MiB'>2</block><requested>0</requested></target></memory>" \
    "<memballoon model='virtio'/></devices></domain>"

typedef struct {
    const char *name;
    guint64 requestedKib, currentKib;
    int period;                 /* -1: no balloon */
    gint64 lastUpdate;          /* -1: statistics not known */
    const char *words[2];       /* of each message; NULL: no more */
    guint64 totalKib;           /* the guest's own figure; 0: it has not told */
} Row;

static const Row rows[] = {
    { "fine", 2048, 2048, 5, 1700000000, { NULL } },
    { "empty", 0, 0, 5, 1700000000, { NULL } },
    { "no-period", 0, 0, 0, 0, { NULL } },
    { "not-known", 0, 0, 5, -1, { NULL } },
    { "no-balloon", 0, 0, -1, 0, { NULL } },
    { "silent-balloon", 0, 0, 5, 0, { "never sent statistics", NULL } },
    { "nothing", 4096, 0, 5, 1700000000, { "nothing of the '4096' KiB", NULL } },
    { "short", 4096, 2048, 5, 1700000000, { "'2048' of '4096' KiB requested", NULL } },
    { "over", 2048, 4096, 0, 0, { "'4096' KiB are plugged, '2048' KiB are requested", NULL } },
    { "over-none", 0, 4096, 0, 0, { "'4096' KiB are plugged, '0' KiB are requested", NULL } },
    { "both", 4096, 0, 5, 0, { "never sent statistics", "nothing of the" } },
    { "online", 1048576, 1048576, 5, 1700000000, { NULL }, 1200000 },
    { "kept-by-kernel", 1048576, 1048576, 5, 1700000000, { NULL }, 1310720 - 524288 },
    { "offline", 1048576, 1048576, 5, 1700000000, { "of the '1048576' KiB that memory devices added, part is not online", NULL }, 230000 },
    { "offline-but-never-told", 1048576, 1048576, 5, 0, { "never sent statistics", NULL }, 230000 },
    { "offline-and-short", 1048576, 786432, 5, 1700000000, { "'786432' of '1048576' KiB", "is not online" }, 230000 },
    { "too-little-to-tell", 262144, 262144, 5, 1700000000, { NULL }, 230000 },
};

static void testRow(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(DomainDef) def = domainDefParseString(XML, DOMAIN_PARSE_INACTIVE, &error);
    QemuMonitorBalloonStats stats = { .lastUpdate = (guint64)MAX(row->lastUpdate, 0) };
    g_auto(GStrv) messages = NULL;
    guint count = 0;

    stats.values[QEMU_MONITOR_BALLOON_TOTAL] = row->totalKib ? row->totalKib * 1024 : G_MAXUINT64;
    g_assert_no_error(error);
    def->memories[0]->requestedKib = row->requestedKib;
    def->memories[0]->currentKib = row->currentKib;
    def->memory.currentKib = 262144 + row->currentKib;
    if (row->period < 0)
        def->balloon->model = MEMBALLOON_NONE;
    else
        def->balloon->periodSeconds = row->period;
    messages = qemuMemDiagnose(def, row->lastUpdate < 0 || row->period < 0 ? NULL : &stats);
    while (count < G_N_ELEMENTS(row->words) && row->words[count]) {
        g_assert_nonnull(messages[count]);
        g_assert_nonnull(strstr(messages[count], row->words[count]));
        count++;
    }
    g_assert_cmpuint(g_strv_length(messages), ==, count);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/diagnose/%s", rows[i].name);

        g_test_add_data_func(path, &rows[i], testRow);
    }
    return g_test_run();
}
