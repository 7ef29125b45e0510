/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_HISTORY_LEXER_H
#define POLICY_HISTORY_LEXER_H

#include "policy/history/shell.h"

/* Private to the splitting of scripts: characters into words. */

enum { NESTING_MAX = 64 };

/* What an open compound command does to those in it. */
enum block { BLOCK_CONDITION, BLOCK_ARM, BLOCK_PATTERN };

struct lexer {
	const char *s;
	const char *end;
	struct arena *mem;
	struct script *out;
	int depth;
	/* The word that grows. */
	char *space; /* room for all of them */
	char *word;  /* where it begins; NULL: between words */
	bool quoted;
	bool is_target; /* of a redirection */
	/* "<<EOF": what ends the document that begins with the next line. */
	bool is_delimiter; /* what is_target grows is one */
	bool strips_tabs;  /* "<<-" */
	const char *delimiter;
	size_t ndocuments;
	size_t line; /* the first command of this line */
	bool written;
	/* The command that grows. */
	const char **words;
	size_t nwords;
	size_t cap;
	bool first_quoted;
	bool piped;
	bool after_or;
	/* if and case, the innermost last. Deeper ones are not told apart. */
	enum block blocks[NESTING_MAX];
	size_t nblocks;
};

void lexer_add(struct lexer *l, char c); /* to the word that grows */

/* Each copies what begins at l->s into the word, quotes taken off, and leaves
 * l->s behind it. What has no end ends with the text. */
void lexer_single_quoted(struct lexer *l);
void lexer_double_quoted(struct lexer *l);
void lexer_escaped(struct lexer *l); /* a backslash and what it protects */

/* "$(...)", "${...}", "`...`", "<(...)" as they stand; false: none of them
 * begins here, and nothing was done. */
bool lexer_substitution(struct lexer *l);

/* "NAME=...", which sets a variable where a command may begin. */
bool word_is_assignment(const char *w);

/* The program without its directory. */
const char *word_program(const char *program);

/* Where what "sudo -u me env A=b" and its like run begins; the last word at
 * the latest. */
size_t words_skip_runners(const char *const *words, size_t n);

#endif
