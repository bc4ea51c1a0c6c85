#include "bureau/check_pool.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "formats/mic.h"

enum { SLOTS_PER_WORKER = 8 };

enum slot_state { SLOT_FREE, SLOT_FULL, SLOT_TAKEN, SLOT_DONE };
struct slot {
    enum slot_state state;
    struct buf record;
    uint64_t number, offset;
    bool ok;
    struct err err;
};

struct worker {
    struct check_pool *pool;
    struct token_process *process;
    pthread_t thread;
};

/* The window: slots in the order of the file; due is the oldest one that is not free. All under the lock. */
struct check_pool {
    pthread_mutex_t lock;
    pthread_cond_t work, verdict;
    struct slot *slots;
    size_t slot_count;
    uint64_t put, taken, due;
    bool keys_only, over;
    struct worker workers[CHECK_WORKERS_MAX];
    size_t started;
};

static struct slot *slot_of(struct check_pool *pool, uint64_t index)
{
    return &pool->slots[index % pool->slot_count];
}

/* The next record to check; NULL when there will be none. */
static struct slot *take(struct check_pool *pool)
{
    struct slot *slot = NULL;
    pthread_mutex_lock(&pool->lock);
    while (!pool->over && pool->taken == pool->put)
        pthread_cond_wait(&pool->work, &pool->lock);
    if (!pool->over) {
        slot = slot_of(pool, pool->taken++);
        slot->state = SLOT_TAKEN;
    }
    pthread_mutex_unlock(&pool->lock);
    return slot;
}

static void give_back(struct check_pool *pool, struct slot *slot)
{
    pthread_mutex_lock(&pool->lock);
    slot->state = SLOT_DONE;
    pthread_cond_signal(&pool->verdict);
    pthread_mutex_unlock(&pool->lock);
}

static void *work(void *context)
{
    struct worker *w = context;
    for (struct slot *slot = take(w->pool); slot; slot = take(w->pool)) {
        slot->ok = token_process_check(w->process, slot->record.data, slot->record.len, w->pool->keys_only,
                                       &slot->err);
        give_back(w->pool, slot);
    }
    return NULL;
}

static bool start(struct check_pool *pool, struct token_process *process, struct err *err)
{
    struct worker *w = &pool->workers[pool->started];
    *w = (struct worker){.pool = pool, .process = process};
    int failed = pthread_create(&w->thread, NULL, work, w);
    if (failed) return err_set_errno(err, ERR_INTERNAL, failed, "start a thread");
    pool->started++;
    return true;
}

bool check_pool_new(struct check_pool **out, struct token_process *const *processes, size_t count,
                    bool keys_only, struct err *err)
{
    struct check_pool *pool = calloc(1, sizeof(*pool));
    if (!pool) return err_set_no_memory(err);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->verdict, NULL);
    pool->keys_only = keys_only;
    pool->slot_count = count * SLOTS_PER_WORKER;
    pool->slots = calloc(pool->slot_count, sizeof(*pool->slots));
    bool ok = pool->slots != NULL || err_set_no_memory(err);
    for (size_t i = 0; ok && i < pool->slot_count; i++)
        buf_init(&pool->slots[i].record, MIC_DIGITS + MIC_RECORD_MAX);
    for (size_t i = 0; ok && i < count && i < CHECK_WORKERS_MAX; i++)
        ok = start(pool, processes[i], err);
    if (ok)
        *out = pool;
    else
        check_pool_free(pool);
    return ok;
}

/* Waits for the oldest record's verdict, and frees its place. */
static bool collect(struct check_pool *pool, struct err *err)
{
    struct slot *slot = slot_of(pool, pool->due);
    pthread_mutex_lock(&pool->lock);
    while (slot->state != SLOT_DONE)
        pthread_cond_wait(&pool->verdict, &pool->lock);
    slot->state = SLOT_FREE;
    pool->due++;
    pthread_mutex_unlock(&pool->lock);
    if (slot->ok) return true;
    *err = slot->err;
    err_prefix(err, "record %" PRIu64 " at offset %" PRIu64, slot->number, slot->offset);
    return false;
}

bool check_pool_put(struct check_pool *pool, const uint8_t *record, size_t len, uint64_t number,
                    uint64_t offset, struct err *err)
{
    if (pool->put - pool->due == pool->slot_count && !collect(pool, err)) return false;
    struct slot *slot = slot_of(pool, pool->put);
    buf_clear(&slot->record);
    buf_put(&slot->record, record, len);
    if (!buf_ok(&slot->record, "record", err)) return false;
    slot->number = number;
    slot->offset = offset;
    err_clear(&slot->err);
    pthread_mutex_lock(&pool->lock);
    slot->state = SLOT_FULL;
    pool->put++;
    pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    return true;
}

bool check_pool_finish(struct check_pool *pool, struct err *err)
{
    while (pool->due < pool->put) {
        if (!collect(pool, err)) return false;
    }
    return true;
}

void check_pool_free(struct check_pool *pool)
{
    if (!pool) return;
    pthread_mutex_lock(&pool->lock);
    pool->over = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->started; i++)
        pthread_join(pool->workers[i].thread, NULL);
    for (size_t i = 0; pool->slots && i < pool->slot_count; i++)
        buf_release(&pool->slots[i].record);
    free(pool->slots);
    pthread_cond_destroy(&pool->verdict);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}
