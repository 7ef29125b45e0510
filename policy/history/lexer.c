/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/history/lexer.h"

#include <string.h>

void
lexer_add(struct lexer *l, char c)
{
	if (l->word == NULL) {
		l->word = l->space;
		l->quoted = false;
	}
	/* shell.c gives it room, or does not begin.
	 * NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	*l->space++ = c;
}

/* A word may be empty, between quotes. */
static void
begin_quoted(struct lexer *l)
{
	if (l->word == NULL)
		l->word = l->space;
	l->quoted = true;
}

/* Copies up to the `close` that belongs to the `open` at l->s, quotes inside
 * respected. */
static void
copy_balanced(struct lexer *l, char open, char close)
{
	char quote = '\0';
	size_t level = 0;

	for (; l->s < l->end; l->s++) {
		const char c = *l->s;

		lexer_add(l, c);
		if (c == '\\' && quote != '\'' && l->s + 1 < l->end) {
			lexer_add(l, *++l->s);
		} else if (quote != '\0') {
			if (c == quote)
				quote = '\0';
		} else if (c == '\'' || c == '"') {
			quote = c;
		} else if (c == close && close == open) {
			if (level++ == 1)
				break;
		} else if (c == open) {
			level++;
		} else if (c == close && --level == 0) {
			break;
		}
	}
	if (l->s < l->end)
		l->s++;
}

/* "$(...)", "${...}", "`...`", "<(...)" at l->s; false: none of them. */
bool
lexer_substitution(struct lexer *l)
{
	const char c = l->s[0];
	const char next = l->s + 1 < l->end ? l->s[1] : '\0';

	if (c == '`') {
		copy_balanced(l, '`', '`');
		return true;
	}
	if ((c == '$' || c == '<' || c == '>') && next == '(') {
		lexer_add(l, c);
		l->s++;
		copy_balanced(l, '(', ')');
		return true;
	}
	if (c == '$' && next == '{') {
		lexer_add(l, c);
		l->s++;
		copy_balanced(l, '{', '}');
		return true;
	}
	return false;
}

void
lexer_single_quoted(struct lexer *l)
{
	begin_quoted(l);
	for (l->s++; l->s < l->end && *l->s != '\''; l->s++)
		*l->space++ = *l->s;
	if (l->s < l->end)
		l->s++;
}

void
lexer_double_quoted(struct lexer *l)
{
	begin_quoted(l);
	l->s++;
	while (l->s < l->end && *l->s != '"') {
		if (*l->s == '\\' && l->s + 1 < l->end) {
			if (strchr("\"\\$`\n", l->s[1]) == NULL)
				*l->space++ = '\\';
			if (l->s[1] != '\n')
				*l->space++ = l->s[1];
			l->s += 2;
		} else if (*l->s == '<' || *l->s == '>' ||
			   !lexer_substitution(l)) {
			*l->space++ = *l->s++;
		}
	}
	if (l->s < l->end)
		l->s++;
}

void
lexer_escaped(struct lexer *l)
{
	l->s++;
	if (l->s < l->end && *l->s == '\r')
		l->s++;
	if (l->s < l->end && *l->s != '\n') {
		lexer_add(l, *l->s);
		l->quoted = true;
	}
	if (l->s < l->end)
		l->s++;
}
