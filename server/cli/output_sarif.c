/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/text.h"
#include "policy/explain.h"
#include "server/cli/cli.h"
#include "server/cli/formats.h"
#include "server/cli/output.h"

#include <ctype.h>
#include <string.h>

/* SARIF 2.1.0:
 * https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html */

enum { URI_MAX = 16 * 1024 };

struct log {
	json_t *rules; /* of the tool's driver; borrowed, as is results */
	json_t *results;
	json_t *indices; /* of rules by their id */
};

/* RFC 3986: a path as a URI, file: where it is absolute. */
static int
add_uri(struct buf *b, const char *path)
{
	if (path[0] == '/')
		buf_puts(b, "file://");
	while (path[0] == '.' && path[1] == '/')
		path += 2;
	for (; *path != '\0'; path++) {
		const unsigned char ch = (unsigned char)*path;

		if ((ch < 0x80 && isalnum(ch)) || strchr("-._~/", ch) != NULL)
			buf_add(b, path, 1);
		else
			buf_printf(b, "%%%02X", ch);
	}
	return buf_failed(b) ? -1 : 0;
}

/* What explains a check; of an error its code speaks. */
static json_t *
rule_json(const struct complaint *c)
{
	const char *id = complaint_check(c);
	AUTO(buf_clear) struct buf help = BUF_INIT(EXPLAIN_BYTES_MAX);

	if (c->finding == NULL)
		return json_pack("{s:s, s:{s:s}}", "id", id, "shortDescription",
		    "text", "The image could not be judged");
	if (explain_check(&help, id) < 0)
		return NULL;
	return json_pack("{s:s, s:{s:s}, s:{s:s}}", "id", id,
	    "shortDescription", "text", id, "help", "text",
	    help.len > 0 ? buf_text(&help) : c->finding->fix);
}

/* The rule's index, -1 when memory is out. */
static json_int_t
index_of(struct log *l, const struct complaint *c)
{
	const char *id = complaint_check(c);
	const json_t *known = json_object_get(l->indices, id);
	const json_int_t n = (json_int_t)json_array_size(l->rules);

	if (known != NULL)
		return json_integer_value(known);
	if (json_array_append_new(l->rules, rule_json(c)) != 0 ||
	    json_object_set_new(l->indices, id, json_integer(n)) != 0)
		return -1;
	return n;
}

static json_t *
location_json(const struct complaint *c)
{
	AUTO(buf_clear)
	struct buf file = BUF_INIT(URI_MAX), uri = BUF_INIT(URI_MAX),
		   image = BUF_INIT(COMPLAINT_TEXT_MAX);
	json_t *location;
	int line;

	text_sanitise(&image, c->image->container->image, COMPLAINT_TEXT_MAX);
	location = json_pack("{s:[{s:s, s:s}]}", "logicalLocations",
	    "fullyQualifiedName", buf_text(&image), "kind", "resource");
	if (!complaint_place(c, &file, &line))
		return location;
	if (add_uri(&uri, buf_text(&file)) != 0 ||
	    json_object_set_new(location, "physicalLocation",
		json_pack("{s:{s:s}, s:{s:i}}", "artifactLocation", "uri",
		    buf_text(&uri), "region", "startLine", line)) != 0) {
		json_decref(location);
		return NULL;
	}
	return location;
}

/* A waiver in effect suppresses the result. */
static json_t *
suppressions_json(const struct complaint *c)
{
	AUTO(buf_clear) struct buf why = BUF_INIT(COMPLAINT_TEXT_MAX);

	if (c->finding == NULL || !c->finding->waived)
		return json_array();
	text_sanitise(&why, c->finding->waiver->reason, COMPLAINT_TEXT_MAX / 2);
	buf_printf(&why, ", until %s, ", c->finding->waiver->expires_on);
	text_sanitise(&why, c->finding->waiver->owner, COMPLAINT_TEXT_MAX / 4);
	return json_pack("[{s:s, s:s}]", "kind", "external", "justification",
	    buf_text(&why));
}

/* "properties": what policy-gate's own JSON says. */
static json_t *
properties_json(const struct complaint *c)
{
	return c->finding != NULL ? finding_json(c->finding) : json_object();
}

/* Section 3.11.6: what stands in brackets may be a link, unless they are
 * escaped, and what an image says is not to be one. */
static void
add_message(struct buf *b, const char *text)
{
	for (; *text != '\0'; text++) {
		if (strchr("[]\\", *text) != NULL)
			buf_puts(b, "\\");
		buf_add(b, text, 1);
	}
}

static int
tell(void *arg, const struct complaint *c)
{
	static const char *const levels[] = {
	    [LEVEL_NOTE] = "note",
	    [LEVEL_WARNING] = "warning",
	    [LEVEL_ERROR] = "error",
	};
	AUTO(buf_clear)
	struct buf text = BUF_INIT(COMPLAINT_TEXT_MAX),
		   message = BUF_INIT(2 * COMPLAINT_TEXT_MAX);
	struct log *l = arg;
	const json_int_t index = index_of(l, c);
	char fingerprint[DIGEST_TEXT_MAX];

	if (index < 0 || complaint_text(c, &text) != 0 ||
	    complaint_fingerprint(c, fingerprint) != 0)
		return -1;
	add_message(&message, buf_text(&text));
	if (buf_failed(&message))
		return -1;
	return json_array_append_new(l->results,
	    json_pack("{s:s, s:I, s:s, s:{s:s}, s:[o], s:{s:s}, s:o, s:o}",
		"ruleId", complaint_check(c), "ruleIndex", index, "level",
		levels[complaint_level(c)], "message", "text",
		buf_text(&message), "locations", location_json(c),
		"partialFingerprints", "policyGate/v1", fingerprint,
		"suppressions", suppressions_json(c), "properties",
		properties_json(c)));
}

int
output_sarif(const void *results, FILE *out)
{
	const struct results *r = results;
	AUTO(json_decref) json_t *rules = json_array();
	AUTO(json_decref) json_t *list = json_array();
	AUTO(json_decref) json_t *indices = json_object();
	struct log l = {rules, list, indices};

	if (output_each(r, tell, &l) != 0)
		return -1;
	return formats_json(
	    json_pack(
		"{s:s, s:s, s:[{s:{s:{s:s, s:s, s:O}}, s:s, s:O, s:{s:s, s:s}}]}",
		"$schema", "https://json.schemastore.org/sarif-2.1.0.json",
		"version", "2.1.0", "runs", "tool", "driver", "name",
		"policy-gate", "version", version_string(), "rules", rules,
		"columnKind", "utf16CodeUnits", "results", list, "properties",
		"policy", r->policy->name, "policySha256", r->policy->sha256),
	    out);
}
