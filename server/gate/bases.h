/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_GATE_BASES_H
#define SERVER_GATE_BASES_H

#include "policy/evaluate.h"

/*
 * What the names of base images meant before their tags moved on, since this
 * process has been running: an image built last week is then known to stand on
 * last week's base. Safe from any thread.
 */
struct base_memory;

struct base_memory *base_memory_new(void); /* NULL when memory is out */
void base_memory_free(struct base_memory *m);

/*
 * Remembers what `name` means now (b->facts, if any) and fills b->older with
 * references on what it meant before, the latest first. Only the names that
 * were asked for last are kept.
 */
void base_memory_fill(
    struct base_memory *m, const char *name, struct plan_base *b);

#endif
