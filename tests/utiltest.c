/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* utiltest.c: units, sets, XML reading and writing, JSON, files */
#include "util/mem_bitmap.h"
#include "util/mem_enum.h"
#include "util/mem_error.h"
#include "util/mem_file.h"
#include "util/mem_json.h"
#include "util/mem_units.h"
#include "util/mem_uuid.h"
#include "util/mem_xml.h"

#include <glib/gstdio.h>
#include <string.h>

static void assertCode(GError **error, int code)
{
    g_assert_nonnull(*error);
    g_assert_true((*error)->domain == MEM_ERROR);
    g_assert_cmpint((*error)->code, ==, code);
    g_clear_error(error);
}

static void testScale(void)
{
    static const struct {
        guint64 value;
        const char *suffix;
        guint64 bytes;
    } good[] = {
        { 3, NULL, 3072 }, { 3, "", 3072 }, { 7, "b", 7 }, { 7, "bytes", 7 }, { 7, "Byte", 7 },
        { 1, "k", 1024 }, { 1, "KiB", 1024 }, { 1, "kib", 1024 }, { 1, "KB", 1000 },
        { 2, "M", 2097152 }, { 2, "MB", 2000000 }, { 1, "g", 1073741824 }, { 1, "GB", 1000000000 },
        { 1, "TiB", G_GUINT64_CONSTANT(1) << 40 }, { 1, "p", G_GUINT64_CONSTANT(1) << 50 },
        { 15, "EiB", G_GUINT64_CONSTANT(15) << 60 }, { 1, "EB", G_GUINT64_CONSTANT(1000000000000000000) },
    };
    static const char *const bad[] = { "x", "Kbytes", "KiBs", "i", "ib", " KiB", "kibi" };
    GError *error = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        guint64 value = good[i].value;

        g_assert_true(memUnitsScale(&value, good[i].suffix, 1024, G_MAXUINT64, &error));
        g_assert_cmpuint(value, ==, good[i].bytes);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        guint64 value = 1;

        g_assert_false(memUnitsScale(&value, bad[i], 1024, G_MAXUINT64, &error));
        assertCode(&error, VIR_ERR_INVALID_ARG);
    }
    for (guint64 value = 16; value < 100; value += 20) {
        guint64 copy = value;

        g_assert_false(memUnitsScale(&copy, "EiB", 1024, G_MAXUINT64, &error));
        assertCode(&error, VIR_ERR_OVERFLOW);
    }
}

static void testUuid(void)
{
    static const char *const bad[] = { "", "x", "49545eb3-75e1-2d0a-acdd-f0294406c99", "49545eb375e12d0aacddf0294406c99e0",
                                       "49545eb375e12d0aacddf0294406c99e x", "-" };
    unsigned char uuid[MEM_UUID_BYTES], again[MEM_UUID_BYTES];
    char text[MEM_UUID_TEXT];

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(memUuidParse(bad[i], uuid));
    g_assert_true(memUuidParse(" 49545EB375e12d0aacdd-f0294406c99e\n", uuid));
    g_assert_cmpstr(memUuidFormat(uuid, text), ==, "49545eb3-75e1-2d0a-acdd-f0294406c99e");
    memUuidGenerate(again);
    g_assert_cmpmem(memUuidFormat(again, text) + 14, 1, "4", 1);
}

static void testNumbers(void)
{
    static const char *const bad[] = { "", "1 ", "-1", "+ 1", "++1", "1.5", "1x", "0x1", "18446744073709551616" };
    guint64 value = 42;
    unsigned small;
    int sign;

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(memUnitsParseUint64(bad[i], &value));
    g_assert_false(memUnitsParseUint64(NULL, &value));
    g_assert_true(memUnitsParseUint64("18446744073709551615", &value));
    g_assert_cmpuint(value, ==, G_MAXUINT64);
    g_assert_false(memUnitsParseUint("4294967296", &small));
    g_assert_true(memUnitsParseUint("\n +7", &small));
    g_assert_cmpuint(small, ==, 7);
    g_assert_true(memUnitsParseInt("-5", &sign));
    g_assert_cmpint(sign, ==, -5);
    g_assert_false(memUnitsParseInt("--5", &sign));

    g_assert_cmpuint(memUnitsBytesToKib(1073741825), ==, 1048577);
    g_assert_cmpuint(memUnitsBytesToKib(G_MAXUINT64), ==, G_GUINT64_CONSTANT(1) << 54);
    value = G_MAXUINT64 - 1;
    g_assert_false(memUnitsRoundUp(&value, 1024));
    value = 3073;
    g_assert_true(memUnitsRoundUp(&value, 1024));
    g_assert_cmpuint(value, ==, 4096);
}

