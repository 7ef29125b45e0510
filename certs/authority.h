/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_AUTHORITY_H
#define CERTS_AUTHORITY_H

#include "certs/set.h"
#include "policy/base/buf.h"
#include "policy/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A certificate authority of one's own and the leaf that it signs: ECDSA
 * P-256, RFC 5280. Times and lives are in seconds; notBefore is an hour before
 * `now` for clocks that are behind.
 *
 * They are renewed when a third of their life is left, the authority in steps:
 * first ca.crt gets the new one beside the old one, which still signs what is
 * served; when clients have had `overlap` to take the new bundle the leaf is
 * replaced; and after `overlap` again, when nobody serves the old leaf any
 * more, the old authority goes. Where things stand is read from the
 * certificates themselves: nothing else has to be remembered.
 */

struct authority_request {
	/* DNS names and IP addresses: the leaf's SANs. None: those of the leaf
	 * that is there. */
	const char *const *names;
	size_t nnames;
	int64_t now;
	int64_t ca_life;   /* 10 years is usual, 100 the most */
	int64_t leaf_life; /* 90 days is usual; not over ca_life */
	int64_t overlap;   /* at most a quarter of leaf_life, and a twelfth of
			      ca_life: what is due can wait that long */
	bool renew_ca;     /* whatever is left of it */
	bool renew_leaf;
	/* An authority that cannot sign (its key is not there, or another's)
	 * is replaced as one that is due. */
	bool mend;
	/* Clients do not have ca.crt as it is: no leaf of another authority
	 * yet. */
	bool unpublished;
};

/* What was done, and when there is something to do again. */
struct authority_report {
	bool new_ca;
	bool new_leaf;
	int dropped;           /* authorities that went from ca.crt */
	struct error ca_why;   /* why a new authority was needed, if it was */
	struct error leaf_why; /* likewise; or why there soon will be */
	int64_t ca_not_after;
	int64_t leaf_not_after;
	int64_t next;
	const char *next_what; /* static: "a new certificate" */
};

/*
 * What is to stand in the place of `have` at r->now; parts that need no change
 * are copied. A leaf that works is kept until its successor can be trusted; one
 * that does not is replaced at once.
 * ERR_INVALID (a name, a life; the authority cannot sign and r->mend is not
 * set), ERR_LIMIT, ERR_NOMEM, ERR_INTERNAL.
 */
int authority_plan(const struct authority_set *have,
    const struct authority_request *r, struct authority_set *next,
    struct authority_report *report, struct error *err);

/* Writes ca.crt, ca.key, tls.crt and tls.key (keys 0600) into `dir`, all at
 * once, making it where it is missing. Without `force` an existing file is
 * ERR_INVALID and nothing is written. Other errors: ERR_INVALID (a name, a
 * life), ERR_UNAVAILABLE (another writes there), ERR_SYSTEM, ERR_LIMIT,
 * ERR_NOMEM, ERR_INTERNAL. */
int authority_init(const char *dir, const struct authority_request *r,
    bool force, struct error *err);

/* authority_plan() for the files in `dir`, put in place where something
 * changes. Two at a time do not work: ERR_UNAVAILABLE. Other errors: those of
 * authority_plan(), ERR_SYSTEM. */
int authority_renew(const char *dir, const struct authority_request *r,
    struct authority_report *report, struct error *err);

/* Adds what people want to know of each certificate in a PEM file: subject,
 * issuer, SANs, validity and days left at `now`, key, fingerprint. ERR_SYNTAX,
 * ERR_SYSTEM, ERR_LIMIT, ERR_NOMEM. */
int certificate_describe(
    const char *file, int64_t now, struct buf *out, struct error *err);

/* The same as objects, appended to the JSON array `out`. */
int certificate_describe_json(
    const char *file, int64_t now, json_t *out, struct error *err);

/* Adds the certificates of a PEM file and nothing else that is in it. The same
 * errors. */
int certificate_bundle(const char *file, struct buf *out, struct error *err);

#endif
