/* The sample made wrong in one place and signed anew (tests/reader/mutants.c): cardbureau check refuses each, and says where. */
#include <dirent.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bureau/commands/commands.h"
#include "sample_bureau.h"
#include "suite.h"

static struct sample_bureau bureau;
static char folder[] = "/tmp/cardprep-mutants-XXXXXX";

static const struct row {
    const char *name;
    int status;
    const char *message; /* behind the file's name */
} rows[] = {
    {"entries swapped between records", 5,
     "record 1 at offset 161: entry of AID A000000003101001 at offset 315: tag C1 at offset 338: bound to "
     "record 2, not to this one (1)"},
    {"C1 with another number", 5,
     "record 1 at offset 161: entry of AID A000000003101001 at offset 315: tag C1 at offset 338: bound to "
     "record 2, not to this one (1)"},
    {"C1 with another job", 5,
     "record 2 at offset 2146: entry of AID A0000000031010 at offset 2559: tag C1 at offset 2581: bound to a "
     "record of another job"},
    /* Only the issuer, which holds the masters, could tell. */
    {"secrets swapped between records", 0, "accepted"},
    {"card keys swapped between records", 5,
     "record 1 at offset 161: application A0000000031010: card certificate (9F46): the wrapped key pair is "
     "not the certified one (check value)"},
    {"wrong record number", 5,
     "record 9 at offset 2146: group CARD: the file's records are numbered from 1 to 5 at most"},
    {"object identifier twice", 5, "records 1 and 2 have the same card object identifier"},
    {"KEK not in D7", 5,
     "record 1 at offset 148: group SEAL: KEK 476173FF0001 is not listed in group JOB (D7)"},
    {"KEK twice in D7", 4, "group JOB at offset 7: tag D7 at offset 129: this KEK identifier stands twice"},
    {"KEK check value", 5,
     "job record at offset 0: group JOB: KEK 476173FF0001 has check value 01D2C759B3 in D7, which is not "
     "that of the key held"},
    {"unknown tag in JOB", 4, "group JOB at offset 7: tag DE at offset 129: does not belong here"},
    {"unknown tag in E1", 4,
     "record 1 at offset 161: entry of AID A000000003101001 at offset 315: E1 at offset 405: secret KDL: tag "
     "CB at offset 456: does not belong here"},
    {"unknown version", 4,
     "group JOB at offset 7: tag D1 at offset 21: format version 2 is not known, only 1"},
    {"31 February", 4, "group JOB at offset 7: tag D6 at offset 94: is no time YYYY-MM-DDThh:mm:ssZ"},
    {"key check value", 5,
     "record 1 at offset 161: application A000000003101001: secret KDL: check value (C5) is not that of the "
     "key"},
    {"modulus check value", 5,
     "record 1 at offset 161: application A0000000031010: card certificate (9F46): the wrapped key pair is "
     "not the certified one (check value)"},
    {"MACKEY not in CF", 5, "group END at offset 10093: the MACKEYs of the file are not those listed (CF)"},
    {"wrong count in END", 5,
     "group END at offset 10093: 4 card records are announced (DC), 5 stand in the file"},
    {"END in another order", 4, "group END at offset 10093: tag DE at offset 10206: is out of order"},
    {"static data not as signed", 5,
     "record 1 at offset 161: application A0000000031010: signed static data (93): signed static data: hash "
     "differs"},
    {"DGI twice", 4,
     "record 1 at offset 161: entry of AID A0000000031010 at offset 574: E2 at offset 707: DGI 0201: this "
     "DGI stands twice"},
    {"no derivation data", 4,
     "record 1 at offset 161: entry of AID A000000003101001 at offset 315: E1 at offset 395: secret KDL: DGI "
     "8000: there is no derivation data (C2) for this secret"},
    /* Only the issuer, which holds the masters, could tell. */
    {"derivation data zero", 0, "accepted"},
    {"no SEAL", 4, "record at offset 4131 does not begin with CARD and end with SEAL"},
    {"a name twice", 4,
     "record 1 at offset 161: entry of AID A000000003101001 at offset 315: E1 at offset 460: secret KDL: DGI "
     "8000: this name of a secret stands twice"},
    {"embossing not as sealed", 5, "record 1 at offset 161: group SEAL: MAC does not verify"},
    {"chip data not as sealed", 5,
     "record 1 at offset 161: application A000000003101001: MAC does not verify"},
    {"reserved tag loose", 4,
     "record 1 at offset 161: entry of AID F04C4F59414C at offset 1930: tag D5 at offset 1977: does not "
     "belong here"},
    {"END not signed anew", 5,
     "group END at offset 10093: hash of the file (DD) does not verify: the file was changed"},
    {"JOB lacks a tag", 4, "group JOB at offset 7: tag D8 (program) is missing in the list at offset 21"},
    {"JOB has a tag twice", 4, "group JOB at offset 7: tag D8 at offset 132: stands twice"},
    {"a length not in its shortest form", 4,
     "group JOB at offset 7: tag D8: length at offset 130 is not in its shortest form"},
    {"chip group with a reserved name", 4,
     "group JOB at offset 7: tag D0 at offset 139: the chip group has a reserved MIC"},
    {"first shard does not begin with record 1", 4,
     "group JOB at offset 7: tag D5: the first shard begins with record 2, not 1"},
    {"more records planned than there are", 5,
     "group END at offset 10093: the file ends with record 5, but 6 were planned (DC of JOB)"},
    {"shard 2 of 1", 4, "group JOB at offset 7: tag CE at offset 155: there is no shard 2 of 1"},
    {"the job among its earlier passes", 4,
     "group JOB at offset 7: the job's own id stands among the earlier passes (tag D9)"},
    {"an earlier pass twice", 4,
     "group JOB at offset 7: tag D9 at offset 157: this earlier pass stands twice"},
    {"CARD of none of the earlier passes", 5,
     "record 1 at offset 179: group CARD: job id (D2) is that of another job"},
    {"CARD of another job", 5, "record 2 at offset 2146: group CARD: job id (D2) is that of another job"},
    {"object identifier with a slash", 4,
     "group CARD at offset 2153: tag DB at offset 2195: a card object identifier is 1 to 64 of A-Z a-z 0-9 . "
     "_ -"},
    {"CARD has a tag twice", 4, "group CARD at offset 2153: tag DA at offset 2195: stands twice"},
    {"SEAL of another job", 5, "record 2 at offset 2146: group SEAL: job id is that of another pass"},
    {"SEAL under a KEK not in D7", 5,
     "record 2 at offset 2146: group SEAL: KEK 476173FF0002 is not listed in group JOB (D7)"},
    {"SEAL with a wrong length", 4,
     "record 2 at offset 2146: group SEAL at offset 4036: MKLEN is 41, not 40"},
    {"END inside a record", 4, "group END at offset 2231 does not belong there"},
    {"END of another job", 5, "group END at offset 10093: job id (D2) is not that of the job record"},
    {"a number set aside that was not planned", 5,
     "group END at offset 10093: the file ends with record 6, but 5 were planned (DC of JOB)"},
    {"a number set aside that is there", 5,
     "group END at offset 10093: record 3 is set aside (CC) where 6 is the next to be missing"},
    {"CF lists one more", 5, "group END at offset 10093: the MACKEYs of the file are not those listed (CF)"},
    {"CF lists one twice", 4, "group END at offset 10093: tag CF at offset 10135: its items do not rise"},
    {"unknown signer", 5,
     "group END at offset 10093: signed by a key (DE) that is none of the 1 trusted ones"},
    {"signature by another algorithm", 4,
     "group END at offset 10093: tag CB at offset 10240: an ECDSA P-256 signature has 64 bytes"},
    {"unknown signature algorithm", 4,
     "group END at offset 10093: tag CA at offset 10237: unknown signature algorithm"},
    {"another signature", 5, "group END at offset 10093: the signature does not verify"},
    {"data behind the end record", 4, "offset 10500: data stands behind the end record"},
    {"no end record", 4,
     "incomplete: no end record at offset 10086; the run that wrote it did not finish: run the job again"},
    {"cut inside a record", 4,
     "incomplete: cut inside the record at offset 8101; the run that wrote it did not finish: run the job "
     "again"},
    {"an AID twice", 4,
     "record 1 at offset 161: group CHIP at offset 301: entry at offset 574: its AID stands twice, first at "
     "offset 315"},
    {"sealed without a KEK identifier", 4,
     "record 1 at offset 161: group CHIP at offset 301: entry at offset 315: MACKEY at offset 515 has 40 "
     "bytes; an open entry (KEKID zero) has 0"},
    {"entry under a KEK not in D7", 5,
     "record 1 at offset 161: entry of AID A000000003101001 at offset 315: KEK 476173FF0002 is not listed in "
     "group JOB (D7)"},
    {"DLEN too small", 4,
     "record 1 at offset 161: group CHIP at offset 301: entry at offset 315: MACKEY at offset 514 has 0 "
     "bytes; a sealed entry has 40"},
    {"MLEN too small", 4,
     "record 1 at offset 161: group CHIP at offset 301: entry at offset 315: MAC at offset 557 has 15 bytes; "
     "a sealed entry has 16"},
    {"no binding", 4,
     "record 1 at offset 161: entry of AID A000000003101001 at offset 315: tag C2 at offset 338: stands "
     "before the binding (C1)"},
    {"binding behind derivation data", 4,
     "record 1 at offset 161: entry of AID A000000003101001 at offset 315: tag C2 at offset 338: stands "
     "before the binding (C1)"},
    {"derivation data twice", 4,
     "record 1 at offset 161: entry of AID A000000003101001 at offset 315: tag C2 at offset 374: is out of "
     "order or stands twice"},
    {"loose element before a grouping", 4,
     "record 1 at offset 161: entry of AID A000000003101001 at offset 315: tag E2 at offset 378: is out of "
     "order or stands twice"},
    {"a DGI clear and secret", 4,
     "record 1 at offset 161: entry of AID A000000003101001 at offset 315: E1 at offset 405: secret KDL: DGI "
     "8000: this DGI is both clear and secret"},
    {"secrets of a DGI parted", 4,
     "record 1 at offset 161: entry of AID A000000003101001 at offset 315: E1 at offset 460: secret KDU: DGI "
     "8000: secrets of this DGI do not stand next to each other"},
    {"another MACKEY", 5, "group END at offset 10093: the MACKEYs of the file are not those listed (CF)"},
    {"a MACKEY that does not unwrap", 5,
     "record 1 at offset 161: application A000000003101001: MACKEY: does not unwrap under KEK 476173ff0001"},
    {"unknown kind of secret", 4,
     "record 1 at offset 161: entry of AID A000000003101001 at offset 315: E1 at offset 405: secret KDL: tag "
     "C4 at offset 412: unknown kind of secret"},
    {"a key as opaque bytes", 4,
     "record 1 at offset 161: entry of AID A000000003101001 at offset 315: E1 at offset 405: secret KDL: key "
     "check value (C5) has the wrong length for this kind"},
    {"unknown method", 4,
     "record 1 at offset 161: entry of AID A000000003101001 at offset 315: E1 at offset 405: secret KDL: tag "
     "C6 at offset 420: unknown method"},
    {"second embodiment without the card's key", 4,
     "record 1 at offset 161: entry of AID A000000003101001 at offset 315: E1 at offset 405: secret KDL: the "
     "card's own key (CC) is missing"},
    {"secret without master", 4,
     "record 1 at offset 161: entry of AID A000000003101001 at offset 315: E1 at offset 405: secret KDL: "
     "master key (CD) is missing"},
    {"master without version", 4,
     "record 1 at offset 161: entry of AID A000000003101001 at offset 315: E1 at offset 405: secret KDL: tag "
     "CD at offset 423: a master key is given as name/version"},
    {"check value too long", 4,
     "record 1 at offset 161: entry of AID A000000003101001 at offset 315: E1 at offset 405: secret KDL: key "
     "check value (C5) has the wrong length for this kind"},
    {"no check value", 4,
     "record 1 at offset 161: entry of AID A000000003101001 at offset 315: E1 at offset 405: secret KDL: key "
     "check value (C5) has the wrong length for this kind"},
    {"no ciphertext", 4,
     "record 1 at offset 161: entry of AID A000000003101001 at offset 315: E1 at offset 405: secret KDL: tag "
     "C7 (ciphertext) is missing in the list at offset 407"},
    {"ciphertext too short", 4,
     "record 1 at offset 161: entry of AID A000000003101001 at offset 315: E1 at offset 405: secret KDL: "
     "ciphertext (C7) has the wrong length for this kind and method"},
    {"card's own key where the KEK wraps", 4,
     "record 1 at offset 161: entry of AID A000000003101001 at offset 315: E1 at offset 405: secret KDL: "
     "method 01 takes no key of the card (CC)"},
    {"true length of a key", 4,
     "record 1 at offset 161: entry of AID A000000003101001 at offset 315: E1 at offset 405: secret KDL: "
     "only opaque bytes have a true length (CE)"},
    {"a ciphertext that does not unwrap", 5,
     "record 1 at offset 161: application A000000003101001: secret KDL: does not unwrap under KEK "
     "476173ff0001"},
    {"ciphertexts swapped in an entry", 5,
     "record 1 at offset 161: application A000000003101001: secret KDL: check value (C5) is not that of the "
     "key"},
    {"key pair for another DGI", 4,
     "record 1 at offset 161: entry of AID A0000000031010 at offset 574: E1 at offset 1342: secret card-key: "
     "an RSA key is for DGI 8201"},
    {"a key pair that does not unwrap", 5,
     "record 1 at offset 161: application A0000000031010: secret card-key: does not unwrap under KEK "
     "476173ff0001"},
    {"issuer certificate changed", 5,
     "record 1 at offset 161: application A0000000031010: issuer certificate (90): issuer certificate: "
     "header is not 6A: wrong key or changed"},
    {"issuer key remainder changed", 5,
     "record 1 at offset 161: application A0000000031010: issuer certificate (90): issuer certificate: hash "
     "differs"},
    {"signed static data changed", 5,
     "record 1 at offset 161: application A0000000031010: signed static data (93): signed static data: "
     "header is not 6A: wrong key or changed"},
    {"card certificate changed", 5,
     "record 1 at offset 161: application A0000000031010: card certificate (9F46): card certificate: header "
     "is not 6A: wrong key or changed"},
    {"another CA key", 4,
     "certificates of 1 entries cannot be checked: 'ca_keys' has none for RID A000000003 index 93"},
};

