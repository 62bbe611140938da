/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu_capabilities_file.c: capabilities as the text that the cache keeps on disk, and back */

#include "qemu/qemu_capabilities_priv.h"

#include "util/mem_error.h"
#include "util/mem_units.h"

#include <string.h>

/* One fact a line: a letter, then fields between tabs. First the format and the key, last a checksum of all before it, so
 * that a text of another program, of another binary, or cut short is never taken for an answer. The letters:
 *   b binary  p package  v version  a arch  k (kvm was on)  f flag  t type  g gic version  s sgx features  x sgx section
 *   m machine: name alias ram-id cpu max-cpus marks      c CPU model: name type alias-of usable marks vendor features
 *   h vendor of -cpu max, its features */

#define FORMAT_LINE "virtmemd capabilities 2 " MEM_VERSION
#define CHECKSUM_PREFIX "sum\t"

static const char *orNothing(const char *text)
{
    return text ? text : "";
}

static void writeMachines(GString *out, const QemuCaps *caps)
{
    for (guint i = 0; i < caps->machines->len; i++) {
        const QemuMachine *machine = &g_array_index(caps->machines, QemuMachine, i);

        g_string_append_printf(out, "m\t%s\t%s\t%s\t%s\t%u\t%s%s%s%s\n", machine->name, orNothing(machine->alias),
                               orNothing(machine->defaultRamId), orNothing(machine->defaultCpu), machine->maxCpus,
                               machine->isDefault ? "*" : "", machine->numaMemSupported ? "n" : "",
                               machine->hotpluggableCpus ? "h" : "", machine->deprecated ? "d" : "");
    }
}

/* "." and the names, each after a blank; nothing at all for NULL; and the end of the line. */
static void writeFeatures(GString *out, const char *const *features)
{
    if (features)
        g_string_append_c(out, '.');
    for (; features && *features; features++)
        g_string_append_printf(out, " %s", *features);
    g_string_append_c(out, '\n');
}

static void writeCpuModels(GString *out, const QemuCaps *caps)
{
    for (guint i = 0; i < caps->cpuModels->len; i++) {
        const QemuCpuModel *model = &g_array_index(caps->cpuModels, QemuCpuModel, i);

        g_string_append_printf(out, "c\t%s\t%s\t%s\t%d\t%s\t%s\t", model->name, orNothing(model->type),
                               orNothing(model->aliasOf), model->usable, model->deprecated ? "d" : "",
                               orNothing(model->vendor));
        writeFeatures(out, model->features);
    }
}

char *qemuCapsToText(const QemuCaps *caps, const char *key)
{
    GString *out = g_string_new(FORMAT_LINE "\n");
    g_autofree char *sum = NULL;

    g_string_append_printf(out, "%s\n", key);
    g_string_append_printf(out, "b\t%s\np\t%s\nv\t%u\na\t%s\n", caps->binary, caps->package, caps->version,
                           qemuCapsTargetOfArch(caps->arch));
    if (caps->kvmProbed)
        g_string_append(out, "k\n");
    for (int flag = 0; flag < QEMU_CAPS_LAST; flag++) {
        if (qemuCapsHas(caps, flag))
            g_string_append_printf(out, "f\t%s\n", qemuCapsFlagToString(flag));
    }
    writeMachines(out, caps);
    writeCpuModels(out, caps);
    for (guint i = 0; i < caps->gicVersions->len; i++)
        g_string_append_printf(out, "g\t%d\n", g_array_index(caps->gicVersions, int, i));
    if (caps->sgxFeatures)
        g_string_append_printf(out, "s\t%u\n", caps->sgxFeatures);
    for (guint i = 0; i < caps->sgxSections->len; i++) {
        const QemuSgxSection *section = &g_array_index(caps->sgxSections, QemuSgxSection, i);

        g_string_append_printf(out, "x\t%" G_GUINT64_FORMAT "\t%d\n", section->sectionKib, section->node);
    }
    g_string_append_printf(out, "h\t%s\t", orNothing(caps->maxVendor));
    writeFeatures(out, (const char *const *)caps->maxFeatures->pdata);
    for (guint i = 0; i < caps->types->len; i++)
        g_string_append_printf(out, "t\t%s\n", (const char *)g_ptr_array_index(caps->types, i));
    sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, out->str, (gssize)out->len);
    g_string_append_printf(out, CHECKSUM_PREFIX "%s\n", sum);
    return g_string_free(out, FALSE);
}

