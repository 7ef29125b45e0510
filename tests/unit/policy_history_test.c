/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/history.h"
#include "tests/unit/alloc.h"
#include "tests/unit/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_MAX = 8192, STEPS = 6 };

/* What each detector makes of instructions, one layer of 10 MiB each. */
static const struct row {
	const char *name;
	const char *by[STEPS];
	const char *wanted; /* "build-tools@0 gcc; ..." */
	const char *env[JUDGE_WORDS_MAX];
} rows[] = {
    {"nothing", {"RUN true"}, "", {0}},

    /* build-tools */
    {"a compiler", {"RUN /bin/sh -c apt-get install -y gcc # buildkit"},
	"build-tools@0 gcc", {0}},
    {"classic", {"/bin/sh -c apt-get install -y gcc"}, "build-tools@0 gcc",
	{0}},
    {"with arguments", {"|1 A=b /bin/sh -c apt-get install -y gcc"},
	"build-tools@0 gcc", {0}},
    {"with another shell",
	{"RUN /bin/bash -o pipefail -c apt-get install gcc # buildkit"},
	"build-tools@0 gcc", {0}},
    {"with arguments and another shell",
	{"RUN |2 A=b c D=/x /bin/bash -eo pipefail -c apt-get install gcc"},
	"build-tools@0 gcc", {0}},
    {"plain", {"RUN apt-get -y --no-install-recommends install gcc=12 make"},
	"build-tools@0 gcc=12 and make", {0}},
    {"no shell at all", {"RUN apk add --no-cache build-base"},
	"build-tools@0 build-base", {0}},
    {"in words only", {"RUN echo apt-get install gcc"}, "", {0}},
    {"in a file that is written, an apostrophe in it",
	{"RUN cat <<EOF >/x\nit's apt-get install gcc\ncurl a | sh\nEOF\n"
	 "apt-get install make # buildkit"},
	"build-tools@0 make", {0}},
    {"a secret in a file that is written",
	{"RUN cat <<EOF >/.env\nDB_PASSWORD=hunter2xyz\nEOF"},
	"embedded-secret@0 DB_PASSWORD", {0}},
    {"in a file that is written and read by a shell",
	{"RUN bash <<EOF\napt-get install gcc\nEOF\n"}, "build-tools@0 gcc",
	{0}},
    {"in a label", {"LABEL help=apt-get install gcc"}, "", {0}},
    {"headers come after compilers",
	{"RUN apt-get install -y liba-dev libb-dev libc-dev libd-dev g++ make"},
	"build-tools@0 g++, make, liba-dev, libb-dev and 2 more", {0}},
    {"purged",
	{"RUN apt-get install -y gcc curl && make && apt-get purge -y "
	 "gcc"},
	"", {0}},
    {"half purged",
	{"RUN apt-get install -y gcc make && apt-get purge -y "
	 "gcc"},
	"build-tools@0 make", {0}},
    {"purged in the next",
	{"RUN apt-get install -y gcc", "RUN apt-get purge -y gcc"},
	"build-tools@0 gcc", {0}},
    {"marked automatic and purged",
	{"RUN apt-get install -y gcc; apt-mark auto '.*' > /dev/null; apt-mark "
	 "manual curl; apt-get purge -y --auto-remove -o X=false"},
	"", {0}},
    {"marked automatic, one kept",
	{"RUN keep='make'; apt-get install -y gcc make; apt-mark auto '.*'; "
	 "apt-mark manual $keep; apt-get purge -y --auto-remove"},
	"build-tools@0 make", {0}},
    {"marked automatic and never removed",
	{"RUN apt-get install -y gcc; apt-mark auto '.*'"}, "build-tools@0 gcc",
	{0}},
    {"autoremove alone removes nothing that was asked for",
	{"RUN apt-get install -y gcc && apt-get autoremove -y"},
	"build-tools@0 gcc", {0}},
    {"a group that is deleted",
	{"RUN apk add --no-cache --virtual .build gcc musl-dev && apk del "
	 ".build"},
	"", {0}},
    {"a group that is not",
	{"RUN apk add --no-cache -t .build gcc && apk del .other"},
	"build-tools@0 gcc", {0}},
    {"names in a variable",
	{"RUN deps='gcc make'; apt-get install -y $deps && apt-get purge -y "
	 "$deps"},
	"", {0}},
    {"names in the environment", {"RUN apk add $PHPIZE_DEPS --no-cache"},
	"build-tools@0 gcc and make", {"PHPIZE_DEPS=gcc make"}},
    {"names nobody knows", {"RUN apk add --no-cache $WHAT"}, "", {0}},
    {"an arm that may not run",
	{"RUN case \"$a\" in x) true ;; *) apt-get install -y cargo ;; esac"},
	"", {0}},
    {"an else that may not run",
	{"RUN if a; then b; else apk add --no-cache gcc; fi"}, "", {0}},
    {"a development kit", {"RUN apt-get install -y openjdk-17-jdk-headless"},
	"build-tools@0 openjdk-17-jdk-headless", {0}},
    {"a runtime",
	{"RUN apt-get install -y openjdk-17-jre-headless gcc-12-base "
	 "libgcc-s1 cmake-data"},
	"", {0}},
    {"dnf", {"RUN dnf install -y gcc-c++ && dnf clean all"},
	"build-tools@0 gcc-c++", {0}},
    {"a build on a toolchain base", {"RUN go build -o /x ./..."},
	"build-tools@0 go", {0}},
    {"a build with what it fetched",
	{"RUN curl -O https://go.dev/go.tgz && go build ./... && rm -r go"}, "",
	{0}},
    {"rustup", {"RUN curl -sSf https://sh.rustup.rs -o r && sh r -y"},
	"build-tools@0 rustup", {0}},
    {"rustup taken out",
	{"RUN curl -sSf https://sh.rustup.rs -o r && sh r -y && make && rustup "
	 "self uninstall -y"},
	"", {0}},
    {"a compiler that is asked for its version", {"RUN javac --version"},
	"build-tools@0 javac", {0}},

    /* package-cache */
    {"lists left", {"RUN apt-get update && apt-get install -y curl"},
	"package-cache@0 apt", {0}},
    {"lists removed",
	{"RUN apt-get update; apt-get install -y curl; rm -rf "
	 "/var/lib/apt/lists/*"},
	"", {0}},
    {"lists removed, then fetched again",
	{"RUN apt-get update; rm -rf /var/lib/apt/lists/*; apt-get update"},
	"package-cache@0 apt", {0}},
    {"apt-get clean leaves the lists", {"RUN apt-get update && apt-get clean"},
	"package-cache@0 apt", {0}},
    {"dist-clean does not", {"RUN apt-get update && apt-get dist-clean"}, "",
	{0}},
    {"removed in the next",
	{"RUN apt-get update", "RUN rm -rf /var/lib/apt/lists"},
	"package-cache@0 apt", {0}},
    {"rm without -r", {"RUN apt-get update; rm -f /var/lib/apt/lists/*"},
	"package-cache@0 apt", {0}},
    {"update with install", {"RUN apt-get install --update -y curl"},
	"package-cache@0 apt", {0}},
    {"apk", {"RUN apk add curl"}, "package-cache@0 apk", {0}},
    {"apk without", {"RUN apk --no-cache add curl"}, "", {0}},
    {"apk removed", {"RUN apk add curl && rm -rf /var/cache/apk/*"}, "", {0}},
    {"yum", {"RUN yum -y install curl"}, "package-cache@0 dnf", {0}},
    {"microdnf cleaned", {"RUN microdnf install curl && microdnf clean all"},
	"", {0}},
    {"zypper", {"RUN zypper -n in curl"}, "package-cache@0 zypper", {0}},
    {"zypper cleaned", {"RUN zypper -n in curl && zypper clean -a"}, "", {0}},
    {"pip", {"RUN python3 -m pip install flask"}, "package-cache@0 pip", {0}},
    {"pip without", {"RUN pip3.12 install --no-cache-dir flask"}, "", {0}},
    {"pip by the environment", {"RUN pip install flask"}, "",
	{"PIP_NO_CACHE_DIR=1"}},
    {"pip by a variable", {"RUN PIP_NO_CACHE_DIR=1 pip install flask"}, "",
	{0}},
    {"npm", {"RUN npm install -g yarn"}, "package-cache@0 npm", {0}},
    {"npm cleaned", {"RUN npm ci --omit=dev && npm cache clean --force"}, "",
	{0}},
    {"yarn asked for its version", {"RUN yarn --version"}, "", {0}},
    {"several", {"RUN apk add a && pip install b"},
	"package-cache@0 apk and pip", {0}},

    /* broad-copy */
    {"the context", {"COPY . /app # buildkit"}, "broad-copy@0 .", {0}},
    {"the context with options", {"COPY --chown=a:b ./ . # buildkit"},
	"broad-copy@0 ./", {0}},
    {"the root", {"ADD / / # buildkit"}, "broad-copy@0 /", {0}},
    {"a star", {"COPY package.json * ./"}, "broad-copy@0 *", {0}},
    {"one thing", {"COPY app /app # buildkit"}, "", {0}},
    {"from a stage", {"COPY /target/ / # buildkit"}, "", {0}},
    {"all of a folder", {"COPY dist/. lib/* /app/"}, "", {0}},
    {"to here", {"COPY package.json . # buildkit"}, "", {0}},
    {"older builders tell nothing",
	{"/bin/sh -c #(nop) COPY dir:0a1b in /app "}, "", {0}},

    /* pipe-to-shell */
    {"curl into sh", {"RUN curl -sSL https://a.corp/x | sh"},
	"pipe-to-shell@0 curl into sh", {0}},
    {"wget into bash by sudo",
	{"RUN wget -qO- https://a.corp/x|sudo -E bash -"},
	"pipe-to-shell@0 wget into bash", {0}},
    {"by a full path", {"RUN curl x | /bin/bash -s -- --yes"},
	"pipe-to-shell@0 curl into bash", {0}},
    {"through another", {"RUN curl x | gunzip | sh -e"},
	"pipe-to-shell@0 curl into sh", {0}},
    {"into python", {"RUN curl x | python3 -"},
	"pipe-to-shell@0 curl into python3", {0}},
    {"in a substitution", {"RUN sh -c \"$(curl -fsSL x)\""},
	"pipe-to-shell@0 curl into sh", {0}},
    {"in a process substitution", {"RUN /bin/bash -c bash <(curl -s x)"},
	"pipe-to-shell@0 curl into bash", {0}},
    {"evaluated", {"RUN eval \"$(wget -O- x)\""},
	"pipe-to-shell@0 wget into eval", {0}},
    {"in an exec form", {"RUN sh -c curl x | sh"},
	"pipe-to-shell@0 curl into sh", {0}},
    {"into tar", {"RUN curl x | tar xz"}, "", {0}},
    {"into a checksum", {"RUN curl x | sha256sum -c"}, "", {0}},
    {"into gpg", {"RUN curl x | gpg --dearmor > y"}, "", {0}},
    {"into a program that is there", {"RUN curl x | sh filter.sh"}, "", {0}},
    {"into a one-liner", {"RUN curl x | python3 -c 'import sys'"}, "", {0}},
    {"into a module", {"RUN curl x | python3 -m json.tool"}, "", {0}},
    {"not piped", {"RUN curl x; sh y"}, "", {0}},
    {"something else piped", {"RUN cat x | sh"}, "", {0}},
    {"quoted", {"RUN echo 'curl x | sh'"}, "", {0}},

    /* embedded-secret */
    {"in ENV", {"ENV DB_PASSWORD=hunter2 A=b"}, "embedded-secret@0 DB_PASSWORD",
	{0}},
    {"in a classic ENV", {"/bin/sh -c #(nop)  ENV API_TOKEN=abc"},
	"embedded-secret@0 API_TOKEN", {0}},
    {"in ARG", {"ARG NPM_TOKEN=abc"}, "embedded-secret@0 NPM_TOKEN", {0}},
    {"an ARG without a value", {"ARG NPM_TOKEN"}, "", {0}},
    {"in a build argument", {"RUN |1 NPM_TOKEN=abc /bin/sh -c npm x"},
	"embedded-secret@0 NPM_TOKEN", {0}},
    {"in a command", {"RUN DB_PASSWORD='a b' make"},
	"embedded-secret@0 DB_PASSWORD", {0}},
    {"exported", {"RUN export SECRET_KEY=\"abc\" && make"},
	"embedded-secret@0 SECRET_KEY", {0}},
    {"in an option", {"RUN login --password hunter2"},
	"embedded-secret@0 --password", {0}},
    {"in an option's word", {"RUN login --db-token=hunter2"},
	"embedded-secret@0 --db-token", {0}},
    {"in a URL", {"RUN git clone https://u:hunter2@a.corp/x"},
	"embedded-secret@0 a token, a key or a password in a URL", {0}},
    {"in a header", {"RUN curl -H 'Authorization: Bearer abc' x"},
	"embedded-secret@0 an Authorization header", {0}},
    {"for chpasswd", {"RUN echo 'root:abc' | chpasswd"},
	"embedded-secret@0 a password for chpasswd", {0}},
    {"written into a file", {"RUN echo 'A=b DB_PASSWORD=hunter2' > .env"},
	"embedded-secret@0 DB_PASSWORD", {0}},
    {"written into npm's settings",
	{"RUN echo \"//a.corp/:_authToken=hunter2\" > .npmrc"},
	"embedded-secret@0 _authToken", {0}},
    {"given to a build", {"RUN java -Drepo.password=hunter2 -jar x"},
	"embedded-secret@0 -Drepo.password", {0}},
    {"of a download", {"RUN curl -u bob:hunter2 https://a.corp/x"},
	"embedded-secret@0 a login's password", {0}},
    {"of a download, without a blank",
	{"RUN curl -ubob:hunter2 https://a.corp/x"},
	"embedded-secret@0 a login's password", {0}},
    {"of a login", {"RUN docker login -u bob -p hunter2 a.corp"},
	"embedded-secret@0 a login's password", {0}},
    {"of a shell elsewhere", {"RUN sshpass -phunter2 ssh bob@a.corp"},
	"embedded-secret@0 a login's password", {0}},
    {"of nobody",
	{"RUN curl -u \"bob:$P\" x; curl -u bob x; docker login -p \"$P\"; "
	 "docker run -p 80:80 x; useradd -u 10:20 x; echo "
	 "\"//a.corp/:_authToken=$T\"; echo 'auth_type=ldap'; sed -i "
	 "'s/password=.*/password=x/' y; SECRET_KEY=dummy-for-build make"},
	"", {0}},
    {"a token anywhere", {"CMD [\"x\", \"ghp_abcdefghijklmnopqrst\"]"},
	"embedded-secret@0 a token, a key or a password in a URL", {0}},
    {"a key that is copied", {"COPY .ssh/id_rsa /root/.ssh/ # buildkit"},
	"embedded-secret@0 .ssh/id_rsa", {0}},
    {"from a mount",
	{"RUN TOKEN=$(cat /run/secrets/t) make --token \"$TOKEN\" "
	 "--password-file=/x --token-url=abc"},
	"", {0}},
    {"from a variable", {"RUN curl -H \"Authorization: $A\" https://u:$P@x/"},
	"", {0}},
    {"fingerprints",
	{"RUN key='BCA4 3417 C3B4 85DD 128E C6D4 B7B3 B788 A8D3 "
	 "785C'; gpg --recv-keys \"$key\"",
	    "ENV GPG_KEY=BCA43417C3B485DD128EC6D4B7B3B788A8D3785C "
	    "PYTHON_SHA256=0a1b"},
	"", {0}},
    {"for chpasswd from a variable", {"RUN echo \"root:$P\" | chpasswd"}, "",
	{0}},

    /* recursive-chown */
    {"of what is there", {"RUN chown -R a:b /app"}, "recursive-chown@0 chown",
	{0}},
    {"of modes", {"RUN chmod -vR a+x /app"}, "recursive-chown@0 chmod", {0}},
    {"of what it brings", {"RUN tar xf x && chown -R a /x"}, "", {0}},
    {"of one file", {"RUN chown a:b /app"}, "", {0}},

    /* cache-order */
    {"sources before",
	{"COPY . /app # buildkit", "RUN npm ci --omit=dev; npm "
				   "cache clean -f"},
	"broad-copy@0 .; cache-order@1 npm", {0}},
    {"the lock file before",
	{"COPY package.json package-lock.json ./ # buildkit",
	    "RUN npm ci --omit=dev; npm cache clean -f", "COPY . . # buildkit",
	    "RUN npm ci --omit=dev; npm cache clean -f"},
	"broad-copy@2 .", {0}},
    {"an older builder's directory",
	{"/bin/sh -c #(nop) COPY dir:0a in /app ",
	    "/bin/sh -c pip install --no-cache-dir -r requirements.txt"},
	"cache-order@1 pip", {0}},
    {"a folder of sources",
	{"COPY src ./src", "RUN bundle install "
			   "--without development"},
	"cache-order@1 bundle", {0}},
    {"one package by name", {"COPY . .", "RUN npm i -g x; npm cache clean"},
	"broad-copy@0 .", {0}},

    /* dev-dependencies */
    {"npm ci", {"RUN npm ci && npm cache clean --force"},
	"dev-dependencies@0 npm", {0}},
    {"npm ci for production",
	{"RUN npm ci --omit=dev && npm cache clean --force"}, "", {0}},
    {"npm by the environment", {"RUN npm ci && npm cache clean --force"}, "",
	{"NODE_ENV=production"}},
    {"npm by a variable",
	{"RUN NODE_ENV=production npm ci && npm cache clean -f"}, "", {0}},
    {"npm pruned", {"RUN npm ci && npm prune --omit=dev && npm cache clean"},
	"", {0}},
    {"yarn", {"RUN yarn && yarn cache clean"}, "dev-dependencies@0 yarn", {0}},
    {"yarn for production",
	{"RUN yarn install --production --frozen-lockfile && yarn cache "
	 "clean"},
	"", {0}},
    {"pnpm", {"RUN pnpm install"}, "dev-dependencies@0 pnpm", {0}},
    {"pnpm for production", {"RUN pnpm install --prod"}, "", {0}},
    {"pip", {"RUN pip install --no-cache-dir -r requirements-dev.txt"},
	"dev-dependencies@0 pip", {0}},
    {"pip, the second of two files",
	{"RUN pip install --no-cache-dir -r a.txt -r requirements/dev.txt"},
	"dev-dependencies@0 pip", {0}},
    {"pip extras", {"RUN pip install --no-cache-dir -e '.[dev,test]'"},
	"dev-dependencies@0 pip", {0}},
    {"pip proper", {"RUN pip install --no-cache-dir -r requirements.txt"}, "",
	{0}},
    {"a device", {"RUN pip install --no-cache-dir -r device/reqs.txt"}, "",
	{0}},
    {"bundler", {"RUN bundle install --jobs 4"}, "dev-dependencies@0 bundle",
	{0}},
    {"bundler without",
	{"RUN bundle config set --local without 'development test' && bundle "
	 "install"},
	"", {0}},
    {"bundler by the environment", {"RUN bundle install"}, "",
	{"BUNDLE_WITHOUT=development"}},
    {"composer", {"RUN composer install"}, "dev-dependencies@0 composer", {0}},
    {"composer without", {"RUN composer install --no-dev"}, "", {0}},
};

