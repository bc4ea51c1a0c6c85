#include "faults.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

#include "suite.h"

size_t fault_objects(const struct faults *f)
{
    struct err err = ERR_INIT;
    struct hsm_token *t = NULL;
    size_t all = 0, kept = 0;
    EXPECT_OK(softtoken_open(f->soft, f->label, &t, &err));
    if (t) EXPECT_OK(hsm_token_count_objects(t, &all, &kept, &err));
    hsm_token_close(t);
    CU_ASSERT_EQUAL(all, kept);
    return kept;
}

/* The proxy's line of the call that was made to fail. */
static void failed_function(const struct softtoken *through, char *out, size_t size, long number)
{
    char path[256], line[4096];
    snprintf(out, size, "?");
    softtoken_log_path(through, path, sizeof path);
    FILE *log = fopen(path, "r");
    while (log && fgets(line, sizeof line, log)) {
        char *end = NULL;
        if (strtol(line, &end, 10) == number) sscanf(end, "%63s", out);
    }
    if (log) fclose(log);
}

void fault_clear_log(const struct softtoken *through)
{
    char path[256];
    softtoken_log_path(through, path, sizeof path);
    unlink(path);
}

/* Where the proxy kept C_Finalize from the module, it is still running. */
static void end_module(const char *module)
{
    CK_FUNCTION_LIST *fn = NULL;
    CK_C_GetFunctionList entry = NULL;
    void *library = dlopen(module, RTLD_NOW | RTLD_LOCAL);
    void *symbol = library ? dlsym(library, "C_GetFunctionList") : NULL;
    memcpy(&entry, &symbol, sizeof entry);
    CU_ASSERT_PTR_NOT_NULL_FATAL(entry);
    CU_ASSERT_EQUAL_FATAL(entry(&fn), CKR_OK);
    fn->C_Finalize(NULL);
    dlclose(library);
}

/* Calls whose failure harms nothing: the work goes on, or ends a moment later. */
static bool may_be_survived(const char *function, bool broken)
{
    static const char *const harmless[] = {"C_GetInfo", "C_CloseSession", "C_Finalize", "C_GetSlotList"};
    for (size_t i = 0; i < SUITE_COUNT(harmless); i++) {
        if (strcmp(function, harmless[i]) == 0) return true;
    }
    bool counting = strncmp(function, "C_FindObjects", 13) == 0; /* the work's own count at the end */
    return counting || (broken && strcmp(function, "C_DestroyObject") == 0);
}

void fault_each(const struct faults *f, unsigned long rv, const char *name)
{
    char fault[64], function[64];
    size_t before = fault_objects(f);
    long number = 1, calls = 0;
    for (bool reached = true; reached && number < 1000; number++) {
        struct err err = ERR_INIT;
        size_t left = 0;
        bool broken = false;
        fault_clear_log(f->through);
        snprintf(fault, sizeof fault, "*:%ld:0x%lX", number, rv);
        setenv("P11PROXY_FAIL", fault, 1);
        bool ok = f->work(&left, &broken, &err);
        unsetenv("P11PROXY_FAIL");
        failed_function(f->through, function, sizeof function, number);
        if (strcmp(function, "C_Finalize") == 0) end_module(f->soft->real_module);
        reached = strcmp(function, "?") != 0;
        if (!reached) break;
        calls = number;
        if (ok ? !may_be_survived(function, broken) : err.kind != ERR_TOKEN || !strstr(err.text, name)) {
            fprintf(stderr, "call %ld, %s: %s\n", number, function, ok ? "survived" : err.text);
            CU_FAIL("a failed call was not reported");
        }
        if (left > 0 && !broken && strcmp(function, "C_DestroyObject") != 0) {
            fprintf(stderr, "call %ld, %s: %zu objects left\n", number, function, left);
            CU_FAIL("an object was left");
        }
        if (f->after) f->after(function, ok);
    }
    CU_ASSERT_TRUE(calls > f->calls_min);
    CU_ASSERT_EQUAL(fault_objects(f), before);
}
