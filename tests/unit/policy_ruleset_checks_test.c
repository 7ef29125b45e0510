/* SPDX-License-Identifier: Apache-2.0 */
/* What may stand in a rule's check. At once. */
#include "tests/unit/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define RULE "version: 1\nrules:\n- name: r\n"
#define CHECK RULE "  check: "

static const struct judge_said rows[] = {
    {CHECK
	"{age: {max: 30d}, env: {deny: [\"*_KEY\", \"!A_KEY\"], secrets: "
	"deny}, labels: {require: [a.b/c], match: {team: \"**\"}}, ports: "
	"{deny: [\"22\", \"1-1023/udp\"]}, volumes: deny, entrypoint: require, "
	"cmd: require, platforms: {require: [linux/amd64]}}\n",
	""},
    {CHECK "{age: {max: 30}}\n",
	"p.yaml:4:22: error: rules[0].check.age.max: expected a duration such "
	"as 180d, found the number 30\n"},
    {CHECK "{age: {max: 0d}}\n",
	"p.yaml:4:22: error: rules[0].check.age.max: expected a duration such "
	"as 180d, found \"0d\"\n"},
    {CHECK "{ports: {deny: [22, \"0\", \"9-1\", \"1/x\"]}}\n",
	"p.yaml:4:26: error: rules[0].check.ports.deny[0]: expected a port "
	"such as \"22\" or \"53/udp\" in quotes, found the number 22\n"
	"p.yaml:4:30: error: rules[0].check.ports.deny[1]: expected a port "
	"such as \"22\", \"1-1023\" or \"53/udp\", found \"0\"\n"
	"p.yaml:4:35: error: rules[0].check.ports.deny[2]: expected a port "
	"such as \"22\", \"1-1023\" or \"53/udp\", found \"9-1\"\n"
	"p.yaml:4:42: error: rules[0].check.ports.deny[3]: expected a port "
	"such as \"22\", \"1-1023\" or \"53/udp\", found \"1/x\"\n"},
    {CHECK "{volumes: {deny: true}}\n",
	"p.yaml:4:20: error: rules[0].check.volumes: expected deny or allow, "
	"found a mapping\n"},
    {CHECK "{volumes: allow}\n",
	"p.yaml:4:20: warning: rules[0].check.volumes: demands nothing, so "
	"nothing is checked here\n"},
    {CHECK "{labels: {require: [\"!a\"]}}\n",
	"p.yaml:4:30: error: rules[0].check.labels.require[0]: excludes with "
	"'!', which means nothing here\n"},
    {CHECK "{labels: {match: {}}}\n",
	"p.yaml:4:27: error: rules[0].check.labels.match: is empty; leave it "
	"out to let everything pass\n"},
    {CHECK "{platforms: {require: [amd64]}}\n",
	"p.yaml:4:33: error: rules[0].check.platforms.require[0]: \"amd64\" "
	"is not a platform: the architecture is missing; write os/arch or "
	"os/arch/variant, as in linux/amd64\n"},
    {CHECK "{}\n",
	"p.yaml:4:10: error: rules[0].check: is empty: a rule checks "
	"something, such as size: {max: 300Mi}\n"},
    {RULE "  check:\n  layers: {max: 9}\n",
	"p.yaml:4:9: error: rules[0].check: is empty: a rule checks "
	"something, such as size: {max: 300Mi}\n"
	"p.yaml:5:3: error: rules[0].layers: unknown key \"layers\"; known "
	"are: name, description, owner, mode, match, check\n"},
    {CHECK "size\n",
	"p.yaml:4:10: error: rules[0].check: must be a mapping (source, tag, "
	"user, base, size, layers, growth, history, age, platforms, env, "
	"labels, ports, volumes, entrypoint, cmd), not text\n"},
    {CHECK "{size: 300Mi}\n",
	"p.yaml:4:17: error: rules[0].check.size: must be a mapping (max, "
	"maxLayer, maxAboveBase), not text\n"},
    {CHECK "{sizes: {max: 1}}\n",
	"p.yaml:4:11: error: rules[0].check.sizes: unknown key \"sizes\"; did "
	"you mean \"size\"?\n"},
    {CHECK "{size: {}}\n",
	"p.yaml:4:17: error: rules[0].check.size: is empty: say what it demands, "
	"such as max\n"},
    {CHECK "{size: {mx: 1}}\n",
	"p.yaml:4:18: error: rules[0].check.size.mx: unknown key \"mx\"; did "
	"you mean \"max\"?\n"},
    {CHECK "{size: {max: 300MB}}\n",
	"p.yaml:4:23: error: rules[0].check.size.max: expected a size such as "
	"300Mi, found \"300MB\"\n"},
    {CHECK "{size: {max: 0}}\n",
	"p.yaml:4:23: error: rules[0].check.size.max: expected a size such as "
	"300Mi, found the number 0\n"},
    {CHECK "{size: {max: -5}}\n",
	"p.yaml:4:23: error: rules[0].check.size.max: expected a size such as "
	"300Mi, found the number -5\n"},
    {CHECK "{size: {max: }}\n",
	"p.yaml:4:23: error: rules[0].check.size.max: expected a size such as "
	"300Mi, found nothing\n"},
    {CHECK "{size: {max: 300Mi, maxLayer: 1.5Gi}}\n", ""},
    {CHECK "{layers: {max: 1.5}}\n",
	"p.yaml:4:25: error: rules[0].check.layers.max: expected a whole "
	"number from 1, found the number 1.5\n"},
    {CHECK "{layers: {max: '9'}}\n",
	"p.yaml:4:25: error: rules[0].check.layers.max: expected a whole "
	"number from 1, found \"9\"\n"},
    {CHECK "{user: {root: no}}\n",
	"p.yaml:4:24: error: rules[0].check.user.root: expected deny or allow, "
	"found false\n"},
    {CHECK "{user: {root: allow}}\n",
	"p.yaml:4:17: warning: rules[0].check.user: demands nothing, so "
	"nothing is checked here\n"},
    {CHECK "{user: {userns: deny}}\n",
	"p.yaml:4:17: warning: rules[0].check.user: demands nothing, so "
	"nothing is checked here\n"},
    {CHECK "{base: {allow: [debian:12-slim], deny: [], verify: layers}}\n", ""},
    {CHECK "{base: {allow: []}}\n",
	"p.yaml:4:25: error: rules[0].check.base.allow: is empty, so nothing "
	"would pass; leave it out to let everything pass\n"},
    {CHECK "{base: {deny: debian}}\n",
	"p.yaml:4:24: error: rules[0].check.base.deny: expected a list of "
	"image references, found \"debian\"\n"},
    {CHECK "{base: {deny: [1]}}\n",
	"p.yaml:4:25: error: rules[0].check.base.deny[0]: expected an image "
	"reference in quotes, found the number 1\n"},
    {CHECK "{base: {deny: [x], verify: claims}}\n",
	"p.yaml:4:37: error: rules[0].check.base.verify: expected layers "
	"or claim, found \"claims\"\n"},
    {CHECK "{tag: {deny: [1.25]}}\n",
	"p.yaml:4:24: error: rules[0].check.tag.deny[0]: expected a glob in "
	"quotes, found the number 1.25\n"},
    {CHECK "{tag: {digest: required}}\n",
	"p.yaml:4:25: error: rules[0].check.tag.digest: expected require or "
	"allow, found \"required\"\n"},
    /* Globs. */
    {CHECK "{source: {allow: [\"registry.corp/**\", \"!**/tmp/*\", "
	   "\"[::1]:5000/**\", \"localhost/x\", \"**\"]}}\n",
	""},
    {CHECK "{source: {allow: ['a.corp/[ab]']}}\n",
	"p.yaml:4:28: error: rules[0].check.source.allow[0]: \"a.corp/[ab]\" "
	"has brackets in it: a glob knows *, ** and ? alone\n"},
    {CHECK "{source: {allow: ['a.corp/{a,b}']}}\n",
	"p.yaml:4:28: error: rules[0].check.source.allow[0]: \"a.corp/{a,b}\" "
	"has braces or a backslash in it: a glob knows *, ** and ? alone\n"},
    {CHECK "{source: {allow: ['a.corp/x:1']}}\n",
	"p.yaml:4:28: error: rules[0].check.source.allow[0]: \"a.corp/x:1\" "
	"has a tag: a glob is over the name alone\n"},
    {CHECK "{source: {allow: ['a.corp/x@sha256:00']}}\n",
	"p.yaml:4:28: error: rules[0].check.source.allow[0]: "
	"\"a.corp/x@sha256:00\" has a digest: a glob is over the name alone\n"},
    {CHECK "{source: {deny: ['https://a.corp/x']}}\n",
	"p.yaml:4:27: error: rules[0].check.source.deny[0]: "
	"\"https://a.corp/x\" is a URL: a name begins with the registry's "
	"host\n"},
    {CHECK "{source: {deny: ['']}}\n",
	"p.yaml:4:27: error: rules[0].check.source.deny[0]: \"\" is no glob: "
	"write \"*\" for any, or leave it out; one that begins with '!' needs "
	"quotes\n"},
    {CHECK "{source: {deny: ['!!a.corp/x']}}\n",
	"p.yaml:4:27: error: rules[0].check.source.deny[0]: \"!!a.corp/x\" has "
	"two '!': one excludes\n"},
    {CHECK "{source: {deny: ['a.corp/ x']}}\n",
	"p.yaml:4:27: error: rules[0].check.source.deny[0]: \"a.corp/ x\" has "
	"white space in it\n"},
    {CHECK "{source: {deny: [nginx]}}\n",
	"p.yaml:4:27: warning: rules[0].check.source.deny[0]: matches nothing: "
	"names begin with their registry, as in docker.io/library/nginx\n"},
    {CHECK "{source: {deny: [docker.io/nginx]}}\n",
	"p.yaml:4:27: warning: rules[0].check.source.deny[0]: matches nothing: "
	"names are written in full, as in docker.io/library/nginx\n"},
    {CHECK "{source: {deny: [a.corp/Team/*]}}\n",
	"p.yaml:4:27: warning: rules[0].check.source.deny[0]: matches nothing: "
	"names have no upper case letters\n"},
    {CHECK "{source: {deny: ['*']}}\n",
	"p.yaml:4:27: warning: rules[0].check.source.deny[0]: matches nothing: "
	"a name has a '/' and * stays in one part; ** does not\n"},
};

static void
says_everything_that_is_wrong_with_a_check(void **state)
{
	(void)state;
	judge_read_each(rows, sizeof(rows) / sizeof(rows[0]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(says_everything_that_is_wrong_with_a_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
