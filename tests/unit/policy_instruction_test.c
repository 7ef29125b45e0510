/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/instruction.h"
#include "tests/unit/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { TEXT_MAX = 256 };

static const struct row {
	const char *created_by;
	const char *wanted;
} rows[] = {
    {"", ""},
    /* As each builder writes it. */
    {"/bin/sh -c apt-get update", "RUN apt-get update"},
    {"/bin/sh -c #(nop)  CMD [\"sh\"]", "CMD [\"sh\"]"},
    {"/bin/sh -c #(nop) COPY dir:0a1b in /app ", "COPY dir:0a1b in /app"},
    {"COPY --chown=app . /app # buildkit", "COPY --chown=app . /app"},
    {"RUN /bin/sh -c make # buildkit", "RUN make"},
    {"RUN |1 V=1 /bin/sh -c make # buildkit", "RUN make"},
    {"|1 V=1 /bin/sh -c make", "RUN make"},
    {"RUN |1 V=1 /bin/bash -o pipefail -c make # buildkit", "RUN make"},
    {"WORKDIR /app", "WORKDIR /app"},
    {"RUN go build ./...", "RUN go build ./..."},
    {"bazel build //app:image", "bazel build //app:image"},
    {"RUN echo a   \n\t b", "RUN echo a b"},
    /* Build arguments may be anything; none of them is shown. */
    {"RUN |2 A=/bin/sh -c x B=s3cret /bin/sh -c make", "RUN make"},
    {"|1 KEY=s3cret", "RUN "},
    /* Secrets. */
    {"RUN TOKEN=abc make", "RUN TOKEN=*** make"},
    {"ENV API_KEY=abc PORT=80", "ENV API_KEY=*** PORT=80"},
    {"ENV API_KEY=\"a b c\" PORT=80", "ENV API_KEY=*** PORT=80"},
    {"RUN export DB_PASSWORD='a;b'; make", "RUN export DB_PASSWORD=***; make"},
    {"RUN curl --token abc x", "RUN curl --token *** x"},
    {"RUN curl --api-key=abc x", "RUN curl --api-key=*** x"},
    {"RUN curl -H 'Authorization: Bearer abc' x",
	"RUN curl -H 'Authorization:***' x"},
    {"RUN git clone https://u:p@a.corp/x",
	"RUN git clone https://***@a.corp/x"},
    {"RUN echo '{\"password\": \"abc\"}'", "RUN echo '{\"password\": ***"},
    {"RUN login ghp_abcdefghijklmnopqrst x", "RUN login *** x"},
    {"RUN echo \"glpat-abcdefghijklmnopqrst\"", "RUN echo \"***\""},
    {"RUN echo '-----BEGIN RSA PRIVATE KEY-----\nMIIE", "RUN echo '***"},
    {"RUN echo 'root:abc' | chpasswd", "RUN echo 'root:***' | chpasswd"},
    {"RUN echo root:abc u:$P|chpasswd -e",
	"RUN echo root:*** u:***|chpasswd -e"},
    {"RUN curl -u bob:abc https://x", "RUN curl -u *** https://x"},
    {"RUN curl --user 'bob:a c' x", "RUN curl --user *** x"},
    {"RUN curl -u bob x", "RUN curl -u bob x"},
    {"RUN curl -ubob:abc https://x", "RUN curl -u*** https://x"},
    {"RUN curl -ubob http://x:80", "RUN curl -ubob http://x:80"},
    /* BuildKit leaves out the quotes of ENV. */
    {"ENV DB_PASSWORD=correct horse; staple PORT=80 # buildkit",
	"ENV DB_PASSWORD=*** PORT=80"},
    {"ENV DB_PASSWORD=correct horse # buildkit", "ENV DB_PASSWORD=***"},
    {"ARG DB_PASSWORD='correct horse' PORT=80", "ARG DB_PASSWORD=*** PORT=80"},
    {"RUN DB_PASSWORD=correct horse", "RUN DB_PASSWORD=*** horse"},
    {"RUN useradd -u 1000 bob", "RUN useradd -u 1000 bob"},
    {"RUN sshpass -p abc ssh x", "RUN sshpass -p *** ssh x"},
    {"RUN sshpass -pabc ssh x", "RUN sshpass -p*** ssh x"},
    {"RUN docker login -u bob -p abc", "RUN docker login -u bob -p ***"},
    {"RUN mkdir -p /a", "RUN mkdir -p /a"},
    {"RUN echo '//a.corp/:_authToken=abc' >.npmrc",
	"RUN echo '//a.corp/:_authToken=***"},
    {"RUN mvn -Drepo.password=abc verify",
	"RUN mvn -Drepo.password=*** verify"},
    /* What only sounds like one. */
    {"ENV GPG_KEY=0A1B", "ENV GPG_KEY=0A1B"},
    {"RUN apt-key add x", "RUN apt-key add x"},
    {"RUN curl https://a.corp/@x", "RUN curl https://a.corp/@x"},
    {"ENV PASSWORD=", "ENV PASSWORD="},
    /* A terminal stays safe. */
    {"RUN \033[31mred", "RUN ?[31mred"},
};

static void
shows_an_instruction_as_it_was_written_less_its_secrets(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(buf_clear) struct buf b = BUF_INIT(TEXT_MAX);

		assert_int_equal(
		    instruction_add(&b, rows[i].created_by, 80), 0);
		judge_same(rows[i].created_by, buf_text(&b), rows[i].wanted);
	}
}

static void
a_long_instruction_is_cut(void **state)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(TEXT_MAX);

	(void)state;
	assert_int_equal(
	    instruction_add(&b, "RUN 123456789012345678901234567890", 20), 0);
	assert_string_equal(buf_text(&b), "RUN 1234567890123...");
}

static void
knows_the_keyword(void **state)
{
	(void)state;
	assert_true(instruction_is("COPY . /app # buildkit", "COPY"));
	assert_true(
	    instruction_is("/bin/sh -c #(nop) ADD file:x in / ", "ADD"));
	assert_true(instruction_is("/bin/sh -c make", "RUN"));
	assert_true(instruction_is("RUN |1 A=b /bin/sh -c make", "RUN"));
	assert_false(instruction_is("COPYRIGHT", "COPY"));
	assert_false(instruction_is("", "COPY"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		shows_an_instruction_as_it_was_written_less_its_secrets),
	    cmocka_unit_test(a_long_instruction_is_cut),
	    cmocka_unit_test(knows_the_keyword),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