static void testPretty(void)
{
    static const struct {
        guint64 bytes;
        const char *text;
    } rows[] = {
        { 0, "0 B" }, { 1023, "1023 B" }, { 1536, "1.50 KiB" }, { 536870912, "512 MiB" },
        { G_GUINT64_CONSTANT(6) << 30, "6 GiB" }, { G_MAXUINT64, "16.00 EiB" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = memUnitsPretty(rows[i].bytes);

        g_assert_cmpstr(text, ==, rows[i].text);
    }
}

static void testBitmap(void)
{
    static const struct {
        const char *text, *formatted;
    } good[] = {
        { "0", "0" }, { "0-3,^2,8", "0-1,3,8" }, { " 1 , 3 ", "1,3" }, { "5,4,3", "3-5" }, { "0,^0", "" },
        { "63-65,128", "63-65,128" }, { "1,", "1" },
    };
    static const char *const bad[] = { "", " ", "a", "1-", "-1", "3-1", "1,,2", ",1", "^", "1 2", "1000", "1-1000",
                                       "99999999999999999999" };
    GError *error = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autoptr(MemBitmap) map = memBitmapParse(good[i].text, 1000, &error);
        g_autoptr(MemBitmap) copy = memBitmapCopy(map);
        g_autofree char *text = memBitmapFormat(map);

        g_assert_no_error(error);
        g_assert_cmpstr(text, ==, good[i].formatted);
        g_assert_true(memBitmapEqual(map, copy));
        memBitmapSet(copy, 999);
        g_assert_false(memBitmapEqual(map, copy));
        g_assert_cmpint(memBitmapLast(copy), ==, 999);
        memBitmapSubtract(copy, map);
        g_assert_cmpuint(memBitmapCount(copy), ==, 1);
        g_assert_false(memBitmapOverlaps(map, copy));
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_null(memBitmapParse(bad[i], 1000, &error));
        assertCode(&error, VIR_ERR_INVALID_ARG);
    }
    g_assert_false(memBitmapIsSet(NULL, 0));
    g_assert_true(memBitmapIsEmpty(NULL));
}

static void testXmlRefusals(void)
{
    static const char *const bad[] = {
        "", "<a>", "<a></b>", "plain", "<a/><b/>", "<a x='1' x='2'/>", "<a>&unknown;</a>", "<a>\xff</a>",
        "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
        "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
    };
    g_autoptr(GString) deep = g_string_new(NULL);
    GError *error = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_null(memXmlParse(bad[i], "test", &error));
        assertCode(&error, VIR_ERR_XML_DETAIL);
    }
    for (int i = 0; i < 100000; i++)
        g_string_append(deep, "<a>");
    g_assert_null(memXmlParse(deep->str, "test", &error));
    assertCode(&error, VIR_ERR_XML_DETAIL);
}

/* Where it is wrong: the line's number, the line, and a caret below the place. */
static void testXmlExcerpts(void)
{
    static const struct {
        const char *xml, *message;
    } cases[] = {
        { "<a", "(test):1: Couldn't find end of Start Tag a line 1\n<a\n  ^" },
        { "<a>\n  <b>1</c>\n</a>", "(test):2: Opening and ending tag mismatch: b line 2 and c\n  <b>1</c>\n          ^" },
        { "<a>\n\t<b x=1/>\n</a>", "(test):2: AttValue: \" or ' expected\n <b x=1/>\n      ^" },
        { "<a>\n<b \xc3\xa4='\xc3\xa4' x=1/></a>", "(test):2: AttValue: \" or ' expected\n<b \xc3\xa4='\xc3\xa4' x=1/></a>\n           ^" },
        { "<a/>\n<b/>\n", "(test):2: Extra content at the end of the document\n<b/>\n^" },
        { "", "(test):1: Document is empty" },
    };
    g_autofree char *wide = g_strdup_printf("<a>%0300d<b x=1/>%0300d</a>", 0, 0);
    GError *error = NULL;
    g_auto(GStrv) lines = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_null(memXmlParse(cases[i].xml, "test", &error));
        g_assert_cmpstr(error->message, ==, cases[i].message);
        g_clear_error(&error);
    }
    g_assert_null(memXmlParse(wide, "test", &error));
    lines = g_strsplit(error->message, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 3);
    g_assert_cmpuint(strlen(lines[1]), ==, 110);
    g_assert_cmpint(lines[1][strlen(lines[2]) - 1], ==, '1');
    g_clear_error(&error);
}

