/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gate/policies.h"

#include "certs/digest.h"
#include "policy/base/file.h"
#include "policy/base/text.h"
#include "policy/presets.h"
#include "server/gate/config.h"

#include <string.h>
#include <sys/stat.h>

enum { PRESET_NAMES_MAX = 512 };

/* One file, or one preset. */
struct file {
	char *path;  /* owned */
	char *owned; /* of the text; NULL for a preset */
	const char *text;
	size_t len;
	struct document *doc;
	struct diagnostics diagnostics;
};

struct files {
	struct file items[POLICIES_FILES_MAX];
	size_t n;
	struct buf *report;
	bool failed;
};

int
policies_add(struct policies *p, const char *path)
{
	if (p->n == POLICIES_MAX)
		return -1;
	p->paths[p->n++] = path;
	return 0;
}

int
policies_text(const struct policies *p, struct buf *b)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		buf_printf(b, "%s%s", i > 0 ? ", " : "", p->paths[i]);
	return buf_failed(b) ? -1 : 0;
}

static void
files_free(struct files *f)
{
	size_t i;

	for (i = 0; f != NULL && i < f->n; i++) {
		diagnostics_clear(&f->items[i].diagnostics);
		document_free(f->items[i].doc);
		free(f->items[i].owned);
		free(f->items[i].path);
	}
	free(f);
}
OWNED(struct files, files_free)

static const char *
preset_text(const char *name, size_t *len, struct error *err)
{
	const char *text = preset_find(name, len), *near;
	AUTO(buf_clear) struct buf known = BUF_INIT(PRESET_NAMES_MAX);
	size_t i;

	if (text != NULL)
		return text;
	near = text_nearest(name, preset_names);
	if (near != NULL) {
		error_set(err, ERR_INVALID,
		    "there is no preset \"%.40s\"; did you mean "
		    "\"" POLICIES_PRESET "%s\"?",
		    name, near);
		return NULL;
	}
	for (i = 0; preset_names[i] != NULL; i++)
		buf_printf(&known, "%s%s", i > 0 ? ", " : "", preset_names[i]);
	error_set(err, ERR_INVALID,
	    "there is no preset \"%.40s\"; known are %s", name,
	    buf_text(&known));
	return NULL;
}

static void
fail(struct files *f, const char *path, const char *why)
{
	f->failed = true;
	buf_printf(f->report, "%s: %s\n", path, why);
}

static void
read_one(struct files *f, const char *path)
{
	struct file *file = &f->items[f->n];
	struct error err = ERROR_INIT;

	if (f->n == POLICIES_FILES_MAX) {
		f->failed = true;
		buf_printf(f->report, "%s: over %d files of policy\n", path,
		    POLICIES_FILES_MAX);
		return;
	}
	file->path = strdup(path);
	if (file->path == NULL) {
		fail(f, path, "out of memory");
		return;
	}
	f->n++;
	diagnostics_init(&file->diagnostics, file->path);
	if (strncmp(path, POLICIES_PRESET, strlen(POLICIES_PRESET)) == 0)
		file->text = preset_text(
		    path + strlen(POLICIES_PRESET), &file->len, &err);
	else
		file->text = file->owned =
		    file_read(path, CONFIG_BYTES_MAX, &file->len, &err);
	if (file->text == NULL) {
		f->failed = true;
		buf_printf(f->report, "%s\n", err.msg);
		return;
	}
	file->doc =
	    config_document_of(file->text, file->len, &file->diagnostics);
	f->failed |= file->doc == NULL;
}

static void
read_path(struct files *f, const char *path)
{
	AUTO(file_list_clear) struct file_list list = {0};
	struct error err = ERROR_INIT;
	struct stat st;
	size_t i;

	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
		read_one(f, path);
		return;
	}
	if (file_list_documents(&list, path, &err) != 0) {
		f->failed = true;
		buf_printf(f->report, "%s\n", err.msg);
	} else if (list.n == 0) {
		fail(f, path, "no .yaml, .yml or .json file in it");
	}
	for (i = 0; i < list.n; i++)
		read_one(f, list.paths[i]);
}

static int
set_sha256(struct ruleset *rs, const struct files *f, struct error *err)
{
	AUTO(buf_clear)
	struct buf all = BUF_INIT(POLICIES_FILES_MAX * DIGEST_TEXT_MAX);
	char digest[DIGEST_TEXT_MAX];
	const char *hex = digest + strlen("sha256:");
	size_t i;

	for (i = 0; i < f->n; i++) {
		if (digest_of("sha256:", f->items[i].text, f->items[i].len,
			digest, err) != 0)
			return -1;
		buf_printf(&all, "%s\n", hex);
	}
	if (buf_failed(&all))
		return error_set(err, ERR_NOMEM, "out of memory");
	if (f->n > 1 &&
	    digest_of("sha256:", buf_text(&all), all.len, digest, err) != 0)
		return -1;
	memcpy(rs->sha256, hex, sizeof(rs->sha256));
	return 0;
}

static struct ruleset *
parse_all(struct files *f, int64_t now, enum lint what)
{
	struct ruleset_source sources[POLICIES_FILES_MAX];
	AUTO(ruleset_unref) struct ruleset *rs = NULL;
	struct error err = ERROR_INIT;
	size_t i;

	for (i = 0; i < f->n; i++)
		sources[i] = (struct ruleset_source){
		    f->items[i].doc, &f->items[i].diagnostics};
	rs = ruleset_parse_all(sources, f->n);
	if (rs != NULL && set_sha256(rs, f, &err) != 0) {
		buf_printf(f->report, "%s\n", err.msg);
		return NULL;
	}
	if (rs != NULL)
		lint_policy(sources, f->n, rs, now, what);
	return TAKE(rs);
}

struct ruleset *
policies_load(
    const struct policies *p, int64_t now, enum lint what, struct buf *report)
{
	AUTO(files_free) struct files *f = calloc(1, sizeof(*f));
	struct ruleset *rs = NULL;
	size_t i;

	if (f == NULL) {
		buf_puts(report, "out of memory\n");
		return NULL;
	}
	f->report = report;
	for (i = 0; i < p->n; i++)
		read_path(f, p->paths[i]);
	if (!f->failed && f->n > 0)
		rs = parse_all(f, now, what);
	for (i = 0; i < f->n; i++)
		diagnostics_print(&f->items[i].diagnostics, report);
	return rs;
}
