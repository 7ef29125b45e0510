/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/history/lexer.h"

#include <string.h>

bool
word_is_assignment(const char *w)
{
	size_t i = 0;

	while (w[i] == '_' || (w[i] >= '0' && w[i] <= '9') ||
	       ((w[i] | 0x20) >= 'a' && (w[i] | 0x20) <= 'z'))
		i++;
	return i > 0 && w[i] == '=' && !(w[0] >= '0' && w[0] <= '9');
}

const char *
word_program(const char *program)
{
	const char *slash = strrchr(program, '/');

	return slash != NULL && slash[1] != '\0' ? slash + 1 : program;
}

/* Programs that run the rest of their arguments. */
static const struct runner {
	const char *name;
	const char *valued; /* options whose value is the next word */
	size_t operands;    /* words that come first: a user, a time */
} runners[] = {
    {"sudo", "ughpCDRTrtU", 0},
    {"exec", "a", 0},
    {"command", "", 0},
    {"nice", "n", 0},
    {"env", "uC", 0},
    {"gosu", "", 1},
    {"su-exec", "", 1},
    {"timeout", "ks", 1},
    {"nohup", "", 0},
};

static const struct runner *
find_runner(const char *program)
{
	size_t i;

	for (i = 0; i < sizeof(runners) / sizeof(runners[0]); i++)
		if (strcmp(runners[i].name, word_program(program)) == 0)
			return &runners[i];
	return NULL;
}

static bool
takes_value(const struct runner *r, const char *w)
{
	return w[0] == '-' && w[1] != '\0' && w[2] == '\0' &&
	       strchr(r->valued, w[1]) != NULL;
}

size_t
words_skip_runners(const char *const *words, size_t n)
{
	const struct runner *r;
	size_t i = 0;

	while (i + 1 < n && (r = find_runner(words[i])) != NULL) {
		for (i++; i + 1 < n &&
			  (words[i][0] == '-' || word_is_assignment(words[i]));)
			i += takes_value(r, words[i]) ? 2 : 1;
		i += r->operands;
		if (i >= n)
			i = n - 1;
	}
	return i;
}
