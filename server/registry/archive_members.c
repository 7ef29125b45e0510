/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/archive_members.h"

#include "policy/base/buf.h"
#include "server/registry/config.h"
#include "server/registry/local.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum {
	CHUNK = 64 * 1024,
	LINKS_MAX = 4, /* of links to links */
	/* An archive that grows more than this when it is unpacked, and is
	 * over BOMB_MIN then, is no image. */
	RATIO_MAX = 200,
};
#define BOMB_MIN (INT64_C(256) << 20)

struct reading {
	struct members *all;
	struct archive *in;
	int64_t bytes; /* of all members */
	int64_t kept;
};

static void
free_in(struct archive *a)
{
	archive_read_free(a);
}
OWNED(struct archive, free_in)

static void
free_out(struct archive *a)
{
	archive_write_free(a);
}
OWNED(struct archive, free_out)

static void
free_entry(struct archive_entry *e)
{
	archive_entry_free(e);
}
OWNED(struct archive_entry, free_entry)

static ssize_t
count_bytes(struct archive *a, void *arg, const void *data, size_t len)
{
	int64_t *n = arg;

	(void)a;
	(void)data;
	*n += (int64_t)len;
	return (ssize_t)len;
}

/* What gzip would make of the content, for what a push compresses. */
static struct archive *
gzip_new(int64_t *size)
{
	AUTO(free_out) struct archive *out = archive_write_new();
	AUTO(free_entry) struct archive_entry *e = archive_entry_new();

	if (out == NULL || e == NULL)
		return NULL;
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_pathname(e, "layer");
	if (archive_write_add_filter_gzip(out) != ARCHIVE_OK ||
	    archive_write_set_format_raw(out) != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(out, 0) != ARCHIVE_OK ||
	    archive_write_open(out, size, NULL, count_bytes, NULL) !=
		ARCHIVE_OK ||
	    archive_write_header(out, e) != ARCHIVE_OK)
		return NULL;
	return TAKE(out);
}

static int
broken(struct archive *a, struct error *err)
{
	return error_set(err, ERR_SYNTAX, "it is no whole tar archive (%.80s)",
	    archive_error_string(a) != NULL ? archive_error_string(a)
					    : "it ends early");
}

static int
check_bounds(const struct reading *r, struct error *err)
{
	const int64_t raw = archive_filter_bytes(r->in, -1);

	if (r->bytes > ARCHIVE_BYTES_MAX)
		return error_set(err, ERR_LIMIT,
		    "it unpacks to more than %lld GiB",
		    (long long)(ARCHIVE_BYTES_MAX >> 30));
	if (r->bytes > BOMB_MIN && r->bytes / RATIO_MAX > raw)
		return error_set(err, ERR_LIMIT,
		    "it grows more than %d times when it is unpacked",
		    RATIO_MAX);
	return 0;
}

static bool
is_compressed(const unsigned char *p, size_t n)
{
	static const unsigned char gzip[] = {0x1f, 0x8b},
				   zstd[] = {0x28, 0xb5, 0x2f, 0xfd};

	return (n >= sizeof(gzip) && memcmp(p, gzip, sizeof(gzip)) == 0) ||
	       (n >= sizeof(zstd) && memcmp(p, zstd, sizeof(zstd)) == 0);
}

/* One member's content as it goes by. */
struct flow {
	struct member *m;
	struct digest *digest;
	struct archive *gzip; /* NULL: its size is what is pulled */
	struct buf kept;      /* max 0: not kept */
};

static int
start_flow(struct flow *f, struct reading *r, const unsigned char *data,
    size_t len, struct error *err)
{
	f->m->compressed = is_compressed(data, len);
	if (f->m->size <= CONFIG_BYTES_MAX &&
	    (data[0] == '{' || data[0] == '[')) {
		r->kept += f->m->size;
		if (r->kept > ARCHIVE_KEPT_MAX)
			return error_set(err, ERR_LIMIT,
			    "it holds more than %d bytes of JSON",
			    ARCHIVE_KEPT_MAX);
		f->kept.max = (size_t)f->m->size;
	} else if (!f->m->compressed) {
		f->gzip = gzip_new(&f->m->pulled);
		if (f->gzip == NULL)
			return error_set(err, ERR_NOMEM, "gzip");
	}
	return 0;
}

