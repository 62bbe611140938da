/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memoryplantest.c: plans for tables of guests, and properties that every plan has
 *
 * A guest is one line of words, sizes in MiB:
 *   b512          a node with so much boot memory        v0:2048,512,2[,r]  virtio-mem on node 0: size, has, block, requested
 *   d1:256        a DIMM on node 1                       m8192  s8          maxMemory, slots
 *   a768          the balloon's actual (else empty)      n                  no balloon
 *   t900,700[,s]  MemTotal and MemAvailable [seconds old] p2048              every node has pages of so many KiB
 *   h4096,1024    the host: free memory, free huge pages in MiB             l5000  hard limit       locked */
#include <string.h>
#include <glib.h>

#include "client/memory_plan.h"
#include "test_golden.h"

#define MIB 1024ULL
#define MOST 32

typedef struct {
    virMemInventory inventory;
    virMemNode nodes[MOST], *nodePointers[MOST];
    virMemDevice devices[MOST], *devicePointers[MOST];
    char aliases[MOST][16];
    virMemHost host;
    virMemHostNode hostNode, *hostPointers[1];
    virMemPages pages[2];
    gboolean hasHost;
} Guest;

static guint64 numbers(const char *text, guint64 *out, size_t most)
{
    size_t count = 0;

    while (count < most && g_ascii_isdigit(*text)) {
        char *end = NULL;
        out[count++] = g_ascii_strtoull(text, &end, 10);
        text = *end == ',' ? end + 1 : end;
    }
    return count;
}

static virMemDevice *addDevice(Guest *guest, int model, int node, guint64 mib)
{
    virMemInventory *inventory = &guest->inventory;
    size_t index = inventory->ndevices++;
    virMemDevice *device = &guest->devices[index];

    g_assert_cmpuint(index, <, MOST);
    guest->devicePointers[index] = device;
    *device = (virMemDevice) {.model = model, .node = node, .sizeKib = mib * MIB, .slot = -1, .pageKib = 4,
                              .base = VIR_MEM_UNKNOWN, .alias = guest->aliases[index]};
    device->requestedKib = device->sizeKib;
    device->current.kib = device->sizeKib;
    inventory->totalKib += device->sizeKib;
    return device;
}

static void addDimm(Guest *guest, int node, guint64 mib)
{
    virMemDevice *device = addDevice(guest, VIR_MEM_MODEL_DIMM, node, mib);

    device->slot = (int) guest->inventory.slotsUsed++;
    g_snprintf(device->alias, 16, "dimm%d", device->slot);
    guest->inventory.balloonTopKib += device->sizeKib;
}

static void addVirtioMem(Guest *guest, int node, const guint64 *mib, size_t count)
{
    virMemDevice *device = addDevice(guest, VIR_MEM_MODEL_VIRTIO_MEM, node, mib[0]);
    unsigned number = 0;

    for (size_t i = 0; i + 1 < guest->inventory.ndevices; i++)
        number += guest->devices[i].model == VIR_MEM_MODEL_VIRTIO_MEM;
    g_snprintf(device->alias, 16, "v%u", number);
    device->current.kib = mib[1] * MIB;
    device->blockKib = mib[2] * MIB;
    device->requestedKib = count > 3 ? mib[3] * MIB : device->current.kib;
}

static void addNode(Guest *guest, guint64 mib)
{
    virMemInventory *inventory = &guest->inventory;
    size_t index = inventory->nnodes++;

    guest->nodes[index] = (virMemNode) {.id = (int) index, .bootKib = mib * MIB, .pageKib = 4};
    guest->nodePointers[index] = &guest->nodes[index];
    inventory->bootKib += mib * MIB;
    inventory->totalKib += mib * MIB;
    inventory->balloonTopKib += mib * MIB;
    inventory->numa = TRUE;
}

static void addHost(Guest *guest, const guint64 *mib)
{
    guest->hasHost = TRUE;
    guest->hostPointers[0] = &guest->hostNode;
    guest->pages[0] = (virMemPages) {.sizeKib = 4, .total = mib[0] * 512, .free = mib[0] * 256};
    guest->pages[1] = (virMemPages) {.sizeKib = 2048, .total = mib[1], .free = mib[1] / 2};
    guest->hostNode = (virMemHostNode) {.totalKib = mib[0] * 2 * MIB, .freeKib = mib[0] * MIB, .pages = guest->pages, .npages = 2};
    guest->host = (virMemHost) {.nodes = guest->hostPointers, .nnodes = 1, .availableKib = VIR_MEM_UNKNOWN, .pageKib = 4,
                                .hugeKib = 2048, .ksm = -1};
}

static void setPages(Guest *guest, guint64 kib)
{
    for (size_t i = 0; i < guest->inventory.nnodes; i++)
        guest->nodes[i].pageKib = kib;
    for (size_t i = 0; i < guest->inventory.ndevices; i++)
        guest->devices[i].pageKib = kib;
}

