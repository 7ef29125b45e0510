/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the judge takes, and how often it asks for memory: twenty rules
 * over a pod of three images whose facts are there; each check by itself; a
 * policy of a thousand rules and as many waivers. Nothing is refused in any of
 * it, as it is with nearly all that a cluster runs.
 *
 * usage: policy POLICY
 *
 * Times are the best of many rounds, and are only told, as they depend on what
 * else the machine does. The exit status is 1 where the heap grows.
 */
#include "policy/base/file.h"
#include "policy/findings.h"
#include "tests/unit/alloc.h"
#include "tests/unit/judge.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

enum {
	IMAGES = 3,
	MANY = 1000,
	ROUNDS = 40,
	DECISIONS = 200, /* in a round */
	CALLS = 20 * 1000,
	DAY_S = 24 * 60 * 60,
	POLICY_MAX = 4 * 1024 * 1024,
};

#define MIB(n) ((int64_t)(n) << 20)

static const char *const references[IMAGES] = {
    "registry.example.com/shop/web:1.4.2",
    "registry.example.com/shop/api:1.4.2"
    "@sha256:dddddddddddddddddddddddddddddddd"
    "dddddddddddddddddddddddddddddddd",
    "mirror.example.com/tools/proxy:3.1",
};

#define ORDINARY                                                               \
	.layers = "abcdefgh",                                                  \
	.sizes = {MIB(28), MIB(1), MIB(40), MIB(2), 1200, MIB(30), MIB(5)},    \
	.by = {"/bin/sh -c #(nop) ADD file:12 in / ", "CMD [\"bash\"]",        \
	    "RUN /bin/sh -c apt-get update && apt-get install -y "             \
	    "--no-install-recommends ca-certificates && rm -rf "               \
	    "/var/lib/apt/lists/* # buildkit",                                 \
	    "WORKDIR /app",                                                    \
	    "COPY package.json package-lock.json ./ # buildkit",               \
	    "RUN /bin/sh -c npm ci --omit=dev && npm cache clean --force",     \
	    "COPY dist ./dist # buildkit", "USER 1000"},                       \
	.user = "1000:1000", .ports = {"8080/tcp", "9090/tcp"},                \
	.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",      \
	    "NODE_VERSION=22.11.0", "NODE_ENV=production", "LANG=C.UTF-8",     \
	    "HOME=/app", "PORT=8080"},                                         \
	.labels = {"org.opencontainers.image.source=https://git.example.com/"  \
		   "shop/web",                                                 \
	    "org.opencontainers.image.version=1.4.2", "maintainer=shop-team"}, \
	.entrypoint = "/app/server", .cmd = "serve",                           \
	.created = JUDGE_NOW - 20 * DAY_S, .others = {"linux/arm64"}

static const struct judge_image ordinary = {ORDINARY};
static const struct judge_image no_base = {.layers = "xyz"};
static const struct judge_image base = {
    .layers = "ab", .sizes = {MIB(28)}, .created = JUDGE_NOW - 9 * DAY_S};

/* A policy, a pod, and what is known of its images. */
struct scene {
	struct judge judge; /* without plan and report */
	struct image_set *facts;
	struct image_set *base; /* the first that is listed */
	struct image_set *no_base;
};

/* Of one decision, or of several. */
struct cost {
	double plan_us;
	double evaluate_us;
	double all_us;
	size_t plan_allocations;
	size_t evaluate_allocations;
};

static double
clock_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double
now_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

/* Of the processor, for what is longer than others let one run. */
static double
own_us(void)
{
	return clock_us(CLOCK_PROCESS_CPUTIME_ID);
}

static void
scene_open(struct scene *s, const char *policy)
{
	static const struct pair labels[] = {
	    {"app", "web"}, {"pod-template-hash", "5c9"}, {"tier", "web"}};
	static const char *const paths[IMAGES] = {"spec.containers[0].image",
	    "spec.containers[1].image", "spec.initContainers[0].image"};
	struct judge *j = &s->judge;
	size_t i;

	judge_open(j, policy, references[0]);
	j->w->labels = (struct pair_list){labels, 3};
	for (i = 1; i < IMAGES; i++)
		judge_add(j, "more", paths[i], references[i]);
	for (i = 0; i < IMAGES; i++)
		j->w->containers[i].replaces = references[i];
	s->facts = judge_set(&ordinary, 1);
	s->base = judge_set(&base, 1);
	s->no_base = judge_set(&no_base, 1);
}

