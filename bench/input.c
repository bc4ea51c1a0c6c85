#include "bench/input.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "formats/pan.h"

bool bench_input_open(struct bench_input *in, const struct job *job, struct err *err)
{
    *in = (struct bench_input){.job = job, .ours = access(job->input.path, F_OK) != 0};
    if (!in->ours || (job->input.format == INPUT_CSV && job->input.csv.header)) return true;
    return err_set(err, ERR_CONFIG, "%s: no such file, and cardbench makes only CSV with a header",
                   job->input.path);
}

enum { PAN_LEN = 16 };

/* The issuer's digits, the number, the check digit. */
static void write_pan(char pan[PAN_LEN + 1], const char *issuer, uint64_t number)
{
    const int digits = PAN_LEN - 1 - (int)strlen(issuer);
    snprintf(pan, PAN_LEN + 1, "%s%0*" PRIu64 "0", issuer, digits, number);
    while (!pan_luhn_is_right(pan, PAN_LEN) && pan[PAN_LEN - 1] < '9')
        pan[PAN_LEN - 1]++;
}

static bool put_card(FILE *f, const struct job *job, uint64_t number)
{
    char pan[PAN_LEN + 1];
    write_pan(pan, job->issuer, number);
    return fprintf(f,
                   "%s,1,201,TEST/CARD %07" PRIu64 ",2026-01-01,2030-12-31,6000%012" PRIu64
                   ",2026-01-01,%" PRIu64 ".50,%012" PRIu64 ",%" PRIu64 ",gold\n",
                   pan, number, number, number % 900, number, number % 100000) > 0;
}

bool bench_input_write(const struct bench_input *in, uint64_t cards, struct err *err)
{
    const char *path = in->job->input.path;
    char separator = in->job->input.csv.separator;

    if (!in->ours) return true;
    if (separator != ',')
        return err_set(err, ERR_CONFIG, "%s: cardbench separates by commas, the job does not", path);
    FILE *f = fopen(path, "w");
    if (!f) return err_set_errno(err, ERR_FILE, errno, "%s", path);
    bool ok = fputs("pan,psn,service_code,name,effective,expiry,iep_id,activation,balance,member_number,"
                    "points,tier\n",
                    f) >= 0;
    for (uint64_t i = 1; ok && i <= cards; i++)
        ok = put_card(f, in->job, i);
    if (fclose(f) != 0) ok = false;
    return ok || err_set_errno(err, ERR_FILE, errno, "%s", path);
}

void bench_input_close(const struct bench_input *in)
{
    if (in->ours) unlink(in->job->input.path);
}
