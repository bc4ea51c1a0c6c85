#include "bureau/commands/card_run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool range_read(const char *text, uint64_t *first, uint64_t *last, struct err *err)
{
    char *behind = NULL;

    *first = 1;
    *last = UINT64_MAX;
    if (!text) return true;
    bool digit = text[0] >= '0' && text[0] <= '9';
    *first = digit ? strtoull(text, &behind, 10) : 0;
    *last = *first;
    if (digit && *behind == '-' && behind[1] >= '0' && behind[1] <= '9')
        *last = strtoull(behind + 1, &behind, 10);
    if (digit && *behind == '\0' && *first >= 1 && *first <= *last) return true;
    return err_set(err, ERR_CONFIG, "--records takes one number or two, first and last: 5 or 5-9");
}

struct arg_list reader_patterns(const struct arg_list *named, const struct bureau *settings)
{
    struct arg_list wanted = *named;
    if (named->count > 0) return wanted;
    for (; wanted.count < settings->reader_count && wanted.count < ARG_LIST_MAX; wanted.count++)
        wanted.items[wanted.count] = settings->reader_patterns[wanted.count];
    return wanted;
}

static bool open_file(struct card_file *f, const char *path, struct err *err)
{
    struct token_process *signers = NULL;
    int pin_fd = -1;
    bool ok =
        f->settings->trusted_count == 0 || (pin_once_pipe(&f->pin, &pin_fd, err) &&
                                            token_process_start_with(&signers, f->settings, pin_fd, err));
    ok = ok && incoming_open(&f->file, f->settings, signers, path, err);
    token_process_free(signers);
    return ok;
}

bool card_file_open(struct card_file *f, const char *settings_path, const char *path, struct err *err)
{
    *f = (struct card_file){.settings = NULL};
    if (!settings_path) return err_set(err, ERR_CONFIG, "name the bureau's settings: --settings FILE");
    bool ok = bureau_load(&f->settings, settings_path, err) && pin_once_get(&f->pin, f->settings, err) &&
              open_file(f, path, err);
    if (!ok) card_file_close(f);
    return ok;
}

void card_file_forget_pin(struct card_file *f)
{
    secret_release(&f->pin);
}

void card_file_close(struct card_file *f)
{
    card_file_forget_pin(f);
    incoming_free(f->file);
    bureau_free(f->settings);
    *f = (struct card_file){.settings = NULL};
}

bool has_return_key(const struct bureau *settings, struct err *err)
{
    return settings->return_label ||
           err_set(err, ERR_CONFIG, "%s: names no return_key, which would sign return files", settings->path);
}

bool unsigned_file_open(struct mic_file **out, const char *path, struct err *err)
{
    struct reader *r = NULL;
    return reader_open(&r, path, err) && mic_file_open(out, r, NULL, 0, MIC_FILE_NO_SIGNER, err);
}

bool journal_find(const struct bureau *settings, const struct job_group *job, char **path, bool *there,
                  struct err *err)
{
    if (!journal_path(settings->books_path, job_group_first_job(job), path, err)) return false;
    *there = access(*path, F_OK) == 0;
    return *there || errno == ENOENT || err_set_errno(err, ERR_FILE, errno, "%s", *path);
}