static void addWord(Guest *guest, const char *word, guint64 *actualMib)
{
    virMemInventory *inventory = &guest->inventory;
    guint64 n[4] = {0};
    size_t count = numbers(word + 1, n, 4);

    switch (word[0]) {
    case 'b': addNode(guest, n[0]); break;
    case 'm': inventory->maxKib = n[0] * MIB; break;
    case 's': inventory->slots = (unsigned) n[0]; break;
    case 'a': *actualMib = n[0]; break;
    case 'n': inventory->balloonModel = (char *) "none"; break;
    case 'h': addHost(guest, n); break;
    case 'p': setPages(guest, n[0]); break;
    case 'l':
        if (count)
            inventory->hardLimitKib = n[0] * MIB;
        inventory->locked = TRUE;
        break;
    case 't':
        inventory->guestTotal = (virMemFigure) {.kib = n[0] * MIB, .ageMs = (gint64) n[2] * 1000};
        inventory->guestAvailable = (virMemFigure) {.kib = n[1] * MIB, .ageMs = (gint64) n[2] * 1000};
        break;
    case 'd':
    case 'v':
        count = numbers(strchr(word, ':') + 1, n, 4);
        if (word[0] == 'd')
            addDimm(guest, word[1] - '0', n[0]);
        else
            addVirtioMem(guest, word[1] - '0', n, count);
        break;
    default: g_error("no such word: '%s'", word);
    }
}

static void makeGuest(Guest *guest, const char *text)
{
    virMemInventory *inventory = &guest->inventory;
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    guint64 actualMib = 0, pluggedKib = 0;

    memset(guest, 0, sizeof(*guest));
    inventory->running = TRUE;
    inventory->name = inventory->arch = (char *) "x86_64";
    inventory->balloonModel = (char *) "virtio";
    inventory->hardLimitKib = VIR_MEM_UNKNOWN;
    inventory->guestTotal = inventory->guestAvailable = (virMemFigure) {VIR_MEM_UNKNOWN, -1};
    inventory->nodes = guest->nodePointers;
    inventory->devices = guest->devicePointers;
    for (char **word = words; *word; word++) {
        if (**word)
            addWord(guest, *word, &actualMib);
    }
    for (size_t i = 0; i < inventory->ndevices; i++)
        pluggedKib += guest->devices[i].model == VIR_MEM_MODEL_VIRTIO_MEM ? guest->devices[i].current.kib : 0;
    inventory->balloonActual.kib = strcmp(inventory->balloonModel, "none") == 0 ? VIR_MEM_UNKNOWN
                                   : actualMib ? actualMib * MIB : inventory->balloonTopKib;
    inventory->current.kib = (actualMib ? actualMib * MIB : inventory->balloonTopKib) + pluggedKib;
}

/* "v0=1024 +dimm2@1=256 -dimm0 balloon=700": what the steps do, in MiB (or KiB with a K). */
static char *describe(const virMemPlan *plan)
{
    GString *text = g_string_new(NULL);

    for (size_t i = 0; i < plan->nsteps; i++) {
        const virMemStep *step = plan->steps[i];
        const char *gap = i ? " " : "";
        g_autofree char *to = step->toKib % MIB ? g_strdup_printf("%lluK", step->toKib)
                                                : g_strdup_printf("%llu", step->toKib / MIB);
        switch ((virMemStepKind) step->kind) {
        case VIR_MEM_STEP_VIRTIO_MEM: g_string_append_printf(text, "%s%s=%s", gap, step->alias, to); break;
        case VIR_MEM_STEP_PLUG_DIMM: g_string_append_printf(text, "%s+%s@%d=%s", gap, step->alias, step->node, to); break;
        case VIR_MEM_STEP_UNPLUG_DIMM: g_string_append_printf(text, "%s-%s", gap, step->alias); break;
        case VIR_MEM_STEP_BALLOON: g_string_append_printf(text, "%sballoon=%s", gap, to); break;
        }
    }
    return g_string_free(text, FALSE);
}

/* ---- requests ----
 *
 * "4096" or "4096K" in all, "0:1024,1:2048" by node, "4096;0:1024" both; then flags, see flagOf(), and "r128", the reserve. */

static unsigned flagOf(char letter)
{
    switch (letter) {
    case 'P': return VIR_MEM_PLAN_PARTIAL;
    case 'B': return VIR_MEM_PLAN_NO_BALLOON;
    case 'D': return VIR_MEM_PLAN_NO_DIMM;
    case 'V': return VIR_MEM_PLAN_NO_VIRTIO_MEM;
    case 'F': return VIR_MEM_PLAN_BELOW_FLOOR;
    case 'O': return VIR_MEM_PLAN_OVERCOMMIT;
    default: g_error("no such flag: '%c'", letter);
    }
}

