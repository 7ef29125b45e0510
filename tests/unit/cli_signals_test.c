/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/signals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <unistd.h>

/* As long as SIGHUP went on coming, SIGTERM was not looked at. */
static void
sigterm_is_not_kept_waiting_by_sighup(void **state)
{
	struct error err = ERROR_INIT;
	const int fd = signals_take(&err);

	(void)state;
	assert_true(fd >= 0);
	assert_false(signals_end(fd));
	kill(getpid(), SIGHUP);
	assert_false(signals_end(fd));
	kill(getpid(), SIGHUP);
	kill(getpid(), SIGTERM);
	assert_true(signals_end(fd));
	assert_false(signals_end(fd));
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sigterm_is_not_kept_waiting_by_sighup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
