/* SPDX-License-Identifier: Apache-2.0 */
/* Files and folders as they come, and as they fail. Takes a second. */
#include "policy/base/file.h"
#include "tests/unit/alloc.h"
#include "tests/unit/shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

enum { PATH_TEXT_MAX = 4096 };

/* A folder that is not there: how many files it has, and what comes after. */
static struct {
	bool on;
	int left;
	int error;
	struct dirent entry;
} fake;

/* Instead of the library's. */
struct dirent *
readdir(DIR *dir)
{
	static struct dirent *(*real)(DIR * dir);
	void *found;

	if (fake.on && fake.left == 0) {
		errno = fake.error;
		return NULL;
	}
	if (fake.on) {
		snprintf(fake.entry.d_name, sizeof(fake.entry.d_name),
		    "%d.yaml", fake.left--);
		return &fake.entry;
	}
	if (real == NULL) {
		found = dlsym(RTLD_NEXT, "readdir");
		assert_non_null(found);
		memcpy(&real, &found, sizeof(real));
	}
	return real(dir);
}

static void
reads_a_file_or_says_why_not(void **state)
{
	static const struct {
		const char *name;
		size_t max;
		const char *content; /* NULL: an error */
		enum err_code code;
		const char *message;
	} cases[] = {
	    {"empty", 10, "", ERR_NONE, ""},
	    {"ten", 10, "0123456789", ERR_NONE, ""},
	    {"ten", 9, NULL, ERR_LIMIT, "/ten: over 9 bytes"},
	    {"none", 10, NULL, ERR_SYSTEM, "/none: No such file or directory"},
	    {".", 10, NULL, ERR_SYSTEM, "/.: Is a directory"},
	    {"mem", 10, NULL, ERR_SYSTEM, "/mem: Input/output error"},
	};
	size_t i;

	run("cd %s && : >empty && printf 0123456789 >ten && "
	    "ln -s /proc/self/mem mem",
	    (const char *)*state);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char path[PATH_TEXT_MAX];
		AUTO(free) char *text = NULL;
		struct error err = ERROR_INIT;
		size_t len = 99;

		snprintf(path, sizeof(path), "%s/%s", (const char *)*state,
		    cases[i].name);
		text = file_read(path, cases[i].max, &len, &err);
		assert_int_equal(err.code, cases[i].code);
		if (cases[i].content == NULL) {
			assert_null(text);
			assert_non_null(strstr(err.msg, cases[i].message));
			continue;
		}
		assert_string_equal(text, cases[i].content);
		assert_int_equal(len, strlen(cases[i].content));
	}
}

static int ends[2];

static void
on_alarm(int signal)
{
	static int times;

	(void)signal;
	if (++times == 2) {
		(void)!write(ends[1], "late", 4);
		close(ends[1]);
	}
}

static void
a_signal_does_not_end_standard_input(void **state)
{
	const struct sigaction act = {.sa_handler = on_alarm};
	const struct itimerval soon = {
	    .it_value.tv_usec = 20000, .it_interval.tv_usec = 20000};
	const struct itimerval never = {0};
	const int before = dup(STDIN_FILENO);
	AUTO(free) char *text = NULL;
	struct error err = ERROR_INIT;
	size_t len;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	dup2(ends[0], STDIN_FILENO);
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	text = file_read("-", 10, &len, &err);
	setitimer(ITIMER_REAL, &never, NULL);
	dup2(before, STDIN_FILENO);
	close(before);
	close(ends[0]);
	assert_non_null(text);
	assert_string_equal(text, "late");
}

static void
lists_documents_by_name(void **state)
{
	AUTO(file_list_clear) struct file_list l = {0};
	struct error err = ERROR_INIT;
	char folder[PATH_TEXT_MAX];

	run("cd %s && mkdir l && cd l && "
	    "touch b.yaml a.json c.yml .h.yaml yaml d.txt B.yaml",
	    (const char *)*state);
	snprintf(folder, sizeof(folder), "%s/l/", (const char *)*state);
	assert_int_equal(file_list_documents(&l, folder, &err), 0);
	assert_int_equal(l.n, 4);
	for (size_t i = 0; i < l.n; i++)
		assert_string_equal(l.paths[i] + strlen(folder),
		    ((const char *const[]){
			"B.yaml", "a.json", "b.yaml", "c.yml"})[i]);
	file_list_clear(&l);
	snprintf(folder, sizeof(folder), "%s/none", (const char *)*state);
	assert_int_equal(file_list_documents(&l, folder, &err), -1);
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_non_null(strstr(err.msg, "/none: No such file or directory"));
}

/* What a folder holds, if all goes well; -1 where it does not. */
static int
count_fake(int files, int error, struct error *err)
{
	AUTO(file_list_clear) struct file_list l = {0};
	int rc;

	fake.on = true;
	fake.left = files;
	fake.error = error;
	rc = file_list_documents(&l, "/", err);
	fake.on = false;
	return rc == 0 ? (int)l.n : -1;
}

static void
a_folder_that_fails_half_way_is_not_taken_for_all_of_it(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(count_fake(3, EIO, &err), -1);
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_string_equal(err.msg, "/: Input/output error");
}

static void
bounds_the_files_of_a_folder(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(count_fake(FILE_LIST_MAX, 0, &err), FILE_LIST_MAX);
	assert_int_equal(count_fake(FILE_LIST_MAX + 1, 0, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_string_equal(err.msg, "/: over 10000 files");
}

/* It once said that memory was out. */
static void
a_path_too_long_to_open_is_not_a_lack_of_memory(void **state)
{
	AUTO(file_list_clear) struct file_list l = {0};
	char folder[PATH_MAX];
	struct error err = ERROR_INIT;
	const size_t len = sizeof(folder) - 3;

	(void)state;
	memset(folder, '/', len);
	folder[len] = '\0';
	fake.on = true;
	fake.left = 1;
	fake.error = 0;
	assert_int_equal(file_list_documents(&l, folder, &err), -1);
	fake.on = false;
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_memory_equal(err.msg, "over 4096 bytes in the path of a file: /",
	    strlen("over 4096 bytes in the path of a file: /"));
}

static void
read_with_little_memory(void *path)
{
	AUTO(free) char *text = NULL;
	struct error err = ERROR_INIT;
	size_t len;

	text = file_read(path, 1 << 20, &len, &err);
	assert_int_equal(text == NULL, err.code == ERR_NOMEM);
}

static void
list_with_little_memory(void *arg)
{
	struct error err = ERROR_INIT;

	(void)arg;
	if (count_fake(3, 0, &err) != 3)
		assert_true(
		    err.code == ERR_NOMEM ||
		    (err.code == ERR_SYSTEM &&
			strstr(err.msg, "Cannot allocate memory") != NULL));
}

static void
memory_may_run_out_anywhere(void **state)
{
	char path[PATH_TEXT_MAX];

	snprintf(path, sizeof(path), "%s/big", (const char *)*state);
	run("head -c 100000 /dev/zero >%s", path);
	assert_true(alloc_fail_each(read_with_little_memory, path) > 2);
	assert_true(alloc_fail_each(list_with_little_memory, NULL) > 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_a_file_or_says_why_not),
	    cmocka_unit_test(a_signal_does_not_end_standard_input),
	    cmocka_unit_test(lists_documents_by_name),
	    cmocka_unit_test(
		a_folder_that_fails_half_way_is_not_taken_for_all_of_it),
	    cmocka_unit_test(bounds_the_files_of_a_folder),
	    cmocka_unit_test(a_path_too_long_to_open_is_not_a_lack_of_memory),
	    cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
