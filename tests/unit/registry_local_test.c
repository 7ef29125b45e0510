/* SPDX-License-Identifier: Apache-2.0 */
/* Images on this machine, where memory runs out; what is in them and what is
 * wrong with them is tested in tests/integration/local_images_test.py. */
#include "server/registry/local.h"

#include "certs/digest.h"
#include "policy/base/buf.h"
#include "tests/unit/alloc.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static const char LAYER[] = "a layer, which is anything";

static char dir[] = "/tmp/policy-gate-local-XXXXXX";

static void
digest(char text[static DIGEST_TEXT_MAX], const char *data)
{
	struct error err = ERROR_INIT;

	assert_int_equal(
	    digest_of("sha256:", data, strlen(data), text, &err), 0);
}

static void
print_config(struct buf *b)
{
	char layer[DIGEST_TEXT_MAX];

	digest(layer, LAYER);
	buf_printf(b,
	    "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{"
	    "\"type\":\"layers\",\"diff_ids\":[\"%s\"]}}",
	    layer);
}

/* A member of a tar archive (POSIX ustar). */
static void
add(FILE *f, const char *name, const char *data)
{
	enum { BLOCK = 512, SIZE_AT = 124, SUM_AT = 148, MAGIC_AT = 257 };
	const size_t len = strlen(data);
	char block[BLOCK] = "";
	unsigned sum = 0;
	size_t i;

	snprintf(block, SIZE_AT, "%s", name);
	snprintf(block + SIZE_AT, 24, "%011zo", len);
	memset(block + SUM_AT, ' ', 8);
	memcpy(block + MAGIC_AT, "ustar\00000", 8);
	for (i = 0; i < BLOCK; i++)
		sum += (unsigned char)block[i];
	snprintf(block + SUM_AT, 16, "%06o", sum);
	assert_int_equal(fwrite(block, BLOCK, 1, f), 1);
	memset(block, 0, BLOCK);
	assert_int_equal(fwrite(data, 1, len, f), len);
	fwrite(block, 1, (BLOCK - len % BLOCK) % BLOCK, f);
}

static FILE *
create(const char *name)
{
	AUTO(buf_clear) struct buf path = BUF_INIT(PATH_MAX);
	FILE *f;

	buf_printf(&path, "%s/%s", dir, name);
	f = fopen(buf_text(&path), "w");
	assert_non_null(f);
	return f;
}

static void
make_archive(void)
{
	AUTO(buf_clear) struct buf config = BUF_INIT(1024);
	static const char end[1024];
	FILE *f = create("a.tar");

	print_config(&config);
	add(f, "config.json", buf_text(&config));
	add(f, "layer.tar", LAYER);
	add(f, "manifest.json",
	    "[{\"Config\":\"config.json\",\"RepoTags\":[\"corp/web:1\"],"
	    "\"Layers\":[\"layer.tar\"]}]");
	fwrite(end, sizeof(end), 1, f);
	assert_int_equal(fclose(f), 0);
}

static void
put(const char *name, const char *data)
{
	FILE *f = create(name);

	assert_true(fputs(data, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* Puts a blob; prints its descriptor. */
static void
put_blob(struct buf *b, const char *type, const char *data)
{
	AUTO(buf_clear) struct buf name = BUF_INIT(PATH_MAX);
	char text[DIGEST_TEXT_MAX];

	digest(text, data);
	buf_printf(&name, "blobs/sha256/%s", text + strlen("sha256:"));
	put(buf_text(&name), data);
	buf_printf(b,
	    "{\"mediaType\":\"application/vnd.oci.image.%s\",\"digest\":"
	    "\"%s\",\"size\":%zu}",
	    type, text, strlen(data));
}

static void
make_folder(const char *name)
{
	AUTO(buf_clear) struct buf path = BUF_INIT(PATH_MAX);

	buf_printf(&path, "%s%s", dir, name);
	assert_int_equal(mkdir(buf_text(&path), 0700), 0);
}

static void
make_layout(void)
{
	AUTO(buf_clear)
	struct buf config = BUF_INIT(1024), manifest = BUF_INIT(4096),
		   index = BUF_INIT(4096);

	make_folder("/blobs");
	make_folder("/blobs/sha256");
	print_config(&config);
	buf_puts(&manifest, "{\"schemaVersion\":2,\"config\":");
	put_blob(&manifest, "config.v1+json", buf_text(&config));
	buf_puts(&manifest, ",\"layers\":[");
	put_blob(&manifest, "layer.v1.tar", LAYER);
	buf_puts(&manifest, "]}");
	buf_puts(&index, "{\"schemaVersion\":2,\"manifests\":[");
	put_blob(&index, "manifest.v1+json", buf_text(&manifest));
	buf_puts(&index, "]}");
	put("index.json", buf_text(&index));
}

static void
run_out(void *arg)
{
	AUTO(local_clear) struct local l = {.set = NULL};
	struct error err = ERROR_INIT;

	if (local_read(arg, &l, &err) == 0) {
		assert_int_equal(l.set->n, 1);
		assert_int_equal(l.set->images[0]->nlayers, 1);
		assert_non_null(l.name);
		return;
	}
	assert_int_equal(err.code, ERR_NOMEM);
	assert_null(l.set);
}

static void
survives_memory_that_runs_out(const char *kind, const char *rest)
{
	AUTO(buf_clear) struct buf text = BUF_INIT(PATH_MAX);
	char *arg;

	buf_printf(&text, "%s%s%s", kind, dir, rest);
	arg = buf_take(&text);
	run_out(arg);
	assert_true(alloc_fail_each(run_out, arg) > 10);
	free(arg);
}

static void
archives_survive_memory_that_runs_out(void **state)
{
	(void)state;
	survives_memory_that_runs_out("docker-archive:", "/a.tar");
}

static void
layouts_survive_memory_that_runs_out(void **state)
{
	(void)state;
	survives_memory_that_runs_out("oci:", "");
}

static int
set_up(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	make_archive();
	make_layout();
	return 0;
}

static int
tear_down(void **state)
{
	AUTO(buf_clear) struct buf command = BUF_INIT(PATH_MAX);

	(void)state;
	buf_printf(&command, "rm -r %s", dir);
	return system(buf_text(&command));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(archives_survive_memory_that_runs_out),
	    cmocka_unit_test(layouts_survive_memory_that_runs_out),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