static int
take_chunk(struct flow *f, struct reading *r, const unsigned char *data,
    size_t len, struct error *err)
{
	r->bytes += (int64_t)len;
	if (check_bounds(r, err) != 0 ||
	    digest_update(f->digest, data, len, err) != 0)
		return -1;
	if (f->gzip != NULL &&
	    archive_write_data(f->gzip, data, len) != (ssize_t)len)
		return error_set(err, ERR_NOMEM, "gzip");
	if (f->kept.max > 0 && buf_add(&f->kept, data, len) != 0)
		return error_set(err, ERR_NOMEM, "a member");
	return 0;
}

static int
finish_flow(struct flow *f, struct reading *r, struct error *err)
{
	if (f->gzip != NULL) {
		const int rc = archive_write_free(TAKE(f->gzip));

		if (rc != ARCHIVE_OK)
			return error_set(err, ERR_NOMEM, "gzip");
	} else {
		f->m->pulled = f->m->size;
	}
	if (f->kept.max > 0) {
		f->m->data =
		    arena_strndup(r->all->mem, buf_text(&f->kept), f->kept.len);
		if (f->m->data == NULL)
			return error_set(err, ERR_NOMEM, "a member");
	}
	return digest_finish(f->digest, f->m->digest, err);
}

static int
pour(struct flow *f, struct reading *r, unsigned char *chunk, struct error *err)
{
	int64_t left = f->m->size;
	la_ssize_t n;

	f->digest = digest_new("sha256:", err);
	if (f->digest == NULL)
		return -1;
	while ((n = archive_read_data(r->in, chunk, CHUNK)) > 0) {
		if (left == f->m->size &&
		    start_flow(f, r, chunk, (size_t)n, err) != 0)
			return -1;
		left -= n;
		if (take_chunk(f, r, chunk, (size_t)n, err) != 0)
			return -1;
	}
	if (n < 0 || left != 0)
		return broken(r->in, err);
	return finish_flow(f, r, err);
}

static int
read_content(struct reading *r, struct member *m, struct error *err)
{
	AUTO(free) unsigned char *chunk = calloc(1, CHUNK);
	struct flow f = {.m = m};
	int rc;

	if (chunk == NULL)
		return error_set(err, ERR_NOMEM, "a member");
	rc = pour(&f, r, chunk, err);
	digest_free(f.digest);
	archive_write_free(f.gzip);
	buf_clear(&f.kept);
	return rc;
}

/*
 * A name as it is compared: "./a//b" is "a/b". One that leads out of the
 * archive has no business in it. `dir` is what it is relative to, "" for the
 * root.
 */
static const char *
clean_name(struct reading *r, const char *dir, size_t dir_len, const char *name,
    struct error *err)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(ARCHIVE_NAME_MAX);
	const char *p = name, *kept, *last;
	size_t len;

	if (name == NULL || name[0] == '/')
		goto outside;
	if (dir_len + strlen(name) >= ARCHIVE_NAME_MAX) {
		error_set(err, ERR_LIMIT, "a name in it is over %d bytes long",
		    ARCHIVE_NAME_MAX);
		return NULL;
	}
	buf_add(&b, dir, dir_len);
	for (; *p != '\0'; p += len + (p[len] == '/')) {
		len = strcspn(p, "/");
		if (len == 0 || (len == 1 && p[0] == '.'))
			continue;
		if (len == 2 && p[0] == '.' && p[1] == '.') {
			if (b.len == 0)
				goto outside;
			last = strrchr(buf_text(&b), '/');
			buf_truncate(
			    &b, last ? (size_t)(last - buf_text(&b)) : 0);
			continue;
		}
		buf_puts(&b, b.len > 0 ? "/" : "");
		buf_add(&b, p, len);
	}
	kept = buf_failed(&b) ? NULL : arena_strdup(r->all->mem, buf_text(&b));
	if (kept == NULL)
		error_set(err, ERR_NOMEM, "a member");
	return kept;
outside:
	error_set(err, ERR_SYNTAX, "it holds a name that leads out of it");
	return NULL;
}