static void testXmlReaders(void)
{
    static const char *const children[] = { "size", "q:known", NULL };
    static const char *const attrs[] = { "n", "flag", NULL };
    g_autoptr(xmlDoc) doc = NULL;
    GError *error = NULL;
    xmlNode *root;
    guint64 kib = 0;
    unsigned n = 7;
    int flag = 0;

    doc = memXmlParse("<r xmlns:q='urn:q' n='12' flag='on'><size unit='MiB'>3</size><q:known/></r>", "test", &error);
    g_assert_no_error(error);
    root = memXmlRoot(doc, "r", &error);
    g_assert_nonnull(root);
    g_assert_true(memXmlOnlyChildren(root, children, &error));
    g_assert_true(memXmlOnlyAttrs(root, attrs, &error));
    g_assert_false(memXmlOnlyChildren(root, children + 1, &error));
    assertCode(&error, VIR_ERR_CONFIG_UNSUPPORTED);
    g_assert_false(memXmlOnlyAttrs(root, attrs + 1, &error));
    assertCode(&error, VIR_ERR_CONFIG_UNSUPPORTED);
    g_assert_true(memXmlSizeKib(root, "size", TRUE, &kib, NULL, &error));
    g_assert_cmpuint(kib, ==, 3072);
    g_assert_false(memXmlSizeKib(root, "other", TRUE, &kib, NULL, &error));
    assertCode(&error, VIR_ERR_XML_ERROR);
    g_assert_true(memXmlAttrUint(root, "n", TRUE, &n, &error));
    g_assert_cmpuint(n, ==, 12);
    g_assert_true(memXmlAttrUint(root, "absent", FALSE, &n, &error));
    g_assert_cmpuint(n, ==, 12);
    g_assert_false(memXmlAttrUint(root, "flag", FALSE, &n, &error));
    assertCode(&error, VIR_ERR_XML_ERROR);
    g_assert_true(memXmlAttrHex(root, "n", TRUE, &kib, &error));
    g_assert_cmpuint(kib, ==, 0x12);
    g_assert_false(memXmlAttrHex(root, "flag", TRUE, &kib, &error));
    assertCode(&error, VIR_ERR_XML_ERROR);
    g_assert_true(memXmlOnlyOnce(root, children, &error));
    xmlNewChild(root, NULL, (const xmlChar *)"size", NULL);
    g_assert_true(memXmlOnlyOnce(root, children, &error));
    g_assert_false(memXmlOnlyOnce(root, attrs, &error));
    assertCode(&error, VIR_ERR_XML_ERROR);
    g_assert_true(memXmlAttrOnOff(root, "flag", &flag, &error));
    g_assert_cmpint(flag, ==, MEM_TRISTATE_YES);
    g_assert_false(memXmlAttrYesNo(root, "flag", &flag, &error));
    assertCode(&error, VIR_ERR_XML_ERROR);
    g_assert_null(memXmlRoot(doc, "domain", &error));
    assertCode(&error, VIR_ERR_XML_ERROR);
}

static void testXmlOut(void)
{
    MemXmlOut *out = memXmlOutNew();
    g_autofree char *text = NULL;

    memXmlOutStart(out, "domain");
    memXmlOutAttr(out, "type", "a<'\"&b");
    memXmlOutText(out, "name", "x<y&z'");
    memXmlOutText(out, "absent", NULL);
    memXmlOutSizeKib(out, "memory", 5);
    memXmlOutStart(out, "nothing");
    memXmlOutStart(out, "inside");
    memXmlOutEndUnlessEmpty(out);
    memXmlOutEndUnlessEmpty(out);
    memXmlOutStart(out, "list");
    memXmlOutAttrUint64(out, "n", 1);
    memXmlOutEmpty(out, "locked");
    memXmlOutEnd(out);
    memXmlOutEnd(out);
    text = memXmlOutSteal(out);
    g_assert_cmpstr(text, ==,
                    "<domain type='a&lt;&apos;&quot;&amp;b'>\n"
                    "  <name>x&lt;y&amp;z'</name>\n"
                    "  <memory unit='KiB'>5</memory>\n"
                    "  <list n='1'>\n"
                    "    <locked/>\n"
                    "  </list>\n"
                    "</domain>\n");
}

