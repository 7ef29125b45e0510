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

enum {
	REVIEW_BYTES_MAX = 64 * 1024 * 1024, /* jansson bounds the depth */
	REVIEW_UID_MAX = 256, /* a UUID has 36; the answer repeats it */
};

/* Strings are never NULL and borrow from the tree. */
struct review {
	struct arena *mem;
	json_t *root;            /* the parsed body, a reference */
	const char *api_version; /* "admission.k8s.io/v1" */
	const char *uid;
	const char *operation;   /* "CREATE", as sent; "" where absent */
	const char *kind;        /* request.kind.kind */
	const char *resource;    /* request.resource.resource */
	const char *subresource; /* "" where there is none */
	const char *namespace;
	const char *name; /* or generateName; "" where there is neither */
	const char *username;
	bool dry_run;
	/*
	 * Look at this first. A review whose parts, or whose pod's parts, have
	 * the wrong types: deny, with this reason in `mem`; there is no
	 * workload then. NULL otherwise.
	 */
	const char *malformed;
	/*
	 * What is to be judged, the review's until it is taken (TAKE()); it
	 * may outlive the review. NULL: nothing here concerns images, allow.
	 */
	struct workload *workload;
	/* A pod being created, and not the mirror of a static pod: it may be
	 * changed on its way. */
	bool patchable;
	/* The mirror of a static pod, as its node creates it: the pod runs
	 * whatever becomes of its mirror. Only nodes may say so. */
	bool mirror;
};

/*
 * Reads a request body, borrowed for the call only. Returns NULL with *err:
 * ERR_SYNTAX (not JSON, or a key stands twice in one object), ERR_INVALID (not
 * a review: no request, no uid, an unknown version or kind), ERR_LIMIT,
 * ERR_NOMEM. The message is fit for the caller: it quotes nothing.
 *
 * DELETE, CONNECT and the subresources that cannot bring an image in have no
 * workload. Every other operation and subresource is read as if it were a
 * CREATE or an UPDATE. On UPDATE a container is `unchanged` where the old
 * object has one of the same name in the same list, with the same image and
 * the same effective user, and both agree on platforms, Windows and hostUsers.
 */
struct review *review_parse(const char *body, size_t len, struct error *err);

/* The same from a parsed body; takes a reference of its own. */
struct review *review_of_tree(json_t *root, struct error *err);
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
	json_t *patch;       /* borrowed array of JSON Patch, or NULL */
};

/*
 * The encoded AdmissionReview, with the request's apiVersion and uid; free()
 * it. Invalid UTF-8 and control characters (but a message's line feeds) are
 * replaced, so that an answer can always be given. NULL with *err: ERR_NOMEM.
 */
char *review_answer_encode(const struct review *r,
    const struct review_answer *a, size_t *len, struct error *err);

#endif
