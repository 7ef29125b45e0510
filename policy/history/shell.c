/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/history/lexer.h"

#include "policy/base/text.h"

#include <string.h>

const char *const shell_names[] = {
    "sh", "bash", "dash", "ash", "zsh", "ksh", NULL};

static int split(const struct lexer *outer, const char *s, size_t len);

bool
command_is(const struct command *c, const char *name)
{
	return c->n > 0 && strcmp(c->words[0], name) == 0;
}

bool
command_is_one_of(const struct command *c, const char *const *names)
{
	return c->n > 0 && text_is_one_of(c->words[0], names);
}

const char *
script_variable(
    const struct script *s, size_t before, const char *name, size_t len)
{
	const struct command *c;
	size_t i, k;

	for (i = before; i > 0; i--) {
		c = &s->commands[i - 1];
		for (k = c->nsets; k > 0; k--)
			if (strncmp(c->sets[k - 1], name, len) == 0 &&
			    c->sets[k - 1][len] == '=')
				return c->sets[k - 1] + len + 1;
	}
	return NULL;
}

static bool
in_pattern(const struct lexer *l)
{
	return l->nblocks > 0 && l->nblocks <= NESTING_MAX &&
	       l->blocks[l->nblocks - 1] == BLOCK_PATTERN;
}

static bool
is_conditional(const struct lexer *l)
{
	size_t i;

	for (i = 0; i < l->nblocks && i < NESTING_MAX; i++)
		if (l->blocks[i] != BLOCK_CONDITION)
			return true;
	return l->after_or || l->written;
}

static void
push(struct lexer *l, enum block b)
{
	if (l->nblocks < NESTING_MAX)
		l->blocks[l->nblocks] = b;
	l->nblocks++;
}

static void
turn(struct lexer *l, enum block b)
{
	if (l->nblocks > 0 && l->nblocks <= NESTING_MAX)
		l->blocks[l->nblocks - 1] = b;
}

static void
pop(struct lexer *l)
{
	if (l->nblocks > 0)
		l->nblocks--;
}

/* Words that stand where a command may begin, and are none. */
static bool
take_keyword(struct lexer *l, const char *w)
{
	static const char *const plain[] = {
	    "do", "done", "while", "until", "{", "}", "!", "time", NULL};

	if (text_is_one_of(w, plain))
		return true;
	if (strcmp(w, "if") == 0)
		push(l, BLOCK_CONDITION);
	else if (strcmp(w, "then") == 0 || strcmp(w, "else") == 0 ||
		 strcmp(w, "elif") == 0) /* which may not be reached */
		turn(l, BLOCK_ARM);
	else if (strcmp(w, "fi") == 0 || strcmp(w, "esac") == 0)
		pop(l);
	else
		return false;
	return true;
}

static int
keep_word(struct lexer *l, const char *w)
{
	const char **words =
	    arena_grow(l->mem, l->words, l->nwords, &l->cap, sizeof(*words));

	if (words == NULL)
		return -1;
	l->words = words;
	words[l->nwords++] = w;
	return 0;
}

static int
end_word(struct lexer *l)
{
	const char *w = l->word;

	if (w == NULL)
		return 0;
	*l->space++ = '\0';
	l->word = NULL;
	if (l->is_target) {
		l->is_target = false;
		if (l->is_delimiter)
			l->delimiter = w;
		return 0;
	}
	if (in_pattern(l)) {
		if (strcmp(w, "esac") == 0)
			pop(l);
		return 0;
	}
	if (l->nwords == 0 && !l->quoted && take_keyword(l, w))
		return 0;
	if (l->nwords == 0)
		l->first_quoted = l->quoted;
	if (l->nwords == 2 && !l->first_quoted &&
	    strcmp(l->words[0], "case") == 0 && strcmp(w, "in") == 0) {
		l->nwords = 0;
		push(l, BLOCK_PATTERN);
		return 0;
	}
	return keep_word(l, w);
}