static guint64 sizeAt(const char **at)
{
    char *end = NULL;
    guint64 value = g_ascii_strtoull(*at, &end, 10);
    guint64 kib = *end == 'K' ? value : value * MIB;

    *at = *end == 'K' ? end + 1 : end;
    return kib;
}

static void makeRequest(virMemRequest *request, virMemNodeSize *nodes, const char *text)
{
    const char *at = text;

    memset(request, 0, sizeof(*request));
    request->nodes = nodes;
    if (g_ascii_isdigit(*at) && (!strchr(at, ':') || strchr(at, ';')))
        request->totalKib = sizeAt(&at);
    while (*at == ';' || *at == ',' || g_ascii_isdigit(*at)) {
        if (!g_ascii_isdigit(*at))
            at++;
        nodes[request->nnodes].node = *at - '0';
        at += 2;
        nodes[request->nnodes++].kib = sizeAt(&at);
    }
    for (; *at; at++) {
        if (*at == 'r') {
            at++;
            request->reserveKib = sizeAt(&at);
            break;
        }
        if (*at != ' ')
            request->flags |= flagOf(*at);
    }
}

/* ---- the table: memoryplandata/plans ----
 *
 * "guest WORDS", then lines "to REQUEST -> STEPS", or "-> no: REASON", with the plan's notes in parentheses. What stands
 * behind the arrows is compared, or written anew. */

static void appendPlan(GString *text, const virMemPlan *plan)
{
    g_autofree char *steps = describe(plan);

    g_string_append_printf(text, "%s%s", plan->reason ? "no: " : *steps ? steps : "nothing", plan->reason ? plan->reason : "");
    for (size_t i = 0; i < plan->nnotes; i++)
        g_string_append_printf(text, "%s%s", i ? "; " : " (", plan->notes[i]);
    if (plan->nnotes)
        g_string_append_c(text, ')');
}

static void answerLine(GString *text, const char *guestWords, const char *line)
{
    g_autofree char *wanted = g_strndup(line, strcspn(line, ">") - (strchr(line, '>') ? 1 : 0));
    Guest guest;
    virMemRequest request;
    virMemNodeSize nodes[MOST];
    virMemPlan *made = NULL;

    g_strstrip(wanted);
    makeGuest(&guest, guestWords);
    makeRequest(&request, nodes, wanted + strlen("to "));
    virMemPlanMake(&guest.inventory, guest.hasHost ? &guest.host : NULL, &request, &made, NULL);
    g_autoptr(virMemPlan) plan = made;
    g_assert_nonnull(plan);
    g_string_append_printf(text, "%s -> ", wanted);
    appendPlan(text, plan);
    g_string_append_c(text, '\n');
}

