/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/cache.h"
#include "server/registry/cache_key.h"
#include "server/registry/resolve.h"
#include "tests/unit/registry_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))
#define BASE "https://r.io/v2/a"
#define TAG BASE "/manifests/1"

enum { MS = 10000 };

static const struct {
	const char *name;
	struct fake_answer head;
	const char *saw; /* of the tag */
	bool moved;
} revalidations[] = {
    {"it is what it was", {.digest = "old"}, "HEAD " TAG "\n", false},
    {"it is another", {.digest = "new"}, "HEAD " TAG "\n", true},
    {"no digest is said", {.digest = NULL}, "HEAD " TAG "\nGET " TAG "\n",
	true},
    {"nonsense is said", {.digest = "sha256:0"}, "HEAD " TAG "\nGET " TAG "\n",
	true},
    {"HEAD is not known: 404", {.status = 404}, "HEAD " TAG "\nGET " TAG "\n",
	true},
    {"HEAD is not known: 405", {.status = 405}, "HEAD " TAG "\nGET " TAG "\n",
	true},
    {"HEAD is not known: 501", {.status = 501}, "HEAD " TAG "\nGET " TAG "\n",
	true},
};

/* What of `seen` is about the tag. */
static void
saw_of_tag(const struct fake *f, const char *name, const char *expected)
{
	AUTO(free) char *seen = strdup(buf_text(&f->seen));
	char text[1024] = "", *rest = seen, *line;

	while ((line = strsep(&rest, "\n")) != NULL)
		if (strstr(line, TAG) != NULL)
			snprintf(text + strlen(text),
			    sizeof(text) - strlen(text), "%s\n", line);
	if (strcmp(text, expected) != 0)
		fail_msg("%s: expected\n%sbut saw\n%s", name, expected, text);
}

static void
asks_by_head_whether_a_tag_is_what_it_was(void **state)
{
	AUTO(image_set_unref) struct image_set *known = image_set_new(0);
	struct sample was, is;

	(void)state;
	sample_init(&was, BASE, "linux", "amd64");
	sample_init(&is, BASE, "linux", "arm64");
	known->digest = was.digest;
	for (size_t i = 0; i < N(revalidations); i++) {
		AUTO(fake_clear) struct fake f;
		struct fake_answer head = revalidations[i].head;
		const char *name = revalidations[i].name;

		fake_init(&f, NULL);
		f.known = known;
		head.url = "HEAD " TAG;
		if (head.digest != NULL && strcmp(head.digest, "old") == 0)
			head.digest = was.digest;
		if (head.digest != NULL && strcmp(head.digest, "new") == 0)
			head.digest = is.digest;
		fake_add(&f, head);
		fake_gives(
		    &f, .url = TAG, .type = SAMPLE_TYPE, .body = is.manifest);
		sample_add(&f, &is);
		fake_resolve(&f, "r.io/a:1", NULL, MS);
		if (revalidations[i].moved)
			fake_expect_set(&f, name, 1);
		else if (f.set != known)
			fail_msg("%s: not what was known", name);
		saw_of_tag(&f, name, revalidations[i].saw);
	}
}

static void
asks_for_the_tag_where_head_names_what_is_not_there(void **state)
{
	AUTO(fake_clear) struct fake f;
	AUTO(image_set_unref) struct image_set *known = image_set_new(0);
	struct sample is;

	(void)state;
	fake_sample(&f, &is);
	known->digest = fake_digest("what was");
	f.known = known;
	fake_gives(&f, .url = "HEAD " TAG, .digest = SAMPLE_LAYER);
	fake_gives(&f, .url = BASE "/manifests/" SAMPLE_LAYER, .status = 404);
	fake_gives(&f, .url = TAG, .type = SAMPLE_TYPE, .body = is.manifest);
	sample_add(&f, &is);
	fake_resolve(&f, "r.io/a:1", NULL, MS);
	fake_expect_set(&f, "by tag in the end", 1);
	assert_int_equal(f.requests, 4);
}

