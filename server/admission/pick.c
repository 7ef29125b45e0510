/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admission/pick.h"

#include <stdbool.h>
#include <string.h>

enum { PICK_DEPTH_MAX = 32 };

static const struct pick users[] = {{"runAsUser", NULL}, {"runAsNonRoot", NULL},
    {"windowsOptions", NULL}, {NULL, NULL}};

static const struct pick containers[] = {
    {"name", NULL}, {"image", NULL}, {"securityContext", users}, {NULL, NULL}};

static const struct pick volumes[] = {
    {"name", NULL}, {"image", NULL}, {NULL, NULL}};

static const struct pick affinities[] = {{"nodeAffinity", NULL}, {NULL, NULL}};

static const struct pick annotations[] = {
    {"kubernetes.io/config.mirror", NULL}, {NULL, NULL}};

static const struct pick metadata[] = {{"name", NULL}, {"generateName", NULL},
    {"namespace", NULL}, {"labels", NULL}, {"annotations", annotations},
    {NULL, NULL}};

static const struct pick specs[];

static const struct pick templates[] = {
    {"metadata", metadata}, {"spec", specs}, {NULL, NULL}};

/* Of a pod and of what has a pod template alike. */
static const struct pick specs[] = {{"containers", containers},
    {"initContainers", containers}, {"ephemeralContainers", containers},
    {"volumes", volumes}, {"securityContext", users}, {"nodeSelector", NULL},
    {"affinity", affinities}, {"os", NULL}, {"hostUsers", NULL},
    {"template", templates}, {"jobTemplate", templates}, {NULL, NULL}};

static const struct pick objects[] = {{"metadata", metadata}, {"spec", specs},
    {"template", templates}, {"ephemeralContainers", containers}, {NULL, NULL}};

static const struct pick user_infos[] = {
    {"username", NULL}, {"groups", NULL}, {NULL, NULL}};

static const struct pick requests[] = {{"uid", NULL}, {"kind", NULL},
    {"resource", NULL}, {"subResource", NULL}, {"operation", NULL},
    {"namespace", NULL}, {"name", NULL}, {"dryRun", NULL},
    {"userInfo", user_infos}, {"object", objects}, {"oldObject", objects},
    {NULL, NULL}};

const struct pick pick_review[] = {
    {"apiVersion", NULL}, {"kind", NULL}, {"request", requests}, {NULL, NULL}};

/* Where the reading is. Each step leaves `p` behind what it has read, or sets
 * it to NULL where the text is not JSON. */
struct picker {
	const char *p;
	const char *end;
	struct buf *out;
	int depth;
};

static void
skip_space(struct picker *k)
{
	while (
	    k->p != NULL && k->p < k->end &&
	    (*k->p == ' ' || *k->p == '\n' || *k->p == '\t' || *k->p == '\r'))
		k->p++;
}

static char
peek(struct picker *k)
{
	skip_space(k);
	return k->p != NULL && k->p < k->end ? *k->p : '\0';
}

/* Behind the string that begins at `p`, or NULL. */
static const char *
string_end(const char *p, const char *end)
{
	const char *quote = memchr(p + 1, '"', (size_t)(end - p) - 1);

	/* With a backslash before it it may be the string's own. */
	if (quote == NULL || quote[-1] != '\\')
		return quote == NULL ? NULL : quote + 1;
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p < end ? p + 1 : NULL;
}

static void
skip_string(struct picker *k)
{
	k->p = string_end(k->p, k->end);
}

/* A list or object with all that is in it, by its brackets. */
static void
skip_nested(struct picker *k)
{
	const char *p = k->p, *end = k->end;
	size_t depth = 0;

	k->p = NULL;
	while (p != NULL && p < end) {
		const char c = *p;

		if (c == '"') {
			p = string_end(p, end);
			continue;
		}
		p++;
		if (c == '{' || c == '[') {
			depth++;
		} else if ((c == '}' || c == ']') && --depth == 0) {
			k->p = p;
			return;
		}
	}
}

static bool
ends_scalar(char c)
{
	return c == ',' || c == ']' || c == '}' || c == ' ' || c == '\t' ||
	       c == '\r' || c == '\n';
}

static void
skip_value(struct picker *k)
{
	const char first = peek(k);

	if (first == '"')
		skip_string(k);
	else if (first == '{' || first == '[')
		skip_nested(k);
	else
		while (k->p != NULL && k->p < k->end && !ends_scalar(*k->p))
			k->p++;
}

/* The member of that name, given with its quotes as it stands in the text. An
 * escaped name could be any: nobody writes our names so. */
static const struct pick *
find(const struct pick *members, const char *quoted, size_t len)
{
	for (; members->key != NULL; members++)
		if (members->key[0] == quoted[1] &&
		    strlen(members->key) == len - 2 &&
		    memcmp(members->key, quoted + 1, len - 2) == 0)
			return members;
	return NULL;
}

static void pick_value(struct picker *k, const struct pick *members);

static void
copy_value(struct picker *k)
{
	const char *start;

	skip_space(k);
	start = k->p;
	skip_value(k);
	if (k->p == NULL || k->p == start)
		k->p = NULL;
	else
		buf_add(k->out, start, (size_t)(k->p - start));
}

/* "name": value, kept or not. */
static void
pick_member(struct picker *k, const struct pick *members, bool *any)
{
	const struct pick *m;
	const char *name;
	size_t len;

	if (peek(k) != '"') {
		k->p = NULL;
		return;
	}
	name = k->p;
	skip_string(k);
	if (k->p == NULL)
		return;
	len = (size_t)(k->p - name);
	m = find(members, name, len);
	if (memchr(name, '\\', len) != NULL || peek(k) != ':') {
		k->p = NULL;
		return;
	}
	k->p++;
	if (m == NULL) {
		skip_value(k);
		return;
	}
	buf_puts(k->out, *any ? "," : "");
	*any = true;
	buf_add(k->out, name, len);
	buf_puts(k->out, ":");
	if (m->of == NULL)
		copy_value(k);
	else
		pick_value(k, m->of);
}

/* What stands between members or elements: true when another follows. */
static bool
another(struct picker *k, char close)
{
	const char c = peek(k);

	if (c != ',' && c != close)
		k->p = NULL;
	else
		k->p++;
	return k->p != NULL && c == ',';
}

static void
pick_object(struct picker *k, const struct pick *members)
{
	bool any = false;

	k->p++;
	buf_puts(k->out, "{");
	if (peek(k) == '}')
		k->p++;
	else
		do
			pick_member(k, members, &any);
		while (another(k, '}'));
	buf_puts(k->out, "}");
}

static void
pick_list(struct picker *k, const struct pick *members)
{
	k->p++;
	buf_puts(k->out, "[");
	if (peek(k) == ']')
		k->p++;
	else
		for (;;) {
			pick_value(k, members);
			if (!another(k, ']'))
				break;
			buf_puts(k->out, ",");
		}
	buf_puts(k->out, "]");
}

static void
pick_value(struct picker *k, const struct pick *members)
{
	const char first = peek(k);

	if (++k->depth > PICK_DEPTH_MAX)
		k->p = NULL;
	else if (first == '{')
		pick_object(k, members);
	else if (first == '[')
		pick_list(k, members);
	else
		copy_value(k);
	k->depth--;
}

int
pick(struct buf *out, const char *text, size_t len, const struct pick *members)
{
	struct picker k = {.p = text, .end = text + len, .out = out};

	if (peek(&k) != '{')
		return -1;
	pick_object(&k, members);
	skip_space(&k);
	return k.p == k.end && !buf_failed(out) ? 0 : -1;
}
