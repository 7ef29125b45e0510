/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_CHALLENGE_H
#define SERVER_REGISTRY_CHALLENGE_H

#include "policy/base/arena.h"
#include "policy/base/error.h"

#include <stdbool.h>

/*
 * What WWW-Authenticate asks for (RFC 9110 section 11.6.1; token parameters:
 * https://distribution.github.io/distribution/spec/auth/token/). An answer
 * may have several such headers and several challenges in each.
 */
enum { CHALLENGE_BYTES_MAX = 8 * 1024 };

struct challenges {
	bool basic;          /* Basic is offered */
	bool bearer;         /* Bearer is offered, with a realm */
	const char *realm;   /* of the first usable Bearer challenge */
	const char *service; /* NULL where absent */
};

/*
 * Adds what one header's value says to *c (start from {0}); strings go to
 * `mem`. Unknown schemes are passed over; a malformed header counts as far
 * as it could be read, and so does what is over the bound.
 * Returns 0, or -1 with ERR_NOMEM.
 */
int challenges_add(struct challenges *c, const char *header, struct arena *mem,
    struct error *err);

#endif
