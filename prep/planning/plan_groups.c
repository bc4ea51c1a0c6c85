/* Groups between CARD and SEAL: those of other modules as they are, those that the job composes, and the chip group's place. */
#include "prep/planning/plan_work.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/outfile.h"

enum { FILE_MAX = 9 * 1024 * 1024, FILE_NAME_MAX = 255 };

static bool is_carried(const struct job *job, const char *mic)
{
    bool listed = false;
    for (size_t i = 0; i < job->carry_mic_count; i++)
        listed = listed || strcmp(job->carry_mics[i], mic) == 0;
    return job->carry == CARRY_ALL || listed == (job->carry == CARRY_LISTED);
}

static bool add(struct card_plan *out, const struct planned_group *group, struct err *err)
{
    if (out->group_count == MIC_GROUPS_MAX - 2) /* CARD and SEAL */
        return err_set(err, ERR_INPUT, "more than %d groups", MIC_GROUPS_MAX - 2);
    out->groups[out->group_count++] = *group;
    return true;
}

static bool has_group(const struct card_plan *plan, const char *mic)
{
    for (size_t i = 0; i < plan->group_count; i++) {
        if (!plan->groups[i].is_chip && strcmp(plan->groups[i].mic, mic) == 0) return true;
    }
    return false;
}

static bool writes_chip(const struct card_plan *plan)
{
    for (size_t i = 0; i < plan->application_count; i++) {
        if (plan->applications[i].action != APPLICATION_LEAVE_OUT) return true;
    }
    return false;
}

/* JOB, CARD, SEAL and END are written anew; the chip group keeps its place. */
static bool take_from_record(const struct planner *p, struct card_plan *out, bool *chip, struct err *err)
{
    const char *chip_in = p->job->input.chip_mic ? p->job->input.chip_mic : p->job->chip_mic;
    for (size_t i = 0; i < out->record.group_count; i++) {
        const struct mic_group *g = &out->record.groups[i];
        struct planned_group group = {g->name, g->data, g->len, false};
        if (mic_is_reserved(g->name)) continue;
        if (strcmp(g->name, chip_in) == 0) {
            if (*chip)
                return err_set(err, ERR_INPUT, "two %s groups, the second at offset %llu", chip_in,
                               (unsigned long long)g->offset);
            group = (struct planned_group){p->job->chip_mic, NULL, 0, true};
            *chip = true;
        } else if (!is_carried(p->job, g->name)) {
            continue;
        } else if (strcmp(g->name, p->job->chip_mic) == 0) {
            return err_set(err, ERR_INPUT, "group %s would stand beside the chip group of the same name",
                           g->name);
        }
        if (!add(out, &group, err)) return false;
    }
    return true;
}

static bool leaves_folder(const char *name)
{
    size_t len = strlen(name);
    return name[0] == '/' || strcmp(name, "..") == 0 || strncmp(name, "../", 3) == 0 ||
           strstr(name, "/../") || (len >= 3 && strcmp(name + len - 3, "/..") == 0);
}

/* The file that a field names, beside the input. */
static bool read_file(const struct planner *p, const struct card_input *in, struct bound_group *g,
                      bool *given, struct err *err)
{
    char name[FILE_NAME_MAX + 1];
    char *path = NULL;
    struct field_text text = plan_field(in, &g->file);
    *given = text.text != NULL;
    if (!*given) return true;
    if (text.len > FILE_NAME_MAX || memchr(text.text, '\0', text.len))
        return err_set(err, ERR_INPUT, "field '%s' holds no file name", g->file.name);
    memcpy(name, text.text, text.len);
    name[text.len] = '\0';
    if (leaves_folder(name))
        return err_set(err, ERR_INPUT, "field '%s': a file must lie in the input's folder", g->file.name);
    if (!file_path_beside(p->job->input.path, name, &path, err)) return false;
    buf_clear(&g->content);
    if (g->content.max == 0) buf_init(&g->content, FILE_MAX);
    bool ok = file_read_all(path, FILE_MAX, &g->content, err);
    if (!ok && err->kind == ERR_FILE && access(path, F_OK) != 0)
        err->kind = ERR_INPUT; /* this card's trouble only */
    free(path);
    return ok;
}

/* A field that no input has is a mistake of the job, not of this card. */
static bool refuse_empty(const struct bound_template *t, const char *name, struct err *err)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct bound_field *f = &t->fields[i];
        if (f->name && strcmp(f->name, name) == 0 && f->index < 0)
            return err_set(err, ERR_CONFIG, "the input has no field '%s'", name);
    }
    return err_set(err, ERR_INPUT, "field '%s' is empty", name);
}

static bool compose(struct planner *p, const struct card_input *in, struct bound_group *g,
                    struct card_plan *out, struct err *err)
{
    struct planned_group group = {g->rule->mic, NULL, 0, false};
    struct rendered rendered;
    bool given = true;
    if (g->rule->file_field) {
        if (!read_file(p, in, g, &given, err)) return false;
        group.data = g->content.data;
        group.len = g->content.len;
    } else {
        if (!plan_render(p, in, &g->template, &rendered, err)) return false;
        given = rendered.empty == 0 || rendered.filled > 0;
        if (given && rendered.empty > 0) return refuse_empty(&g->template, rendered.first_empty, err);
        group.len = p->text.len;
        if (!arena_copy(&p->card, p->text.data, p->text.len, &group.data, err)) return false;
    }
    return !given || add(out, &group, err);
}

bool plan_groups(struct planner *p, const struct card_input *in, struct card_plan *out, struct err *err)
{
    bool chip = false;
    out->group_count = 0;
    if (in->record && !take_from_record(p, out, &chip, err)) return false;
    for (size_t i = 0; i < p->job->group_count; i++) {
        struct bound_group *g = &p->groups[i];
        if (has_group(out, g->rule->mic)) continue;
        if (compose(p, in, g, out, err)) continue;
        err_prefix(err, "group %s", g->rule->mic);
        return false;
    }
    if (chip || !writes_chip(out)) return true;
    return add(out, &(struct planned_group){p->job->chip_mic, NULL, 0, true}, err);
}
