/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that know credentials. Takes a second. */
#include "server/gate/clock.h"
#include "server/registry/helper.h"
#include "tests/unit/alloc.h"
#include "tests/unit/shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))

enum { PATIENCE_MS = 10 * 1000, CROWD = HELPERS_RUNNING_MAX + 4 };

/* A client as far as helpers need one, and what it said last. */
struct fixture {
	struct client client;
	struct registry_observer observer;
	struct registry_settings
	    settings; /* every host's helper is its store */
	char said[128];
};

/* Who asks, and what came of it. */
struct asker {
	struct helper_waiter waiter;
	int told;
	char password[64];
};

static void
runs_only_what_has_a_plain_name(void **state)
{
	static const struct {
		const char *name;
		bool plain;
	} names[] = {
	    {"ecr-login", true},
	    {"osxkeychain", true},
	    {"acr_env.2", true},
	    {"0123456789012345678901234567890123456789012345678901234567890123",
		true},
	    {"01234567890123456789012345678901234567890123456789012345678901234",
		false},
	    {"", false},
	    {"a/b", false},
	    {"/bin/sh", false},
	    {"..", false},
	    {"a..b", false},
	    {"a b", false},
	    {"a;b", false},
	    {"a\nb", false},
	    {"caf\xc3\xa9", false},
	};

	(void)state;
	for (size_t i = 0; i < N(names); i++)
		if (helper_name_is_plain(names[i].name) != names[i].plain)
			fail_msg("\"%s\"", names[i].name);
}

static void
keep_log(void *arg, const char *level, const char *event, const char *host,
    const char *detail)
{
	struct fixture *f = arg;

	(void)level;
	(void)event;
	snprintf(f->said, sizeof(f->said), "%s: %s", host, detail);
}

static void
open_fixture(struct fixture *f, const char *helper)
{
	*f = (struct fixture){.observer = {.log = keep_log, .arg = f},
	    .settings.docker.store = helper};
	client_init(&f->client);
	f->client.clock = &clock_real;
	f->client.observer = &f->observer;
	f->client.run_helpers = true;
}

static void
on_credential(void *arg, const struct credential *c)
{
	struct asker *a = arg;

	a->told++;
	snprintf(a->password, sizeof(a->password), "%s",
	    c != NULL ? c->password : "none");
}

/* As helper_ask(); an answer at once is told as well. */
static int
ask(struct fixture *f, const char *host, struct asker *a, struct error *err)
{
	const struct credential *c = NULL;
	int rc;

	*a = (struct asker){
	    .waiter = {.done = on_credential,
		.arg = a,
		.deadline = client_now(&f->client) + 2 * PATIENCE_MS}};
	rc = helper_ask(&f->client, &f->settings, host, &a->waiter, &c, err);
	if (rc == 0)
		on_credential(a, c);
	return rc;
}

/* Until nothing is left to be done. */
static void
run_timers(struct fixture *f)
{
	struct timers *ts = &f->client.timers;
	int i;

	for (i = 0; i < PATIENCE_MS && timers_next(ts) != INT64_MAX; i++) {
		timers_run(ts, client_now(&f->client));
		usleep(1000);
	}
	assert_true(timers_next(ts) == INT64_MAX);
}

/* What a helper says of a host: a password, "none" where it has nothing. */
static void
expect(const char *helper, const char *host, const char *password,
    const char *said)
{
	struct error err = ERROR_INIT;
	struct fixture f;
	struct asker a, again;

	open_fixture(&f, helper);
	ask(&f, host, &a, &err);
	run_timers(&f);
	assert_int_equal(a.told, 1);
	assert_string_equal(a.password, password);
	assert_string_equal(f.said, said);
	/* It is remembered. */
	assert_int_equal(ask(&f, host, &again, &err), 0);
	assert_string_equal(again.password, password);
	client_clear(&f.client);
}

static void
asks_and_says_what_came_of_it(void **state)
{
	run("cd %s && printf '#!/bin/sh\\nread h; echo "
	    "\"{\\\\\"Username\\\\\":\\\\\"u\\\\\",\\\\\"Secret\\\\\":"
	    "\\\\\"$h\\\\\"}\"\\n' >docker-credential-echo && "
	    "printf '#!/bin/sh\\necho credentials not found; exit 1\\n' "
	    ">docker-credential-empty && chmod +x docker-credential-* && "
	    "echo >docker-credential-data",
	    (const char *)*state);
	expect("echo", "r.io", "r.io", "");
	expect("echo", "docker.io", "https://index.docker.io/v1/", "");
	expect("empty", "r.io", "none", "");
	expect("data", "r.io", "none",
	    "r.io: docker-credential-data cannot be run: no credential");
	expect("absent", "r.io", "none",
	    "r.io: docker-credential-absent is not installed: no credential");
	expect("../x", "r.io", "none",
	    "r.io: docker-credential-../x is not the name of a credential "
	    "helper");
}

static void
who_leaves_is_told_nothing(void **state)
{
	struct asker stays, leaves, alone;
	struct error err = ERROR_INIT;
	struct fixture f;

	(void)state;
	open_fixture(&f, "echo");
	assert_int_equal(ask(&f, "r.io", &stays, &err), 1);
	assert_int_equal(ask(&f, "r.io", &leaves, &err), 1);
	assert_int_equal(ask(&f, "s.io", &alone, &err), 1);
	helper_leave(&leaves.waiter);
	helper_leave(&leaves.waiter);
	helper_leave(&alone.waiter); /* nothing is started for it */
	run_timers(&f);
	assert_string_equal(stays.password, "r.io");
	assert_int_equal(leaves.told, 0);
	assert_int_equal(alone.told, 0);
	client_clear(&f.client);
}

static void
a_crowd_of_hosts_is_served_in_turns(void **state)
{
	struct asker askers[CROWD];
	struct error err = ERROR_INIT;
	struct fixture f;
	char host[16];

	(void)state;
	open_fixture(&f, "echo");
	for (int i = 0; i < CROWD; i++) {
		snprintf(host, sizeof(host), "r%d.io", i);
		assert_int_equal(ask(&f, host, &askers[i], &err), 1);
	}
	run_timers(&f);
	for (int i = 0; i < CROWD; i++) {
		snprintf(host, sizeof(host), "r%d.io", i);
		assert_string_equal(askers[i].password, host);
	}
	client_clear(&f.client);
}

static void
ask_with_little_memory(void *arg)
{
	struct error err = ERROR_INIT;
	struct fixture f;
	struct asker a;

	(void)arg;
	open_fixture(&f, "echo");
	if (ask(&f, "r.io", &a, &err) < 0) {
		assert_int_equal(err.code, ERR_NOMEM);
		assert_int_equal(a.told, 0);
	} else {
		run_timers(&f);
		assert_int_equal(a.told, 1);
		if (strcmp(a.password, "none") != 0)
			assert_string_equal(a.password, "r.io");
	}
	client_clear(&f.client);
}

static void
memory_may_run_out_anywhere(void **state)
{
	(void)state;
	assert_true(alloc_fail_each(ask_with_little_memory, NULL) > 5);
}

static int
make_path(void **state)
{
	char path[4096];

	if (make_folder(state) != 0)
		return -1;
	snprintf(
	    path, sizeof(path), "%s:%s", (const char *)*state, getenv("PATH"));
	return setenv("PATH", path, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(runs_only_what_has_a_plain_name),
	    cmocka_unit_test(asks_and_says_what_came_of_it),
	    cmocka_unit_test(who_leaves_is_told_nothing),
	    cmocka_unit_test(a_crowd_of_hosts_is_served_in_turns),
	    cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, make_path, remove_folder);
}