static void
scene_close(struct scene *s)
{
	image_set_unref(s->facts);
	image_set_unref(s->base);
	image_set_unref(s->no_base);
	judge_close(&s->judge);
}

/* What the gate does where all of it is known. */
static void
scene_fill(const struct scene *s, struct plan *p)
{
	size_t i;

	for (i = 0; i < p->nimages; i++) {
		if (p->images[i].fetch)
			p->images[i].facts = image_set_ref(s->facts);
		if (p->images[i].fetch_replaced)
			p->images[i].replaced = image_set_ref(s->facts);
	}
	for (i = 0; i < p->nbases; i++)
		if (p->bases[i].fetch)
			p->bases[i].facts =
			    image_set_ref(i == 0 ? s->base : s->no_base);
}

static void
scene_plan(struct scene *s)
{
	judge_plan(&s->judge);
	scene_fill(s, s->judge.plan);
}

static void
scene_forget(struct scene *s)
{
	plan_free(s->judge.plan);
	s->judge.report = NULL;
	s->judge.plan = NULL;
}

static void
must_allow(const struct scene *s)
{
	AUTO(buf_clear) struct buf said = BUF_INIT(POLICY_MAX);
	size_t i;

	for (i = 0; i < s->judge.report->nimages; i++) {
		buf_puts(&said, "\n");
		judge_say(&s->judge, i, &said);
	}
	if (s->judge.report->verdict != VERDICT_ALLOW)
		fail_msg("not allowed:%s", buf_text(&said));
}

static void
count_allocations(struct scene *s, struct cost *c)
{
	alloc_fail_at(SIZE_MAX);
	judge_plan(&s->judge);
	c->plan_allocations = alloc_count();
	scene_fill(s, s->judge.plan);
	alloc_fail_at(SIZE_MAX);
	judge_evaluate(&s->judge);
	c->evaluate_allocations = alloc_count();
	alloc_restore();
	must_allow(s);
	scene_forget(s);
}

static void
take_less(double *least, double measured)
{
	if (*least == 0 || measured < *least)
		*least = measured;
}

static void
time_round(struct scene *s, struct cost *c, int decisions)
{
	double plan = 0, judging = 0, start = now_us(), planned, filled;
	int i;

	for (i = 0; i < decisions; i++) {
		const double begin = now_us();

		judge_plan(&s->judge);
		planned = now_us();
		scene_fill(s, s->judge.plan);
		filled = now_us();
		judge_evaluate(&s->judge);
		judging += now_us() - filled;
		plan += planned - begin;
		scene_forget(s);
	}
	take_less(&c->all_us, (now_us() - start) / decisions);
	take_less(&c->plan_us, plan / decisions);
	take_less(&c->evaluate_us, judging / decisions);
}

static struct cost
measure(struct scene *s, int decisions)
{
	struct cost c = {.all_us = 0};
	int i;

	count_allocations(s, &c);
	for (i = 0; i < ROUNDS; i++)
		time_round(s, &c, decisions);
	return c;
}

static void
row(const char *what, double measured, const char *unit, const char *goal)
{
	printf("%-44s %10.2f %-11s %s\n", what, measured, unit, goal);
}

/* Returns the bytes by which the heap grows. */
static size_t
bench_twenty(const char *policy)
{
	struct scene s;
	struct cost c;
	size_t before, grown;

	scene_open(&s, policy);
	assert_int_equal(s.judge.rules->nrules, 20);
	c = measure(&s, DECISIONS);
	before = mallinfo2().uordblks;
	time_round(&s, &c, DECISIONS);
	grown = mallinfo2().uordblks - before;
	row("20 rules x 3 images: plan", c.plan_us, "us", "");
	row("20 rules x 3 images: evaluate", c.evaluate_us, "us", "");
	row("20 rules x 3 images: all, with release", c.all_us, "us",
	    "under 20");
	row("  allocations to plan", (double)c.plan_allocations, "", "");
	row("  allocations to evaluate", (double)c.evaluate_allocations, "",
	    "(history.patterns)");
	row("  heap growth in 200 decisions", (double)grown, "bytes", "0");
	scene_close(&s);
	return grown;
}

