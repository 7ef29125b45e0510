/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/history/shell.h"
#include "tests/unit/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_MAX = 8192 };

/* A shell's commands, written out: "a b | c" gives "a b; |c". */
static const struct row {
	const char *text;
	const char *wanted;
} rows[] = {
    {"", ""},
    {"a b  c", "a b c"},
    {"a&&b||c;d|e&f\ng", "a; b; ?c; d; |e; f; g"},
    {"a 'b c' \"d $e\" f\\ g", "a [b c] [d $e] [f g]"},
    {"a 'b;c' \"d|e\"", "a b;c d|e"},
    {"a \\\n b", "a b"},
    {"a # b; c\nd", "a; d"},
    {"a b#c", "a b#c"},
    {"/usr/bin/a /b/c", "a /b/c"},
    {"A=1 B='2 3' a b", "A=1 B=2 3 a b"},
    {"sudo -E env X=1 a b", "a b"},
    {"sudo -u b -E c -u d", "c -u d"},
    {"gosu b c d", "c d"},
    {"nice -n 10 env -u A B=1 timeout -k 5 10 c d", "c d"},
    {"sudo -u; sudo; gosu a; timeout", "-u; sudo; a; timeout"},
    {"sudo -u b sh -c 'c | d'", "sh -c [c | d]; c; |d"},
    {"export A=b", "A=b export A=b"},
    {"a >b 2>&1 c <d >>e", "a c"},
    {"a $(b; c | d) `e; f` ${g:-h;i}", "a [$(b; c | d)] [`e; f`] ${g:-h;i}"},
    {"a \"$(b \"c;d\")\" e", "a [$(b \"c;d\")] e"},
    {"a <(b c)", "a [<(b c)]"},
    {"if a; then b; else c; fi; d", "a; ?b; ?c; d"},
    {"if a; then b; elif c; then d; fi && e", "a; ?b; ?c; ?d; e"},
    {"case \"$a\" in b|'c') d ;; *) e f ;; esac; g", "?d; ?e f; g"},
    {"case a in (b) c;; esac; d", "?c; d"},
    {"for a in b c; do d; done; e", "for a in b c; d; e"},
    {"while a; do b; done", "a; b"},
    {"{ a; b; } | c", "a; b; |c"},
    {"(a; b) && c", "a; b; c"},
    {"f() { a; }; f", "f; a; f"},
    {"! a || b", "a; ?b"},
    {"sh -c 'a | b'", "sh -c [a | b]; a; |b"},
    {"bash -o pipefail -ec 'a'", "bash -o pipefail -ec a; a"},
    {"eval 'a b'", "eval [a b]; a b"},
    {"sh a -c b", "sh a -c b"},
    {"a <<E >f\nb | c\nit's\nE\nd", "a; ?b; ?|c; ?its\n; d"},
    {"a <<-'E' >f; b\n\tc\n\tE\nd", "a; b; ?c; d"},
    {"sudo bash <<E\na\nE\nb", "bash; a; b"},
    {"a <<E | sh -e\nb\nE\n", "a; |sh -e; b"},
    {"a <<E\n\nb\nE", "a; ?b"},
    {"a <<E\nb <<F\nc\nF\nd\nE\ne", "a; ?b; ?c; ?d; e"},
    {"a <<E\nb\n E\nc", "a; b; E; c"},
    {"<<E\nb\nE\nc", "b; c"},
    {"a <<<E\nb\nE\nc", "a; b; E; c"},
    /* What no shell takes. */
    {"a 'b", "a b"},
    {"a \"b", "a b"},
    {"a $(b", "a $(b"},
    {";;)|&(", ""},
    {"fi; esac; a", "a"},
    {"case a in", ""},
    {"\\", ""},
};

static void
say_word(struct buf *b, const char *w)
{
	const bool blank = strpbrk(w, " ") != NULL;

	buf_printf(b, "%s%s%s", blank ? "[" : "", w, blank ? "]" : "");
}

static void
say_script(struct buf *b, const struct script *sc)
{
	size_t i, k;

	for (i = 0; i < sc->n; i++) {
		const struct command *c = &sc->commands[i];

		buf_puts(b, i > 0 ? "; " : "");
		buf_puts(b, c->conditional ? "?" : "");
		buf_puts(b, c->piped ? "|" : "");
		for (k = 0; k < c->nsets; k++)
			buf_printf(b, "%s%s", k > 0 ? " " : "", c->sets[k]);
		for (k = 0; k < c->n; k++) {
			buf_puts(b, k > 0 || c->nsets > 0 ? " " : "");
			say_word(b, c->words[k]);
		}
	}
}

static void
splits_commands_as_a_shell_does(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(arena_free) struct arena *mem = arena_new();
		AUTO(buf_clear) struct buf b = BUF_INIT(TEXT_MAX);
		struct script sc;

		assert_int_equal(
		    shell_split(&sc, rows[i].text, strlen(rows[i].text), mem),
		    0);
		say_script(&b, &sc);
		judge_same(rows[i].text, buf_text(&b), rows[i].wanted);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(splits_commands_as_a_shell_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
