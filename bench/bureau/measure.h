/* bench/bureau/measure.h - what is measured of the bureau, in rounds: the bare token, then our code on it, by one process and by
 * several; the bare reader, then our driver. So whatever else the machine does hits what is compared. */
#ifndef BENCH_BUREAU_MEASURE_H
#define BENCH_BUREAU_MEASURE_H

#include "bench/bureau/operation.h"
#include "bench/measure.h"
#include "bureau/pcsc.h"

struct bureau_measure_settings {
    const struct measure_settings *common;
    const struct bureau *settings;
    unsigned workers; /* the several: of token processes, at most TOGETHER_MAX */
    uint64_t records; /* that are made for it */
    double gather_us; /* after which several processes have logged in */
    struct pcsc_readers readers;
    char why_no_readers[200]; /* without any */
};
enum { FEW = 1, PACES = 2, READERS = 4, PROTOCOLS = 2 };

/* Something done by so many processes, against the least that it takes in as many. Rates are of all of them together. */
struct bureau_pace {
    unsigned workers; /* 0: not measured */
    uint64_t records, units;
    uint64_t least_records;
    double cpu_us, least_cpu_us; /* of all records */
    struct rounds rate, least, ratio;
};
struct bureau_protocol {
    enum scp_protocol protocol;
    struct script_part part;
    struct bureau_costs costs;            /* of a conversation, one process, all rounds */
    struct bureau_pace rewrap[PACES];     /* units: secrets */
    struct bureau_pace script[PACES];     /* units: commands */
    struct bureau_pace at_readers[PACES]; /* units: commands */
};
struct bureau_measurement {
    size_t records;
    size_t count;
    struct bureau_protocol protocols[PROTOCOLS];
};
MUST_CHECK bool bureau_measure_job(struct bureau_measurement *m, const struct bench_input *input,
                                   const struct bureau_measure_settings *settings, struct err *err);

/* Commands alone: microseconds each, mean over the readers. */
struct contact_pace {
    unsigned readers; /* 0: not measured */
    uint64_t commands;
    double bare_cpu_us, driver_cpu_us; /* a command */
    struct rounds bare_us, driver_us, ratio;
    struct rounds bare_median_us, driver_median_us, ratio_of_medians; /* of single commands */
};
MUST_CHECK bool bureau_measure_readers(struct contact_pace paces[PACES],
                                       const struct bureau_measure_settings *settings, struct err *err);
/* The readers that match; without any, why. */
void bureau_measure_find_readers(struct bureau_measure_settings *settings, const char *const *patterns,
                                 size_t count);

#endif