static void
time_check(const struct scene *s, const struct check_key *key)
{
	const struct plan_image *pi = &s->judge.plan->images[1];
	const struct demand *d = &pi->rules[0]->demands[0];
	struct findings out = {.mem = s->judge.plan->mem,
	    .plan = s->judge.plan,
	    .image = pi,
	    .rule = pi->rules[0]};
	struct subject sub = {.plan = s->judge.plan,
	    .container = pi->container,
	    .ref = &pi->ref,
	    .replaced = pi->replaced,
	    .set = pi->facts};
	double least = 0, start;
	int i, k;

	if (s->judge.report->images[1].nplatforms > 0) {
		sub.platform = &s->judge.report->images[1].platforms[0];
		sub.image = sub.platform->image;
	}
	for (i = 0; i < ROUNDS; i++) {
		start = now_us();
		for (k = 0; k < CALLS; k++)
			assert_int_equal(findings_run(&out, d, &sub), 0);
		take_less(&least, (now_us() - start) / CALLS);
	}
	assert_int_equal(out.n, 0);
	printf("  %-42s %10.0f ns\n", key->name, least * 1e3);
}

/* As each check's example has it. */
static void
bench_checks(void)
{
	AUTO(buf_clear) struct buf policy = BUF_INIT(POLICY_MAX);
	struct scene s;
	size_t i;

	puts("one check on one image");
	for (i = 0; check_keys[i] != NULL; i++) {
		buf_truncate(&policy, 0);
		buf_printf(&policy,
		    "version: 1\nrules:\n- name: r\n"
		    "  check: {%s: %s}\n",
		    check_keys[i]->name, check_keys[i]->example);
		scene_open(&s, buf_text(&policy));
		scene_plan(&s);
		judge_evaluate(&s.judge);
		time_check(&s, check_keys[i]);
		scene_close(&s);
	}
}

static void
write_many(struct buf *b)
{
	int i;

	buf_puts(b, "version: 1\nrules:\n");
	for (i = 0; i < MANY; i++)
		buf_printf(b,
		    "  - name: rule-%d\n    owner: team-%d\n    match:\n"
		    "      namespaces: [\"*\", \"!kube-*\"]\n"
		    "      images: [\"registry.example.com/%s/**\"]\n"
		    "    check:\n      size: {max: 300Mi}\n"
		    "      user: {root: deny}\n",
		    i, i % 40, i % 2 == 0 ? "shop" : "pay");
	buf_puts(b, "waivers:\n");
	for (i = 0; i < MANY; i++)
		buf_printf(b,
		    "  - rule: rule-%d\n    match:\n"
		    "      namespaces: [\"team-%d\"]\n"
		    "      images: [\"registry.example.com/*/legacy-*\"]\n"
		    "    owner: team-%d\n    reason: moving to slim\n"
		    "    expires: 2027-06-30\n",
		    i, i % 40, i % 40);
	assert_false(buf_failed(b));
}

static void
bench_many(void)
{
	AUTO(buf_clear) struct buf policy = BUF_INIT(POLICY_MAX);
	struct scene s;
	struct cost c;
	double least = 0, start;
	int i;

	write_many(&policy);
	for (i = 0; i < ROUNDS / 4; i++) {
		start = own_us();
		ruleset_unref(judge_policy(buf_text(&policy)));
		take_less(&least, own_us() - start);
	}
	scene_open(&s, buf_text(&policy));
	assert_int_equal(s.judge.rules->nwaivers, MANY);
	c = measure(&s, 10);
	row("1,000 rules and 1,000 waivers: load", least / 1e3, "ms",
	    "under 50");
	row("1,000 rules and 1,000 waivers: a pod", c.all_us / 1e3, "ms",
	    "under 1");
	scene_close(&s);
}

int
main(int argc, char **argv)
{
	AUTO(free) char *policy = NULL;
	struct error err = ERROR_INIT;
	size_t len, grown;

	if (argc == 2)
		policy = file_read(argv[1], POLICY_MAX, &len, &err);
	if (policy == NULL) {
		fprintf(stderr, "usage: policy POLICY\n%s\n", err.msg);
		return 2;
	}
	grown = bench_twenty(policy);
	bench_checks();
	bench_many();
	return grown == 0 ? 0 : 1;
}
