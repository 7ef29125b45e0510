/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry with its thread and libcurl, and another at the end of a
 * loopback connection. Takes a few seconds.
 */
#include "server/gate/clock.h"
#include "server/registry/registry.h"
#include "tests/unit/alloc.h"
#include "tests/unit/registry_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_S = 20, TTL_S = 10, REQUEST_MAX = 4096 };

static const char config[] = "{\"version\":1,\"cache\":{\"tagTtl\":\"10s\"}}";

/* What is at the other end. It allocates nothing: memory runs out here alone.
 */
static struct {
	int fd;
	pthread_t thread;
	struct sample sample;
	char base[64];
} origin;

/* The answer to a call. */
static struct call_result {
	sem_t there;
	int times;
	enum cache_result from;
	size_t images;
	enum err_code code;
	struct registry *again; /* to be asked, once more, by who is answered */
} got;

static atomic_llong ahead; /* milliseconds that the clock is */

static int64_t
monotonic_ms(const struct clock *c)
{
	(void)c;
	return clock_real.monotonic_ms(&clock_real) + atomic_load(&ahead);
}

static int64_t
monotonic_us(const struct clock *c)
{
	return 1000 * monotonic_ms(c);
}

static int64_t
wall_s(const struct clock *c)
{
	(void)c;
	return clock_real.wall_s(&clock_real) + atomic_load(&ahead) / 1000;
}

static const struct clock skipping = {monotonic_ms, monotonic_us, wall_s};

static void
answer(int fd, const char *request)
{
	const bool blob = strstr(request, "/blobs/") != NULL;
	const char *body = blob ? origin.sample.config : origin.sample.manifest;
	char head[256];
	const int n = snprintf(head, sizeof(head),
	    "HTTP/1.1 200 OK\r\nWarning: 299 - \"old\"\r\n"
	    "Connection: close\r\nContent-Type: %s\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    blob ? SAMPLE_CONFIG : SAMPLE_TYPE, strlen(body));

	(void)!send(fd, head, (size_t)n, MSG_NOSIGNAL | MSG_MORE);
	if (strncmp(request, "HEAD", 4) != 0)
		(void)!send(fd, body, strlen(body), MSG_NOSIGNAL);
}

static void *
serve(void *arg)
{
	char request[REQUEST_MAX];
	size_t len;
	ssize_t n;
	int fd;

	while ((fd = accept(origin.fd, NULL, NULL)) >= 0) {
		len = 0;
		do {
			n = recv(fd, request + len, REQUEST_MAX - 1 - len, 0);
			len += n > 0 ? (size_t)n : 0;
			request[len] = '\0';
		} while (n > 0 && strstr(request, "\r\n\r\n") == NULL);
		if (strstr(request, "/silent/") != NULL)
			continue; /* for the process to close */
		answer(fd, request);
		close(fd);
	}
	return arg;
}

static int
start_origin(void **state)
{
	struct sockaddr_in at = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	char url[sizeof(origin.base) + 16];

	(void)state;
	origin.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(origin.fd, (const struct sockaddr *)&at, len) != 0 ||
	    listen(origin.fd, 64) != 0 ||
	    getsockname(origin.fd, (struct sockaddr *)&at, &len) != 0)
		return -1;
	snprintf(origin.base, sizeof(origin.base), "127.0.0.1:%d",
	    ntohs(at.sin_port));
	snprintf(url, sizeof(url), "http://%s/v2/a", origin.base);
	sample_init(&origin.sample, url, "linux", "amd64");
	sem_init(&got.there, 0, 0);
	return pthread_create(&origin.thread, NULL, serve, NULL);
}

static int
stop_origin(void **state)
{
	(void)state;
	shutdown(origin.fd, SHUT_RDWR);
	pthread_join(origin.thread, NULL);
	close(origin.fd);
	return 0;
}

static int ask(struct registry *r, const char *path, struct error *err);

static void
on_answer(void *arg, struct image_set *set, enum cache_result from,
    const struct error *err)
{
	struct registry *again = TAKE(got.again);
	struct error refused = ERROR_INIT;

	(void)arg;
	got.times++;
	got.from = from;
	got.images = set != NULL ? set->n : 0;
	got.code = err != NULL ? err->code : ERR_NONE;
	if (again != NULL)
		ask(again, "a:2", &refused);
	sem_post(&got.there);
}

