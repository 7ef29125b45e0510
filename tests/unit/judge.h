/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_JUDGE_H
#define TESTS_UNIT_JUDGE_H

#include "policy/base/buf.h"
#include "policy/base/document.h"
#include "policy/evaluate.h"

#include <stdint.h>

/*
 * A policy, a pod and facts, for tests of the judge. Everything asserts: what
 * fails here is the test's own fault.
 */

enum {
	JUDGE_LAYERS_MAX = 8,
	JUDGE_WORDS_MAX = 8,
	JUDGE_NOW = 1800000000 /* 2027-01-15 */,
};

#define MI (INT64_C(1) << 20)

/* A policy of one rule, which is about images over 300 MiB. */
#define JUDGE_SIZE_RULE(match) \
	"version: 1\nrules:\n" \
	"  - {name: r, check: {size: {max: 300Mi}}, match: {" match "}}\n"

/* One platform of an image. Letters name its layers: the same letter is the
 * same layer. */
struct judge_image {
	const char *platform; /* NULL: linux/amd64 */
	const char *layers;   /* "abc"; NULL: "a" */
	int64_t sizes[JUDGE_LAYERS_MAX];
	const char *by[JUDGE_LAYERS_MAX]; /* instructions */
	const char *user;                 /* NULL: "" */
	const char *claims;               /* base.name annotation */
	const char *claims_digest;        /* base.digest annotation */
	const char *env[JUDGE_WORDS_MAX];
	const char *labels[JUDGE_WORDS_MAX]; /* "name=value" */
	const char *ports[JUDGE_WORDS_MAX];
	const char *volumes[JUDGE_WORDS_MAX];
	const char *entrypoint;
	const char *cmd;
	int64_t created; /* 0: unknown */
	bool lone;       /* the only one, and not of an index */
	bool no_history;
	bool unreliable; /* history */
	/* Of the first one: platforms that nobody asked for. */
	const char *others[JUDGE_WORDS_MAX];
};

/* A new reference. */
struct image_set *judge_set(const struct judge_image *images, size_t n);

/* The first document of a text, the caller's; fails the test where there is
 * none. */
struct document *judge_document(const char *text, size_t len);

/* A new reference, or NULL where the policy is refused; what is said of it, as
 * "p.yaml", goes to *said. */
struct ruleset *judge_read(const char *text, size_t len, struct buf *said);

/* A policy, and what is said of it; "": it is read without a word. */
struct judge_said {
	const char *text;
	const char *wanted;
};

/* Fails at the first of which something else is said. */
void judge_read_each(const struct judge_said *rows, size_t n);

/* A new reference; fails the test with what is wrong. */
struct ruleset *judge_policy(const char *text);

struct judge {
	struct ruleset *rules;
	struct workload *w;
	struct plan *plan;
	struct report *report;
};

/* With a Pod "web-1" in namespace "shop": one container "web" of `image`. */
void judge_open(struct judge *j, const char *policy, const char *image);
/* Another container, to be changed; before judge_plan(). */
struct container *judge_add(
    struct judge *j, const char *name, const char *path, const char *image);
void judge_plan(struct judge *j);
void judge_facts(
    struct judge *j, size_t i, const struct judge_image *images, size_t n);
void judge_base(
    struct judge *j, size_t i, const struct judge_image *images, size_t n);
void judge_evaluate(struct judge *j);
void judge_close(struct judge *j);

/* "deny size.max@linux/amd64 812 MiB>300 MiB; ...": verdict, then findings,
 * then the fault's code. */
void judge_say(const struct judge *j, size_t i, struct buf *b);

/* Fails unless judge_say() says this of the first image. */
void judge_expect(const struct judge *j, const char *name, const char *wanted);

/* Fails with `name` and both texts unless they are equal. */
void judge_same(const char *name, const char *got, const char *wanted);

#endif
