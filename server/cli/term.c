/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/term.h"

#include "policy/base/buf.h"
#include "policy/base/text.h"
#include "policy/base/units.h"
#include "policy/instruction.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The locale is asked for this alone, and never in force: in a Turkish one
 * "CREDENTIAL" and "credential" are different words. */
static bool
is_utf8(void)
{
	const locale_t l = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	bool is;

	if (l == (locale_t)0)
		return false;
	is = strcmp(nl_langinfo_l(CODESET, l), "UTF-8") == 0;
	freelocale(l);
	return is;
}

void
term_init(struct term *t, FILE *out)
{
	const char *no_colour = getenv("NO_COLOR");
	struct winsize size;

	*t = (struct term){.out = out, .width = TERM_WIDTH};
	t->is_tty = isatty(fileno(out)) == 1;
	t->colour = t->is_tty && (no_colour == NULL || no_colour[0] == '\0');
	t->utf8 = is_utf8();
	if (t->is_tty && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 &&
	    size.ws_col > 0)
		t->width =
		    size.ws_col < TERM_WIDTH_MIN ? TERM_WIDTH_MIN : size.ws_col;
}

/* Whether a character begins with this byte of UTF-8. */
static bool
begins(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

/* What is sanitised already. */
static void
put_bytes(const struct term *t, const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (t->utf8 || (unsigned char)s[i] < 0x80)
			fputc(s[i], t->out);
		else if (begins(s[i]))
			fputc('?', t->out);
	}
}

/* A character takes one, about. */
static int
columns_of(const char *s, size_t len)
{
	int columns = 0;
	size_t i;

	for (i = 0; i < len; i++)
		columns += begins(s[i]);
	return columns;
}

void
term_wrap(const struct term *t, const char *text, int column, int indent)
{
	bool first = true;
	size_t len;

	for (; *text != '\0'; text += len) {
		/* A word with the blanks before it. */
		len = strspn(text, " ");
		len += strcspn(text + len, " ");
		if (t->is_tty && !first &&
		    column + columns_of(text, len) > t->width) {
			fprintf(t->out, "\n%*s", indent, "");
			column = indent;
			len -= strspn(text, " ");
			text += strspn(text, " ");
		}
		put_bytes(t, text, len);
		column += columns_of(text, len);
		first = false;
	}
	fputc('\n', t->out);
}

static void
put(const struct term *t, const struct buf *b)
{
	put_bytes(t, buf_text(b), b->len);
}

void
term_text(const struct term *t, const char *s, size_t max)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(TERM_TEXT_MAX + 8);

	text_sanitise(&b, s, max < TERM_TEXT_MAX ? max : TERM_TEXT_MAX);
	put(t, &b);
}

void
term_instruction(const struct term *t, const char *created_by, size_t max)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(TERM_TEXT_MAX + 8);

	if (created_by != NULL)
		instruction_add(
		    &b, created_by, max < TERM_TEXT_MAX ? max : TERM_TEXT_MAX);
	if (b.len > 0)
		put(t, &b);
	else
		fputc('?', t->out);
}

static void
put_size(const struct term *t, int64_t bytes, const char *sign, int width)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(64);

	buf_puts(&b, sign);
	units_add_size(&b, bytes);
	fprintf(t->out, "%*s", width, buf_text(&b));
}

void
term_size(const struct term *t, int64_t bytes, int width)
{
	put_size(t, bytes, "", width);
}

void
term_change(const struct term *t, int64_t bytes, int width)
{
	if (bytes == 0)
		fprintf(t->out, "%*s", width, "=");
	else
		put_size(t, bytes < 0 ? -bytes : bytes, bytes < 0 ? "-" : "+",
		    width);
}

void
term_bar(
    const struct term *t, int64_t part, int64_t whole, int cells, bool is_base)
{
	const char *full =
	    t->utf8 ? (is_base ? "▒" : "█") : (is_base ? "=" : "#");
	const int n =
	    whole > 0 ? (int)((double)part / (double)whole * cells + 0.5) : 0;
	int i;

	for (i = 0; i < cells; i++)
		fputs(i < n ? full : (t->utf8 ? "░" : "."), t->out);
}

void
term_bold(const struct term *t, int code)
{
	if (t->colour && code != 0)
		fprintf(t->out, "\033[1;%dm", code);
	else if (t->colour)
		fputs("\033[1m", t->out);
}

void
term_plain(const struct term *t)
{
	if (t->colour)
		fputs("\033[0m", t->out);
}