static void testJson(void)
{
    static const char *const bad[] = { "", "{", "{} {}", "nul", "'a'", "[1,]x", "null", "\"\xff\"" };
    GError *error = NULL;
    static const char good[] = "{\"a\":18446744073709551615,\"s\":\"x/y\",\"l\":[1],\"n\":-4}";
    g_autoptr(MemJson) value = memJsonParse(good, sizeof(good) - 1, &error);
    g_autofree char *text = NULL;
    guint64 number;
    gint64 negative;

    g_assert_no_error(error);
    g_assert_true(memJsonGetUint64(value, "a", &number));
    g_assert_cmpuint(number, ==, G_MAXUINT64);
    g_assert_false(memJsonGetUint64(value, "n", &number));
    g_assert_true(memJsonGetInt(value, "n", &negative));
    g_assert_null(memJsonGetString(value, "l"));
    g_assert_cmpuint(memJsonArrayLength(memJsonGetArray(value, "l")), ==, 1);
    text = memJsonFormat(value);
    g_assert_cmpstr(text, ==, good);
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_test_message("%s", bad[i]);
        g_assert_null(memJsonParse(bad[i], strlen(bad[i]), &error));
        assertCode(&error, VIR_ERR_INTERNAL_ERROR);
    }
}

static void testFiles(void)
{
    g_autofree char *folder = g_dir_make_tmp("utiltest-XXXXXX", NULL);
    g_autofree char *deep = g_build_filename(folder, "a", "b", NULL);
    g_autofree char *path = g_build_filename(deep, "file", NULL);
    g_autofree char *text = NULL;
    g_autofree char *tail = NULL;
    GError *error = NULL;
    guint64 number;

    g_assert_false(memFileReplace(path, "x", -1, &error));
    assertCode(&error, VIR_ERR_SYSTEM_ERROR);
    g_assert_true(memFileMakeFolder(deep, 0700, &error));
    g_assert_true(memFileMakeFolder(deep, 0700, &error));
    g_assert_true(memFileReplace(path, "first", -1, &error));
    g_assert_true(memFileReplace(path, "1234\n", -1, &error));
    g_assert_true(memFileReadUint64(path, &number));
    g_assert_cmpuint(number, ==, 1234);
    text = memFileRead(path, 5, NULL, &error);
    g_assert_cmpstr(text, ==, "1234\n");
    g_assert_null(memFileRead(path, 4, NULL, &error));
    assertCode(&error, VIR_ERR_OPERATION_FAILED);
    tail = memFileTail(path, 1, 3);
    g_assert_cmpstr(tail, ==, "34\n");
    g_assert_true(memFileRemove(folder, &error));
    g_assert_true(memFileRemove(folder, &error));
    g_assert_false(g_file_test(folder, G_FILE_TEST_EXISTS));
}

static void testErrorText(void)
{
    g_autoptr(GError) error = g_error_new(MEM_ERROR, VIR_ERR_XML_ERROR, "no %s", "name");
    g_autoptr(GError) detail = g_error_new_literal(MEM_ERROR, VIR_ERR_XML_DETAIL, "bare");
    g_autofree char *text = memErrorText(error);
    g_autofree char *bare = memErrorText(detail);

    g_assert_cmpstr(text, ==, "XML error: no name");
    g_assert_cmpstr(bare, ==, "bare");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/util/units/scale", testScale);
    g_test_add_func("/util/units/numbers", testNumbers);
    g_test_add_func("/util/uuid", testUuid);
    g_test_add_func("/util/units/pretty", testPretty);
    g_test_add_func("/util/bitmap", testBitmap);
    g_test_add_func("/util/xml/refusals", testXmlRefusals);
    g_test_add_func("/util/xml/excerpts", testXmlExcerpts);
    g_test_add_func("/util/xml/readers", testXmlReaders);
    g_test_add_func("/util/xml/out", testXmlOut);
    g_test_add_func("/util/json", testJson);
    g_test_add_func("/util/files", testFiles);
    g_test_add_func("/util/errors", testErrorText);
    return g_test_run();
}