static bool
sets_variables(const char *program)
{
	static const char *const names[] = {
	    "export", "local", "declare", "readonly", "typeset", NULL};

	return text_is_one_of(program, names);
}

static struct command *
add_command(struct lexer *l)
{
	struct script *out = l->out;
	struct command *commands = arena_grow(
	    l->mem, out->commands, out->n, &out->cap, sizeof(*commands));

	if (commands == NULL)
		return NULL;
	out->commands = commands;
	return &commands[out->n++];
}

/* What `sh -c` or eval runs. */
static int
split_argument(struct lexer *l, const struct command *c)
{
	const bool evaluates = command_is(c, "eval");
	size_t i;

	if (l->depth >= SHELL_DEPTH_MAX ||
	    (!evaluates && !command_is_one_of(c, shell_names)))
		return 0;
	for (i = 1; i + 1 < c->n && !evaluates; i++) {
		if (c->words[i][0] != '-')
			return 0;
		if (c->words[i][1] != '-' && strchr(c->words[i], 'c') != NULL)
			break;
		if (strcmp(c->words[i], "-o") == 0)
			i++;
	}
	if (!evaluates)
		i++;
	if (i >= c->n)
		return 0;
	return split(l, c->words[i], strlen(c->words[i]));
}

static int
end_command(struct lexer *l)
{
	struct command c = {.piped = l->piped,
	    .conditional = is_conditional(l),
	    .written = l->written};
	struct command *slot;
	size_t i = 0, runner;

	if (end_word(l) != 0)
		return -1;
	l->after_or = false;
	l->piped = false;
	if (l->nwords == 0 || l->out->n >= SHELL_COMMANDS_MAX) {
		l->nwords = 0;
		return 0;
	}
	c.sets = l->words;
	while (i < l->nwords && word_is_assignment(l->words[i]))
		i++;
	c.nsets = i;
	runner = words_skip_runners(l->words + i, l->nwords - i);
	c.words = l->words + i + runner;
	c.n = l->nwords - i - runner;
	if (c.n > 0)
		l->words[i + runner] = word_program(c.words[0]);
	if (c.n > 0 && sets_variables(c.words[0])) {
		c.sets = c.words + 1;
		c.nsets = c.n - 1;
	}
	slot = add_command(l);
	if (slot == NULL)
		return -1;
	*slot = c;
	l->out->nsets += c.nsets;
	l->words = NULL;
	l->nwords = l->cap = 0;
	return split_argument(l, &c);
}

/* "2>&1", "> file", "<<EOF": what follows is no argument. */
static int
begin_redirection(struct lexer *l)
{
	const char *from = l->s;
	size_t n;

	if (l->word != NULL &&
	    strspn(l->word, "0123456789") >= (size_t)(l->space - l->word)) {
		l->space = l->word; /* a file descriptor */
		l->word = NULL;
	}
	if (end_word(l) != 0)
		return -1;
	while (l->s < l->end && strchr("<>&|-", *l->s) != NULL)
		l->s++;
	n = (size_t)(l->s - from);
	l->is_target = true;
	l->is_delimiter = (n == 2 && memcmp(from, "<<", n) == 0) ||
			  (n == 3 && memcmp(from, "<<-", n) == 0);
	if (l->is_delimiter)
		l->strips_tabs = n == 3;
	return 0;
}

/* Whether what is written into this line's commands is run. Builders that know
 * "RUN <<EOF" run what is written into none. */
static bool
runs_document(const struct lexer *l)
{
	static const char *const others[] = {"su", "chroot", NULL};
	const struct command *c;
	size_t i, k;

	for (i = l->line; i < l->out->n; i++) {
		c = &l->out->commands[i];
		for (k = 0; k < c->n; k++)
			if (text_is_one_of(
				word_program(c->words[k]), shell_names) ||
			    text_is_one_of(c->words[k], others))
				return true;
	}
	return l->line == l->out->n;
}

