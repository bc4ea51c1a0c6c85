#include "formats/card_record.h"

#include <string.h>

#include "base/hex.h"

static bool check_groups(const struct mic_record *record, const struct job_group *job, struct err *err)
{
    const struct mic_group *groups = record->groups;
    size_t last = record->group_count - 1;
    bool has_chip = false;
    if (record->group_count < 2 || strcmp(groups[0].name, MIC_CARD) != 0 ||
        strcmp(groups[last].name, MIC_SEAL) != 0)
        return err_set(err, ERR_INPUT,
                       "record at offset %llu does not begin with " MIC_CARD " and end with " MIC_SEAL,
                       (unsigned long long)record->offset);
    for (size_t i = 1; i < last; i++) {
        bool chip = strcmp(groups[i].name, job->chip_mic) == 0;
        if (mic_is_reserved(groups[i].name) || (chip && has_chip))
            return err_set(err, ERR_INPUT, "group %s at offset %llu does not belong there", groups[i].name,
                           (unsigned long long)groups[i].offset);
        has_chip = has_chip || chip;
    }
    return true;
}

static bool check_card(const struct card_group *card, const struct job_group *job, struct err *err)
{
    bool known = job->pass_count > 0 ? job_group_has_pass(job, card->job_id)
                                     : bytes_equal(card->job_id, JOB_ID_LEN, job->job_id, JOB_ID_LEN);
    if (!known) return err_set(err, ERR_INTEGRITY, "group " MIC_CARD ": job id (D2) is that of another job");
    if (card->number < job->first_record || card->number > job->planned)
        return err_set(err, ERR_INTEGRITY,
                       "group " MIC_CARD ": the file's records are numbered from %llu to %llu at most",
                       (unsigned long long)job->first_record, (unsigned long long)job->planned);
    return true;
}

static bool check_kek(const uint8_t kekid[KEKID_LEN], const struct job_group *job, struct err *err)
{
    char text[2 * KEKID_LEN + 1];
    if (job_group_kek(job, kekid)) return true;
    hex_write(text, sizeof(text), kekid, KEKID_LEN, false);
    return err_set(err, ERR_INTEGRITY, "KEK %s is not listed in group " MIC_JOB " (D7)", text);
}

static bool check_seal(const struct seal_group *seal, const struct job_group *job, struct err *err)
{
    if (!bytes_equal(seal->job_id, JOB_ID_LEN, job->job_id, JOB_ID_LEN)) {
        err_set(err, ERR_INTEGRITY, "job id is that of another pass");
    } else if (check_kek(seal->kekid, job, err)) {
        return true;
    }
    err_prefix(err, "group " MIC_SEAL);
    return false;
}

static bool check_entries(const struct card_record *record, const struct job_group *job, struct err *err)
{
    for (size_t i = 0; i < record->entry_count; i++) {
        const struct entry *entry = &record->entries[i];
        bool ok = entry_check(entry, &record->card, err);
        if (ok && entry->sealed) ok = check_kek(entry->kekid, job, err);
        if (ok) continue;
        char aid[2 * AID_MAX + 1];
        hex_write(aid, sizeof(aid), entry->aid, entry->aid_len, false);
        err_prefix(err, "entry of AID %s at offset %llu", aid, (unsigned long long)entry->offset);
        return false;
    }
    return true;
}

bool card_record_read(const struct mic_record *record, const struct job_group *job, struct card_record *out,
                      struct err *err)
{
    const struct mic_group *chip = mic_find(record, job->chip_mic);
    out->entry_count = 0;
    if (!check_groups(record, job, err)) return false;
    if (!card_group_read(&record->groups[0], &out->card, err)) return false;
    bool ok = check_card(&out->card, job, err) &&
              seal_group_read(&record->groups[record->group_count - 1], &out->seal, err) &&
              check_seal(&out->seal, job, err) &&
              (!chip || entry_read_all(chip, out->entries, &out->entry_count, err)) &&
              check_entries(out, job, err);
    if (!ok)
        err_prefix(err, "record %llu at offset %llu", (unsigned long long)out->card.number,
                   (unsigned long long)record->offset);
    return ok;
}
