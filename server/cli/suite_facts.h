/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_SUITE_FACTS_H
#define SERVER_CLI_SUITE_FACTS_H

#include "policy/evaluate.h"
#include "policy/read.h"

/*
 * The images of a suite (server/cli/suite.h), in a registry's place.
 */
struct suite_known;

struct suite_facts {
	struct reader *reader; /* borrowed; what is read lives in its arena */
	const char *folder;    /* what paths in the suite start from */
	struct buf *report;    /* what is wrong with recorded files */
	struct suite_known *items;
	size_t n;
};

/* A path in the suite as seen from here; NULL when memory is out. */
const char *suite_path(const struct suite_facts *f, const char *path);

/* Reads `images` of the suite; what is wrong is reported. */
void suite_facts_read(struct suite_facts *f, const struct node *root);
void suite_facts_clear(struct suite_facts *f);

/* Gives a plan what the suite knows of what it asks for. */
void suite_facts_bring(const struct suite_facts *f, struct plan *p);

#endif
