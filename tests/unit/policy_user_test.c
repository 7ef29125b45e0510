/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 1024 };

static const int64_t unset = INT64_MIN;

/* Flags of a row. */
enum {
	NON_ROOT = 1 << 0, /* runAsNonRoot: true */
	NON_ROOT_FALSE = 1 << 1,
	USERNS = 1 << 2, /* hostUsers: false */
	WINDOWS = 1 << 3,
	EPHEMERAL = 1 << 4,
	INIT = 1 << 5,
	VOLUME = 1 << 6,
	CLAIMED = 1 << 7, /* as Windows, by the image's config alone */
	LISTED = 1 << 8,  /* as Windows, by an index */
};

#define ROOT "root: deny"
#define NAMED "named: deny"
#define BOTH "root: deny, named: deny"
#define SPARE "root: deny, named: deny, userns: allow"

/* What the pod says, what the image says, and what comes of it: "-" for
 * nothing, else the check and, after "!", that it will not start. */
static const struct row {
	const char *policy;
	const char *image_user;
	int64_t run_as_user;
	int flags;
	const char *windows_user;
	const char *wanted;
} rows[] = {
    /* Nothing in the pod: the image's USER, as containerd splits it. */
    {BOTH, "", INT64_MIN, 0, NULL, "user.root root"},
    {BOTH, "0", INT64_MIN, 0, NULL, "user.root root"},
    {BOTH, "00", INT64_MIN, 0, NULL, "user.root root"},
    {BOTH, "000000000000000000000000", INT64_MIN, 0, NULL, "user.root root"},
    {BOTH, "0:0", INT64_MIN, 0, NULL, "user.root root"},
    {BOTH, "0:1000", INT64_MIN, 0, NULL, "user.root root"},
    {BOTH, "+0", INT64_MIN, 0, NULL, "user.root root"},
    {BOTH, "-0", INT64_MIN, 0, NULL, "user.root root"},
    {BOTH, ":1000", INT64_MIN, 0, NULL, "user.root root"},
    {BOTH, ":", INT64_MIN, 0, NULL, "user.root root"},
    {BOTH, "root", INT64_MIN, 0, NULL, "user.root root"},
    {BOTH, "root:root", INT64_MIN, 0, NULL, "user.root root"},
    {BOTH, "root:x", INT64_MIN, 0, NULL, "user.root root"},
    {BOTH, "1", INT64_MIN, 0, NULL, "-"},
    {BOTH, "1000", INT64_MIN, 0, NULL, "-"},
    {BOTH, "01000", INT64_MIN, 0, NULL, "-"},
    {BOTH, "+1000", INT64_MIN, 0, NULL, "-"},
    {BOTH, "1000:0", INT64_MIN, 0, NULL, "-"},
    {BOTH, "1000:root", INT64_MIN, 0, NULL, "-"},
    {BOTH, "65534", INT64_MIN, 0, NULL, "-"},
    {BOTH, "2147483647", INT64_MIN, 0, NULL, "-"},
    {BOTH, "node", INT64_MIN, 0, NULL, "user.named node"},
    {BOTH, "nonroot:nonroot", INT64_MIN, 0, NULL, "user.named nonroot"},
    {BOTH, "Root", INT64_MIN, 0, NULL, "user.named Root"},
    {BOTH, "root ", INT64_MIN, 0, NULL, "user.named root "},
    {BOTH, " 0", INT64_MIN, 0, NULL, "user.named  0"},
    {BOTH, "0x0", INT64_MIN, 0, NULL, "user.named 0x0"},
    {BOTH, "0_0", INT64_MIN, 0, NULL, "user.named 0_0"},
    {BOTH, "1000a", INT64_MIN, 0, NULL, "user.named 1000a"},
    {BOTH, "+", INT64_MIN, 0, NULL, "user.named +"},
    {BOTH, "$USER", INT64_MIN, 0, NULL, "user.named $USER"},
    /* Numbers that no runtime takes: one that wraps to 0 is the worst. */
    {BOTH, "2147483648", INT64_MIN, 0, NULL, "user.root 2147483648!"},
    {BOTH, "4294967296", INT64_MIN, 0, NULL, "user.root 4294967296!"},
    {BOTH, "-1", INT64_MIN, 0, NULL, "user.root -1!"},
    {BOTH, "-9223372036854775808", INT64_MIN, 0, NULL,
	"user.root -9223372036854775808!"},
    {BOTH, "9223372036854775808", INT64_MIN, 0, NULL,
	"user.named 9223372036854775808"},
    /* The pod speaks before the image. */
    {BOTH, "", 1000, 0, NULL, "-"},
    {BOTH, "root", 1000, 0, NULL, "-"},
    {BOTH, "node", 1000, 0, NULL, "-"},
    {BOTH, "1000", 0, 0, NULL, "user.root root"},
    {BOTH, "node", 0, 0, NULL, "user.root root"},
    /* runAsNonRoot: what the kubelet will not start. */
    {BOTH, "", INT64_MIN, NON_ROOT, NULL, "user.root root!"},
    {BOTH, "0", INT64_MIN, NON_ROOT, NULL, "user.root root!"},
    {BOTH, "root", INT64_MIN, NON_ROOT, NULL, "user.root root!"},
    {BOTH, "node", INT64_MIN, NON_ROOT, NULL, "user.named node!"},
    {BOTH, "1000", INT64_MIN, NON_ROOT, NULL, "-"},
    {BOTH, "1000", 0, NON_ROOT, NULL, "user.root root!"},
    {BOTH, "root", 1000, NON_ROOT, NULL, "-"},
    {BOTH, "node", 1000, NON_ROOT, NULL, "-"},
    {BOTH, "", INT64_MIN, NON_ROOT_FALSE, NULL, "user.root root"},
    {BOTH, "node", INT64_MIN, NON_ROOT_FALSE, NULL, "user.named node"},
    /* Each check alone; what will not start is told under either. */
    {ROOT, "", INT64_MIN, 0, NULL, "user.root root"},
    {ROOT, "node", INT64_MIN, 0, NULL, "-"},
    {ROOT, "node", INT64_MIN, NON_ROOT, NULL, "user.root node!"},
    {NAMED, "", INT64_MIN, 0, NULL, "-"},
    {NAMED, "root", INT64_MIN, 0, NULL, "-"},
    {NAMED, "node", INT64_MIN, 0, NULL, "user.named node"},
    {NAMED, "", INT64_MIN, NON_ROOT, NULL, "user.named root!"},
    {NAMED, "4294967296", INT64_MIN, 0, NULL, "user.named 4294967296!"},
    /* A user namespace: root inside is nobody outside. */
    {BOTH, "", INT64_MIN, USERNS, NULL, "user.root root"},
    {SPARE, "", INT64_MIN, USERNS, NULL, "-"},
    {SPARE, "root", INT64_MIN, USERNS, NULL, "-"},
    {SPARE, "1000", 0, USERNS, NULL, "-"},
    {SPARE, "", INT64_MIN, 0, NULL, "user.root root"},
    {SPARE, "node", INT64_MIN, USERNS, NULL, "user.named node"},
    {SPARE, "", INT64_MIN, USERNS | NON_ROOT, NULL, "user.root root!"},
    /* Init and ephemeral containers run too; a volume does not. */
    {BOTH, "", INT64_MIN, INIT, NULL, "user.root root"},
    {BOTH, "", INT64_MIN, EPHEMERAL, NULL, "user.root root"},
    {BOTH, "", INT64_MIN, VOLUME, NULL, "-"},
    /* Windows: one account is everything, runAsUser is not read. */
    {BOTH, "", INT64_MIN, WINDOWS, NULL, "-"},
    {BOTH, "ContainerUser", INT64_MIN, WINDOWS, NULL, "-"},
    {BOTH, "ContainerAdministrator", INT64_MIN, WINDOWS, NULL,
	"user.root root"},
    {BOTH, "containeradministrator", INT64_MIN, WINDOWS, NULL,
	"user.root root"},
    {BOTH, "ContainerAdministrator", INT64_MIN, WINDOWS, "ContainerUser", "-"},
    {BOTH, "ContainerUser", INT64_MIN, WINDOWS, "ContainerAdministrator",
	"user.root root"},
    {BOTH, "", 0, WINDOWS, NULL, "-"},
    {BOTH, "ContainerUser", INT64_MIN, WINDOWS | NON_ROOT, NULL, "-"},
    {BOTH, "ContainerAdministrator", INT64_MIN, WINDOWS | NON_ROOT, NULL,
	"user.root root!"},
    /* A runtime chooses from an index by platform; a manifest that is named
     * it runs on whatever node it is, as its root where no user is set. */
    {BOTH, "", INT64_MIN, LISTED, NULL, "-"},
    {BOTH, "", INT64_MIN, CLAIMED, NULL, "user.root root"},
    {BOTH, "root", INT64_MIN, CLAIMED, NULL, "user.root root"},
    {BOTH, "ContainerUser", INT64_MIN, CLAIMED, NULL,
	"user.named ContainerUser"},
    {BOTH, "", INT64_MIN, CLAIMED, "ContainerUser", "user.root root"},
    {BOTH, "", INT64_MIN, CLAIMED | WINDOWS, NULL, "-"},
    {BOTH, "", 1000, CLAIMED, NULL, "-"},
};