static void
remember(struct fake *f, const char *reference)
{
	static const struct cache_limits limits = {
	    .bytes = 1024 * 1024, .tag_ttl = 30};
	static const struct platform_set any = {NULL, 0};
	AUTO(arena_free) struct arena *mem = arena_new();
	struct error err = ERROR_INIT;
	AUTO(free) char *key = NULL;
	struct reference ref;

	if (reference_parse(&ref, reference, mem, &err) != 0)
		fail_msg("%s", err.msg);
	key = cache_key(&ref, &any);
	cache_store(f->client.cache, key, f->set, &limits);
}

/* Two images of one index, then what may share with it. */
static void
asks_for_nothing_twice_that_it_remembers(void **state)
{
	AUTO(fake_clear) struct fake f;
	AUTO(cache_free) struct cache *cache = NULL;
	struct sample s[2];
	char text[4096], url[512];

	(void)state;
	fake_init(&f, NULL);
	f.client.cache = cache = cache_new(&f.clock);
	sample_init(&s[0], BASE, "linux", "amd64");
	sample_init(&s[1], BASE, "linux", "arm64");
	snprintf(text, sizeof(text),
	    "{\"schemaVersion\":2,\"mediaType\":\"" SAMPLE_INDEX "\","
	    "\"manifests\":[%s,%s]}",
	    s[0].entry, s[1].entry);
	sample_add(&f, &s[0]);
	sample_add(&f, &s[1]);
	fake_gives(&f, .url = TAG, .type = SAMPLE_INDEX, .body = text);
	fake_resolve(&f, "r.io/a:1", NULL, MS);
	fake_expect_set(&f, "the index", 2);
	remember(&f, "r.io/a:1");

	/* The same index by another tag: what it leads to is proved here. */
	fake_gives(
	    &f, .url = BASE "/manifests/2", .type = SAMPLE_INDEX, .body = text);
	f.requests = 0;
	fake_resolve(&f, "r.io/a:2", NULL, MS);
	fake_expect_set(&f, "the index again", 2);
	assert_int_equal(f.requests, 1);

	/* The image in another repository: it has to show the manifest. */
	fake_gives(&f, .url = "https://r.io/v2/b/manifests/1",
	    .type = SAMPLE_TYPE, .body = s[0].manifest);
	f.requests = 0;
	fake_resolve(&f, "r.io/b:1", NULL, MS);
	fake_expect_set(&f, "elsewhere", 1);
	assert_int_equal(f.requests, 1);

	/* An index there that names what is not proved there. */
	fake_gives(&f, .url = "https://r.io/v2/c/manifests/1",
	    .type = SAMPLE_INDEX, .body = text);
	snprintf(
	    url, sizeof(url), "https://r.io/v2/c/manifests/%s", s[0].digest);
	fake_gives(&f, .url = url, .status = 404);
	fake_resolve(&f, "r.io/c:1", NULL, MS);
	fake_expect_code(&f, "not proved", ERR_NOT_FOUND);
}

static void
goes_on_for_the_next_time_when_it_is_late(void **state)
{
	AUTO(fake_clear) struct fake f;
	struct sample s;
	int64_t before;

	(void)state;
	fake_sample(&f, &s);
	fake_start(&f, "r.io/a:1", NULL, 700);
	before = f.now;
	client_run(&f.client, 0);
	while (f.done == 0)
		client_run(&f.client, 1000);
	fake_expect_code(&f, "late", ERR_TIMEOUT);
	assert_int_equal(f.done_at - before, 700);
	fake_run(&f);
	assert_false(f.came_late); /* there is an end to it */
	assert_in_range(
	    f.now - before, 700 + RESOLVE_LATE_MS, 2000 + RESOLVE_LATE_MS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(asks_by_head_whether_a_tag_is_what_it_was),
	    cmocka_unit_test(
		asks_for_the_tag_where_head_names_what_is_not_there),
	    cmocka_unit_test(asks_for_nothing_twice_that_it_remembers),
	    cmocka_unit_test(goes_on_for_the_next_time_when_it_is_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
