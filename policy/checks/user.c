/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/checks/check.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

/*
 * Who a container runs as: runAsUser of the container or its pod, else the
 * image's USER as containerd reads it (getUserFromImage in
 * internal/cri/server/images/image_status.go) and the kubelet judges it
 * (verifyRunAsNonRoot in pkg/kubelet/kuberuntime/security_context_others.go and
 * _windows.go): what stands before the first ':' is a number when Go's
 * ParseInt takes it, else a name; nothing at all is root.
 *
 * A name says nothing about its number, which stands in the image's
 * /etc/passwd: it is never taken for a user that is not root, and "root" is
 * taken for 0.
 */
struct params {
	int root;
	int named;
	int userns;
};

static const struct check_field fields[] = {
    {.name = "root",
	.check = "user.root",
	.kind = VALUE_CHOICE,
	.words = check_deny_allow,
	.at = offsetof(struct params, root),
	.about = "`deny`: nobody runs as uid 0, in any of its spellings, "
		 "unless runAsUser in the pod says otherwise.",
	.fix = "write a number other than 0 as USER in the image, such as "
	       "USER 10001, or set runAsUser in the pod"},
    {.name = "named",
	.check = "user.named",
	.kind = VALUE_CHOICE,
	.words = check_deny_allow,
	.at = offsetof(struct params, named),
	.about = "`deny`: USER is a number. A name may be root for all that "
		 "can be seen from outside, and the kubelet starts none under "
		 "runAsNonRoot.",
	.fix = "write the user's number as USER in the image, such as "
	       "USER 1000, or set runAsUser in the pod"},
    {.name = "userns",
	.kind = VALUE_CHOICE,
	.words = check_deny_allow,
	.at = offsetof(struct params, userns),
	.about = "`allow`: root is fine in pods with hostUsers: false, where "
		 "it is nobody on the node."},
    {.name = NULL},
};

enum { FIELD_ROOT, FIELD_NAMED };
enum { SHOWN_MAX = 64 };

enum user_kind { USER_ROOT, USER_NUMBER, USER_NAMED, USER_OUT_OF_RANGE };

struct user {
	enum user_kind kind;
	int64_t uid;      /* of a number */
	const char *name; /* of a name: up to name_len */
	size_t name_len;
	const char *image_user; /* USER where it decides, else NULL */
};

/* As Go's strconv.ParseInt(s, 10, 64): a sign and digits, all of it. */
static bool
parse_int(const char *s, size_t len, int64_t *out)
{
	size_t sign = len > 0 && (s[0] == '+' || s[0] == '-') ? 1 : 0;
	int64_t n = 0;
	size_t i;

	if (len == sign)
		return false;
	for (i = sign; i < len; i++) {
		const int digit = s[i] - '0';

		if (digit < 0 || digit > 9 ||
		    __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_sub_overflow(n, digit, &n))
			return false;
	}
	if (s[0] != '-' && __builtin_sub_overflow(0, n, &n))
		return false;
	*out = n;
	return true;
}

static void
set_number(struct user *u, int64_t uid)
{
	u->uid = uid;
	if (uid == 0)
		u->kind = USER_ROOT;
	else
		u->kind = uid < 0 || uid > INT32_MAX ? USER_OUT_OF_RANGE
						     : USER_NUMBER;
}

static bool
claims_windows(const struct subject *s)
{
	return strcmp(s->image->platform.os, "windows") == 0;
}

/* What an image claims counts only where a runtime chooses by it. */
static bool
is_windows(const struct subject *s)
{
	return platform_set_is_windows(&s->plan->platforms) ||
	       (claims_windows(s) && !image_set_is_lone(s->set));
}

/* Only this account can do everything; runAsUser means nothing. */
static struct user
windows_user(const struct subject *s)
{
	const char *name = s->container->run_as_user_name;
	struct user u = {.kind = USER_NUMBER};

	if (name == NULL) {
		name = s->image->user;
		u.image_user = name;
	}
	u.name = name;
	u.name_len = strlen(name);
	if (strcasecmp(name, "ContainerAdministrator") == 0)
		u.kind = USER_ROOT;
	return u;
}

static struct user
linux_user(const struct subject *s)
{
	const char *text = s->image->user;
	struct user u = {.kind = USER_ROOT};
	int64_t uid;

	if (s->container->has_run_as_user) {
		set_number(&u, s->container->run_as_user);
		return u;
	}
	u.image_user = text;
	u.name = text;
	u.name_len = strcspn(text, ":");
	if (parse_int(text, u.name_len, &uid))
		set_number(&u, uid);
	else if (u.name_len > 0 &&
		 !(u.name_len == 4 && memcmp(text, "root", 4) == 0))
		u.kind = USER_NAMED;
	return u;
}