static void
fill_pod(struct judge *j, const struct row *r)
{
	static const struct platform windows = {"windows", "", "", ""};
	struct container *c = &j->w->containers[0];

	c->has_run_as_user = r->run_as_user != unset;
	c->run_as_user = c->has_run_as_user ? r->run_as_user : 0;
	if (r->flags & NON_ROOT)
		c->run_as_non_root = YES;
	if (r->flags & NON_ROOT_FALSE)
		c->run_as_non_root = NO;
	c->run_as_user_name = r->windows_user;
	if (r->flags & INIT)
		c->type = CONTAINER_INIT;
	if (r->flags & EPHEMERAL)
		c->type = CONTAINER_EPHEMERAL;
	if (r->flags & VOLUME)
		c->type = CONTAINER_IMAGE_VOLUME;
	if (r->flags & WINDOWS)
		j->w->platforms = (struct platform_set){&windows, 1};
	j->w->host_users_false = (r->flags & USERNS) != 0;
}

static void
say(const struct report_image *img, struct buf *b)
{
	const struct finding *f = img->findings;

	if (img->nfindings == 0) {
		buf_puts(b, "-");
		return;
	}
	assert_int_equal(img->nfindings, 1);
	buf_printf(b, "%s %s%s", f->check, f->actual,
	    strstr(f->message, "the kubelet will not start this") ? "!" : "");
}

