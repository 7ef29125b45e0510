/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_RULESET_PARSE_H
#define POLICY_RULESET_PARSE_H

#include "policy/checks/check.h"

/* Private to the parsing of policy files. */

/* Where something stands. */
struct place {
	const char *file;
	struct mark at;
};

/* What one pass over the documents carries along. */
struct parsing {
	struct check_parser checks; /* first: add_base() finds the rest by it */
	struct reader reader;       /* reports into the source at hand */
	const struct ruleset_source *sources;
	size_t nsources;
	struct ruleset *rs;      /* the one in the making */
	struct rule *rules;      /* rs->rules, not yet const */
	struct place *named;     /* where each of them has its name */
	struct reference *bases; /* rs->bases, room for RULESET_BASES_MAX */
	json_t *names;           /* of rules: to their index */
	enum mode mode;          /* what rules have that give none */
};

/* Turns to a source: what is reported from here on is about it. Returns its
 * root. */
struct node parsing_enter(struct parsing *p, size_t source);

struct place parsing_place(const struct parsing *p, const struct node *n);

/* The text under an optional key, "" where there is none. */
const char *parsing_text(
    struct parsing *p, const struct node *parent, const char *key);

/* What holds for the policy as a whole: version, name, mode, onError,
 * platforms. What is wrong is reported. */
void settings_parse(struct parsing *p);

/* `waivers` of all documents, once all rules are known. Likewise. */
void waivers_parse(struct parsing *p);

#endif
