/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_CHECKS_CHECK_H
#define POLICY_CHECKS_CHECK_H

#include "policy/evaluate.h"
#include "policy/read.h"
#include "policy/ruleset.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The checks: one file per key of a rule's `check` and one line in the table
 * of checks.c. A key ("size") has fields ("max", "maxLayer"); most fields are a
 * check of their own ("size.max"), some only tune those of their key
 * ("base.verify").
 */

/* What the value of a field is, and as what it stands in the parameters.
 * Absent is zero everywhere. */
enum value_kind {
	VALUE_SIZE,  /* bytes, at least 1: int64_t */
	VALUE_COUNT, /* at least 1: int64_t */
	/* One of `words`, the first of which demands: int, from 1. */
	VALUE_CHOICE,
	VALUE_GLOBS,    /* over names of images: string_list */
	VALUE_TAGS,     /* globs over tags: string_list */
	VALUE_BASES,    /* references: struct base_list */
	VALUE_DURATION, /* seconds, at least 1: int64_t */
	VALUE_PERCENT,  /* tenths of a percent, at least 1: int */
	VALUE_NAMES,    /* globs over names of variables, labels: string_list */
	VALUE_PAIRS,    /* names to globs over their values: pair_list */
	VALUE_WORDS,    /* some of `words`: uint32_t, bit i for words[i] */
	VALUE_PORTS,    /* struct port_list */
	VALUE_PLATFORMS, /* platform_set */
	VALUE_PATTERNS,  /* struct pattern_list */
};

/* Indices into ruleset.bases. */
struct base_list {
	const size_t *items;
	size_t n;
};

/* "1-1023/udp": ports from `first` to `last` of a protocol, or of any. */
struct port_range {
	uint16_t first;
	uint16_t last;
	const char *protocol; /* "" stands for any */
};

struct port_list {
	const struct port_range *items;
	size_t n;
};

/* What an instruction must not look like, and the reason why. */
struct pattern {
	const char *match; /* a glob in which * crosses '/' */
	const char *because;
};

struct pattern_list {
	const struct pattern *items;
	size_t n;
};

struct check_field {
	const char *name;         /* "max"; "" in a key without a mapping */
	const char *check;        /* "size.max"; NULL: tunes the others */
	size_t at;                /* offset in the parameters */
	const char *const *words; /* VALUE_CHOICE; ends with NULL */
	const char *fix; /* what helps: in the imperative, no full stop */
	/* What it demands, for who reads the reference: sentences. */
	const char *about;
	enum value_kind kind;
	bool may_be_empty; /* lists: nothing in it is fine */
	bool no_excludes;  /* VALUE_NAMES: '!' means nothing */
};

/* The words of many a field, in this order. */
enum { CHOICE_DEMANDS = 1, CHOICE_ALLOW = 2 };
extern const char *const check_deny_allow[];

/* What a key looks at. */
struct subject {
	const struct plan *plan;
	const struct container *container;
	const struct reference *ref;
	/* Both NULL for keys that judge the reference. */
	const struct image *image;
	const struct report_platform *platform;
	/* What it replaces, NULL where nothing is known of that. */
	const struct image_set *replaced;
	/* All platforms; NULL where nothing is known of them. */
	const struct image_set *set;
};

/* Where findings go. */
struct findings;

/* One check that failed. The texts are borrowed; they are sanitised,
 * shortened and copied. */
struct breach {
	const struct check_field *field;
	int64_t weight; /* the more, the worse: the worst platform speaks */
	const char *actual;
	const char *limit;
	const char *message;  /* a sentence without a full stop */
	const char *evidence; /* likewise; NULL: none */
	const char *fix;      /* NULL: the field's */
	/* Tells apart what one field finds several of; static; NULL: one. */
	const char *detail;
};

/* The texts of a breach that are put together; each may stay empty. */
struct breach_text {
	struct buf actual;
	struct buf limit;
	struct buf message;
	struct buf evidence;
};

enum { BREACH_TEXT_MAX = 4 * REFERENCE_MAX };
#define BREACH_TEXT_INIT                                                 \
	{                                                                \
		BUF_INIT(BREACH_TEXT_MAX), BUF_INIT(BREACH_TEXT_MAX),    \
		    BUF_INIT(BREACH_TEXT_MAX), BUF_INIT(BREACH_TEXT_MAX) \
	}

void breach_text_clear(struct breach_text *t);
OWNED_IN_PLACE(struct breach_text, breach_text_clear)

/* Writes actual and limit by `add`, which rounds; where both would read the
 * same then, exactly, in `unit`. */
void breach_measure(struct breach_text *t, int64_t actual, int64_t limit,
    int (*add)(struct buf *b, int64_t value), const char *unit);

/* All return 0, or -1 when memory is out. The second takes those texts that
 * are not empty, the third says that the key could not be judged at all;
 * `fault` is copied. */
int findings_add(struct findings *out, const struct breach *b);
int findings_add_text(
    struct findings *out, struct breach *b, const struct breach_text *t);
int findings_fault(struct findings *out, const struct fault *fault);

struct check_key {
	const char *name;                 /* "size" */
	const struct check_field *fields; /* ends with name NULL */
	size_t params_size;
	bool needs_facts;   /* false: judged from the reference alone */
	bool guards_fetch;  /* an enforced finding keeps the image unfetched */
	bool needs_process; /* nothing to judge where nothing is run */
	bool compares;      /* with the image that is replaced */
	bool judges_set;    /* all platforms at once, not one by one */
	/* `volumes: deny`: one field, and no mapping around its value. */
	bool is_plain;
	const char *about;   /* why anybody would care: a paragraph */
	const char *example; /* "{max: 300Mi}": what may stand under it */
	/* Lines to paste that do it well; the first is a comment that says
	 * where. */
	const char *paste;
	const char *blind; /* what it cannot see: sentences */
	/* 0, or -1 when memory is out. */
	int (*evaluate)(
	    const void *params, const struct subject *s, struct findings *out);
	/* Whether these parameters ask what lies above the base, so that every
	 * base that is listed anywhere is needed; NULL: never. */
	bool (*wants_bases)(const void *params);
};

/* Ends with NULL. */
extern const struct check_key *const check_keys[];

enum { CHECK_FIELDS_MAX = 16 }; /* of one key */

/* What a key's parameters are read with. */
struct check_parser {
	struct reader *reader;
	/* Registers a base image, once per reference; returns its index in
	 * ruleset.bases, or -1 after reporting at `n`. */
	int (*add_base)(struct check_parser *p, const struct node *n);
};

/* The bases that a demand lists, in all its fields: calls found() with each
 * index. */
void check_bases(const struct check_key *key, const void *params,
    void (*found)(void *arg, size_t base), void *arg);

/*
 * Reads the mapping under a key into fresh parameters. NULL after reporting
 * what is wrong, and where the key demands nothing (a warning).
 */
const void *check_parse(const struct check_key *key, struct check_parser *p,
    const struct node *value);

#endif
