/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/registry_talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* "CONFIG" becomes the digest of the sample's config. */
static char *
expand(const char *text, const struct sample *s)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(1 << 20);
	const char *at;

	for (; (at = strstr(text, "CONFIG")) != NULL; text = at + 6)
		buf_printf(
		    &b, "%.*s%s", (int)(at - text), text, s->config_digest);
	buf_puts(&b, text);
	return buf_take(&b);
}

static bool
ends(const char *s, const char *end)
{
	return strlen(s) >= strlen(end) &&
	       strcmp(s + strlen(s) - strlen(end), end) == 0;
}

static void
fill_answers(
    struct fake *f, const struct talk *t, const struct sample *s, char **urls)
{
	struct fake_answer a;

	for (int i = 0; i < TRIES_MAX && t->answers[i].url != NULL; i++) {
		a = t->answers[i];
		if (a.body == NULL && a.status == 0)
			a.body = ends(a.url, "/manifests/1") ||
					 ends(a.url, "/manifests/1?ns=r.io")
				     ? s->manifest
				     : s->config;
		urls[i] = expand(a.url, s);
		a.url = urls[i];
		fake_add(f, a);
	}
}

static void
check(const struct fake *f, const struct talk *t)
{
	if (f->err.code != t->code)
		fail_msg("%s: code %d, expected %d: %s\n%s", t->name,
		    f->err.code, t->code, f->err.msg, buf_text(&f->seen));
	if (t->says != NULL && strstr(f->err.msg, t->says) == NULL)
		fail_msg(
		    "%s: \"%s\" lacks \"%s\"", t->name, f->err.msg, t->says);
}

void
talk_hold(const struct talk *t)
{
	AUTO(fake_clear) struct fake f;
	char *urls[TRIES_MAX] = {NULL};
	AUTO(free) char *seen = NULL;
	struct sample s;

	fake_init(&f, t->config);
	sample_init(&s, "unused", "linux", "amd64");
	fill_answers(&f, t, &s, urls);
	fake_resolve(&f, t->reference == NULL ? "r.io/a:1" : t->reference, NULL,
	    TALK_MS);
	check(&f, t);
	if (t->seen != NULL) {
		seen = expand(t->seen, &s);
		fake_saw(&f, t->name, seen);
	}
	for (int i = 0; i < TRIES_MAX; i++)
		free(urls[i]);
}
