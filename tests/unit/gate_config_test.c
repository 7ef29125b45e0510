/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gate/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What holds where the config says nothing, or where there is none. */

static void
takes_512_reviews_at_once_of_7_mib_where_nothing_is_said(void **state)
{
	AUTO(buf_clear) struct buf report = BUF_INIT(CONFIG_BYTES_MAX);
	AUTO(config_clear) struct config c;

	(void)state;
	assert_int_equal(config_load(&c, NULL, NULL, &report), 0);
	assert_int_equal(c.max_inflight, 512);
	assert_int_equal(c.max_body, 7 * 1024 * 1024);
	assert_int_equal(report.len, 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		takes_512_reviews_at_once_of_7_mib_where_nothing_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
