/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/checks/check.h"

#include "policy/glob.h"
#include "policy/secret.h"

#include <string.h>

/*
 * What an image puts into the environment of every process. Values are looked
 * at, but never told: whoever reads a finding need not know them.
 */
struct params {
	struct string_list deny;
	int secrets;
};

static const struct check_field fields[] = {
    {.name = "deny",
	.check = "env.deny",
	.kind = VALUE_NAMES,
	.at = offsetof(struct params, deny),
	.may_be_empty = true,
	.about = "Globs over names of variables that no image may set; \"!\" "
		 "leaves out.",
	.fix = "take the variable out of the image and set it in the pod"},
    {.name = "secrets",
	.check = "env.secrets",
	.kind = VALUE_CHOICE,
	.words = check_deny_allow,
	.at = offsetof(struct params, secrets),
	.about = "`deny`: no variable may hold what looks like a secret, by "
		 "its name (a word of it is password, token, key, ...) or by "
		 "its value (a private key, a token of a known service, a URL "
		 "with a password). Empty values, placeholders, paths and "
		 "fingerprints are none.",
	.fix = "withdraw the secret, for it is in the image for ever, and "
	       "give its successor to the pod from a Secret"},
    {.name = NULL},
};

enum { FIELD_DENY, FIELD_SECRETS };
enum {
	LISTED_MAX = 5,
	NAME_SHOWN_MAX = 64,
	TEXT_MAX = 1024,
	NAME_BYTES_MAX = 256
};

/* Names found, as they are told. */
struct list {
	struct buf text;
	size_t n;
};

static void
list_add(struct list *l, const char *name, size_t len)
{
	if (++l->n <= LISTED_MAX)
		buf_printf(&l->text, "%s%.*s", l->n > 1 ? ", " : "",
		    (int)(len < NAME_SHOWN_MAX ? len : NAME_SHOWN_MAX), name);
}

static int
add(struct findings *out, size_t field, struct list *l, const char *limit)
{
	struct breach br = {
	    .field = &fields[field], .weight = (int64_t)l->n, .limit = limit};
	AUTO(breach_text_clear) struct breach_text t = BREACH_TEXT_INIT;
	const char *s = l->n == 1 ? "" : "s";

	if (l->n > LISTED_MAX)
		buf_printf(&l->text, " and %zu more", l->n - LISTED_MAX);
	if (field == FIELD_SECRETS)
		buf_printf(&t.message, "the variable%s %s look%s like %s", s,
		    buf_text(&l->text), l->n == 1 ? "s" : "",
		    l->n == 1 ? "a secret" : "secrets");
	else
		buf_printf(&t.message, "sets the variable%s %s", s,
		    buf_text(&l->text));
	if (buf_failed(&l->text))
		return -1;
	br.actual = buf_text(&l->text);
	return findings_add_text(out, &br, &t);
}

/* A longer name is nobody's: it matches as far as it goes. */
static bool
is_denied(const struct string_list *deny, const char *name, size_t len)
{
	char text[NAME_BYTES_MAX + 1];

	if (len > NAME_BYTES_MAX)
		len = NAME_BYTES_MAX;
	memcpy(text, name, len);
	text[len] = '\0';
	return glob_list_match(deny->items, deny->n, text);
}

static bool
is_secret(const char *variable, size_t name_len)
{
	const char *value = variable + name_len;

	if (*value != '=')
		return false;
	value++;
	return secret_is_value(value, strlen(value)) ||
	       (secret_is_name(variable, name_len) &&
		   !secret_is_harmless(value, strlen(value)));
}

static int
evaluate_env(const void *params, const struct subject *s, struct findings *out)
{
	const struct params *p = params;
	const struct string_list *env = &s->image->env;
	struct list denied = {.text = BUF_INIT(TEXT_MAX)};
	struct list secrets = {.text = BUF_INIT(TEXT_MAX)};
	size_t i, len;
	int rc = 0;

	for (i = 0; i < env->n; i++) {
		len = strcspn(env->items[i], "=");
		if (p->deny.n > 0 && is_denied(&p->deny, env->items[i], len))
			list_add(&denied, env->items[i], len);
		if (p->secrets == CHOICE_DEMANDS &&
		    is_secret(env->items[i], len))
			list_add(&secrets, env->items[i], len);
	}
	if (denied.n > 0)
		rc = add(out, FIELD_DENY, &denied, "not set in the image");
	if (rc == 0 && secrets.n > 0)
		rc = add(out, FIELD_SECRETS, &secrets, "no secrets");
	buf_clear(&denied.text);
	buf_clear(&secrets.text);
	return rc;
}

const struct check_key check_key_env = {
    .name = "env",
    .fields = fields,
    .params_size = sizeof(struct params),
    .needs_facts = true,
    .about = "An image's environment is readable by whoever can pull it. "
	     "Findings tell the names of variables and never a value.",
    .example = "{deny: [\"*_PASSWORD\"], secrets: deny}",
    .paste =
	"# Pod: the value comes from a Secret, the image knows nothing of it.\n"
	"env:\n"
	"  - name: API_TOKEN\n"
	"    valueFrom: {secretKeyRef: {name: web, key: token}}\n",
    .blind = "Secrets in files, in arguments of the command and behind "
	     "names that tell nothing. What the pod sets is not the "
	     "image's and is not judged.",
    .evaluate = evaluate_env,
};
