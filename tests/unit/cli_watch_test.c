/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/watch.h"

#include "tests/unit/shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *next; /* to be renamed to what was not there to watch */

int
inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	const int rc =
	    (int)syscall(SYS_inotify_add_watch, fd, path, (unsigned long)mask);

	if (rc < 0 && next != NULL) {
		assert_int_equal(rename(next, path), 0);
		next = NULL;
	}
	return rc;
}

static bool
is_told(const struct watch *w)
{
	struct pollfd p = {.fd = watch_fd(w), .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

static void
a_folder_that_comes_while_it_is_looked_for_is_watched(void **state)
{
	struct error err = ERROR_INIT;
	AUTO(watch_free) struct watch *w = watch_new(&err);
	char served[256], fresh[256];

	snprintf(served, sizeof(served), "%s/served", (char *)*state);
	snprintf(fresh, sizeof(fresh), "%s/fresh", (char *)*state);
	run("mkdir %s %s; echo a >%s/a.yaml", served, fresh, fresh);
	assert_non_null(w);
	watch_add(w, served);
	assert_false(watch_changed(w));
	run("rmdir %s", served);
	next = fresh;
	assert_true(watch_changed(w));
	assert_null(next);
	/* As serve asks until nothing changes any more. */
	while (watch_changed(w))
		;
	assert_false(is_told(w));
	run("echo b >>%s/a.yaml", served);
	assert_true(is_told(w));
	assert_true(watch_changed(w));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		a_folder_that_comes_while_it_is_looked_for_is_watched,
		make_folder, remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
