#include "formats/template.h"
#include "suite.h"

struct pair {
    const char *field, *text;
};
static const struct pair fields[] = {
    {"pan", "4761739001010010"}, {"name", "Sam Sample"}, {"expiry", "2030-02-28"},
    {"counter", "42"},           {"empty", ""},          {"day", "2030-02-31"},
};

static bool look_up(void *context, const char *field, const char **text, size_t *len, struct err *err)
{
    (void)context;
    *text = NULL;
    *len = 0;
    if (strcmp(field, "broken") == 0) return err_set(err, ERR_INTERNAL, "broken lookup");
    for (size_t i = 0; i < SUITE_COUNT(fields); i++) {
        if (strcmp(fields[i].field, field) != 0) continue;
        *text = fields[i].text;
        *len = strlen(fields[i].text);
    }
    return true;
}

static const struct {
    const char *template, *text;
    bool missing;
} rendered[] = {
    {"", "", false},
    {"plain", "plain", false},
    {"{pan}", "4761739001010010", false},
    {"{pan:spaced}|{name:26}|{expiry:mm/yy}", "4761 7390 0101 0010|Sam Sample                |02/30", false},
    {"%B{pan}^{name:upper}^{expiry:yymm}201?", "%B4761739001010010^SAM SAMPLE^3002201?", false},
    {"6000{counter:012}", "6000000000000042", false},
    {"{{{counter}}}", "{42}", false},
    {"a}}b{{c", "a}b{c", false},
    {"<{nothing}>", "<>", true},
    {"<{empty:10}>", "<>", true},
    {"{counter:2}", "42", false},
    {"{counter:02}", "42", false},
};

static void test_rendered(void)
{
    for (size_t i = 0; i < SUITE_COUNT(rendered); i++) {
        struct err err = ERR_INIT;
        struct template *t = NULL;
        struct buf out;
        bool missing = !rendered[i].missing;
        buf_init(&out, 1024);
        EXPECT_OK(template_compile(&t, rendered[i].template, &err));
        CU_ASSERT_PTR_NOT_NULL_FATAL(t);
        CU_ASSERT_STRING_EQUAL(template_text(t), rendered[i].template);
        EXPECT_OK(template_render(t, look_up, NULL, &out, &missing, &err));
        CU_ASSERT_STRING_EQUAL(buf_text(&out), rendered[i].text);
        CU_ASSERT_EQUAL(missing, rendered[i].missing);
        template_free(t);
        buf_release(&out);
    }
}

static const struct {
    const char *template, *message;
} malformed[] = {
    {"{pan", "character 1: a '{' that is not closed"},
    {"ab{pan{x}", "character 3: a '{' that is not closed"},
    {"ab}", "character 3: a '}' without its '{'"},
    {"{}", "no field name"},
    {"{:26}", "no field name"},
    {"{pan:}", "unknown modifier ''"},
    {"{pan:0}", "unknown modifier '0'"},
    {"{pan:1000}", "unknown modifier '1000'"},
    {"{pan:12x}", "unknown modifier '12x'"},
    {"{pan:lower}", "unknown modifier 'lower'"},
};

static void test_malformed(void)
{
    for (size_t i = 0; i < SUITE_COUNT(malformed); i++) {
        struct err err = ERR_INIT;
        struct template *t = NULL;
        EXPECT_FAIL(template_compile(&t, malformed[i].template, &err), ERR_CONFIG, malformed[i].message);
        CU_ASSERT_PTR_NULL(t);
    }
}

static const struct {
    const char *template, *message;
} refused[] = {
    {"x{name:5}", "field 'name': 10 characters where 5 have room"},
    {"{counter:01}", "field 'counter': 2 characters where 1 have room"},
    {"{name:014}", "field 'name': character 1 is no digit"},
    {"{name:spaced}", "field 'name': character 1 is no digit"},
    {"{day:mm/yy}", "field 'day'"},
    {"{name:yymm}", "field 'name'"},
};

static void test_refused_and_nothing_appended(void)
{
    for (size_t i = 0; i < SUITE_COUNT(refused); i++) {
        struct err err = ERR_INIT;
        struct template *t = NULL;
        struct buf out;
        bool missing = true;
        buf_init(&out, 1024);
        buf_put_text(&out, "kept");
        EXPECT_OK(template_compile(&t, refused[i].template, &err));
        EXPECT_FAIL(template_render(t, look_up, NULL, &out, &missing, &err), ERR_INPUT, refused[i].message);
        CU_ASSERT_PTR_NULL(strstr(err.text, "Sam"));
        CU_ASSERT_STRING_EQUAL(buf_text(&out), "kept");
        CU_ASSERT_TRUE(missing);
        template_free(t);
        buf_release(&out);
    }
}

static void test_fields(void)
{
    struct err err = ERR_INIT;
    struct template *t = NULL;
    EXPECT_OK(template_compile(&t, "{pan}-{name:3}-{pan:spaced}", &err));
    CU_ASSERT_EQUAL(template_field_count(t), 3);
    CU_ASSERT_STRING_EQUAL(template_field(t, 0), "pan");
    CU_ASSERT_STRING_EQUAL(template_field(t, 1), "name");
    CU_ASSERT_STRING_EQUAL(template_field(t, 2), "pan");
    template_free(t);
    template_free(NULL);
}

static void test_a_failing_lookup_and_a_full_buffer(void)
{
    struct err err = ERR_INIT;
    struct template *t = NULL;
    struct buf out;
    bool missing = false;
    buf_init(&out, 4);
    EXPECT_OK(template_compile(&t, "{broken}", &err));
    EXPECT_FAIL(template_render(t, look_up, NULL, &out, &missing, &err), ERR_INTERNAL, "broken lookup");
    template_free(t);
    EXPECT_OK(template_compile(&t, "{pan}", &err));
    EXPECT_FAIL(template_render(t, look_up, NULL, &out, &missing, &err), ERR_INPUT, "larger than 4 bytes");
    CU_ASSERT_EQUAL(out.len, 0);
    template_free(t);
    buf_release(&out);
}

static const struct test_case cases[] = {
    {"rendered", test_rendered},
    {"malformed", test_malformed},
    {"refused, and nothing appended", test_refused_and_nothing_appended},
    {"fields", test_fields},
    {"a failing lookup and a full buffer", test_a_failing_lookup_and_a_full_buffer},
};

int main(void)
{
    return suite_run("formats/template", cases, SUITE_COUNT(cases));
}
