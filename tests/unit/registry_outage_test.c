/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/own.h"
#include "server/gate/clock.h"
#include "server/registry/registry.h"
#include "tests/unit/registry_fake.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* The registry client with its thread and its sockets, but a clock that can be
 * set forward: an outage of an hour takes no hour. */

enum { IMAGES = 50, HOUR_MS = 3600 * 1000, REQUEST_MAX = 4096 };

static atomic_int_least64_t ahead_ms;

static int64_t
shifted_ms(const struct clock *c)
{
	(void)c;
	return clock_real.monotonic_ms(&clock_real) + atomic_load(&ahead_ms);
}

static int64_t
shifted_s(const struct clock *c)
{
	(void)c;
	return clock_real.wall_s(&clock_real) + atomic_load(&ahead_ms) / 1000;
}

static const struct clock shifted = {
    .monotonic_ms = shifted_ms, .wall_s = shifted_s};

/* A registry of one image that has many tags. */
struct server {
	int fd;
	pthread_t thread;
	struct sample sample;
	atomic_int requests;
};

static void
reply(struct server *s, int fd, const char *request)
{
	bool blob = strstr(request, "/blobs/") != NULL;
	const char *body = blob ? s->sample.config : s->sample.manifest;

	atomic_fetch_add(&s->requests, 1);
	dprintf(fd,
	    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: %s\r\n"
	    "Docker-Content-Digest: %s\r\nContent-Length: %zu\r\n\r\n%s",
	    blob ? "application/octet-stream" : SAMPLE_TYPE,
	    blob ? s->sample.config_digest : s->sample.digest, strlen(body),
	    strncmp(request, "HEAD", 4) == 0 ? "" : body);
}

static void *
serve(void *arg)
{
	struct server *s = arg;
	char request[REQUEST_MAX];
	ssize_t n;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		n = read(fd, request, sizeof(request) - 1);
		request[n < 0 ? 0 : n] = '\0';
		reply(s, fd, request);
		close(fd);
	}
	return NULL;
}

/* Returns the port. */
static int
server_start(struct server *s)
{
	struct sockaddr_in at = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);

	memset(s, 0, sizeof(*s));
	sample_init(&s->sample, "", "linux", "amd64");
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(s->fd >= 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(s->fd, 128), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
	return ntohs(at.sin_port);
}

static void
server_stop(struct server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
}

/* What came of asking for all of them. */
struct round {
	pthread_mutex_t lock;
	pthread_cond_t all;
	int left;
	int from[CACHE_REFRESH + 1];
	int failed;
};

static void
answered(void *arg, struct image_set *set, enum cache_result from,
    const struct error *err)
{
	struct round *r = arg;

	(void)set;
	pthread_mutex_lock(&r->lock);
	r->from[from]++;
	r->failed += err != NULL;
	if (--r->left == 0)
		pthread_cond_signal(&r->all);
	pthread_mutex_unlock(&r->lock);
}

static void
ask_for_all(struct registry *registry, int port, struct round *r)
{
	static const struct platform_set any = {NULL, 0};
	struct error err = ERROR_INIT;
	char text[64];

	memset(r, 0, sizeof(*r));
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->all, NULL);
	r->left = IMAGES;
	for (int i = 0; i < IMAGES; i++) {
		AUTO(arena_free) struct arena *mem = arena_new();
		struct reference ref;

		snprintf(text, sizeof(text), "127.0.0.1:%d/a:%d", port, i);
		assert_int_equal(reference_parse(&ref, text, mem, &err), 0);
		assert_int_equal(
		    registry_resolve(registry, &ref, &any,
			shifted_ms(&shifted) + 5000, answered, r, &err),
		    0);
	}
	pthread_mutex_lock(&r->lock);
	while (r->left > 0)
		pthread_cond_wait(&r->all, &r->lock);
	pthread_mutex_unlock(&r->lock);
}

static atomic_int stale_counted;

static void
count(void *arg, const char *result, size_t bytes, size_t entries)
{
	(void)arg;
	(void)bytes;
	(void)entries;
	if (strcmp(result, "stale") == 0)
		atomic_fetch_add(&stale_counted, 1);
}

static void
an_hour_without_registry_rejects_nothing_known(void **state)
{
	static const struct registry_observer observer = {.cache = count};
	const struct node none = {0};
	AUTO(diagnostics_clear) struct diagnostics d;
	AUTO(registry_settings_unref) struct registry_settings *settings = NULL;
	AUTO(registry_free) struct registry *registry = NULL;
	struct error err = ERROR_INIT;
	struct server server;
	struct round r;
	int port = server_start(&server);

	(void)state;
	diagnostics_init(&d, "config");
	settings = registry_settings_parse(&none, &d, NULL);
	registry = registry_new(settings,
	    &(struct registry_options){
		.clock = &shifted, .observer = &observer},
	    &err);
	assert_non_null(registry);
	ask_for_all(registry, port, &r);
	assert_int_equal(r.failed, 0);
	assert_int_equal(r.from[CACHE_MISS], IMAGES);
	server_stop(&server);

	for (int minutes = 0; minutes < 60; minutes += 20) {
		atomic_fetch_add(&ahead_ms, HOUR_MS / 3);
		ask_for_all(registry, port, &r);
		assert_int_equal(r.failed, 0);
		assert_int_equal(r.from[CACHE_STALE], IMAGES);
	}
	assert_int_equal(atomic_load(&stale_counted), 3 * IMAGES);

	/* A day, by default: then it has to be asked. */
	atomic_fetch_add(&ahead_ms, (int64_t)24 * HOUR_MS);
	ask_for_all(registry, port, &r);
	assert_int_equal(r.failed, IMAGES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_hour_without_registry_rejects_nothing_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
