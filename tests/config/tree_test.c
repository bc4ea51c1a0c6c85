#include "config/tree.h"
#include "suite.h"

static bool parse(struct tree_document **d, const char *text, struct err *err)
{
    return tree_parse(d, "t.yaml", text, strlen(text), err);
}

static void test_tree_with_positions(void)
{
    struct err err = ERR_INIT;
    struct tree_document *d = NULL;
    EXPECT_OK(parse(&d, "a: 0101\nlist:\n  - 5A\n  - {x: 'y z'}\n", &err));
    if (!d) return;
    const struct tree_node *a = tree_get(tree_root(d), "a");
    const struct tree_node *list = tree_get(tree_root(d), "list");
    CU_ASSERT_STRING_EQUAL(a->text, "0101");
    CU_ASSERT_FALSE(a->quoted);
    CU_ASSERT_EQUAL(a->line, 1);
    CU_ASSERT_EQUAL(a->column, 4);
    CU_ASSERT_EQUAL(list->kind, TREE_SEQUENCE);
    CU_ASSERT_EQUAL(list->key_line, 2);
    CU_ASSERT_EQUAL(list->count, 2);
    CU_ASSERT_STRING_EQUAL(list->items[0].text, "5A");
    const struct tree_node *x = tree_get(&list->items[1], "x");
    CU_ASSERT_TRUE(x->quoted);
    CU_ASSERT_EQUAL(x->line, 4);
    CU_ASSERT_EQUAL(x->column, 9);
    CU_ASSERT_PTR_NULL(tree_get(tree_root(d), "b"));
    tree_free(d);
}

struct refusal {
    const char *text, *message;
};
static void refuse_all(const struct refusal *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct err err = ERR_INIT;
        struct tree_document *d = NULL;
        EXPECT_FAIL(parse(&d, rows[i].text, &err), ERR_CONFIG, rows[i].message);
        CU_ASSERT_PTR_NULL(d);
    }
}

static void test_refusals(void)
{
    static const struct refusal rows[] = {
        {"", "t.yaml: the file is empty"},
        {"# nothing\n", "t.yaml: the file is empty"},
        {"a: 1\nb: 2\na: 3\n", "t.yaml:3:1: key 'a' is given twice; first in line 1"},
        {"a: &x 1\n", "t.yaml:1:4: anchors"},
        {"a: 1\nb: *a\n", "t.yaml:2:4: aliases"},
        {"a: !!int 1\n", "t.yaml:1:4: tags"},
        {"a: 1\n---\nb: 2\n", "a second YAML document"},
        {"a: \"x\\0y\"\n", "t.yaml:1:4: a NUL byte"},
        {"a: [1, 2\n", "no valid YAML"},
        {"a: \x80\n", "no valid YAML"},
        {"? [a]\n: 1\n", "t.yaml:1:3: a key must be a plain word"},
    };
    refuse_all(rows, SUITE_COUNT(rows));
}

static void test_too_deep(void)
{
    char text[200];
    struct err err = ERR_INIT;
    struct tree_document *d = NULL;
    memset(text, '[', TREE_DEPTH_MAX);
    memset(text + TREE_DEPTH_MAX, ']', TREE_DEPTH_MAX);
    text[2 * TREE_DEPTH_MAX] = '\0';
    EXPECT_OK(parse(&d, text, &err));
    tree_free(d);
    memset(text, '[', 100);
    text[100] = '\0';
    d = NULL;
    EXPECT_FAIL(parse(&d, text, &err), ERR_CONFIG, "nested more than 16 deep");
}

static void test_file(void)
{
    struct err err = ERR_INIT;
    struct tree_document *d = NULL;
    EXPECT_FAIL(tree_load(&d, "/nonexistent/x.yaml", &err), ERR_FILE, "/nonexistent/x.yaml");
}

static const struct test_case cases[] = {
    {"tree with positions", test_tree_with_positions},
    {"refusals", test_refusals},
    {"too deep", test_too_deep},
    {"file", test_file},
};

int main(void)
{
    return suite_run("config/tree", cases, SUITE_COUNT(cases));
}
