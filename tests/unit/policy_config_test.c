/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_MAX = 4096, PLATFORMS_MAX = 3, DAY_S = 86400 };

#define AGED(seconds) ((int64_t)JUDGE_NOW - (seconds))

/* What a config says of itself: age, environment, labels, ports, volumes. */
static const struct row {
	const char *name;
	const char *check;
	struct judge_image platforms[PLATFORMS_MAX];
	const char *wanted;
} rows[] = {
    /* age */
    {"a second younger", "age: {max: 180d}",
	{{.created = AGED(180 * DAY_S - 1)}}, "allow"},
    {"as old as allowed", "age: {max: 180d}", {{.created = AGED(180 * DAY_S)}},
	"allow"},
    {"a second older", "age: {max: 180d}", {{.created = AGED(180 * DAY_S + 1)}},
	"deny age.max@linux/amd64 15552001 s>15552000 s"},
    {"the oldest platform speaks", "age: {max: 180d}",
	{{.created = AGED(200 * DAY_S)},
	    {.platform = "linux/arm64", .created = AGED(300 * DAY_S)}},
	"deny age.max@linux/arm64 300 days>180 days"},
    {"no date is no age", "age: {max: 1d}", {{.created = 0}}, "allow"},
    {"1970 is no age", "age: {max: 1d}", {{.created = 1}}, "allow"},
    {"the last second of 1980 is no age", "age: {max: 1d}",
	{{.created = 347155199}}, "allow"},
    {"the first second of 1981 is one", "age: {max: 1d}",
	{{.created = 347155200}},
	"deny age.max@linux/amd64 16815 days>24 hours"},
    {"a date to come is no age", "age: {max: 1d}", {{.created = AGED(-DAY_S)}},
	"allow"},

    /* env.deny */
    {"a name that is denied", "env: {deny: [\"*_PASSWORD\"]}",
	{{.env = {"PATH=/bin", "DB_PASSWORD=x"}}},
	"deny env.deny@linux/amd64 DB_PASSWORD>not set in the image"},
    {"a name that is left out", "env: {deny: [\"*_PASSWORD\", \"!DB_*\"]}",
	{{.env = {"DB_PASSWORD=x"}}}, "allow"},
    {"an empty value is set all the same", "env: {deny: [DEBUG]}",
	{{.env = {"DEBUG="}}},
	"deny env.deny@linux/amd64 DEBUG>not set in the image"},
    {"no environment", "env: {deny: [\"*\"], secrets: deny}", {{.user = "1"}},
	"allow"},
    {"the platform with more of them", "env: {deny: [\"A*\"]}",
	{{.env = {"A=1"}}, {.platform = "linux/arm64", .env = {"A=1", "AB=2"}}},
	"deny env.deny@linux/arm64 A, AB>not set in the image"},

    /* env.secrets */
    {"a secret by its name", "env: {secrets: deny}",
	{{.env = {"API_TOKEN=f00ba7"}}},
	"deny env.secrets@linux/amd64 API_TOKEN>no secrets"},
    {"a secret by its value", "env: {secrets: deny}",
	{{.env = {"THING=glpat-0123456789abcdefghij"}}},
	"deny env.secrets@linux/amd64 THING>no secrets"},
    {"a password in a URL", "env: {secrets: deny}",
	{{.env = {"DATABASE_URL=postgres://u:hunter2@db/x"}}},
	"deny env.secrets@linux/amd64 DATABASE_URL>no secrets"},
    {"several", "env: {secrets: deny}",
	{{.env = {"A_TOKEN=abc", "B_SECRET=abc", "C_KEY=abc", "D_AUTH=abc",
	      "E_PWD=abc", "F_PASSWD=abc"}}},
	"deny env.secrets@linux/amd64 A_TOKEN, B_SECRET, C_KEY, D_AUTH, E_PWD "
	"and 1 more>no secrets"},
    {"allowed", "env: {secrets: allow, deny: [X]}",
	{{.env = {"API_TOKEN=f00ba7"}}}, "allow"},
    {"what only sounds like secrets", "env: {secrets: deny}",
	{{.env = {"API_TOKEN=", "TLS_KEY=/etc/tls.key",
	      "GPG_KEY=7169605F62C751356D054A26A821E680E5FA6305",
	      "PYTHON_SHA256=0a1b2c", "AUTH=true", "SIGNING_KEY=$KEY",
	      "KEY=A821E680E5FA63057169605F62C751356D054A26"}}},
	"allow"},

    {"a secret on one platform only", "env: {secrets: deny}",
	{{.env = {"A=b"}},
	    {.platform = "linux/arm64", .env = {"API_TOKEN=f00ba7"}}},
	"deny env.secrets@linux/arm64 API_TOKEN>no secrets"},

    /* labels.require */
    {"a label that is there", "labels: {require: [a.b/source]}",
	{{.labels = {"a.b/source=x"}}}, "allow"},
    {"a label that is not", "labels: {require: [a.b/source, team]}",
	{{.labels = {"team=x"}}},
	"deny labels.require@linux/amd64 missing>a.b/source"},
    {"a label that says nothing", "labels: {require: [team]}",
	{{.labels = {"team="}}},
	"deny labels.require@linux/amd64 missing>team"},
    {"no labels at all", "labels: {require: [a, b, c, d]}", {{.user = "1"}},
	"deny labels.require@linux/amd64 missing>a, b, c and 1 more"},
    {"any label of a family", "labels: {require: [\"org.*.source\"]}",
	{{.labels = {"org.opencontainers.image.source=x"}}}, "allow"},

    {"the platform that lacks more of them", "labels: {require: [a, b]}",
	{{.labels = {"a=1"}}, {.platform = "linux/arm64"}},
	"deny labels.require@linux/arm64 missing>a, b"},

    /* labels.match */
    {"a value that matches", "labels: {match: {team: \"web-*\"}}",
	{{.labels = {"team=web-1"}}}, "allow"},
    {"a value that does not", "labels: {match: {team: \"web-*\"}}",
	{{.labels = {"team=db"}}}, "deny labels.match@linux/amd64 db>web-*"},
    {"no value to match", "labels: {match: {team: \"**\"}}", {{.user = "1"}},
	"deny labels.match@linux/amd64 missing>**"},
    {"each of several is told", "labels: {match: {a: x, b: \"y/**\"}}",
	{{.labels = {"a=1", "b=y/2/3"}}, {.platform = "linux/arm64"}},
	"deny labels.match@linux/amd64 1>x; labels.match@linux/arm64 "
	"missing>y/**"},

    /* ports.deny */
    {"one below the range", "ports: {deny: [\"100-200\"]}",
	{{.ports = {"99/tcp"}}}, "allow"},
    {"the first of the range", "ports: {deny: [\"100-200\"]}",
	{{.ports = {"100/tcp"}}},
	"deny ports.deny@linux/amd64 100/tcp>not "
	"100-200"},
    {"the last of the range", "ports: {deny: [\"100-200\"]}",
	{{.ports = {"200/tcp"}}},
	"deny ports.deny@linux/amd64 200/tcp>not "
	"100-200"},
    {"one above the range", "ports: {deny: [\"100-200\"]}",
	{{.ports = {"201/tcp"}}}, "allow"},
    {"any protocol", "ports: {deny: [\"53\"]}", {{.ports = {"53/udp"}}},
	"deny ports.deny@linux/amd64 53/udp>not 53"},
    {"another protocol", "ports: {deny: [\"53/tcp\"]}", {{.ports = {"53/udp"}}},
	"allow"},
    {"no protocol is tcp", "ports: {deny: [\"53/tcp\"]}", {{.ports = {"53"}}},
	"deny ports.deny@linux/amd64 53>not 53/tcp"},
    {"ranges that overlap", "ports: {deny: [\"1-1023\"]}",
	{{.ports = {"1000-2000/tcp", "8080/tcp"}}},
	"deny ports.deny@linux/amd64 1000-2000/tcp>not 1-1023"},
    {"what is no port", "ports: {deny: [\"1-65535\"]}",
	{{.ports = {"http", "", "0/tcp", "70000/tcp", "1/icmp", "9x"}}},
	"allow"},
    {"no ports", "ports: {deny: [\"1-65535\"]}", {{.user = "1"}}, "allow"},
    {"the platform with more ports", "ports: {deny: [\"1-1023\"]}",
	{{.ports = {"22/tcp"}},
	    {.platform = "linux/arm64", .ports = {"22/tcp", "23/tcp"}}},
	"deny ports.deny@linux/arm64 22/tcp, 23/tcp>not 1-1023"},

    /* volumes, entrypoint, cmd */
    {"no volumes", "volumes: deny", {{.user = "1"}}, "allow"},
    {"a volume", "volumes: deny", {{.volumes = {"/data"}}},
	"deny volumes@linux/amd64 /data>none"},
    {"volumes", "volumes: deny", {{.volumes = {"/a", "/b", "/c", "/d"}}},
	"deny volumes@linux/amd64 /a, /b, /c and 1 more>none"},
    {"the platform with more volumes", "volumes: deny",
	{{.volumes = {"/a"}},
	    {.platform = "linux/arm64", .volumes = {"/a", "/b"}}},
	"deny volumes@linux/arm64 /a, /b>none"},
    {"no entrypoint on one platform", "entrypoint: require",
	{{.entrypoint = "/x"}, {.platform = "linux/arm64", .cmd = "x"}},
	"deny entrypoint@linux/arm64 none>an ENTRYPOINT"},
    {"an entrypoint", "entrypoint: require", {{.entrypoint = "/x"}}, "allow"},
    {"no entrypoint", "entrypoint: require", {{.cmd = "/x"}},
	"deny entrypoint@linux/amd64 none>an ENTRYPOINT"},
    {"a cmd", "cmd: require", {{.cmd = "x"}}, "allow"},
    {"no cmd on one platform", "cmd: require",
	{{.cmd = "x"}, {.platform = "linux/arm64", .entrypoint = "/x"}},
	"deny cmd@linux/arm64 none>a CMD"},

    /* platforms.require */
    {"both platforms", "platforms: {require: [linux/amd64, linux/arm64]}",
	{{.user = "1"}, {.platform = "linux/arm64"}}, "allow"},
    {"one that nobody asked for counts",
	"platforms: {require: [linux/amd64, linux/arm64]}",
	{{.others = {"linux/arm64"}}}, "allow"},
    {"one is missing", "platforms: {require: [linux/amd64, linux/arm64]}",
	{{.others = {"linux/s390x"}}},
	"deny platforms.require linux/amd64, linux/s390x>linux/arm64"},
    {"without a variant any will do", "platforms: {require: [linux/amd64]}",
	{{.platform = "linux/amd64/v3"}}, "allow"},
    {"arm without a variant is not v7 alone",
	"platforms: {require: [linux/arm]}", {{.platform = "linux/arm/v6"}},
	"allow"},
    {"arm without a variant is no other architecture",
	"platforms: {require: [linux/arm, linux/armhf]}",
	{{.platform = "linux/arm64"}},
	"deny platforms.require linux/arm64>linux/arm, linux/arm/v7"},
    {"with a variant none other will do",
	"platforms: {require: [linux/arm/v6]}", {{.platform = "linux/arm/v7"}},
	"deny platforms.require linux/arm/v7>linux/arm/v6"},
};