static struct member *
add_member(struct members *all, struct error *err)
{
	struct member *grown;
	size_t cap;

	if (all->n == ARCHIVE_MEMBERS_MAX) {
		error_set(err, ERR_LIMIT, "it has more than %d members",
		    ARCHIVE_MEMBERS_MAX);
		return NULL;
	}
	if (all->n == all->cap) {
		cap = all->cap == 0 ? 32 : all->cap * 2;
		grown = reallocarray(all->items, cap, sizeof(*grown));
		if (grown == NULL) {
			error_set(err, ERR_NOMEM, "a member");
			return NULL;
		}
		all->items = grown;
		all->cap = cap;
	}
	all->items[all->n] = (struct member){.name = NULL};
	return &all->items[all->n++];
}

/* The target of a symbolic link is relative to where it stands. */
static int
read_link(struct reading *r, struct member *m, struct archive_entry *e,
    struct error *err)
{
	const char *hard = archive_entry_hardlink(e);
	const char *last = strrchr(m->name, '/');

	if (hard != NULL)
		m->link = clean_name(r, "", 0, hard, err);
	else
		m->link = clean_name(r, m->name,
		    last != NULL ? (size_t)(last - m->name) : 0,
		    archive_entry_symlink(e), err);
	return m->link != NULL ? 0 : -1;
}

static int
read_entry(struct reading *r, struct archive_entry *e, struct error *err)
{
	const bool is_link = archive_entry_hardlink(e) != NULL ||
			     archive_entry_filetype(e) == AE_IFLNK;
	const char *name = clean_name(r, "", 0, archive_entry_pathname(e), err);
	struct member *m;

	if (name == NULL)
		return -1;
	if (archive_entry_filetype(e) == AE_IFDIR)
		return 0;
	if (!is_link && archive_entry_filetype(e) != AE_IFREG)
		return error_set(err, ERR_SYNTAX,
		    "it holds something that is neither a file nor a link");
	m = add_member(r->all, err);
	if (m == NULL)
		return -1;
	m->name = name;
	if (is_link)
		return read_link(r, m, e, err);
	m->size = archive_entry_size(e);
	if (m->size > ARCHIVE_BYTES_MAX - r->bytes ||
	    archive_entry_sparse_count(e) > 0)
		return error_set(err, ERR_LIMIT,
		    "it holds a file with holes, or one of more than %lld GiB",
		    (long long)(ARCHIVE_BYTES_MAX >> 30));
	return read_content(r, m, err);
}

static struct archive *
open_file(const char *file, struct error *err)
{
	AUTO(free_in) struct archive *in = archive_read_new();
	struct stat st;

	if (in == NULL) {
		error_set(err, ERR_NOMEM, "an archive");
		return NULL;
	}
	if (stat(file, &st) != 0) {
		error_set(err, ERR_SYSTEM, "%s", strerror(errno));
		return NULL;
	}
	if (S_ISDIR(st.st_mode)) {
		error_set(err, ERR_SYSTEM,
		    "it is a folder; an image layout is named oci:DIR");
		return NULL;
	}
	archive_read_support_filter_gzip(in);
	archive_read_support_format_tar(in);
	if (archive_read_open_filename(in, file, CHUNK) != ARCHIVE_OK) {
		error_set(err, ERR_SYSTEM,
		    "it is no tar archive, such as docker save writes (%.120s)",
		    archive_error_string(in));
		return NULL;
	}
	return TAKE(in);
}

int
members_read(struct members *all, const char *file, struct error *err)
{
	AUTO(free_in) struct archive *in = open_file(file, err);
	AUTO(free_entry) struct archive_entry *e = archive_entry_new();
	struct reading r = {.all = all, .in = in};
	int rc;

	if (in == NULL)
		return -1;
	all->mem = arena_new();
	if (all->mem == NULL || e == NULL)
		return error_set(err, ERR_NOMEM, "an archive");
	while ((rc = archive_read_next_header2(in, e)) != ARCHIVE_EOF) {
		if (rc != ARCHIVE_OK)
			return broken(in, err);
		if (read_entry(&r, e, err) != 0)
			return -1;
	}
	return 0;
}

const struct member *
members_find(const struct members *all, const char *name)
{
	const struct member *m;
	int links;
	size_t i;

	for (links = 0; links <= LINKS_MAX; links++) {
		for (i = 0, m = NULL; i < all->n && m == NULL; i++)
			if (strcmp(all->items[i].name, name) == 0)
				m = &all->items[i];
		if (m == NULL || m->link == NULL)
			return m;
		name = m->link;
	}
	return NULL;
}

void
members_clear(struct members *all)
{
	free(all->items);
	arena_free(all->mem);
	*all = (struct members){.n = 0};
}
