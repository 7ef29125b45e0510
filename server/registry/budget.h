/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_BUDGET_H
#define SERVER_REGISTRY_BUDGET_H

#include "policy/base/error.h"
#include "policy/base/own.h"

#include <stddef.h>

/*
 * How much of large documents is held at a time, by all that goes on. A pod may
 * name many images, each as large as one may be, and what has been read of one
 * is held until its pod is judged. Small documents are not counted, so that
 * those who have no large ones are never refused.
 */

enum { BUDGET_SMALL = 64 * 1024 };

/* Shared by reference; safe from any thread. */
struct budget;

/* With one reference; NULL when memory is out. */
struct budget *budget_new(size_t max);
void budget_unref(struct budget *b); /* NULL is fine */
OWNED(struct budget, budget_unref)

/* What is held already may be over it. */
void budget_set_max(struct budget *b, size_t max);

/* What one holder has of it; zeroed while that is nothing. */
struct budget_share {
	struct budget *of; /* a reference */
	size_t bytes;
};

/*
 * Lets a share grow to `bytes` in all. Without a budget (NULL) all may be had.
 * Returns 0, or -1 with ERR_NOMEM: there is no room, the share is as it was.
 */
int budget_hold(
    struct budget *b, struct budget_share *s, size_t bytes, struct error *err);

/* Hands it to another holder, who has nothing yet. */
void budget_pass(struct budget_share *from, struct budget_share *to);

void budget_release(struct budget_share *s);

#endif
