/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_GATE_WAIVERS_H
#define SERVER_GATE_WAIVERS_H

#include "policy/ruleset.h"
#include "server/gate/log.h"

/* Says in the log which waivers have expired or will soon. */

enum { WAIVERS_LOGGED_MAX = 100 }; /* lines at once; the rest is counted */

/* When it was last said. */
struct waivers_diary {
	int64_t day; /* since the epoch, UTC */
};

/* Says it at `now`, seconds since the epoch: a line for each such waiver. */
void waivers_log(struct waivers_diary *diary, const struct log *l,
    const struct ruleset *rs, int64_t now);

/* Says it if that has not been done today. */
void waivers_log_daily(struct waivers_diary *diary, const struct log *l,
    const struct ruleset *rs, int64_t now);

#endif