static void testTable(void)
{
    g_autofree char *path = testSourcePath("memoryplandata/plans");
    g_autofree char *table = NULL;
    g_autoptr(GString) actual = g_string_new(NULL);
    const char *guest = NULL;

    g_assert_true(g_file_get_contents(path, &table, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(g_strchomp(table), "\n", -1);
    for (char **line = lines; *line; line++) {
        if (g_str_has_prefix(*line, "guest "))
            guest = *line + strlen("guest ");
        if (g_str_has_prefix(*line, "to "))
            answerLine(actual, guest, *line);
        else
            g_string_append_printf(actual, "%s\n", *line);
    }
    testGoldenCompare(path, actual->str);
}

/* ---- properties of random plans ---- */

/* The model that steps are applied to. */
typedef struct {
    guint64 haveKib[MOST];      /* by device of the guest; 0: unplugged */
    guint64 requestedKib[MOST];
    GHashTable *dimms;          /* alias -> KiB, those plugged by the plan */
    gint64 heldKib;             /* by the balloon */
    guint64 totalKib;           /* as libvirt counts against maxMemory */
} Model;

static guint64 modelRam(const Guest *guest, const Model *model)
{
    guint64 kib = guest->inventory.bootKib;
    GHashTableIter iter;
    gpointer value;

    for (size_t i = 0; i < guest->inventory.ndevices; i++)
        kib += guest->devices[i].model == VIR_MEM_MODEL_DIMM ? model->haveKib[i] : 0;
    g_hash_table_iter_init(&iter, model->dimms);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        kib += *(guint64 *) value;
    return kib;
}

static guint64 modelHas(const Guest *guest, const Model *model)
{
    guint64 kib = modelRam(guest, model);

    for (size_t i = 0; i < guest->inventory.ndevices; i++)
        kib += guest->devices[i].model == VIR_MEM_MODEL_VIRTIO_MEM ? model->haveKib[i] : 0;
    return kib - (guint64) model->heldKib;
}

static size_t deviceIndex(const Guest *guest, const char *alias)
{
    for (size_t i = 0; i < guest->inventory.ndevices; i++) {
        if (g_strcmp0(guest->devices[i].alias, alias) == 0)
            return i;
    }
    return MOST;
}

/* A DIMM that is added to a definition has no name: its step has. */
static char *nameOf(const virMemStep *step)
{
    return step->alias ? g_strdup(step->alias) : g_strdup_printf("%p", (const void *) step);
}

static void plug(const Guest *guest, Model *model, const char *alias, guint64 kib)
{
    size_t index = deviceIndex(guest, alias);

    if (index < MOST)
        model->haveKib[index] = kib;
    else
        g_hash_table_insert(model->dimms, g_strdup(alias), g_memdup2(&kib, sizeof(kib)));
    model->totalKib += kib;
}

static void unplug(const Guest *guest, Model *model, const char *alias, guint64 kib)
{
    size_t index = deviceIndex(guest, alias);

    if (index < MOST)
        model->haveKib[index] = 0;
    else
        g_assert_true(g_hash_table_remove(model->dimms, alias));
    model->totalKib -= kib;
}

static void apply(const Guest *guest, Model *model, const virMemStep *step, gboolean undo)
{
    guint64 toKib = undo ? step->fromKib : step->toKib;
    size_t index = step->alias ? deviceIndex(guest, step->alias) : MOST;
    g_autofree char *name = nameOf(step);

    switch ((virMemStepKind) step->kind) {
    case VIR_MEM_STEP_VIRTIO_MEM:
        g_assert_cmpuint(index, <, MOST);
        g_assert_cmpuint(toKib, <=, guest->devices[index].sizeKib);
        g_assert_cmpuint(toKib % guest->devices[index].blockKib, ==, 0);
        g_assert_cmpuint(model->requestedKib[index], ==, undo ? step->toKib : step->fromKib);
        model->haveKib[index] = model->requestedKib[index] = toKib;
        break;
    case VIR_MEM_STEP_PLUG_DIMM:
    case VIR_MEM_STEP_UNPLUG_DIMM:
        if ((step->kind == VIR_MEM_STEP_PLUG_DIMM) == undo)
            unplug(guest, model, name, MAX(step->fromKib, step->toKib));
        else
            plug(guest, model, name, MAX(step->fromKib, step->toKib));
        break;
    case VIR_MEM_STEP_BALLOON:
        model->heldKib = (gint64) modelRam(guest, model) - (gint64) toKib;
        g_assert_cmpint(model->heldKib, >=, 0);
        break;
    }
}

static void modelInit(const Guest *guest, Model *model)
{
    const virMemInventory *inventory = &guest->inventory;

    memset(model, 0, sizeof(*model));
    model->dimms = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    model->totalKib = inventory->totalKib;
    for (size_t i = 0; i < inventory->ndevices; i++) {
        model->haveKib[i] = guest->devices[i].current.kib;
        model->requestedKib[i] = guest->devices[i].requestedKib;
    }
    model->heldKib = inventory->balloonActual.kib == VIR_MEM_UNKNOWN
                     ? 0 : (gint64) (inventory->balloonTopKib - inventory->balloonActual.kib);
}

/* As words, so that a failure can become a line of the table: run with MEM_TEST_SEED set and --verbose. */
static char *randomGuest(GRand *rand)
{
    static const guint64 blocks[] = {2, 2, 4, 32, 128, 1024};
    GString *text = g_string_new(NULL);
    int nodes = g_rand_int_range(rand, 1, 4), slots = g_rand_int_range(rand, 0, 10);
    guint64 totalMib = 0, hasMib = 0, bootMib = 0;

    for (int i = 0; i < nodes; i++) {
        guint64 mib = (guint64) g_rand_int_range(rand, 1, 33) * 128;
        g_string_append_printf(text, "b%" G_GUINT64_FORMAT " ", mib);
        totalMib += mib;
        hasMib += mib;
        bootMib += mib;
    }
    for (int i = g_rand_int_range(rand, 0, 4); i > 0; i--) {
        guint64 block = blocks[g_rand_int_range(rand, 0, G_N_ELEMENTS(blocks))];
        guint64 count = (guint64) g_rand_int_range(rand, 1, 64), has = (guint64) g_rand_int_range(rand, 0, (int) count + 1);
        g_string_append_printf(text, "v%d:%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT " ",
                               g_rand_int_range(rand, 0, nodes), count * block, has * block, block);
        totalMib += count * block;
        hasMib += has * block;
    }
    for (int i = g_rand_int_range(rand, 0, 4); i > 0; i--) {
        guint64 mib = (guint64) g_rand_int_range(rand, 1, 9) * 128;
        g_string_append_printf(text, "d%d:%" G_GUINT64_FORMAT " ", g_rand_int_range(rand, 0, nodes), mib);
        totalMib += mib;
        hasMib += mib;
        bootMib += mib;
    }
    if (g_rand_boolean(rand))
        g_string_append_printf(text, "m%" G_GUINT64_FORMAT " s%d ", totalMib + (guint64) g_rand_int_range(rand, 0, 16384), slots);
    if (g_rand_int_range(rand, 0, 3) == 0)
        g_string_append(text, "n ");
    else if (g_rand_boolean(rand)) {
        guint64 heldMib = (guint64) g_rand_int_range(rand, 0, (int) bootMib);
        g_string_append_printf(text, "a%" G_GUINT64_FORMAT " ", bootMib - heldMib);
        hasMib -= heldMib;
    }
    if (g_rand_boolean(rand)) {
        guint64 total = hasMib - hasMib / 20;
        g_string_append_printf(text, "t%" G_GUINT64_FORMAT ",%d ", total, g_rand_int_range(rand, 0, (int) total + 1));
    }
    if (g_rand_boolean(rand))
        g_string_append_printf(text, "h%d,%d ", g_rand_int_range(rand, 0, 32768), g_rand_int_range(rand, 0, 16384));
    if (g_rand_int_range(rand, 0, 8) == 0)
        g_string_append(text, "p2048 ");
    if (g_rand_int_range(rand, 0, 8) == 0)
        g_string_append_printf(text, "l%d ", g_rand_int_range(rand, 1024, 32768));
    return g_string_free(text, FALSE);
}

static char *randomRequest(GRand *rand, const Guest *guest)
{
    GString *text = g_string_new(NULL);
    guint64 hasKib = guest->inventory.current.kib, topKib = MAX(hasKib * 2, guest->inventory.totalKib + 1024 * MIB);

    if (g_rand_int_range(rand, 0, 4)) {
        g_string_append_printf(text, "%" G_GUINT64_FORMAT "K", 1 + (guint64) g_rand_double_range(rand, 0, (double) topKib));
    } else {
        int nodes = (int) guest->inventory.nnodes, first = g_rand_int_range(rand, 0, nodes);
        g_string_append_printf(text, "%d:%d", first, g_rand_int_range(rand, 0, 8192));
        if (nodes > 1 && g_rand_boolean(rand))
            g_string_append_printf(text, ",%d:%d", (first + 1) % nodes, g_rand_int_range(rand, 0, 8192));
    }
    if (g_rand_boolean(rand))
        g_string_append_c(text, 'P');
    if (g_rand_int_range(rand, 0, 4) == 0)
        g_string_append_c(text, "BDVFO"[g_rand_int_range(rand, 0, 5)]);
    return g_string_free(text, FALSE);
}

/* Room for what rounding may do: the largest block or DIMM of the guest. */
static guint64 mostRoundingKib(const Guest *guest)
{
    guint64 kib = 128 * MIB;

    for (size_t i = 0; i < guest->inventory.ndevices; i++)
        kib = MAX(kib, guest->devices[i].blockKib);
    return kib;
}

static guint64 distance(guint64 a, guint64 b)
{
    return a > b ? a - b : b - a;
}

/* What the guest may not be asked for at any time, whatever it has reached. */
static void checkBounds(const Guest *guest, const virMemRequest *request, const virMemPlan *plan)
{
    const virMemInventory *inventory = &guest->inventory;
    gboolean grows = plan->reachesKib > plan->fromKib;
    unsigned dimms = 0;

    for (size_t i = 0; i < plan->nsteps; i++) {
        if (plan->steps[i]->kind != VIR_MEM_STEP_PLUG_DIMM)
            continue;
        dimms++;
        g_assert_cmpuint(plan->steps[i]->toKib % (128 * MIB), ==, 0);
    }
    if (dimms)
        g_assert_cmpuint(inventory->ndevices + dimms, <=, inventory->slots);
    if (plan->reachesKib < plan->fromKib && plan->floorKib != VIR_MEM_UNKNOWN && !(request->flags & VIR_MEM_PLAN_BELOW_FLOOR))
        g_assert_cmpuint(plan->reachesKib, >=, plan->floorKib);
    if (grows && inventory->hardLimitKib != VIR_MEM_UNKNOWN)
        g_assert_cmpuint(plan->reachesKib + 128 * MIB, <=, inventory->hardLimitKib);
    if (grows && guest->hasHost && !plan->config && request->nnodes == 0 && guest->nodes[0].pageKib == 2048)
        g_assert_cmpuint(plan->reachesKib - plan->fromKib, <=, guest->pages[1].free * 2048);
    else if (grows && guest->hasHost && !plan->config && !(request->flags & VIR_MEM_PLAN_OVERCOMMIT) && request->nnodes == 0)
        g_assert_cmpuint(plan->reachesKib - plan->fromKib, <=, guest->hostNode.freeKib);
    if (request->flags & VIR_MEM_PLAN_PARTIAL)
        g_assert_cmpuint(distance(plan->reachesKib, plan->askedKib), <,
                         distance(plan->fromKib, plan->askedKib) + mostRoundingKib(guest) * (request->nnodes + 1));
    else
        g_assert_cmpuint(distance(plan->reachesKib, plan->askedKib), <, mostRoundingKib(guest) * (request->nnodes + 1));
}

/* Page structures of what is added at once take at most half of what the guest has available, but for a single block and for
 * what has to go into the last slot. */
static void checkPortions(const Guest *guest, const virMemPlan *plan)
{
    const virMemFigure *reported = &guest->inventory.guestAvailable;
    guint64 availableKib = reported->kib, addedKib = 0;

    if (plan->config || reported->kib == VIR_MEM_UNKNOWN || reported->ageMs > 60000)
        return;
    for (size_t i = 0; i < plan->nsteps; i++) {
        const virMemStep *step = plan->steps[i];
        size_t index = step->alias ? deviceIndex(guest, step->alias) : MOST;
        if (step->kind == VIR_MEM_STEP_VIRTIO_MEM && step->deltaKib > (gint64) guest->devices[index].blockKib)
            g_assert_cmpuint((guint64) step->deltaKib, <=, (availableKib + addedKib) / 2 * 64);
        addedKib += step->deltaKib > 0 ? (guint64) step->deltaKib : 0;
    }
}

/* Each node that was asked for by name gets what was asked. */
static void checkNodes(const Guest *guest, const Model *model, const virMemRequest *request, const virMemPlan *plan)
{
    for (size_t i = 0; i < request->nnodes && !(request->flags & VIR_MEM_PLAN_PARTIAL); i++) {
        int node = request->nodes[i].node;
        guint64 kib = guest->nodes[node].bootKib;
        for (size_t j = 0; j < guest->inventory.ndevices; j++)
            kib += guest->devices[j].node == node ? model->haveKib[j] : 0;
        for (size_t j = 0; j < plan->nsteps; j++) {
            if (plan->steps[j]->kind == VIR_MEM_STEP_PLUG_DIMM && plan->steps[j]->node == node)
                kib += plan->steps[j]->toKib;
        }
        g_assert_cmpuint(distance(kib, request->nodes[i].kib), <, mostRoundingKib(guest));
    }
}

static void checkWords(const virMemPlan *plan, size_t index)
{
    const virMemStep *step = plan->steps[index];

    g_assert_nonnull(step->text);
    g_assert_nonnull(step->call);
    g_assert_true((step->qmp == NULL) == plan->config);
    g_assert_nonnull(step->undoText);
    g_assert_nonnull(step->undoCall);
    if (index + 1 == plan->nsteps)
        g_assert_false(memoryPlanStepIsNeeded(plan, index));
    for (size_t i = index + 1; i < plan->nsteps; i++) {
        gboolean again = step->alias && g_strcmp0(step->alias, plan->steps[i]->alias) == 0;
        if (again || (step->deltaKib > 0 && plan->steps[i]->deltaKib < 0))
            g_assert_true(memoryPlanStepIsNeeded(plan, index));
    }
}

static void checkPlan(const Guest *guest, const virMemRequest *request, const virMemPlan *plan)
{
    const virMemInventory *inventory = &guest->inventory;
    Model model;

    modelInit(guest, &model);
    g_assert_cmpuint(modelHas(guest, &model), ==, inventory->current.kib);
    guint64 beforeKib = inventory->current.kib;
    for (size_t i = 0; i < plan->nsteps; i++) {
        const virMemStep *step = plan->steps[i];
        apply(guest, &model, step, FALSE);
        guint64 hasKib = modelHas(guest, &model);
        g_assert_cmpuint(hasKib, ==, step->totalKib);
        g_assert_cmpint((gint64) hasKib - (gint64) beforeKib, ==, step->deltaKib);
        if (inventory->maxKib)
            g_assert_cmpuint(model.totalKib, <=, inventory->maxKib);
        /* On the way it never has less than at the end or the beginning. */
        g_assert_cmpuint(hasKib, >=, MIN(plan->reachesKib, plan->fromKib));
        checkWords(plan, i);
        beforeKib = hasKib;
    }
    g_assert_cmpuint(beforeKib, ==, plan->reachesKib);
    checkBounds(guest, request, plan);
    checkPortions(guest, plan);
    checkNodes(guest, &model, request, plan);
    for (size_t i = plan->nsteps; i-- > 0;)
        apply(guest, &model, plan->steps[i], TRUE);
    g_assert_cmpuint(modelHas(guest, &model), ==, inventory->current.kib);
    g_assert_cmpuint(model.totalKib, ==, inventory->totalKib);
    for (size_t i = 0; i < inventory->ndevices; i++)
        g_assert_cmpuint(model.haveKib[i], ==, guest->devices[i].current.kib);
    g_assert_cmpuint(g_hash_table_size(model.dimms), ==, 0);
    g_hash_table_unref(model.dimms);
}

/* The same guest as a definition: what it has is what it is asked for. */
static void makeDefinition(Guest *guest, virMemRequest *request)
{
    guest->inventory.running = FALSE;
    guest->inventory.guestTotal = guest->inventory.guestAvailable = (virMemFigure) {VIR_MEM_UNKNOWN, -1};
    request->flags |= VIR_MEM_PLAN_CONFIG;
}

static gboolean planOne(GRand *rand, gboolean config)
{
    Guest guest;
    virMemRequest request;
    virMemNodeSize nodes[MOST];
    virMemPlan *made = NULL;
    virMemError error;
    g_autofree char *words = randomGuest(rand);

    makeGuest(&guest, words);
    g_autofree char *wanted = randomRequest(rand, &guest);
    g_test_message("'%s' to '%s'%s", words, wanted, config ? " in the definition" : "");
    makeRequest(&request, nodes, wanted);
    if (config)
        makeDefinition(&guest, &request);
    int code = virMemPlanMake(&guest.inventory, guest.hasHost ? &guest.host : NULL, &request, &made, &error);
    g_autoptr(virMemPlan) plan = made;
    g_assert_nonnull(plan);
    if (code == VIR_MEM_ERR_IMPOSSIBLE) {
        g_assert_nonnull(plan->reason);
        g_assert_cmpuint(plan->nsteps, ==, 0);
        return FALSE;
    }
    g_assert_cmpint(code, ==, VIR_MEM_OK);
    g_assert_cmpint(plan->config, ==, config);
    checkPlan(&guest, &request, plan);
    return TRUE;
}

/* One seed is always the same, so that a failure stays; the other is new each time, and printed. */
static void forSeeds(const char *what, void (*run)(GRand *rand, unsigned count))
{
    const char *given = g_getenv("MEM_TEST_SEED");
    guint32 seeds[] = {1, g_random_int()};
    unsigned count = g_test_slow() ? 100000 : 4000;

    for (size_t i = 0; i < G_N_ELEMENTS(seeds); i++) {
        guint32 seed = given ? (guint32) g_ascii_strtoull(given, NULL, 10) : seeds[i];
        g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
        g_test_message("%s: %u guests with MEM_TEST_SEED=%u", what, count, seed);
        run(rand, count);
    }
}

static void runProperties(GRand *rand, unsigned count)
{
    unsigned possible = 0;

    for (unsigned i = 0; i < count; i++)
        possible += planOne(rand, i % 4 == 3);
    g_assert_cmpuint(possible, >, count / 4);
}

static void testProperties(void)
{
    forSeeds("properties", runProperties);
}

/* ---- guests that make no sense ---- */

static guint64 wild(GRand *rand)
{
    static const guint64 values[] = {
        0, 1, 2, 3, 4, 1023, 1024, 2048, 2049, 3 * MIB, 128 * MIB, 129 * MIB, 1 << 20, (1ULL << 53) - 1, 1ULL << 53, (1ULL << 54) + 1,
        1ULL << 59, (1ULL << 60) - 1, 1ULL << 60, 1ULL << 62, (1ULL << 63) - 1, 1ULL << 63, (1ULL << 63) + 1, G_MAXUINT64 - 1, G_MAXUINT64,
    };

    return values[g_rand_int_range(rand, 0, G_N_ELEMENTS(values))];
}

static void spoilDevice(GRand *rand, virMemDevice *device)
{
    switch (g_rand_int_range(rand, 0, 9)) {
    case 0: device->sizeKib = wild(rand); break;
    case 1: device->current.kib = wild(rand); break;
    case 2: device->requestedKib = wild(rand); break;
    case 3: device->blockKib = wild(rand); break;
    case 4: device->node = g_rand_int_range(rand, -2, 99); break;
    case 5: device->alias = NULL; break;
    case 6: device->pageKib = wild(rand); break;
    case 7: device->model = g_rand_int_range(rand, 0, VIR_MEM_MODEL_OTHER + 1); break;
    case 8: device->slot = (int) wild(rand); break;
    }
}

static void spoil(GRand *rand, Guest *guest)
{
    virMemInventory *inventory = &guest->inventory;

    switch (g_rand_int_range(rand, 0, 14)) {
    case 0: inventory->totalKib = wild(rand); break;
    case 1: inventory->maxKib = wild(rand); break;
    case 2: inventory->slots = (unsigned) wild(rand); break;
    case 3: inventory->bootKib = wild(rand); break;
    case 4: inventory->balloonActual.kib = wild(rand); break;
    case 5: inventory->balloonTopKib = wild(rand); break;
    case 6: inventory->current.kib = wild(rand); break;
    case 7: inventory->guestTotal = (virMemFigure) {wild(rand), (gint64) wild(rand)}; break;
    case 8: inventory->guestAvailable = (virMemFigure) {wild(rand), g_rand_int_range(rand, -1, 1000)}; break;
    case 9: inventory->hardLimitKib = wild(rand); break;
    case 10: inventory->nnodes = 0; break;
    case 11: guest->nodes[0].bootKib = wild(rand); break;
    case 12: guest->nodes[0].pageKib = wild(rand); break;
    case 13:
        guest->hostNode.freeKib = wild(rand);
        guest->pages[0].free = guest->pages[1].free = wild(rand);
        guest->host.hugeKib = guest->pages[1].sizeKib = wild(rand);
        break;
    }
}

/* No plan goes where no guest can be, and none is endless. */
static void checkSane(const Guest *guest, const virMemPlan *plan)
{
    guint64 totalKib = guest->inventory.totalKib;

    g_assert_cmpuint(plan->nsteps, <, 10000);
    g_assert_cmpuint(plan->reachesKib, <, 1ULL << 60);
    for (size_t i = 0; i < plan->nsteps; i++) {
        const virMemStep *step = plan->steps[i];
        size_t index = step->alias ? deviceIndex(guest, step->alias) : MOST;
        g_assert_nonnull(step->text);
        g_assert_cmpuint(step->totalKib, <, 1ULL << 60);
        if (step->kind == VIR_MEM_STEP_VIRTIO_MEM && index < MOST) {
            g_assert_cmpuint(step->toKib, <=, guest->devices[index].sizeKib);
            g_assert_cmpuint(step->toKib % guest->devices[index].blockKib, ==, 0);
        }
        if (step->kind == VIR_MEM_STEP_PLUG_DIMM)
            totalKib += step->toKib;
    }
    if (totalKib != guest->inventory.totalKib)
        g_assert_cmpuint(totalKib, <=, guest->inventory.maxKib);
}

static void runHostile(GRand *rand, unsigned count)
{
    unsigned planned = 0;

    for (unsigned i = 0; i < count; i++) {
        Guest guest;
        virMemNodeSize node = {g_rand_int_range(rand, -1, 5), wild(rand)};
        virMemRequest request = {.totalKib = g_rand_boolean(rand) ? wild(rand) : (guint64) g_rand_int(rand),
                                 .nodes = &node, .nnodes = g_rand_int_range(rand, 0, 4) == 0,
                                 .reserveKib = g_rand_boolean(rand) ? wild(rand) : 0, .flags = (unsigned) g_rand_int_range(rand, 0, 64)};
        g_autofree char *words = randomGuest(rand);
        virMemPlan *made = NULL;
        makeGuest(&guest, words);
        for (int n = g_rand_int_range(rand, 1, 4); n > 0; n--) {
            if (guest.inventory.ndevices > 0 && g_rand_boolean(rand))
                spoilDevice(rand, &guest.devices[g_rand_int_range(rand, 0, (int) guest.inventory.ndevices)]);
            else
                spoil(rand, &guest);
        }
        if (g_rand_int_range(rand, 0, 4) == 0)
            makeDefinition(&guest, &request);
        g_test_message("spoilt: '%s' to %llu KiB, flags %#x", words, request.totalKib, request.flags);
        int code = virMemPlanMake(&guest.inventory, guest.hasHost ? &guest.host : NULL, &request, &made, NULL);
        g_autoptr(virMemPlan) plan = made;
        g_assert_true((plan != NULL) == (code == VIR_MEM_OK || code == VIR_MEM_ERR_IMPOSSIBLE));
        g_assert_true(plan || code == VIR_MEM_ERR_INVALID_ARG || code == VIR_MEM_ERR_UNREADABLE);
        planned += plan != NULL;
        if (plan)
            checkSane(&guest, plan);
    }
    g_assert_cmpuint(planned, >, count / 10);
}

static void testHostile(void)
{
    forSeeds("guests that make no sense", runHostile);
}

static void testBadRequests(void)
{
    static const char *const requests[] = {"0", "1:1,1:2", "7:512", "100;0:200", "9007199254740992K", "0:9007199254740992K"};
    Guest guest;

    makeGuest(&guest, "b512 b512 v0:1024,0,2 m4096 s4");
    for (size_t i = 0; i < G_N_ELEMENTS(requests); i++) {
        virMemRequest request;
        virMemNodeSize nodes[MOST];
        virMemPlan *plan = NULL;
        virMemError error;
        makeRequest(&request, nodes, requests[i]);
        g_assert_cmpint(virMemPlanMake(&guest.inventory, NULL, &request, &plan, &error), ==, VIR_MEM_ERR_INVALID_ARG);
        g_assert_cmpint(error.code, ==, VIR_MEM_ERR_INVALID_ARG);
        g_assert_cmpstr(error.message, !=, "");
        g_assert_null(plan);
    }
    guest.inventory.running = FALSE;
    virMemRequest request = {.totalKib = 1024};
    virMemPlan *plan = NULL;
    g_assert_cmpint(virMemPlanMake(&guest.inventory, NULL, &request, &plan, NULL), ==, VIR_MEM_ERR_NOT_RUNNING);
    g_assert_cmpint(virMemPlanMake(NULL, NULL, &request, &plan, NULL), ==, VIR_MEM_ERR_INVALID_ARG);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/plan/table", testTable);
    g_test_add_func("/plan/bad-requests", testBadRequests);
    g_test_add_func("/plan/properties", testProperties);
    g_test_add_func("/plan/hostile", testHostile);
    return g_test_run();
}
