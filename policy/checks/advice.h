/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_CHECKS_ADVICE_H
#define POLICY_CHECKS_ADVICE_H

#include "policy/history.h"

/* What is told of each detector of `history.deny`. */
struct advice {
	const char *message; /* of a finding; what was found stands behind it */
	const char *fix;     /* in the imperative, no full stop */
	const char *about;   /* why anybody would care: sentences */
	const char *paste;   /* lines of a Dockerfile that do it well */
	const char *blind;   /* what it cannot see: sentences */
};
extern const struct advice advices[DETECTORS];

#endif
