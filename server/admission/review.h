/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_ADMISSION_REVIEW_H
#define SERVER_ADMISSION_REVIEW_H

#include "policy/base/error.h"
#include "policy/workload.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * AdmissionReview v1 and v1beta1 of admission.k8s.io
 * (k8s.io/api/admission/v1), decoded and answered.
 */

enum { REVIEW_BYTES_MAX = 7 * 1024 * 1024, REVIEW_DEPTH_MAX = 512 };

struct review {
	struct arena *mem;
	json_t *root;            /* the parsed body */
	const char *api_version; /* "admission.k8s.io/v1" */
	const char *uid;
	const char *operation; /* "CREATE", as sent; "" where absent */
	const char *kind;      /* request.kind.kind */
	const char *resource;
	const char *subresource; /* "" where there is none */
	const char *namespace;
	const char *name;
	const char *username;
	bool dry_run;
	/* What is to be judged; NULL: nothing here concerns images, allow. */
	struct workload *workload;
	/* A pod whose parts have the wrong types: deny, with this reason in
	 * `mem`. NULL otherwise. */
	const char *malformed;
};

/*
 * Reads a request body, borrowed for the call only. Returns NULL with *err:
 * ERR_SYNTAX (not JSON), ERR_INVALID (not a review: no request, no uid, an
 * unknown version or kind), ERR_LIMIT, ERR_NOMEM. The message is fit for the
 * caller.
 */
struct review *review_parse(const char *body, size_t len, struct error *err);
void review_free(struct review *r);
OWNED(struct review, review_free)

/* The answer to a review. */
struct review_answer {
	bool allowed;
	int code;            /* 403 or 503 on a denial */
	int retry_after;     /* seconds, with 503 */
	const char *message; /* on a denial */
	json_t *warnings;    /* borrowed array of strings, or NULL */
	json_t *annotations; /* borrowed object of strings, or NULL */
};

/* The encoded AdmissionReview, with the request's apiVersion and uid; free()
 * it. NULL with *err: ERR_NOMEM. */
char *review_answer_encode(const struct review *r,
    const struct review_answer *a, size_t *len, struct error *err);

#endif