static void check_row(const struct row *row)
{
    char path[256];
    const char *const words[] = {"check", path, "--settings", bureau.settings, NULL};
    snprintf(path, sizeof(path), "%s/%s.mic", folder, row->name);
    sample_bureau_forget(&bureau);
    const int status = sample_bureau_run(&bureau, check_command.run, words);
    const char *at = strstr(bureau.said, row->status ? path : "books: ");
    const bool says = at && strstr(at, row->message);
    if (status != row->status || !says) fprintf(stderr, "%s: %d\n%s\n", row->name, status, bureau.said);
    CU_ASSERT_EQUAL(status, row->status);
    CU_ASSERT_TRUE(says);
}

static void test_mutants(void)
{
    for (size_t i = 0; i < SUITE_COUNT(rows); i++)
        check_row(&rows[i]);
}

/* Every mutant has its row. */
static void test_complete(void)
{
    DIR *d = opendir(folder);
    size_t count = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d))
        count += e->d_name[0] != '.';
    closedir(d);
    CU_ASSERT_EQUAL(count, SUITE_COUNT(rows));
}

static bool write_mutants(void)
{
    int status = -1;
    if (!mkdtemp(folder)) return false;
    pid_t child = fork();
    if (child == 0) {
        execl(MUTANT_WRITER, "mutant_writer", folder, (char *)NULL);
        _exit(127);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static void remove_mutants(void)
{
    DIR *d = opendir(folder);
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        if (e->d_name[0] != '.') unlinkat(dirfd(d), e->d_name, 0);
    }
    if (d) closedir(d);
    rmdir(folder);
}

static const struct test_case cases[] = {
    {"each is refused with file, record and field", test_mutants},
    {"every mutant has its row", test_complete},
};

int main(void)
{
    if (!write_mutants() || !sample_bureau_start(&bureau)) return 1;
    int status = suite_run("bureau/mutants", cases, SUITE_COUNT(cases));
    sample_bureau_stop(&bureau);
    remove_mutants();
    return status;
}