static size_t
count(const struct judge_image images[PLATFORMS_MAX])
{
	size_t n = 1;

	while (n < PLATFORMS_MAX && images[n].platform != NULL)
		n++;
	return n;
}

static void
open_judge(struct judge *j, const char *check)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(TEXT_MAX);

	buf_printf(
	    &b, "version: 1\nrules:\n  - name: r\n    check: {%s}\n", check);
	judge_open(j, buf_text(&b), "a.corp/web:1");
}

static void
judges_what_a_config_says_of_itself(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct judge j;

		open_judge(&j, rows[i].check);
		judge_plan(&j);
		judge_facts(&j, 0, rows[i].platforms, count(rows[i].platforms));
		judge_evaluate(&j);
		judge_expect(&j, rows[i].name, rows[i].wanted);
		judge_close(&j);
	}
}

static void
tell_nothing_of(const struct finding *f, const char *secret)
{
	assert_null(strstr(f->message, secret));
	assert_null(strstr(f->evidence, secret));
	assert_null(strstr(f->actual, secret));
	assert_null(strstr(f->limit, secret));
	assert_null(strstr(f->fix, secret));
}

static void
never_tells_a_value_of_the_environment(void **state)
{
	const struct judge_image image = {
	    .env = {"DB_PASSWORD=hunter2", "A=https://u:hunter2@a.corp"}};
	struct judge j;
	size_t i;

	(void)state;
	open_judge(&j, "env: {deny: [\"*\"], secrets: deny}");
	judge_plan(&j);
	judge_facts(&j, 0, &image, 1);
	judge_evaluate(&j);
	assert_int_equal(j.report->images[0].nfindings, 2);
	for (i = 0; i < 2; i++)
		tell_nothing_of(&j.report->images[0].findings[i], "hunter2");
	judge_close(&j);
}

static void
an_image_volume_runs_nothing_and_exposes_nothing(void **state)
{
	const struct judge_image image = {
	    .ports = {"22/tcp"}, .volumes = {"/x"}, .env = {"DEBUG=1"}};
	struct judge j;

	(void)state;
	open_judge(&j,
	    "ports: {deny: [\"22\"]}, volumes: deny, entrypoint: require, "
	    "cmd: require, env: {deny: [DEBUG]}");
	j.w->containers[0].type = CONTAINER_IMAGE_VOLUME;
	judge_plan(&j);
	judge_facts(&j, 0, &image, 1);
	judge_evaluate(&j);
	judge_expect(&j, "image volume",
	    "deny env.deny@linux/amd64 DEBUG>not set in the image");
	judge_close(&j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(judges_what_a_config_says_of_itself),
	    cmocka_unit_test(never_tells_a_value_of_the_environment),
	    cmocka_unit_test(an_image_volume_runs_nothing_and_exposes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
