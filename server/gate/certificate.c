/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gate/certificate.h"

#include "policy/base/units.h"

enum { DAY_S = 24 * 60 * 60, LOUD_DAYS = 7 };

void
certificate_log(struct certificate_diary *diary, const struct log *l,
    int64_t not_after, int64_t now)
{
	static const int days[] = {30, 14, 7, 1, 0};
	const int64_t left = not_after - now;
	AUTO(buf_clear) struct buf ends = BUF_INIT(64);
	int n = 0;

	while (n < (int)(sizeof(days) / sizeof(days[0])) &&
	       left <= days[n] * (int64_t)DAY_S)
		n++;
	if (diary->not_after != not_after)
		*diary = (struct certificate_diary){.not_after = not_after};
	if (n <= diary->steps)
		return;
	diary->steps = n;
	units_add_time(&ends, not_after);
	log_event(l, left > LOUD_DAYS * (int64_t)DAY_S ? LOG_WARN : LOG_ERROR,
	    left > 0 ? "certificate_ends_soon" : "certificate_expired", ":s :i",
	    "notAfter", buf_text(&ends), "daysLeft",
	    left > 0 ? left / DAY_S : 0);
}
