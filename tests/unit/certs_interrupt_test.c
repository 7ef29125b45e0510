/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A renewal that is killed before each of its system calls, and one in which
 * each of them fails: what is there works, before and after, and the next
 * renewal goes through. A few seconds.
 */
#include "certs/authority.h"
#include "certs/keypair.h"
#include "tests/unit/shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <elf.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DAY = 86400, NOW = 1800000000, PATH = 256, CALLS_MAX = 2000 };

static const char *const names[] = {"policy-gate.policy-gate.svc"};

static const struct authority_request usual = {.names = names,
    .nnames = 1,
    .now = NOW,
    .ca_life = 3650LL * DAY,
    .leaf_life = 90LL * DAY,
    .overlap = 7 * DAY,
    .renew_ca = true,
    .renew_leaf = true};

static int
setup(void **state)
{
	struct error err = ERROR_INIT;

	return make_folder(state) == 0
		   ? authority_init(*state, &usual, true, &err)
		   : -1;
}

/* In the place of a call that the process is about to make: none. */
static void
spoil_call(pid_t pid)
{
#if defined(__x86_64__)
	ptrace(PTRACE_POKEUSER, pid,
	    offsetof(struct user_regs_struct, orig_rax), -1L);
#else
	int none = -1;
	struct iovec v = {&none, sizeof(none)};

	ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &v);
#endif
}

static void
renew_and_end(const char *dir)
{
	struct authority_report report;
	struct error err = ERROR_INIT;
	int rc;

	/* Where even exit_group() fails glibc ends in a forbidden instruction:
	 * cmocka would go on with the tests, in this process too. */
	signal(SIGSEGV, SIG_DFL);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	kill(getpid(), SIGSTOP);
	rc = authority_renew(dir, &usual, &report, &err) == 0 ? 0 : 1;
	/* Past LeakSanitizer, which would make calls by the hundred. */
	syscall(SYS_exit_group, rc);
	_exit(rc); /* that one was to fail */
}

/*
 * Renews in a process of its own, which is killed before its call number n, or
 * in which that call fails. Whether it came so far.
 */
static bool
interrupt(const char *dir, int n, bool kill_it)
{
	const pid_t pid = fork();
	bool entering = false;
	int status, calls = 0, sig = 0;

	if (pid == 0)
		renew_and_end(dir);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status));
	ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD);
	while (ptrace(PTRACE_SYSCALL, pid, NULL, (long)sig) == 0 &&
	       waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		sig = WSTOPSIG(status) & 0x7f;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80))
			continue; /* a signal of its own: let it have that */
		sig = 0;
		entering = !entering;
		if (!entering || calls++ != n)
			continue;
		if (!kill_it) {
			spoil_call(pid);
			continue;
		}
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		break;
	}
	assert_true(WIFEXITED(status) || WIFSIGNALED(status));
	return calls > n;
}

/* As serve would after a restart, and its clients with it. */
static void
check(const char *dir, int n)
{
	AUTO(keypair_free) struct keypair *kp = NULL;
	char crt[PATH], key[PATH];
	struct authority_request again = usual;
	struct authority_report report;
	struct error err = ERROR_INIT;

	snprintf(crt, sizeof(crt), "%s/tls.crt", dir);
	snprintf(key, sizeof(key), "%s/tls.key", dir);
	kp = keypair_load(crt, key, NOW, &err);
	if (kp == NULL)
		fail_msg("call %d: %s", n, err.msg);
	/* ca.key belongs to ca.crt, and ca.crt vouches for tls.crt. */
	again.renew_ca = again.renew_leaf = false;
	if (authority_renew(dir, &again, &report, &err) != 0 || report.new_ca ||
	    report.new_leaf)
		fail_msg("call %d: %s; %d %d", n, err.msg, report.new_ca,
		    report.new_leaf);
}

static void
interrupt_each_call(const char *dir, bool kill_it, bool plain)
{
	int n = 0;

	do {
		if (plain)
			run("cd %s; mkdir p; cp -L ca.* tls.* p; rm -rf ca.* "
			    "tls.* ..[ds]*; mv p/* .; rmdir p",
			    dir);
		if (!interrupt(dir, n, kill_it))
			break;
		check(dir, n);
	} while (n++ < CALLS_MAX);
	assert_in_range(n, 30, CALLS_MAX - 1);
	/* What was left by the way has gone. */
	run("test $(ls -A %s | wc -l) = 6", dir);
}

static void
killed_at_any_call(void **state)
{
	interrupt_each_call(*state, true, false);
}

static void
any_call_may_fail(void **state)
{
	interrupt_each_call(*state, false, false);
}

static void
killed_while_plain_files_are_taken_over(void **state)
{
	interrupt_each_call(*state, true, true);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(killed_at_any_call),
	    TEST(any_call_may_fail),
	    TEST(killed_while_plain_files_are_taken_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
