/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/explain.h"

#include "policy/checks/check.h"
#include "policy/match.h"

/*
 * What the parser accepts, as far as a schema can say it: not that names are
 * given once, that a date is in the calendar, that a range has a beginning
 * before its end, or that a file of nothing but waivers is not all of a policy.
 */

#define TEXT "\\s{}\\\\"

/* As read_globs.c has them. */
static const char plain_glob[] = "^!?[^!" TEXT "\\[\\]][^" TEXT "\\[\\]]*$";
static const char plain_glob_no_exclude[] =
    "^[^!" TEXT "\\[\\]][^" TEXT "\\[\\]]*$";
static const char image_glob[] =
    "^(?!.*://)(?!.*/[^/]*:[^/]*$)(?!!?[^!\\[].*[\\[\\]])"
    "!?[^!" TEXT "@][^" TEXT "@]*$";
static const char size_text[] =
    "^(?=.*[1-9])[0-9]+(\\.[0-9]+)?(k|K|Ki|M|Mi|G|Gi)?$";
static const char duration_text[] = "^0*[1-9][0-9]*[smhdw]$";
static const char percent_text[] = "^(?=.*[1-9])[0-9]+(\\.[0-9])?%$";
static const char port_text[] =
    "^[1-9][0-9]{0,4}(-[1-9][0-9]{0,4})?"
    "(/([tT][cC][pP]|[uU][dD][pP]|[sS][cC][tT][pP]))?$";
static const char platform_text_pattern[] =
    "^[a-z0-9_.-]+/[a-z0-9_.-]+(/[a-z0-9_.-]+)?$";
static const char rule_name[] =
    "^(?!(verdict|error|exempt)$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$";
static const char date_text[] = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$";

/* The schema with a key more; NULL where either could not be made. */
static json_t *
with(json_t *schema, const char *key, json_t *value)
{
	if (json_object_set_new(schema, key, value) == 0)
		return schema;
	json_decref(schema);
	return NULL;
}

static json_t *
text(const char *pattern)
{
	return json_pack("{s:s, s:s, s:i}", "type", "string", "pattern",
	    pattern, "maxLength", READ_TEXT_MAX);
}

static json_t *
any_text(int least)
{
	return json_pack("{s:s, s:i, s:i}", "type", "string", "minLength",
	    least, "maxLength", READ_TEXT_MAX);
}

