/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gate/config.h"

#include "policy/base/file.h"
#include "policy/base/units.h"

#include <string.h>

enum {
	INFLIGHT_DEFAULT = 512,
	INFLIGHT_MAX = 100 * 1000,
	BODY_DEFAULT = 7 * 1024 * 1024,
	BODY_MAX = 64 * 1024 * 1024,
};

struct document *
config_document_of(const char *text, size_t len, struct diagnostics *d)
{
	AUTO(document_stream_free) struct document_stream *s = NULL;
	AUTO(document_free) struct document *doc = NULL, *second = NULL;
	struct error err = ERROR_INIT;
	struct mark at = {0, 0};

	s = document_stream_new(text, len, &err);
	if (s == NULL || document_next(s, &doc, &at, &err) < 0) {
		diagnostics_error_at(d, at, "%s", err.msg);
		return NULL;
	}
	if (doc == NULL) {
		diagnostics_error_at(d, at, "the file is empty");
		return NULL;
	}
	if (document_next(s, &second, &at, &err) != 0) {
		diagnostics_error_at(d,
		    second != NULL ? document_start(second) : at,
		    "one document is expected, here begins a second");
		return NULL;
	}
	return TAKE(doc);
}

struct document *
config_document(const char *path, struct diagnostics *d, struct buf *report)
{
	AUTO(free) char *text = NULL;
	struct error err = ERROR_INIT;
	size_t len;

	text = file_read(path, CONFIG_BYTES_MAX, &len, &err);
	if (text == NULL) {
		buf_printf(report, "%s\n", err.msg);
		return NULL;
	}
	return config_document_of(text, len, d);
}

/* A whole number between 1 and `max`, or a size; `otherwise` where absent. */
static size_t
read_bound(struct diagnostics *d, const struct node *limits, const char *key,
    bool size, size_t otherwise, size_t max)
{
	const struct node n = node_get(limits, key);
	int64_t value = -1;

	if (n.value == NULL)
		return otherwise;
	if (json_is_integer(n.value))
		value = json_integer_value(n.value);
	else if (size && json_is_string(n.value) &&
		 units_parse_size(json_string_value(n.value), &value) != 0)
		value = -1;
	if (value < 1 || (uint64_t)value > max) {
		diagnostics_error(d, &n, "must be a %s from 1 to %zu",
		    size ? "size" : "number", max);
		return otherwise;
	}
	return (size_t)value;
}

static void
check_version(struct diagnostics *d, const struct node *root)
{
	const struct node n = node_get(root, "version");

	if (n.value == NULL)
		diagnostics_error(d, root, "\"version: 1\" is missing");
	else if (!json_is_integer(n.value) || json_integer_value(n.value) != 1)
		diagnostics_error(d, &n, "must be 1");
}

static void
config_parse(struct config *c, const struct node *root,
    const struct settings_listener *l, struct diagnostics *d)
{
	static const char *const keys[] = {"version", "registries",
	    "dockerConfig", "network", "cache", "limits", NULL};
	static const char *const limit_keys[] = {
	    "maxInflight", "maxBody", NULL};
	struct node limits = {0};

	if (root->value != NULL && diagnostics_check_keys(d, root, keys)) {
		check_version(d, root);
		limits = node_get(root, "limits");
		if (limits.value != NULL)
			diagnostics_check_keys(d, &limits, limit_keys);
	}
	c->max_inflight = read_bound(
	    d, &limits, "maxInflight", false, INFLIGHT_DEFAULT, INFLIGHT_MAX);
	c->max_body =
	    read_bound(d, &limits, "maxBody", true, BODY_DEFAULT, BODY_MAX);
	c->registries = registry_settings_parse(root, d, l);
}

int
config_load(struct config *c, const char *path,
    const struct settings_listener *l, struct buf *report)
{
	AUTO(diagnostics_clear) struct diagnostics d;
	AUTO(document_free) struct document *doc = NULL;
	struct node root = {0};

	*c = (struct config){0};
	diagnostics_init(&d, path != NULL ? path : "defaults");
	if (path != NULL) {
		doc = config_document(path, &d, report);
		if (doc == NULL) {
			diagnostics_print(&d, report);
			return -1;
		}
		root = document_node(doc);
	}
	if (d.errors == 0)
		config_parse(c, &root, l, &d);
	diagnostics_print(&d, report);
	if (d.errors == 0 && c->registries != NULL)
		return 0;
	config_clear(c);
	return -1;
}

void
config_clear(struct config *c)
{
	registry_settings_unref(c->registries);
	*c = (struct config){0};
}
