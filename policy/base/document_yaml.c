/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/document_build.h"

#include <yaml.h>

struct reader {
	yaml_parser_t parser;
	const struct segment *seg;
	struct builder *builder;
	struct mark *at; /* where the error is */
	struct error *err;
};

static struct mark
mark_of(const struct reader *r, const yaml_mark_t *m)
{
	struct mark at = {
	    .line = r->seg->start.at.line + (int)m->line,
	    .column = (int)m->column + 1,
	};

	/* libyaml ends the last line, whether the text does so or not. */
	return at.line > r->seg->end_at.line ? r->seg->end_at : at;
}

static const char *
text_of(const yaml_char_t *s)
{
	return (const char *)s;
}

static int
on_scalar(struct reader *r, const yaml_event_t *ev)
{
	const struct scalar s = {
	    .text = text_of(ev->data.scalar.value),
	    .len = ev->data.scalar.length,
	    .tag = text_of(ev->data.scalar.tag),
	    .plain = ev->data.scalar.plain_implicit != 0,
	};

	return builder_scalar(r->builder, &s, text_of(ev->data.scalar.anchor),
	    mark_of(r, &ev->start_mark));
}

static int
on_event(struct reader *r, const yaml_event_t *ev)
{
	const struct mark at = mark_of(r, &ev->start_mark);

	switch (ev->type) {
	case YAML_ALIAS_EVENT:
		return builder_alias(
		    r->builder, text_of(ev->data.alias.anchor), at);
	case YAML_SCALAR_EVENT:
		return on_scalar(r, ev);
	case YAML_SEQUENCE_START_EVENT:
		return builder_open(r->builder, false,
		    text_of(ev->data.sequence_start.anchor), at);
	case YAML_MAPPING_START_EVENT:
		return builder_open(r->builder, true,
		    text_of(ev->data.mapping_start.anchor), at);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return builder_close(r->builder);
	default:
		return 0; /* where the stream and the document begin and end */
	}
}

/* Text that is not UTF-8 or holds control characters: libyaml knows the byte,
 * not the line. */
static int
refuse_bytes(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	const size_t len = (size_t)(r->seg->end - r->seg->start.p);
	struct place place = r->seg->start;

	place_advance(&place,
	    place.p + (p->problem_offset < len ? p->problem_offset : len));
	*r->at = place.at;
	if (p->problem_value >= 0)
		return error_set(r->err, ERR_SYNTAX, "%s (0x%02x)%s",
		    p->problem, (unsigned int)p->problem_value,
		    strstr(p->problem, "UTF-8") != NULL
			? "; the text has to be UTF-8"
			: "");
	return error_set(r->err, ERR_SYNTAX, "%s", p->problem);
}

/* The character at a place that libyaml complains about. */
static char
character_at(const struct reader *r, size_t index)
{
	for (const char *p = r->seg->start.p; p < r->seg->end; p++) {
		if (((unsigned char)*p & 0xc0) != 0x80 && index-- == 0)
			return *p;
	}
	return '\0';
}

/* What people mean most often where libyaml says this. */
static const char *
hint(const struct reader *r)
{
	static const struct {
		const char *said;
		const char *hint;
	} hints[] = {
	    {"while scanning an alias",
		"; text that begins with '*' needs quotes"},
	    {"while scanning an anchor",
		"; text that begins with '&' needs quotes"},
	    {"while scanning a tag",
		"; text that begins with '!' needs quotes"},
	    {"undefined tag handle",
		"; text that begins with '!' needs quotes"},
	    {"cannot start any token",
		"; text that begins with it needs quotes"},
	    {"mapping values are not allowed",
		"; keys of one mapping begin in one column, a blank follows "
		"their ':', and text with ': ' in it needs quotes"},
	    {"while parsing a block",
		"; what belongs together begins in one column"},
	};
	const yaml_parser_t *p = &r->parser;
	size_t i;

	if (character_at(r, p->problem_mark.index) == '\t')
		return "; a tab cannot indent, use blanks";
	for (i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (strstr(p->problem, hints[i].said) != NULL ||
		    (p->context != NULL &&
			strstr(p->context, hints[i].said) != NULL))
			return hints[i].hint;
	return "";
}

static int
refuse_grammar(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	struct mark begin = mark_of(r, &p->context_mark);

	if (p->error == YAML_MEMORY_ERROR)
		return error_set(r->err, ERR_NOMEM, "out of memory");
	if (p->error == YAML_READER_ERROR)
		return refuse_bytes(r);
	*r->at = mark_of(r, &p->problem_mark);
	if (p->context == NULL ||
	    p->context_mark.index == p->problem_mark.index)
		return error_set(
		    r->err, ERR_SYNTAX, "%s%s", p->problem, hint(r));
	return error_set(r->err, ERR_SYNTAX,
	    "%s %s (from line %d, column %d)%s", p->problem, p->context,
	    begin.line, begin.column, hint(r));
}

static int
read_events(struct reader *r)
{
	yaml_event_type_t type = YAML_NO_EVENT;

	while (type != YAML_STREAM_END_EVENT) {
		yaml_event_t ev;
		int rc;

		if (yaml_parser_parse(&r->parser, &ev) == 0)
			return refuse_grammar(r);
		type = ev.type;
		rc = on_event(r, &ev);
		yaml_event_delete(&ev);
		if (rc != 0)
			return -1;
	}
	return 0;
}

static int
read_segment(struct reader *r)
{
	int rc;

	if (yaml_parser_initialize(&r->parser) == 0)
		return error_set(r->err, ERR_NOMEM, "out of memory");
	yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r->parser,
	    (const unsigned char *)r->seg->start.p,
	    (size_t)(r->seg->end - r->seg->start.p));
	rc = read_events(r);
	yaml_parser_delete(&r->parser);
	return rc;
}

int
document_read_yaml(struct document *doc, const struct segment *seg,
    struct mark *at, struct error *err)
{
	AUTO(builder_free) struct builder *b = NULL;
	struct reader r = {.seg = seg, .at = at, .err = err};

	doc->mem = arena_new();
	if (doc->mem == NULL)
		return error_set(err, ERR_NOMEM, "out of memory");
	r.builder = b = builder_new(doc, at, err);
	if (b == NULL || read_segment(&r) != 0)
		return -1;
	return doc->root == NULL || json_is_null(doc->root) ? 0 : 1;
}
