/* SPDX-License-Identifier: Apache-2.0 */
/* What is left to a program within the sandbox; less than a second. Each case
 * enters it in a process of its own. */
#include "server/cli/sandbox.h"

#include "server/cli/sandbox_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Where the files of all cases stand. */
static char dir[] = "/tmp/policy-gate-sandbox-XXXXXX";

static const char *
in_dir(const char *name)
{
	static char path[sizeof(dir) + 64];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
put(const char *name)
{
	int fd = open(in_dir(name), O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	close(fd);
}

/* errno, or 0. */
static int
result(long rc)
{
	return rc < 0 ? errno : 0;
}

static int
opens(const char *name, int flags)
{
	return result(open(in_dir(name), flags, 0600));
}

static int
start_a_program(void)
{
	return result(execl("/bin/true", "true", NULL));
}

static int
look_into_processes(void)
{
	return result(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int
fork_itself(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return result(pid);
}

static int
send_signals(void)
{
	return result(kill(getppid(), 0));
}

static int
be_dumpable_again(void)
{
	return result(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int
type_into_a_terminal(void)
{
	return result(ioctl(STDIN_FILENO, TIOCSTI, ""));
}

static int
talk_to_local_services(void)
{
	return result(socket(AF_UNIX, SOCK_STREAM, 0));
}

static void *
in_thread(void *arg)
{
	*(int *)arg = talk_to_local_services();
	return NULL;
}

static int
do_so_in_a_thread(void)
{
	pthread_t thread;
	int got = -1, rc = pthread_create(&thread, NULL, in_thread, &got);

	if (rc == 0)
		rc = pthread_join(thread, NULL);
	return rc == 0 ? got : rc;
}

static int
read_what_was_not_named(void)
{
	return opens("elsewhere/file", O_RDONLY);
}

static int
write_what_it_reads(void)
{
	return opens("read/file", O_WRONLY);
}

static int
add_to_a_folder_it_reads(void)
{
	return opens("read/new", O_WRONLY | O_CREAT);
}

static int
add_a_folder_to_the_cache(void)
{
	return result(mkdir(in_dir("cache/folder"), 0700));
}

static int
read_what_was_named(void)
{
	return opens("read/file", O_RDONLY);
}

static int
read_what_comes_later_beside_it(void)
{
	return opens("read/other", O_RDONLY);
}

static int
read_where_a_link_leads(void)
{
	return opens("linked/link", O_RDONLY);
}

static int
write_the_cache(void)
{
	const int rc = opens("cache/new", O_RDWR | O_CREAT | O_TRUNC);

	return rc != 0 ? rc : result(unlink(in_dir("cache/new")));
}

static int
look_up_names(void)
{
	struct addrinfo *found = NULL;
	const int rc = getaddrinfo("localhost", "443", NULL, &found);

	if (rc == 0)
		freeaddrinfo(found);
	return rc;
}

static int
reach_the_network(void)
{
	return result(socket(AF_INET6, SOCK_STREAM, 0));
}

enum needs { CALLS, FILES };

static const struct test_case {
	const char *name;
	int (*attempt)(void);
	enum needs needs;
	int wanted; /* what it returns; -SIGSYS: it does not come to it */
} cases[] = {
#define CASE(attempt, needs, wanted)             \
	{                                        \
#attempt, attempt, needs, wanted \
	}
    CASE(start_a_program, CALLS, -SIGSYS),
    CASE(look_into_processes, CALLS, -SIGSYS),
    CASE(fork_itself, CALLS, ENOSYS),
    CASE(send_signals, CALLS, ENOSYS),
    CASE(be_dumpable_again, CALLS, ENOSYS),
    CASE(type_into_a_terminal, CALLS, ENOSYS),
    CASE(talk_to_local_services, CALLS, ENOSYS),
    CASE(do_so_in_a_thread, CALLS, ENOSYS),
    CASE(reach_the_network, CALLS, 0),
    CASE(look_up_names, CALLS, 0),
    CASE(read_what_was_not_named, FILES, EACCES),
    CASE(write_what_it_reads, FILES, EACCES),
    CASE(add_to_a_folder_it_reads, FILES, EACCES),
    CASE(add_a_folder_to_the_cache, FILES, EACCES),
    CASE(read_what_was_named, FILES, 0),
    CASE(read_what_comes_later_beside_it, FILES, 0),
    CASE(read_where_a_link_leads, FILES, 0),
    CASE(write_the_cache, FILES, 0),
};

enum { NOT_ENTERED = 125 };

static void
enter_and_attempt(const struct test_case *c)
{
	struct sandbox s;

	sandbox_init(&s, true);
	sandbox_allow_read(&s, in_dir("read/file"));
	sandbox_allow_read(&s, in_dir("linked/link"));
	sandbox_allow_read(&s, in_dir("is/not/there"));
	sandbox_allow_write(&s, in_dir("cache"));
	(void)sandbox_enter(&s);
	if (strcmp(c->needs == CALLS ? s.calls : s.files, "on") != 0)
		_exit(NOT_ENTERED);
	_exit(c->attempt());
}

static void
run_case(void **state)
{
	const struct test_case *c = *state;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		enter_and_attempt(c);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_ENTERED)
		skip();
	assert_int_equal(
	    WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status),
	    c->wanted);
}

static void
is_left_alone_where_not_wanted(void **state)
{
	struct sandbox s;

	(void)state;
	sandbox_init(&s, false);
	sandbox_allow_read(&s, "/");
	assert_false(sandbox_enter(&s));
	assert_string_equal(s.calls, s.files);
	assert_memory_equal(s.calls, "off", 3);
	assert_int_equal(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
}

#define N(a) (sizeof(a) / sizeof(*(a)))

static const uint32_t arches[] = {SCMP_ARCH_X86_64, SCMP_ARCH_AARCH64};

static bool
exists(const char *name, uint32_t arch)
{
	return seccomp_syscall_resolve_name_arch(arch, name) >= 0;
}

/* A name with a mistake in it would be passed over. */
static void
each_call_exists_somewhere(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < N(allowed); i++)
		if (!exists(allowed[i], arches[0]) &&
		    !exists(allowed[i], arches[1]))
			fail_msg("%s", allowed[i]);
	for (i = 0; i < N(deadly); i++)
		if (!exists(deadly[i], arches[0]) ||
		    !exists(deadly[i], arches[1]))
			fail_msg("%s", deadly[i]);
}

/* What arm64 makes instead of what it does not have. */
static const struct {
	const char *name, *instead;
} substitutes[] = {
    {"access", "faccessat"},
    {"epoll_wait", "epoll_pwait"},
    {"lstat", "newfstatat"},
    {"mkdir", "mkdirat"},
    {"open", "openat"},
    {"poll", "ppoll"},
    {"readlink", "readlinkat"},
    {"select", "pselect6"},
    {"stat", "newfstatat"},
    {"time", "clock_gettime"},
    {"unlink", "unlinkat"},
};

static bool
is_allowed(const char *name)
{
	size_t i;

	for (i = 0; i < N(allowed); i++)
		if (strcmp(allowed[i], name) == 0)
			return true;
	return false;
}

static void
arm64_has_something_for_each_call(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < N(allowed); i++) {
		if (exists(allowed[i], SCMP_ARCH_AARCH64))
			continue;
		for (k = 0; k < N(substitutes); k++)
			if (strcmp(allowed[i], substitutes[k].name) == 0 &&
			    is_allowed(substitutes[k].instead))
				break;
		if (k == N(substitutes))
			fail_msg("%s", allowed[i]);
	}
}

static int
set_up(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	mkdir(in_dir("read"), 0700);
	mkdir(in_dir("elsewhere"), 0700);
	mkdir(in_dir("target"), 0700);
	mkdir(in_dir("linked"), 0700);
	put("read/file");
	put("read/other");
	put("elsewhere/file");
	put("target/file");
	return symlink("../target/file", in_dir("linked/link"));
}

static int
tear_down(void **state)
{
	static const char *const made[] = {"read/file", "read/other",
	    "elsewhere/file", "target/file", "linked/link", "read", "elsewhere",
	    "target", "linked", "cache", ""};
	size_t i;

	(void)state;
	for (i = 0; i < N(made); i++)
		(void)remove(in_dir(made[i]));
	return 0;
}

int
main(void)
{
	enum { CASES = N(cases), OTHERS = 3 };
	struct CMUnitTest tests[CASES + OTHERS] = {
	    cmocka_unit_test(is_left_alone_where_not_wanted),
	    cmocka_unit_test(each_call_exists_somewhere),
	    cmocka_unit_test(arm64_has_something_for_each_call),
	};
	size_t i;

	for (i = 0; i < CASES; i++)
		tests[i + OTHERS] = (struct CMUnitTest){.name = cases[i].name,
		    .test_func = run_case,
		    .initial_state = (void *)(uintptr_t)&cases[i]};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
