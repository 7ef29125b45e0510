/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gate/waivers.h"

enum { DAY_S = 24 * 60 * 60 };

static void
log_one(const struct log *l, const struct waiver *w, bool expired, int64_t days)
{
	log_event(l, LOG_WARN, expired ? "waiver_expired" : "waiver_ends_soon",
	    ":s :s :s :i", "rule", w->rule->name, "owner", w->owner, "expires",
	    w->expires_on, "daysLeft", days);
}

void
waivers_log(struct waivers_diary *diary, const struct log *l,
    const struct ruleset *rs, int64_t now)
{
	enum waiver_state state;
	int64_t days, said = 0;
	size_t i;

	diary->day = now / DAY_S;
	for (i = 0; i < rs->nwaivers; i++) {
		state = waiver_state(&rs->waivers[i], now, &days);
		if (state != WAIVER_WORKS && said++ < WAIVERS_LOGGED_MAX)
			log_one(
			    l, &rs->waivers[i], state == WAIVER_EXPIRED, days);
	}
	if (said > WAIVERS_LOGGED_MAX)
		log_event(l, LOG_WARN, "waivers_more", ":i", "count",
		    said - WAIVERS_LOGGED_MAX);
}

void
waivers_log_daily(struct waivers_diary *diary, const struct log *l,
    const struct ruleset *rs, int64_t now)
{
	if (now / DAY_S != diary->day)
		waivers_log(diary, l, rs, now);
}
