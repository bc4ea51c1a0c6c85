/* cardprep inspect FILE [--record N] [--json] */
#include "prep/commands/inspect.h"

#include "base/args.h"
#include "formats/mic.h"
#include "prep/commands/commands.h"

static bool run_text(struct reader *r, const struct inspect_settings *settings, struct inspect_result *result,
                     struct err *err)
{
    struct inspect_text *t = inspect_text_new(stdout);
    if (!t) return err_set_no_memory(err);
    const struct inspect_visitor visitor = inspect_text_visitor(t);
    const bool ok = inspect_file(r, settings, &visitor, result, err);
    inspect_text_free(t);
    return ok;
}

static bool run_json(struct reader *r, const struct inspect_settings *settings, struct inspect_result *result,
                     struct err *err)
{
    struct inspect_json *j = inspect_json_new(stdout, reader_name(r));
    if (!j) return err_set_no_memory(err);
    const struct inspect_visitor visitor = inspect_json_visitor(j);
    const bool ok = inspect_file(r, settings, &visitor, result, err) && inspect_json_finish(j, result, err);
    inspect_json_free(j);
    return ok;
}

static bool judge(const char *path, const struct inspect_settings *settings,
                  const struct inspect_result *result, struct err *err)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        return err_set(err, ERR_FILE, "standard output cannot be written");
    if (settings->only > 0 && !result->found)
        return err_set(err, ERR_INPUT, "%s: no record %llu", path, (unsigned long long)settings->only);
    if (result->damages > 0)
        return err_set(err, ERR_INPUT, "%s: %llu place%s could not be explained, marked with !!", path,
                       (unsigned long long)result->damages, result->damages == 1 ? "" : "s");
    if (!result->end_seen) fprintf(stderr, "%s: incomplete: no end record\n", path);
    return true;
}

static int command_inspect(int argc, char **argv)
{
    struct inspect_settings settings = {.chip_mic = NULL};
    struct inspect_result result = {.records = 0};
    struct reader *r = NULL;
    struct err err = ERR_INIT;
    const char *path = NULL;
    bool json = false, help = false;
    int status = 0;
    const struct arg_option options[] = {
        {"record", ARG_NUMBER, "N", "show this card record only", {.number = &settings.only}},
        {"chip",
         ARG_TEXT,
         "MIC",
         "the chip group's MIC (default: what JOB says, else CHIP)",
         {.text = &settings.chip_mic}},
        {"json", ARG_FLAG, NULL, "as JSON", {.flag = &json}},
        {"help", ARG_FLAG, NULL, "this text", {.flag = &help}},
    };

    const size_t count = sizeof(options) / sizeof(options[0]);
    if (!args_begin(&inspect_command, argc, argv, options, count, &path, &status)) return status;
    if (settings.chip_mic && !mic_is_name(settings.chip_mic)) {
        err_set(&err, ERR_CONFIG, "'%s' is no MIC", settings.chip_mic);
        goto out;
    }
    if (!reader_open(&r, path, &err)) goto out;
    if (reader_size(r) == 0) {
        err_set(&err, ERR_INPUT, "%s: the file is empty", path);
        goto out;
    }
    if (!(json ? run_json : run_text)(r, &settings, &result, &err)) goto out;
    err_ignore(judge(path, &settings, &result, &err), "err holds what was found");
out:
    reader_free(r);
    return err.kind == ERR_NONE ? 0 : args_fail(&inspect_command, &err);
}

const struct arg_command inspect_command = {
    "cardprep", "inspect", "FILE", 1, "explain every byte of a MIC file", command_inspect};
