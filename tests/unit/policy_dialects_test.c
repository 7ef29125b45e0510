/* SPDX-License-Identifier: Apache-2.0 */
/* Habits by the less usual of the ways in which they can be written. */
#include "policy/history.h"
#include "tests/unit/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { TEXT_MAX = 4096 };

static const struct {
	const char *by;
	const char *wanted;
} rows[] = {
    /* A shell that reads what is piped into it. */
    {"RUN curl x | bash -es -- a", "pipe-to-shell@0 curl into bash"},
    {"RUN curl x | bash -o pipefail", "pipe-to-shell@0 curl into bash"},
    {"RUN curl x | bash -o pipefail f.sh", ""},
    {"RUN sh -c \"`curl x`\"", "pipe-to-shell@0 curl into sh"},
    {"RUN sh -c \"` curl x`\"", "pipe-to-shell@0 curl into sh"},
    /* Quotes and escapes. */
    {"RUN x $(echo a\\) ; apt-get install -y gcc ) b", ""},
    {"RUN x \"a\\\"; apt-get install -y gcc; \\\"b\"", ""},
    {"RUN x \"a\\$(\"; apt-get install -y gcc", "build-tools@0 gcc"},
    {"RUN x \"a\\q\"; apt-get install -y \"g\\\ncc\"", "build-tools@0 gcc"},
    {"RUN apt-get \\\r\n install -y gcc", "build-tools@0 gcc"},
    /* Options of package managers. */
    {"RUN apk add --no-cache --virtual=.b gcc && apk del .b", ""},
    {"RUN apk add --no-cache --virtual=.b gcc && apk del .c",
	"build-tools@0 gcc"},
    {"RUN apt-get -o Dpkg::Use-Pty=0 install -y gcc", "build-tools@0 gcc"},
    {"RUN apt-get -o", ""},
    {"RUN apt-get install -y gcc && apt-mark auto gcc && apt-get purge -y "
     "--autoremove curl",
	""},
    /* Tools that the base has. */
    {"RUN go install example.org/x@latest", "build-tools@0 go"},
    {"RUN if a; then go build; fi", ""},
    /* Caches that are removed. */
    {"RUN apt-get update && apt-get install -y curl", "package-cache@0 apt"},
    {"RUN apt-get update && apt-get install -y curl && rm --recursive "
     "/var/lib/apt/lists",
	""},
    {"RUN apt-get update && apt-get install -y curl && find "
     "/var/lib/apt/lists -type f -delete",
	""},
    {"RUN apt-get update && apt-get install -y curl && find "
     "/var/lib/apt/lists -type f",
	"package-cache@0 apt"},
    {"RUN apt-get update && apt-get install -y curl && rm --force "
     "/var/lib/apt/lists",
	"package-cache@0 apt"},
    /* Dependencies for development. */
    {"RUN pip install --no-cache-dir --requirement=dev.txt",
	"dev-dependencies@0 pip"},
    {"RUN pip install --no-cache-dir -rdev.txt", "dev-dependencies@0 pip"},
    {"RUN pip install --no-cache-dir -rreq.txt", ""},
    {"RUN cd /app && bundle install", "dev-dependencies@0 bundle"},
    {"RUN pipenv install --dev", "dev-dependencies@0 pipenv"},
    {"RUN pipenv sync -d", "dev-dependencies@0 pipenv"},
    {"RUN pipenv install", ""},
};

static struct image_set *
scanned(const char *first, const char *second)
{
	const struct judge_image from = {.layers = second != NULL ? "ab" : "a",
	    .by = {first, second},
	    .sizes = {10 * MI, 10 * MI}};

	return judge_set(&from, 1);
}

static void
say_signs(const struct image *img, struct buf *b)
{
	size_t i;

	for (i = 0; i < img->nsigns; i++)
		buf_printf(b, "%s%s@%zu %s", i > 0 ? "; " : "",
		    detector_names[img->signs[i].detector], img->signs[i].entry,
		    img->signs[i].what);
}

static void
finds_them_all_the_same(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(image_set_unref)
		struct image_set *set = scanned(rows[i].by, NULL);
		AUTO(buf_clear) struct buf b = BUF_INIT(TEXT_MAX);

		say_signs(set->images[0], &b);
		judge_same(rows[i].by, buf_text(&b), rows[i].wanted);
	}
}

static void
go_downloads_after_its_sources_came(void **state)
{
	AUTO(image_set_unref)
	struct image_set *set = scanned("COPY . /src", "RUN go mod download");
	AUTO(buf_clear) struct buf b = BUF_INIT(TEXT_MAX);

	(void)state;
	say_signs(set->images[0], &b);
	judge_same("go", buf_text(&b), "broad-copy@0 .; cache-order@1 go");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_them_all_the_same),
	    cmocka_unit_test(go_downloads_after_its_sources_came),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