/* The kubelet or the runtime will not start such a container. */
static bool
is_refused(const struct subject *s, const struct user *u)
{
	if (u->kind == USER_OUT_OF_RANGE)
		return true;
	return s->container->run_as_non_root == YES &&
	       (u->kind == USER_ROOT || u->kind == USER_NAMED);
}

static void
add_name(struct buf *b, const struct user *u)
{
	buf_printf(b, "\"%.*s\"",
	    (int)(u->name_len < SHOWN_MAX ? u->name_len : SHOWN_MAX), u->name);
}

static void
say_actual(struct buf *b, const struct user *u)
{
	if (u->kind == USER_NAMED)
		buf_printf(b, "%.*s",
		    (int)(u->name_len < SHOWN_MAX ? u->name_len : SHOWN_MAX),
		    u->name);
	else if (u->kind == USER_OUT_OF_RANGE)
		buf_printf(b, "%" PRId64, u->uid);
	else
		buf_puts(b, "root");
}

static void
say_message(struct buf *b, const struct subject *s, const struct user *u)
{
	const bool refused = is_refused(s, u);

	if (u->kind == USER_OUT_OF_RANGE) {
		buf_printf(b,
		    "user %" PRId64
		    " is not from 0 to 2147483647: the kubelet will not start "
		    "this",
		    u->uid);
		return;
	}
	if (u->kind == USER_ROOT) {
		buf_puts(b, "runs as root");
	} else {
		buf_puts(b, "user ");
		add_name(b, u);
		buf_puts(b, " is a name");
	}
	if (refused)
		buf_puts(
		    b, " under runAsNonRoot: the kubelet will not start this");
	else if (u->kind == USER_NAMED)
		buf_puts(b, ", which may be root for all that can be seen");
}

static void
say_evidence(struct buf *b, const struct subject *s, const struct user *u)
{
	if (u->image_user == NULL && is_windows(s))
		buf_puts(b, "runAsUserName says so");
	else if (u->image_user == NULL)
		buf_printf(b, "runAsUser is %" PRId64, u->uid);
	else if (u->image_user[0] == '\0')
		buf_puts(b, "neither the image nor the pod sets a user");
	else
		buf_printf(b, "the image's USER is \"%.*s\"", SHOWN_MAX,
		    u->image_user);
	if (claims_windows(s) && !is_windows(s))
		buf_puts(b, "; that it is for Windows is its word alone, the "
			    "pod has no spec.os.name");
	if (s->plan->workload->host_users_false && u->kind == USER_ROOT)
		buf_puts(b, ", in a user namespace of the pod's own");
}

static int
add(struct findings *out, const struct subject *s, const struct user *u,
    size_t field)
{
	struct breach br = {.field = &fields[field],
	    .weight = (is_refused(s, u) ? 2 : 0) + (u->kind == USER_ROOT),
	    .limit = field == FIELD_NAMED ? "a numeric user" : "not root"};
	AUTO(breach_text_clear) struct breach_text t = BREACH_TEXT_INIT;

	say_actual(&t.actual, u);
	say_message(&t.message, s, u);
	say_evidence(&t.evidence, s, u);
	return findings_add_text(out, &br, &t);
}

static int
evaluate_user(const void *params, const struct subject *s, struct findings *out)
{
	const struct params *p = params;
	const struct user u = is_windows(s) ? windows_user(s) : linux_user(s);
	const bool by_name = u.kind == USER_NAMED;
	const int own = by_name ? p->named : p->root;
	const bool spared = u.kind == USER_ROOT &&
			    s->plan->workload->host_users_false &&
			    p->userns == CHOICE_ALLOW;
	size_t field = by_name ? FIELD_NAMED : FIELD_ROOT;

	if (is_refused(s, &u)) {
		/* Told under whichever of the two is asked for. */
		if (own != CHOICE_DEMANDS)
			field = by_name ? FIELD_ROOT : FIELD_NAMED;
		return add(out, s, &u, field);
	}
	if (u.kind == USER_NUMBER || own != CHOICE_DEMANDS || spared)
		return 0;
	return add(out, s, &u, field);
}

const struct check_key check_key_user = {
    .name = "user",
    .fields = fields,
    .params_size = sizeof(struct params),
    .needs_facts = true,
    .needs_process = true,
    .about = "A process that gets out of its container is on the node who "
	     "it was inside. Judged is the user that counts in the end: "
	     "runAsUser of the container, of the pod, then USER of the image. "
	     "What the kubelet would not start is said in so many words.",
    .example = "{root: deny, named: deny}",
    .paste = "# Dockerfile\n"
	     "COPY --chown=10001:10001 app /app\n"
	     "USER 10001:10001\n",
    .blind = "/etc/passwd in the image, so a name may be anybody, and what "
	     "a setuid program or the capabilities of the pod make of it.",
    .evaluate = evaluate_user,
};