static void
judge_row(size_t i)
{
	const struct row *r = &rows[i];
	const struct judge_image image = {
	    .platform = (r->flags & (WINDOWS | CLAIMED | LISTED)) != 0
			    ? "windows/amd64"
			    : NULL,
	    .lone = (r->flags & CLAIMED) != 0,
	    .user = r->image_user};
	AUTO(buf_clear) struct buf b = BUF_INIT(TEXT_MAX);
	char name[TEXT_MAX];
	struct judge j;

	snprintf(name, sizeof(name), "row %zu, USER \"%s\"", i, r->image_user);
	buf_printf(&b,
	    "version: 1\nrules:\n  - name: r\n    check: {user: {%s}}\n",
	    r->policy);
	judge_open(&j, buf_text(&b), "web:1");
	fill_pod(&j, r);
	judge_plan(&j);
	if (j.plan->images[0].fetch)
		judge_facts(&j, 0, &image, 1);
	judge_evaluate(&j);
	buf_truncate(&b, 0);
	say(&j.report->images[0], &b);
	judge_same(name, buf_text(&b), r->wanted);
	judge_close(&j);
}

static void
tells_the_user_as_the_kubelet_and_containerd_do(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		judge_row(i);
}

static void
an_image_volume_alone_is_not_even_fetched_for_its_user(void **state)
{
	struct judge j;

	(void)state;
	judge_open(&j,
	    "version: 1\nrules:\n"
	    "  - {name: r, check: {user: {root: deny}}}\n",
	    "web:1");
	j.w->containers[0].type = CONTAINER_IMAGE_VOLUME;
	judge_plan(&j);
	assert_false(j.plan->images[0].fetch);
	judge_close(&j);
}

static void
root_on_one_platform_only_is_found(void **state)
{
	const struct judge_image images[] = {{.user = "1000"},
	    {.platform = "linux/arm64", .user = "node"},
	    {.platform = "linux/arm/v7", .user = "0"}};
	struct judge j;

	(void)state;
	judge_open(&j,
	    "version: 1\nrules:\n"
	    "  - {name: r, check: {user: {root: deny, named: deny}}}\n",
	    "web:1");
	judge_plan(&j);
	judge_facts(&j, 0, images, 3);
	judge_evaluate(&j);
	judge_expect(&j, "platforms",
	    "deny user.named@linux/arm64 node>a numeric user; "
	    "user.root@linux/arm/v7 root>not root");
	judge_close(&j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tells_the_user_as_the_kubelet_and_containerd_do),
	    cmocka_unit_test(
		an_image_volume_alone_is_not_even_fetched_for_its_user),
	    cmocka_unit_test(root_on_one_platform_only_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
