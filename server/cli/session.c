/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/session.h"

#include "policy/base/units.h"
#include "server/cli/cli.h"
#include "server/gate/clock.h"

#include <stdio.h>
#include <string.h>

enum { TIMEOUT_MAX_S = 3600, TICK_MS = 100 };

/* Policy and config; what is wrong goes to stderr. */
static int
load(struct session *s, const char *command, const struct policies *policy,
    const char *config)
{
	AUTO(buf_clear) struct buf report = BUF_INIT(CONFIG_BYTES_MAX);
	int rc;

	rc = config_load(&s->config, config, NULL, &report);
	if (policy != NULL) {
		s->rules = policies_load(policy, clock_real.wall_s(&clock_real),
		    LINT_WAIVERS, &report);
		if (s->rules == NULL)
			rc = -1;
	}
	fputs(buf_text(&report), stderr);
	if (rc != 0)
		fprintf(
		    stderr, "policy-gate %s: nothing was judged\n", command);
	return rc;
}

/* What the registry client has to say to a person. */
static void
tell(void *arg, const char *level, const char *event, const char *host,
    const char *detail)
{
	(void)arg;
	(void)event;
	if (strcmp(level, "warn") == 0)
		fprintf(stderr, "warning: %s: %s\n", host, detail);
}

int
session_open(struct session *s, const char *command,
    const struct policies *policy, const char *config)
{
	static const struct registry_observer observer = {.log = tell};
	const struct registry_options ro = {
	    .clock = &clock_real, .observer = &observer, .run_helpers = true};
	struct gate_options go = {.clock = &clock_real};
	struct error err = ERROR_INIT;

	*s = (struct session){.running = 0};
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	if (load(s, command, policy, config) != 0)
		goto fail;
	s->registry = registry_new(s->config.registries, &ro, &err);
	go.registry = s->registry;
	if (s->registry != NULL && s->rules != NULL)
		s->gate = gate_new(&go, s->rules);
	if (s->registry != NULL && (s->gate != NULL || s->rules == NULL))
		return 0;
	fprintf(stderr, "policy-gate %s: %s\n", command,
	    err.code != ERR_NONE ? err.msg : "out of memory");
fail:
	session_close(s);
	return -1;
}

void
session_close(struct session *s)
{
	registry_free(s->registry);
	gate_free(s->gate);
	ruleset_unref(s->rules);
	config_clear(&s->config);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
}

/* Until fewer than `max` run. Returns with the lock held. */
static int
wait_for_room(struct session *s, size_t max)
{
	struct timespec until;
	int64_t ms;
	bool stop;

	pthread_mutex_lock(&s->lock);
	while (s->running >= max) {
		if (s->tick == NULL) {
			pthread_cond_wait(&s->changed, &s->lock);
			continue;
		}
		pthread_mutex_unlock(&s->lock);
		stop = s->tick(s->tick_arg);
		pthread_mutex_lock(&s->lock);
		if (stop)
			return -1;
		ms = clock_real.monotonic_ms(&clock_real) + TICK_MS;
		until = (struct timespec){.tv_sec = ms / 1000,
		    .tv_nsec = (long)(ms % 1000 * 1000000)};
		if (s->running >= max)
			pthread_cond_clockwait(
			    &s->changed, &s->lock, CLOCK_MONOTONIC, &until);
	}
	return 0;
}

int
session_begin(struct session *s, size_t max)
{
	const int rc = wait_for_room(s, max);

	if (rc == 0)
		s->running++;
	pthread_mutex_unlock(&s->lock);
	return rc;
}

void
session_end(struct session *s)
{
	pthread_mutex_lock(&s->lock);
	s->running--;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

int
session_wait(struct session *s)
{
	const int rc = wait_for_room(s, 1);

	pthread_mutex_unlock(&s->lock);
	return rc;
}

int64_t
session_deadline(int64_t seconds)
{
	return clock_real.monotonic_ms(&clock_real) + seconds * 1000;
}

static int
parse_timeout(const char *text, int64_t *seconds)
{
	int64_t ms;
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || n < 0)
		return -1;
	if (*end == '\0')
		ms = n > TIMEOUT_MAX_S ? -1 : n * 1000;
	else if (units_parse_go_duration(text, &ms) != 0)
		return -1;
	if (ms < 1000 || ms > TIMEOUT_MAX_S * 1000)
		return -1;
	*seconds = ms / 1000;
	return 0;
}

int
session_timeout(const char *command, int64_t *seconds, const char *text)
{
	const char *name = "--timeout";

	if (text == NULL) {
		if (*seconds != 0)
			return STATUS_OK;
		name = "POLICY_GATE_TIMEOUT";
		text = cli_environment(name);
	}
	if (text == NULL) {
		*seconds = SESSION_TIMEOUT_S;
		return STATUS_OK;
	}
	if (parse_timeout(text, seconds) == 0)
		return STATUS_OK;
	return cli_usage(
	    command, "%s takes 1 to 3600 seconds, not \"%s\"", name, text);
}