/* The line that ends the document at l->s, or NULL. *behind: what follows. */
static const char *
document_end(const struct lexer *l, const char **behind)
{
	const size_t len = strlen(l->delimiter);
	const char *line, *at, *end;

	for (line = l->s; line < l->end; line = end + 1) {
		end = memchr(line, '\n', (size_t)(l->end - line));
		if (end == NULL)
			end = l->end;
		at = line;
		while (l->strips_tabs && at < end && *at == '\t')
			at++;
		if ((size_t)(end - at) == len &&
		    memcmp(at, l->delimiter, len) == 0) {
			*behind = end;
			return line;
		}
	}
	return NULL;
}

/* At the line behind "<<EOF": splits what stands up to "EOF", so that no quote
 * in it reaches beyond. Without an end it is no document. */
static int
take_document(struct lexer *l)
{
	struct lexer inner = *l;
	const char *end, *behind;
	int rc = 0;

	if (l->delimiter != NULL && l->depth < SHELL_DEPTH_MAX &&
	    l->ndocuments++ < SHELL_DOCUMENTS_MAX &&
	    (end = document_end(l, &behind)) != NULL) {
		inner.written = l->written || !runs_document(l);
		rc = split(&inner, l->s, (size_t)(end - l->s));
		l->s = behind;
	}
	l->delimiter = NULL;
	l->line = l->out->n;
	return rc;
}

static int
take_operator(struct lexer *l)
{
	const char c = *l->s++;
	const bool twice = l->s < l->end && *l->s == c;

	if (c == '(' || (in_pattern(l) && c != ')'))
		return c == '(' ? end_command(l) : end_word(l);
	if (end_command(l) != 0)
		return -1;
	l->is_target = false;
	if (c == ')') {
		if (in_pattern(l))
			turn(l, BLOCK_ARM);
		return 0;
	}
	if (c == '\n')
		return take_document(l);
	if (twice)
		l->s++;
	if (c == '|') {
		l->after_or = twice;
		l->piped = !twice;
		if (!twice && l->s < l->end && *l->s == '&')
			l->s++;
	} else if (c == ';' && twice) {
		turn(l, BLOCK_PATTERN);
	}
	return 0;
}

static void
skip_comment(struct lexer *l)
{
	while (l->s < l->end && *l->s != '\n')
		l->s++;
}

static int
step(struct lexer *l)
{
	const char c = *l->s;

	switch (c) {
	case '\'':
		lexer_single_quoted(l);
		return 0;
	case '"':
		lexer_double_quoted(l);
		return 0;
	case '\\':
		lexer_escaped(l);
		return 0;
	case ' ':
	case '\t':
	case '\r':
		l->s++;
		return end_word(l);
	case '\n':
	case ';':
	case '&':
	case '|':
	case '(':
	case ')':
		return take_operator(l);
	default:
		break;
	}
	if (c == '#' && l->word == NULL) {
		skip_comment(l);
		return 0;
	}
	if (lexer_substitution(l))
		return 0;
	if (c == '<' || c == '>')
		return begin_redirection(l);
	lexer_add(l, c);
	l->s++;
	return 0;
}

static int
split(const struct lexer *outer, const char *s, size_t len)
{
	struct lexer l = {.s = s,
	    .end = s + len,
	    .mem = outer->mem,
	    .out = outer->out,
	    .depth = outer->depth + 1,
	    .line = outer->out->n,
	    .written = outer->written};

	/* Each byte at most once, and each word's end. */
	l.space = arena_calloc(l.mem, 2 * len + 2, 1);
	if (l.space == NULL)
		return -1;
	while (l.s < l.end)
		if (step(&l) != 0)
			return -1;
	return end_command(&l);
}

int
shell_split(struct script *out, const char *text, size_t len, struct arena *mem)
{
	const struct lexer outermost = {.out = out, .mem = mem, .depth = -1};

	*out = (struct script){.n = 0};
	return split(&outermost, text, len);
}
