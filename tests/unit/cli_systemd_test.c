/* SPDX-License-Identifier: Apache-2.0 */
/* What systemd is told, by a socket of the test's own; milliseconds. */
#include "server/cli/systemd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/policy-gate-systemd-XXXXXX";

/* A socket that listens under a name as $NOTIFY_SOCKET has it. */
static int
listen_as(const char *name)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	const size_t len = strlen(name);
	const int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	memcpy(at.sun_path, name, len);
	if (name[0] == '@')
		at.sun_path[0] = '\0';
	assert_int_equal(
	    bind(fd, (const struct sockaddr *)&at,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
	    0);
	return fd;
}

static void
expect_told(const char *name)
{
	const int there = listen_as(name);
	char got[32] = "";
	int fd;

	setenv("NOTIFY_SOCKET", name, 1);
	fd = systemd_connect();
	assert_true(fd >= 0);
	systemd_tell(fd, "READY=1");
	assert_int_equal(
	    recv(there, got, sizeof(got), MSG_DONTWAIT), strlen("READY=1"));
	assert_string_equal(got, "READY=1");
	close(there);
	systemd_tell(fd, "STOPPING=1"); /* to nobody, any more */
	close(fd);
}

static void
tells_a_socket_in_a_folder(void **state)
{
	(void)state;
	unlink(path);
	expect_told(path);
}

static void
tells_a_socket_that_is_only_a_name(void **state)
{
	char name[sizeof(path) + 1];

	(void)state;
	snprintf(name, sizeof(name), "@%s", path);
	expect_told(name);
}

static void
tells_nobody_where_there_is_no_such_socket(void **state)
{
	static const char *const names[] = {
	    "", "/", "relative", "vsock:2:1", "/is/not/there"};
	char longer[256];
	size_t i;

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(systemd_connect(), -1);
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		setenv("NOTIFY_SOCKET", names[i], 1);
		assert_int_equal(systemd_connect(), -1);
	}
	memset(longer, '/', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	setenv("NOTIFY_SOCKET", longer, 1);
	assert_int_equal(systemd_connect(), -1);
	systemd_tell(-1, "READY=1");
}

static void
knows_the_journal_by_its_stream(void **state)
{
	char stream[64];
	struct stat st;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(fstat(fds[1], &st), 0);
	unsetenv("JOURNAL_STREAM");
	assert_false(systemd_is_journal(fds[1]));
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	assert_true(systemd_is_journal(fds[1]));
	/* Someone has it write into a file. */
	assert_false(systemd_is_journal(STDIN_FILENO));
	assert_false(systemd_is_journal(-1));
	close(fds[0]);
	close(fds[1]);
}

static int
set_up(void **state)
{
	const int fd = mkstemp(path);

	(void)state;
	return fd >= 0 ? close(fd) : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("JOURNAL_STREAM");
	return unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tells_a_socket_in_a_folder),
	    cmocka_unit_test(tells_a_socket_that_is_only_a_name),
	    cmocka_unit_test(tells_nobody_where_there_is_no_such_socket),
	    cmocka_unit_test(knows_the_journal_by_its_stream),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