static char *fieldOrNull(QemuCaps *caps, const char *field)
{
    return *field ? qemuCapsIntern(caps, field) : NULL;
}

static gboolean readMachine(QemuCaps *caps, char *const *fields)
{
    QemuMachine machine = { 0 };

    machine.name = qemuCapsIntern(caps, fields[1]);
    machine.alias = fieldOrNull(caps, fields[2]);
    machine.defaultRamId = fieldOrNull(caps, fields[3]);
    machine.defaultCpu = fieldOrNull(caps, fields[4]);
    machine.isDefault = strchr(fields[6], '*') != NULL;
    machine.numaMemSupported = strchr(fields[6], 'n') != NULL;
    machine.hotpluggableCpus = strchr(fields[6], 'h') != NULL;
    machine.deprecated = strchr(fields[6], 'd') != NULL;
    g_array_append_val(caps->machines, machine);
    return memUnitsParseUint(fields[5], &g_array_index(caps->machines, QemuMachine, caps->machines->len - 1).maxCpus);
}

/* The reverse of writeFeatures; NULL for nothing. Free the array alone. */
static GPtrArray *readFeatures(QemuCaps *caps, const char *field)
{
    g_auto(GStrv) words = g_strsplit(field, " ", -1);
    GPtrArray *features = words[0] && *words[0] ? g_ptr_array_new() : NULL;

    for (gsize i = 1; features && words[i]; i++)
        g_ptr_array_add(features, qemuCapsIntern(caps, words[i]));
    return features;
}

static gboolean readCpuModel(QemuCaps *caps, char *const *fields)
{
    g_autoptr(GPtrArray) features = NULL;
    QemuCpuModel model = { 0 };

    model.name = qemuCapsIntern(caps, fields[1]);
    model.type = fieldOrNull(caps, fields[2]);
    model.aliasOf = fieldOrNull(caps, fields[3]);
    model.deprecated = *fields[5] == 'd';
    if (!memUnitsParseInt(fields[4], &model.usable) || model.usable < 0 || model.usable >= MEM_TRISTATE_LAST)
        return FALSE;
    model.vendor = fieldOrNull(caps, fields[6]);
    if ((features = readFeatures(caps, fields[7])))
        qemuCapsSetModelFeatures(&model, features);
    g_array_append_val(caps->cpuModels, model);
    return TRUE;
}

static gboolean readFlag(QemuCaps *caps, char *const *fields)
{
    int flag = qemuCapsFlagFromString(fields[1]);

    if (flag < 0)
        return FALSE;
    qemuCapsSet(caps, flag, TRUE);
    return TRUE;
}

static gboolean readSgx(QemuCaps *caps, char *const *fields)
{
    QemuSgxSection section;

    if (!memUnitsParseUint64(fields[1], &section.sectionKib) || !memUnitsParseInt(fields[2], &section.node))
        return FALSE;
    g_array_append_val(caps->sgxSections, section);
    return TRUE;
}

static gboolean readSgxFeatures(QemuCaps *caps, char *const *fields)
{
    return memUnitsParseUint(fields[1], &caps->sgxFeatures);
}

static gboolean readGic(QemuCaps *caps, char *const *fields)
{
    int version;

    if (!memUnitsParseInt(fields[1], &version))
        return FALSE;
    g_array_append_val(caps->gicVersions, version);
    return TRUE;
}

static gboolean readBinary(QemuCaps *caps, char *const *fields)
{
    caps->binary = qemuCapsIntern(caps, fields[1]);
    return TRUE;
}

