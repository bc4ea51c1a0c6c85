/* The people's side of a ceremony, over a pseudo-terminal: each case runs in a child whose terminal the test holds. */
#include "ceremony/dialogue.h"

#include <pty.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

static char seen[1 << 14]; /* what the terminal has shown */

typedef bool talk_fn(struct dialogue *d, struct err *err);

/* Runs `talk` on a terminal, gives the terminal's end. The child's last line is "=1 text" or "=0 error". */
static int start(talk_fn *talk, pid_t *child)
{
    int terminal = -1;
    seen[0] = 0;
    *child = forkpty(&terminal, NULL, NULL, NULL);
    if (*child == 0) {
        struct err err = ERR_INIT;
        struct dialogue d;
        bool ok = dialogue_open(&d, false, &err) && talk(&d, &err);
        printf("=%d %d %s\n", ok, (int)err.kind, err.text);
        fflush(stdout);
        dialogue_close(&d);
        _exit(0);
    }
    CU_ASSERT_FATAL(*child > 0);
    return terminal;
}

static bool see(int terminal, const char *until)
{
    size_t len = strlen(seen), from = len;
    while (!strstr(seen + from, until)) {
        ssize_t n = read(terminal, seen + len, sizeof(seen) - 1 - len);
        if (n <= 0) return false;
        len += (size_t)n;
        seen[len] = 0;
    }
    return true;
}

static void type(int terminal, const char *until, const char *line)
{
    CU_ASSERT_TRUE(see(terminal, until));
    CU_ASSERT_EQUAL(write(terminal, line, strlen(line)), (ssize_t)strlen(line));
}

static void finish(int terminal, pid_t child, const char *last)
{
    int status = 0;
    CU_ASSERT_TRUE(see(terminal, last));
    if (!strstr(seen, last)) fprintf(stderr, "not \"%s\" in:\n%s\n", last, seen);
    waitpid(child, &status, 0);
    close(terminal); /* not before: it would end the child */
    CU_ASSERT_TRUE(WIFEXITED(status));
}

static bool asks_a_name(struct dialogue *d, struct err *err)
{
    return dialogue_types(d, "Officer 1, type your name:", "Officer 1", err);
}

static void test_names(void)
{
    pid_t child = 0;
    int t = start(asks_a_name, &child);
    type(t, "your name:", "\n"); /* nothing typed is no mistake */
    type(t, "your name:", "Officer 2\n");
    type(t, "your name:", "  oFFicer   1 \n"); /* letter case and blanks do not count */
    finish(t, child, "=1 0");
    t = start(asks_a_name, &child);
    type(t, "your name:", "a\n");
    type(t, "your name:", "b\n");
    type(t, "your name:", "c\n");
    finish(t, child, "three wrong answers to: Officer 1");
}

static bool asks_to_go_on(struct dialogue *d, struct err *err)
{
    return dialogue_go_on(d, "begin this step", err);
}

static void test_leaving(void)
{
    pid_t child = 0;
    int t = start(asks_to_go_on, &child);
    type(t, "stop here:", "what?\n");
    type(t, "stop here:", "\n");
    finish(t, child, "=1 0");
    t = start(asks_to_go_on, &child);
    type(t, "stop here:", "LEAVE\n");
    finish(t, child, "=0 6 left at the word");
    t = start(asks_to_go_on, &child);
    type(t, "stop here:", "\x04"); /* the terminal ends */
    finish(t, child, "the terminal was closed");
}

static bool asks_whether(struct dialogue *d, struct err *err)
{
    bool yes = false;
    bool ok = dialogue_agrees(d, "Shall it begin?", &yes, err);
    if (ok) printf("answer %d\n", yes);
    return ok;
}

static void test_yes_and_no(void)
{
    char long_line[400];
    pid_t child = 0;
    int t = start(asks_whether, &child);
    memset(long_line, 'y', sizeof(long_line) - 2);
    long_line[sizeof(long_line) - 2] = '\n';
    long_line[sizeof(long_line) - 1] = 0;
    type(t, "[yes/no]", "y\n");
    type(t, "[yes/no]", long_line); /* dropped whole: no piece of it answers the next question */
    type(t, "[yes/no]", "Yes\n");
    finish(t, child, "answer 1");
    t = start(asks_whether, &child);
    type(t, "[yes/no]", "no\n");
    finish(t, child, "answer 0");
}

static bool says_much(struct dialogue *d, struct err *err)
{
    (void)err;
    dialogue_say(d, "%s",
                 "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
                 "sixteen seventeen eighteen nineteen twenty");
    dialogue_item(d, "What:",
                  "a b c d e f g h i j k l m n o p q r s t u v w x y z a b c d e f g h i j k l m n o p q r");
    dialogue_item(d, "Empty:", "");
    return true;
}

static void test_columns(void)
{
    pid_t child = 0;
    int t = start(says_much, &child);
    finish(t, child, "=1 0");
    for (const char *line = seen; *line; line += strcspn(line, "\n") + (line[strcspn(line, "\n")] != 0))
        CU_ASSERT_TRUE(strcspn(line, "\r\n") <= DIALOGUE_COLUMNS);
    CU_ASSERT_PTR_NOT_NULL(strstr(seen, "\n             ")); /* under the first word */
    CU_ASSERT_PTR_NULL(strstr(seen, "Empty:"));
}

static void test_unattended(void)
{
    struct err err = ERR_INIT;
    struct dialogue d;
    char answer[8];
    EXPECT_OK(dialogue_open(&d, true, &err));
    EXPECT_OK(dialogue_go_on(&d, "begin", &err));
    EXPECT_OK(dialogue_types(&d, "name:", "anybody", &err));
    EXPECT_FAIL(dialogue_ask(&d, "Who is there?", answer, sizeof(answer), &err), ERR_CONFIG, "nobody to ask");
    dialogue_close(&d);
    dialogue_say(&d, "closed: nothing is said");
}

/* A log that standard error goes to keeps what others wrote before. */
static void test_unattended_into_a_log(void)
{
    struct dialogue d;
    struct err err = ERR_INIT;
    char text[64] = "";
    FILE *log = tmpfile();
    const int before = dup(STDERR_FILENO);
    CU_ASSERT_FATAL(log && before >= 0);
    dup2(fileno(log), STDERR_FILENO);
    bool ok = write(STDERR_FILENO, "before\n", 7) == 7 && dialogue_open(&d, true, &err);
    if (ok) {
        dialogue_say(&d, "%s\n", "then");
        dialogue_close(&d);
    }
    dup2(before, STDERR_FILENO);
    close(before);
    CU_ASSERT_TRUE(ok);
    rewind(log);
    CU_ASSERT_TRUE(fread(text, 1, sizeof(text) - 1, log) > 7);
    CU_ASSERT_EQUAL(strncmp(text, "before\nthen", 11), 0);
    fclose(log);
}

static const struct test_case cases[] = {
    {"a name is typed as the plan has it, letter case and blanks aside; three wrong ones end it", test_names},
    {"Enter goes on, 'leave' and a closed terminal stop", test_leaving},
    {"a question takes the whole word yes or no, and no line that is too long", test_yes_and_no},
    {"no line is longer than the columns; texts are wrapped under their first word", test_columns},
    {"unattended, nothing is waited for and a question is an error", test_unattended},
    {"unattended, a log keeps what was there", test_unattended_into_a_log},
};

int main(void)
{
    return suite_run("ceremony/dialogue", cases, SUITE_COUNT(cases));
}
