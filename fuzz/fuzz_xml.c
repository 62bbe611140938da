/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz_xml.c: domain XML: an error, or a definition that survives being written and read and becomes a command line */
#include "fuzz.h"

#include "conf/domain_conf.h"
#include "qemu/qemu_command.h"
#include "qemu/qemu_domain_defaults.h"
#include "util/mem_error.h"

#define DEFINE_FLAGS (DOMAIN_PARSE_INACTIVE | DOMAIN_PARSE_ABI_UPDATE)
#define WRITE_FLAGS (DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE)

static void checkError(const GError *error)
{
    g_assert_nonnull(error);
    g_assert_true(error->domain == MEM_ERROR && error->code != VIR_ERR_OK);
    g_assert_true(error->message[0] != '\0');
}

/* FUZZ_CAPABILITIES is the recording's path. */
static QemuCaps *capabilities(void)
{
    static QemuCaps *caps;

    if (!caps)
        caps = qemuCapsFromRecording(FUZZ_CAPABILITIES, NULL);
    g_assert_nonnull(caps);
    return caps;
}

/* As define does it; NULL with an error of ours. */
static DomainDef *define(const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DomainDef) def = domainDefParseString(text, DEFINE_FLAGS, &error);

    if (def && qemuDomainDefaults(def, capabilities(), DEFINE_FLAGS, &error) &&
        qemuDomainValidate(def, capabilities(), &error))
        return g_steal_pointer(&def);
    checkError(error);
    return NULL;
}

/* What was written is read back, and written again it is the same. */
static void checkStable(const DomainDef *def)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *first = domainDefFormat(def, WRITE_FLAGS);
    g_autoptr(DomainDef) again = domainDefParseString(first, DOMAIN_PARSE_INACTIVE, &error);
    g_autofree char *second = NULL;

    g_assert_no_error(error);
    second = domainDefFormat(again, WRITE_FLAGS);
    g_assert_cmpstr(first, ==, second);
}

static void checkCommand(DomainDef *def)
{
    const QemuCommandContext context = {
        .memoryBackingFolder = "/ram", .domainFolder = "/domain", .shortName = "-1-fuzz", .monitorFd = -1,
        .native = TRUE, .defaultVncListen = "127.0.0.1", .nvramFolder = "/nvram",
    };
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) argv = NULL;

    if (qemuDomainPrepare(def, capabilities(), &error))
        argv = qemuCommandBuild(def, capabilities(), &context, &error);
    if (argv)
        g_assert_nonnull(argv[0]);
    else
        checkError(error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(DomainDef) def = define(text);

    if (!def)
        return 0;
    checkStable(def);
    checkCommand(def);
    return 0;
}