static gboolean readPackage(QemuCaps *caps, char *const *fields)
{
    caps->package = qemuCapsIntern(caps, fields[1]);
    return TRUE;
}

static gboolean readVersion(QemuCaps *caps, char *const *fields)
{
    return memUnitsParseUint(fields[1], &caps->version);
}

static gboolean readArch(QemuCaps *caps, char *const *fields)
{
    caps->arch = qemuCapsArchFromTarget(fields[1]);
    return caps->arch != ARCH_NONE;
}

static gboolean readKvm(QemuCaps *caps, char *const *fields)
{
    caps->kvmProbed = TRUE;
    return TRUE;
}

static gboolean readType(QemuCaps *caps, char *const *fields)
{
    g_ptr_array_add(caps->types, qemuCapsIntern(caps, fields[1]));
    return TRUE;
}

static gboolean readMaxFeatures(QemuCaps *caps, char *const *fields)
{
    g_autoptr(GPtrArray) features = readFeatures(caps, fields[2]);

    caps->maxVendor = fieldOrNull(caps, fields[1]);
    if (features)
        g_ptr_array_extend_and_steal(caps->maxFeatures, g_steal_pointer(&features));
    return TRUE;
}

static const struct {
    char letter;
    guint fields;               /* the letter counted */
    gboolean (*read)(QemuCaps *caps, char *const *fields);
} lineKinds[] = {
    { 'a', 2, readArch },
    { 'b', 2, readBinary },
    { 'c', 8, readCpuModel },
    { 'f', 2, readFlag },
    { 'g', 2, readGic },
    { 'h', 3, readMaxFeatures },
    { 'k', 1, readKvm },
    { 'm', 7, readMachine },
    { 'p', 2, readPackage },
    { 's', 2, readSgxFeatures },
    { 't', 2, readType },
    { 'v', 2, readVersion },
    { 'x', 3, readSgx },
};

static gboolean readLine(QemuCaps *caps, const char *line)
{
    g_auto(GStrv) fields = g_strsplit(line, "\t", -1);

    for (gsize i = 0; i < G_N_ELEMENTS(lineKinds); i++) {
        if (line[0] == lineKinds[i].letter)
            return g_strv_length(fields) == lineKinds[i].fields && lineKinds[i].read(caps, fields);
    }
    return FALSE;
}

static gboolean checksumFits(const char *text, gsize *length)
{
    const char *last = g_strrstr(text, "\n" CHECKSUM_PREFIX);
    g_autofree char *sum = NULL;
    g_autofree char *line = NULL;

    if (!last)
        return FALSE;
    *length = (gsize)(last + 1 - text);
    sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, (gssize)*length);
    line = g_strconcat("\n" CHECKSUM_PREFIX, sum, "\n", NULL);
    return g_str_equal(line, last);
}

QemuCaps *qemuCapsFromText(const char *text, const char *key, GError **err)
{
    g_autofree char *head = g_strconcat(FORMAT_LINE "\n", key, "\n", NULL);
    g_autoptr(QemuCaps) caps = NULL;
    g_auto(GStrv) lines = NULL;
    gsize length;

    if (!g_str_has_prefix(text, head) || !checksumFits(text, &length)) {
        memErrorSet(err, VIR_ERR_OPERATION_FAILED, "these capabilities are of another program or binary, or damaged");
        return NULL;
    }
    g_autofree char *body = g_strndup(text + strlen(head), length - strlen(head));
    lines = g_strsplit(body, "\n", -1);
    caps = qemuCapsNew("");
    for (gsize i = 0; lines[i]; i++) {
        if (*lines[i] && !readLine(caps, lines[i])) {
            memErrorSet(err, VIR_ERR_OPERATION_FAILED, "line '%s' of capabilities is malformed", lines[i]);
            return NULL;
        }
    }
    qemuCapsFinish(caps);
    return g_steal_pointer(&caps);
}
