/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_RULESET_PARSE_H
#define POLICY_RULESET_PARSE_H

#include "policy/checks/check.h"

/* Private to the parsing of a policy file. */

/* What one pass over the document carries along. */
struct parsing {
	struct check_parser checks; /* first: add_base() finds the rest by it */
	struct reader reader;
	struct ruleset *rs;      /* the one in the making */
	struct rule *rules;      /* rs->rules, not yet const */
	struct reference *bases; /* rs->bases, room for RULESET_BASES_MAX */
	json_t *names;           /* of rules: to their index */
	enum mode mode;          /* what rules have that give none */
};

/* `waivers` of the document. What is wrong is reported. */
void waivers_parse(struct parsing *p, const struct node *root);

#endif