static int
ask(struct registry *r, const char *path, struct error *err)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	const struct platform_set any = {.n = 0};
	char text[128];
	struct reference ref;

	if (mem == NULL)
		return error_set(err, ERR_NOMEM, "reference");
	snprintf(text, sizeof(text), "%s/%s", origin.base, path);
	if (reference_parse(&ref, text, mem, err) != 0)
		return -1;
	return registry_resolve(r, &ref, &any,
	    monotonic_ms(NULL) + PATIENCE_S * 1000, on_answer, NULL, err);
}

static void
await_answer(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	if (sem_timedwait(&got.there, &until) != 0)
		fail_msg("there is no answer");
}

static const struct registry_options options = {.clock = &skipping};

/* What an image of the origin comes by, and whence. */
static enum cache_result
resolve(struct registry *r)
{
	struct error err = ERROR_INIT;

	got.images = 0;
	if (ask(r, "a:1", &err) != 0)
		fail_msg("%s", err.msg);
	await_answer();
	assert_int_equal(got.code, ERR_NONE);
	assert_int_equal(got.images, 1);
	return got.from;
}

/*
 * With allocation `n` failing: an old image is told, and asked for anew; soon
 * it is a new one that is told. Returns whether that allocation came about.
 */
static bool
refresh_without(struct registry *r, size_t n)
{
	struct error err = ERROR_INIT;
	bool failed;
	int rc, i;

	atomic_fetch_add(&ahead, 3 * TTL_S * 1000);
	assert_int_equal(resolve(r), CACHE_MISS);
	atomic_fetch_add(&ahead, TTL_S * 1000);
	alloc_fail_at(n);
	rc = ask(r, "a:1", &err);
	failed = alloc_restore();
	if (rc == 0)
		await_answer();
	else
		assert_int_equal(err.code, ERR_NOMEM);
	for (i = 0; i < 1000 && resolve(r) != CACHE_HIT; i++)
		usleep(1000);
	if (i == 1000)
		fail_msg("never again, after allocation %zu failed", n);
	return failed;
}

static void
a_refresh_that_found_no_memory_is_tried_again(void **state)
{
	AUTO(fake_clear) struct fake f;
	AUTO(registry_free) struct registry *r = NULL;
	struct error err = ERROR_INIT;
	size_t n = 0;

	(void)state;
	fake_init(&f, config);
	r = registry_new(f.settings, &options, &err);
	assert_non_null(r);
	while (refresh_without(r, n))
		n++;
	assert_true(n > 5);
}

static void
call_with_little_memory(void *settings)
{
	AUTO(registry_free) struct registry *r = NULL;
	struct error err = ERROR_INIT;

	got.images = 0;
	r = registry_new(settings, &options, &err);
	if (r == NULL || ask(r, "a:1", &err) != 0) {
		assert_int_equal(err.code, ERR_NOMEM);
		return;
	}
	await_answer();
	/* libcurl has several names for it. */
	if (got.code != ERR_NOMEM && got.code != ERR_UNAVAILABLE) {
		assert_int_equal(got.code, ERR_NONE);
		assert_int_equal(got.images, 1);
	}
}

static void
memory_may_run_out_anywhere_in_warnings_too(void **state)
{
	AUTO(fake_clear) struct fake f;

	(void)state;
	fake_init(&f, config);
	assert_true(alloc_fail_each(call_with_little_memory, f.settings) > 50);
}

static void
who_asks_while_it_ends_is_told_so(void **state)
{
	AUTO(fake_clear) struct fake f;
	struct error err = ERROR_INIT;
	struct registry *r;

	(void)state;
	fake_init(&f, config);
	r = registry_new(f.settings, &options, &err);
	assert_non_null(r);
	assert_int_equal(ask(r, "silent/a:1", &err), 0);
	got.times = 0;
	got.again = r;
	registry_free(r);
	await_answer();
	await_answer();
	assert_int_equal(got.times, 2);
	assert_int_equal(got.code, ERR_UNAVAILABLE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_refresh_that_found_no_memory_is_tried_again),
	    cmocka_unit_test(memory_may_run_out_anywhere_in_warnings_too),
	    cmocka_unit_test(who_asks_while_it_ends_is_told_so),
	};

	return cmocka_run_group_tests(tests, start_origin, stop_origin);
}
