/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/document_tree.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Longer digits are taken for text: no number that means anything. */
enum { NUMBER_MAX = 1024 };

static const char yaml_tag[] = "tag:yaml.org,2002:";

enum kind { KIND_TEXT, KIND_NULL, KIND_BOOL, KIND_INT, KIND_REAL };

static const char *const kind_names[] = {
    "text", "null", "a boolean", "an integer", "a number"};

struct resolved {
	enum kind kind;
	bool yes;
	int64_t integer;
	double real;
};

static const struct word {
	const char *text;
	struct resolved value;
} words[] = {
    {"", {.kind = KIND_NULL}},
    {"~", {.kind = KIND_NULL}},
    {"null", {.kind = KIND_NULL}},
    {"Null", {.kind = KIND_NULL}},
    {"NULL", {.kind = KIND_NULL}},
    {"true", {.kind = KIND_BOOL, .yes = true}},
    {"True", {.kind = KIND_BOOL, .yes = true}},
    {"TRUE", {.kind = KIND_BOOL, .yes = true}},
    {"false", {.kind = KIND_BOOL}},
    {"False", {.kind = KIND_BOOL}},
    {"FALSE", {.kind = KIND_BOOL}},
    {"yes", {.kind = KIND_BOOL, .yes = true}},
    {"Yes", {.kind = KIND_BOOL, .yes = true}},
    {"YES", {.kind = KIND_BOOL, .yes = true}},
    {"no", {.kind = KIND_BOOL}},
    {"No", {.kind = KIND_BOOL}},
    {"NO", {.kind = KIND_BOOL}},
    {"on", {.kind = KIND_BOOL, .yes = true}},
    {"On", {.kind = KIND_BOOL, .yes = true}},
    {"ON", {.kind = KIND_BOOL, .yes = true}},
    {"off", {.kind = KIND_BOOL}},
    {"Off", {.kind = KIND_BOOL}},
    {"OFF", {.kind = KIND_BOOL}},
    {"y", {.kind = KIND_BOOL, .yes = true}},
    {"Y", {.kind = KIND_BOOL, .yes = true}},
    {"n", {.kind = KIND_BOOL}},
    {"N", {.kind = KIND_BOOL}},
    {".nan", {.kind = KIND_REAL, .real = NAN}},
    {".NaN", {.kind = KIND_REAL, .real = NAN}},
    {".NAN", {.kind = KIND_REAL, .real = NAN}},
    {".inf", {.kind = KIND_REAL, .real = INFINITY}},
    {".Inf", {.kind = KIND_REAL, .real = INFINITY}},
    {".INF", {.kind = KIND_REAL, .real = INFINITY}},
    {"+.inf", {.kind = KIND_REAL, .real = INFINITY}},
    {"+.Inf", {.kind = KIND_REAL, .real = INFINITY}},
    {"+.INF", {.kind = KIND_REAL, .real = INFINITY}},
    {"-.inf", {.kind = KIND_REAL, .real = -INFINITY}},
    {"-.Inf", {.kind = KIND_REAL, .real = -INFINITY}},
    {"-.INF", {.kind = KIND_REAL, .real = -INFINITY}},
};

enum { WORD_MAX = 5 };

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The base that a prefix names; moves *s behind it. "017" is octal. */
static unsigned int
number_base(const char **s)
{
	const char *p = *s;

	if (p[0] != '0' || p[1] == '\0')
		return 10;
	*s += 2;
	switch (p[1] | 0x20) {
	case 'x':
		return 16;
	case 'o':
		return 8;
	case 'b':
		return 2;
	default:
		*s -= 1;
		return 8;
	}
}

static unsigned int
digit_value(char c)
{
	if (is_digit(c))
		return (unsigned int)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a') + 10 : 99;
}

/* An integer in any of its notations; one that takes all of 64 bits becomes a
 * real. */
static bool
parse_integer(const char *s, struct resolved *out)
{
	bool negative = *s == '-';
	unsigned int base;
	uint64_t v = 0;

	if (*s == '-' || *s == '+')
		s++;
	base = number_base(&s);
	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++) {
		unsigned int d = digit_value(*s);

		if (d >= base || __builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, d, &v))
			return false;
	}
	if (v <= (uint64_t)INT64_MAX + negative) {
		out->kind = KIND_INT;
		out->integer = (int64_t)(negative ? 0 - v : v);
		return true;
	}
	out->kind = KIND_REAL;
	out->real = (double)v;
	return !negative;
}

/* [-+]? ( .digits | digits [. digits?] ) ( [eE] [-+]? digits )? */
static bool
looks_real(const char *s)
{
	size_t before, after = 0;

	if (*s == '-' || *s == '+')
		s++;
	before = strspn(s, "0123456789");
	s += before;
	if (*s == '.') {
		after = strspn(++s, "0123456789");
		s += after;
	}
	if (before == 0 && after == 0)
		return false;
	if (*s == 'e' || *s == 'E') {
		s++;
		if (*s == '-' || *s == '+')
			s++;
		if (!is_digit(*s))
			return false;
		s += strspn(s, "0123456789");
	}
	return *s == '\0';
}

