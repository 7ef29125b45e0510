/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/xml.h"

#include "policy/base/text.h"

#include <string.h>

void
xml_begin(struct xml *x, FILE *out)
{
	*x = (struct xml){.out = out};
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", out);
}

static void
end_tag(struct xml *x)
{
	if (x->in_tag)
		fputc('>', x->out);
	x->in_tag = false;
}

static void
start_line(struct xml *x)
{
	fprintf(x->out, "\n%*s", 2 * (int)x->depth, "");
}

void
xml_open(struct xml *x, const char *name)
{
	end_tag(x);
	if (x->depth == XML_DEPTH_MAX) {
		x->failed = true;
		return;
	}
	start_line(x);
	fprintf(x->out, "<%s", name);
	x->names[x->depth++] = name;
	x->in_tag = true;
	x->has_text = false;
}

void
xml_close(struct xml *x)
{
	if (x->depth == 0)
		return;
	x->depth--;
	if (x->in_tag) {
		fputs("/>", x->out);
		x->in_tag = false;
	} else {
		if (!x->has_text)
			start_line(x);
		fprintf(x->out, "</%s>", x->names[x->depth]);
	}
	x->has_text = false;
	if (x->depth == 0)
		fputc('\n', x->out);
}

static void
put_escaped(FILE *out, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '&')
			fputs("&amp;", out);
		else if (*s == '<')
			fputs("&lt;", out);
		else if (*s == '>')
			fputs("&gt;", out);
		else if (*s == '"')
			fputs("&quot;", out);
		else
			fputc(*s, out);
	}
}

int
xml_put(FILE *out, const char *s)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(XML_TEXT_MAX);
	const int rc = text_sanitise(&b, s, XML_TEXT_MAX);

	put_escaped(out, buf_text(&b));
	return rc;
}

static void
put_safe(struct xml *x, const char *s)
{
	if (xml_put(x->out, s) != 0)
		x->failed = true;
}

void
xml_attribute(struct xml *x, const char *name, const char *value)
{
	fprintf(x->out, " %s=\"", name);
	put_safe(x, value);
	fputc('"', x->out);
}

void
xml_number(struct xml *x, const char *name, size_t value)
{
	fprintf(x->out, " %s=\"%zu\"", name, value);
}

void
xml_text(struct xml *x, const char *text)
{
	AUTO(buf_clear) struct buf line = BUF_INIT(XML_TEXT_MAX);
	size_t len;

	end_tag(x);
	x->has_text = true;
	while (*text != '\0') {
		len = strcspn(text, "\n");
		buf_truncate(&line, 0);
		if (buf_add(&line, text, len) != 0)
			x->failed = true;
		put_safe(x, buf_text(&line));
		text += len;
		if (*text == '\n') {
			fputc('\n', x->out);
			text++;
		}
	}
}