static struct image_set *
scanned(const struct row *r)
{
	struct judge_image from = {.layers = "abcdef"};
	size_t i;

	for (i = 0; i < STEPS; i++) {
		from.by[i] = r->by[i];
		from.sizes[i] = 10 * MI;
	}
	memcpy(from.env, r->env, sizeof(from.env));
	return judge_set(&from, 1);
}

static void
finds_habits_and_what_takes_them_back(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(image_set_unref) struct image_set *set = scanned(&rows[i]);
		AUTO(buf_clear) struct buf b = BUF_INIT(TEXT_MAX);
		const struct image *img = set->images[0];

		for (k = 0; k < img->nsigns; k++)
			buf_printf(&b, "%s%s@%zu %s", k > 0 ? "; " : "",
			    detector_names[img->signs[k].detector],
			    img->signs[k].entry, img->signs[k].what);
		judge_same(rows[i].name, buf_text(&b), rows[i].wanted);
	}
}

static void
a_long_history_is_not_reliable(void **state)
{
	enum { LONG = HISTORY_TEXT_MAX };
	static char text[LONG + 2];
	struct judge_image from = {.layers = "a", .by = {text}};
	AUTO(image_set_unref) struct image_set *set = NULL;
	AUTO(image_set_unref) struct image_set *longer = NULL;

	(void)state;
	memset(text, ';', LONG);
	set = judge_set(&from, 1);
	assert_int_equal(set->images[0]->history_state, HISTORY_RELIABLE);
	text[LONG] = ';';
	longer = judge_set(&from, 1);
	assert_int_equal(longer->images[0]->history_state, HISTORY_UNRELIABLE);
}

