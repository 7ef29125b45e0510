/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_REFERENCE_H
#define POLICY_REFERENCE_H

#include "policy/base/arena.h"
#include "policy/base/error.h"

#include <stdbool.h>

/*
 * An image reference, parsed and normalised exactly as the container runtime
 * does it (https://pkg.go.dev/github.com/distribution/reference,
 * ParseDockerRef), and stricter where a name could mean two hosts:
 * uppercase or '_' in a host, a port out of range, numeric hosts in other
 * than canonical form.
 *
 * All strings live in the arena given to reference_parse().
 */
struct reference {
	const char *text; /* as written */
	const char *name; /* "docker.io/library/nginx": host and path */
	/*
	 * The name that globs see, reference_common_name(), so that no rule
	 * about a registry can be walked around.
	 */
	const char *common_name;
	const char *host; /* "docker.io", "registry.corp:5000" */
	const char *path; /* "library/nginx" */
	const char
	    *tag; /* "latest" where neither is given; NULL with a digest */
	const char *digest;      /* "sha256:..." or NULL */
	const char *tag_written; /* as written, NULL where there is none */
};

enum { REFERENCE_MAX = 1024 };

/*
 * Returns 0, or -1 with *err: ERR_REFERENCE with the reason, ERR_NOMEM.
 * The message quotes at most 64 sanitised bytes of the text.
 */
int reference_parse(struct reference *ref, const char *text, struct arena *mem,
    struct error *err);

/* "name:tag" or "name@digest", normalised; as long as the arena. NULL when
 * memory is out. */
const char *reference_canonical(const struct reference *ref, struct arena *mem);

/*
 * A name, or a glob over names, with one host for all spellings of a registry:
 * docker.io for its other names, none with the port that goes without saying
 * (":443"). Itself, or a copy in `mem`; NULL when memory is out.
 */
const char *reference_common_name(const char *name, struct arena *mem);

/* A digest of an algorithm we can verify, in canonical form:
 * sha256:<64 lowercase hex> or sha512:<128 lowercase hex>. */
bool reference_is_digest(const char *digest);

#endif
