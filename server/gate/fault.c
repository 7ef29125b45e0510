/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gate/fault.h"

static const struct row {
	const char *name;
	bool may_heal;
} rows[] = {
    [ERR_NONE] = {"INTERNAL", true},
    [ERR_SYNTAX] = {"MALFORMED", false},
    [ERR_INVALID] = {"MALFORMED", false},
    [ERR_LIMIT] = {"TOO_LARGE", false},
    [ERR_REFERENCE] = {"INVALID_REFERENCE", false},
    [ERR_UNAUTHORIZED] = {"UNAUTHORIZED", true},
    [ERR_NOT_FOUND] = {"NOT_FOUND", false},
    [ERR_NOT_FOUND_DENIED] = {"NOT_FOUND_OR_DENIED", false},
    [ERR_AUTH_UNSUPPORTED] = {"AUTH_UNSUPPORTED", false},
    [ERR_RATE_LIMITED] = {"RATE_LIMITED", true},
    [ERR_UNAVAILABLE] = {"UNAVAILABLE", true},
    [ERR_TIMEOUT] = {"TIMEOUT", true},
    [ERR_TLS] = {"TLS_ERROR", true},
    [ERR_BLOCKED] = {"ADDRESS_BLOCKED", true},
    [ERR_BUSY] = {"UNAVAILABLE", true},
    [ERR_DIGEST] = {"DIGEST_MISMATCH", false},
    [ERR_SIZE] = {"SIZE_MISMATCH", false},
    [ERR_TRUNCATED] = {"TRUNCATED", true},
    [ERR_UNSUPPORTED] = {"UNSUPPORTED", false},
    [ERR_NO_PLATFORM] = {"NO_RUNNABLE_PLATFORM", false},
    [ERR_SYSTEM] = {"INTERNAL", true},
    [ERR_NOMEM] = {"INTERNAL", true},
    [ERR_INTERNAL] = {"INTERNAL", true},
};

const char *
fault_code(enum err_code code)
{
	return rows[code].name;
}

struct fault
fault_of(const struct error *err, bool discreet, struct arena *mem)
{
	const bool hide = discreet && err->code == ERR_BLOCKED;
	const struct row *row = &rows[hide ? ERR_UNAVAILABLE : err->code];
	struct fault f = {
	    .code = row->name,
	    .may_heal = row->may_heal,
	    .retry_after = err->retry_after,
	};

	/* The registry client words both alike. */
	f.message = arena_strdup(mem, err->msg);
	if (f.message == NULL)
		f.message = "out of memory";
	return f;
}