/* Memory that runs out leaves an image that says it was not looked at. */
static void
scan_once_more(void *arg)
{
	struct image *img = arg;

	img->scanned = false;
	img->nsigns = 0;
	if (history_scan(img) != 0) {
		assert_false(img->scanned);
		assert_int_equal(img->nsigns, 0);
	} else {
		assert_true(img->scanned);
		assert_int_equal(img->nsigns, 6);
	}
}

static void
memory_that_runs_out_is_an_error(void **state)
{
	const struct judge_image from = {.layers = "abcde",
	    .by = {"COPY . .", "RUN deps='gcc make'; apt-get install $deps",
		"RUN sh -c 'curl x | sh'", "ENV A_TOKEN=abc",
		"RUN npm ci; npm cache clean"}};
	AUTO(image_set_unref) struct image_set *set = judge_set(&from, 1);

	(void)state;
	assert_true(alloc_fail_each(scan_once_more, set->images[0]) > 3);
}

/* The worst that one can write: every word is looked up backwards. */
static void
scanning_takes_no_longer_than_its_text(void **state)
{
	enum { LEN = 200 * 1000 };
	static const char *const parts[] = {"pip install a;", "apk add $a;",
	    "|1 /", "$(", "\"$(", "case a in ", "if ", "/bin/sh -", "://",
	    "-----BEGIN ", "bundle install;", "sh -c '", "`", "A=b "};
	static char text[LEN + 32];
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct judge_image from = {.layers = "a", .by = {text}};

		n = (size_t)snprintf(text, sizeof(text), "RUN ");
		while (n < LEN)
			n += (size_t)snprintf(
			    text + n, sizeof(text) - n, "%s", parts[i]);
		image_set_unref(judge_set(&from, 1));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_habits_and_what_takes_them_back),
	    cmocka_unit_test(memory_that_runs_out_is_an_error),
	    cmocka_unit_test(scanning_takes_no_longer_than_its_text),
	    cmocka_unit_test(a_long_history_is_not_reliable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
