/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz_xml.c: domain XML: whatever comes in, an error or a definition that survives being written and read again */
#include "fuzz.h"

#include "conf/domain_conf.h"
#include "util/mem_error.h"

static void checkError(const GError *error)
{
    g_assert_nonnull(error);
    g_assert_true(error->domain == MEM_ERROR && error->code != VIR_ERR_OK);
    g_assert_true(error->message[0] != '\0');
}

/* What was written is read back, and written again it is the same. */
static void checkStable(const DomainDef *def)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *first = domainDefFormat(def, DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE);
    g_autoptr(DomainDef) again = domainDefParseString(first, DOMAIN_PARSE_INACTIVE, &error);
    g_autofree char *second = NULL;

    g_assert_no_error(error);
    second = domainDefFormat(again, DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE);
    g_assert_cmpstr(first, ==, second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(DomainDef) def = domainDefParseString(text, DOMAIN_PARSE_INACTIVE | DOMAIN_PARSE_ABI_UPDATE, &error);

    if (!def) {
        checkError(error);
        return 0;
    }
    if (!domainDefValidate(def, &error)) {
        checkError(error);
        return 0;
    }
    checkStable(def);
    return 0;
}