static bool
parse_real(const char *s, struct resolved *out)
{
	if (!looks_real(s))
		return false;
	out->real = strtod(s, NULL);
	out->kind = isinf(out->real) ? KIND_TEXT : KIND_REAL;
	/* kubectl writes 1e3 and 8.0 as the integers that they are. */
	if (out->kind == KIND_REAL && fabs(out->real) < 0x1p63 &&
	    trunc(out->real) == out->real) {
		out->kind = KIND_INT;
		out->integer = (int64_t)out->real;
	}
	return true;
}

static void
resolve_number(const char *s, size_t len, struct resolved *out)
{
	char plain[NUMBER_MAX + 1];
	size_t n = 0;

	if (len > NUMBER_MAX)
		return;
	for (size_t i = 0; i < len; i++) {
		/* "._5" is text where "1_000" is a number. */
		if (s[i] != '_' || s[0] == '.')
			plain[n++] = s[i];
	}
	plain[n] = '\0';
	if (!parse_integer(plain, out) && !parse_real(plain, out))
		out->kind = KIND_TEXT;
}

/* A plain scalar, as https://yaml.org/type/ says and the YAML library of the
 * Kubernetes tools does it. */
static struct resolved
resolve(const char *s, size_t len)
{
	struct resolved r = {.kind = KIND_TEXT};

	for (size_t i = 0;
	     len <= WORD_MAX && i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i].text) == len &&
		    memcmp(words[i].text, s, len) == 0)
			return words[i].value;
	}
	if (is_digit(s[0]) || s[0] == '+' || s[0] == '-' || s[0] == '.')
		resolve_number(s, len, &r);
	return r;
}

static json_t *
resolved_json(
    const struct scalar *s, const struct resolved *r, struct error *err)
{
	json_t *v = NULL;

	switch (r->kind) {
	case KIND_NULL:
		return json_null();
	case KIND_BOOL:
		return json_boolean(r->yes);
	case KIND_INT:
		v = json_integer(r->integer);
		break;
	case KIND_REAL:
		if (!isfinite(r->real)) {
			error_set(err, ERR_SYNTAX,
			    "%s is a number that JSON does not have; put it in quotes if it is text",
			    s->text);
			return NULL;
		}
		v = json_real(r->real);
		break;
	case KIND_TEXT:
		v = json_stringn_nocheck(s->text, s->len);
		break;
	}
	if (v == NULL)
		error_set(err, ERR_NOMEM, "out of memory");
	return v;
}

/* A scalar under an explicit tag. Those of others than YAML leave text. */
static int
resolve_tagged(const struct scalar *s, struct resolved *out, struct error *err)
{
	static const struct {
		const char *tag;
		enum kind kind;
	} tags[] = {{"null", KIND_NULL}, {"bool", KIND_BOOL}, {"int", KIND_INT},
	    {"float", KIND_REAL}};
	const char *tag = s->tag + sizeof(yaml_tag) - 1;

	*out = (struct resolved){.kind = KIND_TEXT};
	if (strncmp(s->tag, yaml_tag, sizeof(yaml_tag) - 1) != 0)
		return 0;
	if (strcmp(tag, "binary") == 0)
		return error_set(err, ERR_SYNTAX,
		    "binary values (!!binary) are not read; write them as text");
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		if (strcmp(tag, tags[i].tag) != 0)
			continue;
		*out = resolve(s->text, s->len);
		if (out->kind == tags[i].kind ||
		    (out->kind == KIND_INT && tags[i].kind == KIND_REAL))
			return 0;
		return error_set(err, ERR_SYNTAX,
		    "the tag !!%s stands before %s, not %s", tag,
		    kind_names[out->kind], kind_names[tags[i].kind]);
	}
	return 0;
}

json_t *
scalar_value(const struct scalar *s, struct error *err)
{
	struct resolved r = {.kind = KIND_TEXT};

	if (memchr(s->text, '\0', s->len) != NULL) {
		error_set(err, ERR_SYNTAX, "a NUL character is not allowed");
		return NULL;
	}
	if (s->tag != NULL && resolve_tagged(s, &r, err) != 0)
		return NULL;
	if (s->tag == NULL && s->plain)
		r = resolve(s->text, s->len);
	return resolved_json(s, &r, err);
}

/* The fewest digits that name the same single-precision number: what the
 * Kubernetes tools write. */
static void
print_real(char *text, size_t size, double v)
{
	for (int digits = 1; digits <= 9; digits++) {
		snprintf(text, size, "%.*g", digits, v);
		if (strtof(text, NULL) == (float)v)
			return;
	}
}

json_t *
scalar_key(const json_t *value, struct error *err)
{
	char text[32];
	json_t *key;

	switch (json_typeof(value)) {
	case JSON_STRING:
		key = json_stringn_nocheck(
		    json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER:
		snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT,
		    json_integer_value(value));
		key = json_string_nocheck(text);
		break;
	case JSON_REAL:
		print_real(text, sizeof(text), json_real_value(value));
		key = json_string_nocheck(text);
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		key =
		    json_string_nocheck(json_is_true(value) ? "true" : "false");
		break;
	default:
		error_set(err, ERR_SYNTAX, "a key must be text, not %s",
		    json_is_null(value)    ? "null"
		    : json_is_array(value) ? "a list"
					   : "a mapping");
		return NULL;
	}
	if (key == NULL)
		error_set(err, ERR_NOMEM, "out of memory");
	return key;
}