static json_t *
names(const char *const *list)
{
	json_t *array = json_array();

	for (; *list != NULL; list++)
		if (json_array_append_new(array, json_string(*list)) != 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *
words(const char *const *list)
{
	return json_pack("{s:o}", "enum", names(list));
}

static json_t *
list_of(json_t *items, bool may_be_empty)
{
	return json_pack("{s:s, s:o, s:i, s:i}", "type", "array", "items",
	    items, "minItems", may_be_empty ? 0 : 1, "maxItems", READ_LIST_MAX);
}

static json_t *
size(void)
{
	return json_pack("{s:[{s:s, s:i}, o]}", "anyOf", "type", "integer",
	    "minimum", 1, text(size_text));
}

static json_t *
count(void)
{
	return json_pack("{s:s, s:i}", "type", "integer", "minimum", 1);
}

static json_t *
pairs(void)
{
	return json_pack("{s:s, s:i, s:o}", "type", "object", "minProperties",
	    1, "additionalProperties", any_text(0));
}

/* A mapping of nothing but these properties. */
static json_t *
mapping(json_t *properties)
{
	return json_pack("{s:s, s:b, s:o}", "type", "object",
	    "additionalProperties", 0, "properties", properties);
}

static json_t *
requiring(json_t *schema, const char *const *list)
{
	return with(schema, "required", names(list));
}

static json_t *
not_empty(json_t *schema)
{
	return with(schema, "minProperties", json_integer(1));
}

static json_t *
pattern(void)
{
	static const char *const required[] = {"match", "because", NULL};

	return requiring(mapping(json_pack("{s:o, s:o}", "match", any_text(1),
			     "because", any_text(0))),
	    required);
}

static json_t *
value(const struct check_field *f)
{
	switch (f->kind) {
	case VALUE_SIZE:
		return size();
	case VALUE_COUNT:
		return count();
	case VALUE_CHOICE:
		return words(f->words);
	case VALUE_GLOBS:
		return list_of(text(image_glob), f->may_be_empty);
	case VALUE_TAGS:
		return list_of(text(plain_glob), f->may_be_empty);
	case VALUE_BASES:
		return list_of(text("^\\S+$"), f->may_be_empty);
	case VALUE_DURATION:
		return text(duration_text);
	case VALUE_PERCENT:
		return text(percent_text);
	case VALUE_NAMES:
		return list_of(
		    text(f->no_excludes ? plain_glob_no_exclude : plain_glob),
		    f->may_be_empty);
	case VALUE_PAIRS:
		return pairs();
	case VALUE_WORDS:
		return list_of(words(f->words), f->may_be_empty);
	case VALUE_PORTS:
		return list_of(text(port_text), f->may_be_empty);
	case VALUE_PLATFORMS:
		return list_of(text(platform_text_pattern), f->may_be_empty);
	case VALUE_PATTERNS:
		return list_of(pattern(), f->may_be_empty);
	}
	return NULL;
}

static json_t *
describe(json_t *schema, const char *about)
{
	return with(schema, "description", json_string(about));
}

static json_t *
key_schema(const struct check_key *key)
{
	const struct check_field *f;
	json_t *properties;

	if (key->is_plain)
		return describe(value(key->fields), key->fields->about);
	properties = json_object();
	for (f = key->fields; f->name != NULL; f++)
		properties =
		    with(properties, f->name, describe(value(f), f->about));
	return describe(not_empty(mapping(properties)), key->about);
}

static json_t *
check_schema(void)
{
	json_t *properties = json_object();
	size_t i;

	for (i = 0; check_keys[i] != NULL; i++)
		properties = with(
		    properties, check_keys[i]->name, key_schema(check_keys[i]));
	return not_empty(mapping(properties));
}

static json_t *
match_properties(void)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "namespaces",
	    list_of(text(plain_glob), false), "images",
	    list_of(text(image_glob), false), "kinds",
	    list_of(words(match_kinds), false), "containers",
	    list_of(words(match_containers), false), "labels", pairs());
}

static json_t *
rule_schema(void)
{
	static const char *const required[] = {"name", "check", NULL};
	json_t *properties = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "name",
	    text(rule_name), "description", any_text(0), "owner", any_text(0),
	    "mode", words(mode_names), "match", mapping(match_properties()),
	    "check", check_schema());

	return requiring(mapping(properties), required);
}

static json_t *
waiver_schema(void)
{
	static const char *const required[] = {
	    "rule", "match", "owner", "reason", "expires", NULL};
	json_t *properties =
	    json_pack("{s:o, s:o, s:o, s:o, s:o}", "rule", any_text(1), "match",
		not_empty(mapping(match_properties())), "owner", any_text(1),
		"reason", any_text(1), "expires", text(date_text));

	return requiring(mapping(properties), required);
}

static json_t *
bounded(json_t *list, int most)
{
	return with(list, "maxItems", json_integer(most));
}

json_t *
explain_schema(void)
{
	static const char *const required[] = {"version", NULL};
	json_t *schema = mapping(json_pack(
	    "{s:{s:i}, s:o, s:o, s:o, s:o, s:o, s:o}", "version", "const", 1,
	    "name", any_text(0), "mode", words(mode_names), "onError",
	    words(on_error_names), "platforms",
	    list_of(text(platform_text_pattern), false), "rules",
	    bounded(list_of(rule_schema(), true), RULESET_RULES_MAX), "waivers",
	    bounded(list_of(waiver_schema(), true), RULESET_WAIVERS_MAX)));

	schema = requiring(schema, required);
	schema = with(schema, "anyOf",
	    json_pack("[{s:[s]}, {s:[s]}]", "required", "rules", "required",
		"waivers"));
	schema = with(schema, "$schema",
	    json_string("http://json-schema.org/draft-07/schema#"));
	return with(schema, "title", json_string("A policy of policy-gate"));
}
