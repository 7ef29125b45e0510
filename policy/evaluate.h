/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_EVALUATE_H
#define POLICY_EVALUATE_H

#include "policy/facts.h"
#include "policy/reference.h"
#include "policy/ruleset.h"
#include "policy/workload.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The judge: ruleset x workload x facts -> report. Pure.
 *
 * A decision takes two steps, because fetching is not the judge's work:
 *
 *	plan = plan_new(rs, w, now, err);    which references are needed
 *	... the gate fills plan->images[i].facts or .fault, plan->bases[i]
 *	report = evaluate(plan, err);
 */

/* VERDICT_NONE is "not judged": what everything starts as. It never leaves
 * evaluate(). */
enum verdict {
	VERDICT_NONE,
	VERDICT_ALLOW,
	VERDICT_WARN,
	VERDICT_DENY,
	VERDICT_ERROR,
};

const char *verdict_name(enum verdict v); /* "allow" */

/* Why an image could not be judged, in the words users see. */
struct fault {
	const char *code;    /* "NOT_FOUND", static; NULL: no fault */
	bool may_heal;       /* waiting may help: ask the caller to come back */
	int retry_after;     /* seconds the registry asked for, or 0 */
	const char *message; /* in the plan's arena */
};

/* One container's image in a plan. */
struct plan_image {
	const struct container *container;
	bool judged; /* some rule matches, and it is not unchanged */
	bool parsed; /* ref is valid; else fault says why not */
	bool fetch;  /* the gate is to set facts or fault */
	struct reference ref;
	struct image_set *facts; /* a reference, or NULL */
	struct fault fault;
	/* What it replaces, where a rule compares: the gate sets its facts if
	 * it can. That it cannot is no fault. */
	bool fetch_replaced;
	struct reference replaced_ref;
	struct image_set *replaced;      /* a reference, or NULL */
	const struct rule *const *rules; /* those that match, in their order */
	size_t nrules;
};

enum {
	PLAN_OLDER_MAX = 4,   /* earlier meanings of a base's name */
	PLAN_CLAIMS_MAX = 16, /* of one plan */
};

struct plan_base {
	bool fetch;              /* some rule that matches asks for it */
	struct image_set *facts; /* a reference, or NULL: could not be had */
	/* What the name meant before, as far as anybody remembers: a reference
	 * each. */
	struct image_set *older[PLAN_OLDER_MAX];
	size_t nolder;
	struct fault fault;
};

/* An earlier meaning of a base's name, by the word of an image's annotation:
 * worth nothing until its layers are there to be compared. */
struct plan_claim {
	size_t base; /* index into bases */
	struct reference ref;
	struct image_set *facts; /* a reference, or NULL: could not be had */
};

struct plan {
	struct arena *mem;
	struct ruleset *rules;           /* a reference */
	const struct workload *workload; /* borrowed */
	int64_t now; /* seconds since the epoch: which waivers still work */
	/* What nodes could run it: the policy's platforms narrowed by the
	 * workload's. n = 0: every runnable platform counts. */
	struct platform_set platforms;
	struct plan_image *images; /* one per container, in its order */
	size_t nimages;
	struct plan_base *bases; /* one per ruleset base */
	size_t nbases;
	struct plan_claim claims[PLAN_CLAIMS_MAX];
	size_t nclaims;
};

/*
 * An unparsable reference is INVALID_REFERENCE at once. An image that a
 * `source` demand in enforce mode refuses is not fetched: its host is not to
 * be talked to. Where the policy's platforms and the workload's have nothing in
 * common, nothing is fetched and the images are NO_RUNNABLE_PLATFORM.
 * `now` is in seconds since the epoch. The workload is borrowed until
 * plan_free(). Returns NULL with *err set to ERR_NOMEM.
 */
struct plan *plan_new(struct ruleset *rs, const struct workload *w, int64_t now,
    struct error *err);
void plan_free(struct plan *p);

/*
 * Once facts are there: which digests of listed bases the images name in their
 * annotations, and nothing has proved yet. They are in p->claims, to be
 * fetched where they may be had; they are of the base's own repository.
 * Returns 0, or -1 when memory is out.
 */
int plan_find_claims(struct plan *p);
OWNED(struct plan, plan_free)

/*
 * One check that one image failed. Text is sanitised and in the report's
 * arena. Every platform is judged; where several fail the same check of the
 * same rule, the worst of them speaks for all (the first in the index where
 * they are equal).
 */
struct finding {
	const struct rule *rule;
	const char *check; /* "size.max" */
	/* "linux/amd64"; "" where the reference is judged */
	const char *platform;
	const char *actual;   /* "812 MiB" */
	const char *limit;    /* "300 MiB" */
	const char *message;  /* one sentence, at most 256 bytes */
	const char *evidence; /* "" where there is none */
	const char *fix;
	/* The waiver that is meant for it, or NULL: in effect where `waived`,
	 * else expired. */
	const struct waiver *waiver;
	bool waived; /* the finding has no effect */
};

/* Whether it has the effect of a rule in that mode. */
static inline bool
finding_does(const struct finding *f, enum mode mode)
{
	return f->rule->mode == mode && !f->waived;
}

enum base_how { BASE_NONE, BASE_LAYERS, BASE_ANNOTATION, BASE_LABEL };
const char *base_how_name(enum base_how how); /* "layers" */

/* One platform as judged. */
struct report_platform {
	const struct image *image; /* borrowed from the plan's facts */
	const char *platform;
	const char *base_name;   /* "" where unknown */
	const char *base_digest; /* "" where unknown */
	enum base_how base_how;
	size_t base_layers;
	/* What lies beneath with these layers; NULL where none is proved. */
	const struct image *base;
	/* The base's name means another image by now: this one, where it has
	 * one for the platform, else NULL. */
	bool base_is_stale;
	const struct image *base_today;
};

struct report_image {
	const struct container *container;
	const char *resolved; /* "name@sha256:...", or NULL */
	/* false: no rule matched, or unchanged; the verdict is allow */
	bool judged;
	enum verdict verdict;
	const struct report_platform *platforms;
	size_t nplatforms;
	const struct finding *findings; /* most important first */
	size_t nfindings;
	struct fault fault;
	enum on_error on_error; /* what becomes of the fault */
};

struct report {
	const struct plan *plan;
	enum verdict verdict; /* the worst of the images' */
	const struct report_image *images;
	size_t nimages;
};

/* Once so many bytes of manifests and configs have been looked through, the
 * images that follow are TOO_LARGE. */
enum { EVALUATE_TEXT_MAX = 16 * 1024 * 1024 };

/*
 * The report lives in the plan's memory. Returns NULL with *err set to
 * ERR_NOMEM. An image that was to be fetched and has neither facts nor fault
 * could not be judged: INTERNAL.
 * Verdict of one image: deny where an enforced finding stands, or the
 * reference is invalid; else error where it could not be judged and onError
 * is deny (warn or allow where it says so); else warn; else allow. A rule that
 * could not be judged does no more than its findings would: onError counts as
 * warn where the strictest of such rules is in warn mode, as allow where it is
 * in audit mode or waived.
 */
struct report *evaluate(const struct plan *p, struct error *err);

/* The verdict that findings and fault of an image amount to. */
enum verdict report_image_verdict(const struct report_image *img);

#endif
