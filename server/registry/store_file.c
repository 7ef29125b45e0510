/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	/* Ours: "PGdc". A file with another number, or another version of ours,
	 * is not understood. */
	APPLICATION_ID = 0x50476463,
	VERSION = 1,
	BUSY_MS = 100,
	BUSY_TRIES = 5,
	CACHE_KIB = 256, /* of pages, for each connection */
};

enum statement {
	GET,
	GET_TAG,
	PUT,
	PUT_TAG,
	PRUNE,
	PRUNE_TAGS,
	SIZE,
	STATEMENTS
};

static const char *const sql[STATEMENTS] = {
    [GET] = "SELECT type, body FROM document "
	    "WHERE repository = ?1 AND digest = ?2",
    [GET_TAG] = "SELECT digest, seen FROM tag "
		"WHERE repository = ?1 AND name = ?2",
    [PUT] = "INSERT OR REPLACE INTO document "
	    "(repository, digest, type, body, seen) "
	    "VALUES (?1, ?2, ?3, ?4, ?5)",
    [PUT_TAG] = "INSERT OR REPLACE INTO tag (repository, name, digest, seen) "
		"VALUES (?1, ?2, ?3, ?4)",
    [PRUNE] = "DELETE FROM document WHERE rowid IN (SELECT rowid FROM "
	      "document ORDER BY seen LIMIT "
	      "1 + (SELECT count(*) / 10 FROM document))",
    [PRUNE_TAGS] = "DELETE FROM tag WHERE (repository, name) IN (SELECT "
		   "repository, name FROM tag ORDER BY seen LIMIT "
		   "1 + (SELECT count(*) / 10 FROM tag))",
    [SIZE] = "SELECT (page_count - freelist_count) * page_size "
	     "FROM pragma_page_count, pragma_freelist_count, "
	     "pragma_page_size",
};

struct store_file {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
};

/* Durable it need not be: what a power cut leaves damaged is thrown away. */
static const char begin[] = "PRAGMA journal_mode = WAL;"
			    "PRAGMA synchronous = OFF;"
			    "PRAGMA trusted_schema = OFF;"
			    "BEGIN IMMEDIATE;";
static const char set_up[] =
    "CREATE TABLE IF NOT EXISTS document ("
    " repository TEXT NOT NULL, digest TEXT NOT NULL, type TEXT NOT NULL,"
    " body BLOB NOT NULL, seen INTEGER NOT NULL,"
    " PRIMARY KEY (repository, digest));"
    "CREATE INDEX IF NOT EXISTS document_seen ON document (seen);"
    "CREATE TABLE IF NOT EXISTS tag ("
    " repository TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL,"
    " seen INTEGER NOT NULL, PRIMARY KEY (repository, name)) WITHOUT ROWID;";

void
store_file_close(struct store_file *f)
{
	int i;

	if (f == NULL)
		return;
	for (i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(f->statements[i]);
	sqlite3_close(f->db);
	free(f);
}

static int
path_of(char *path, const char *dir, const char *suffix)
{
	int n =
	    snprintf(path, PATH_MAX, "%s/" STORE_FILE_NAME "%s", dir, suffix);

	return n > 0 && n < PATH_MAX ? 0 : -1;
}

void
store_file_discard(const char *dir)
{
	static const char *const parts[] = {"", "-wal", "-shm"};
	char path[PATH_MAX];
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (path_of(path, dir, parts[i]) == 0)
			(void)unlink(path);
}

static int
fail(const struct store_file *f, const char *what, struct error *err)
{
	const int rc = f->db != NULL ? sqlite3_errcode(f->db) : SQLITE_NOMEM;

	return error_set(err,
	    rc == SQLITE_NOMEM  ? ERR_NOMEM
	    : rc == SQLITE_BUSY ? ERR_UNAVAILABLE
				: ERR_SYSTEM,
	    "%s: %s", what,
	    f->db != NULL ? sqlite3_errmsg(f->db) : "out of memory");
}

static int
pragma(const struct store_file *f, const char *text, int64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	int rc = -1;

	if (sqlite3_prepare_v2(f->db, text, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW) {
		*out = sqlite3_column_int64(stmt, 0);
		rc = 0;
	}
	sqlite3_finalize(stmt);
	return rc;
}

/* Whether it is new, or ours. */
static bool
is_ours(const struct store_file *f)
{
	int64_t id, version, tables;

	if (pragma(f, "PRAGMA application_id", &id) != 0 ||
	    pragma(f, "PRAGMA user_version", &version) != 0 ||
	    pragma(f, "SELECT count(*) FROM sqlite_master", &tables) != 0)
		return false;
	return tables == 0 || (id == APPLICATION_ID && version == VERSION);
}

static int
prepare(struct store_file *f)
{
	int i;

	for (i = 0; i < STATEMENTS; i++)
		if (sqlite3_prepare_v3(f->db, sql[i], -1,
			SQLITE_PREPARE_PERSISTENT, &f->statements[i],
			NULL) != SQLITE_OK)
			return -1;
	return 0;
}

/* For writing too, as a reader of a log has its part in it. */
static struct store_file *
connect_to(const char *path, struct error *err)
{
	AUTO(store_file_close) struct store_file *f = calloc(1, sizeof(*f));
	char text[64];

	if (f == NULL) {
		error_set(err, ERR_NOMEM, "out of memory");
		return NULL;
	}
	snprintf(text, sizeof(text), "PRAGMA cache_size = -%d", CACHE_KIB);
	if (sqlite3_open_v2(path, &f->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
		NULL) != SQLITE_OK ||
	    sqlite3_busy_timeout(f->db, BUSY_MS) != SQLITE_OK ||
	    sqlite3_exec(f->db, text, NULL, NULL, NULL) != SQLITE_OK) {
		fail(f, path, err);
		return NULL;
	}
	return TAKE(f);
}

static struct store_file *
try_create(const char *path, struct error *err)
{
	AUTO(store_file_close)
	struct store_file *f = connect_to(path, err);
	char text[128];

	if (f == NULL)
		return NULL;
	snprintf(text, sizeof(text),
	    "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;",
	    APPLICATION_ID, VERSION);
	/* At once: what another process has half made looks like nobody's. */
	if (sqlite3_exec(f->db, begin, NULL, NULL, NULL) != SQLITE_OK ||
	    !is_ours(f) ||
	    sqlite3_exec(f->db, set_up, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(f->db, text, NULL, NULL, NULL) != SQLITE_OK ||
	    prepare(f) != 0) {
		fail(f, path, err);
		return NULL;
	}
	return TAKE(f);
}

/* SQLite does not wait for one that turns the log on just now. */
static struct store_file *
create_in_turn(const char *path, struct error *err)
{
	struct store_file *f = try_create(path, err);
	int tries;

	for (tries = 1;
	     f == NULL && err->code == ERR_UNAVAILABLE && tries < BUSY_TRIES;
	     tries++) {
		sqlite3_sleep(BUSY_MS);
		error_clear(err);
		f = try_create(path, err);
	}
	return f;
}

/* SQLite makes files that everybody may read; they may name private images. */
static int
touch(const char *path, struct error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return error_set(
		    err, ERR_SYSTEM, "%s: %s", path, strerror(errno));
	close(fd);
	return 0;
}

struct store_file *
store_file_create(const char *dir, bool *discarded, struct error *err)
{
	struct store_file *f;
	char path[PATH_MAX];

	if (path_of(path, dir, "") != 0) {
		error_set(err, ERR_SYSTEM, "%s: too long", dir);
		return NULL;
	}
	if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
		error_set(err, ERR_SYSTEM, "%s: %s", dir, strerror(errno));
		return NULL;
	}
	if (touch(path, err) != 0)
		return NULL;
	f = create_in_turn(path, err);
	if (f != NULL)
		return f;
	/* Neither says anything of what is in it. */
	if (err->code == ERR_NOMEM || err->code == ERR_UNAVAILABLE)
		return NULL;
	store_file_discard(dir);
	*discarded = true;
	error_clear(err);
	return touch(path, err) == 0 ? create_in_turn(path, err) : NULL;
}

struct store_file *
store_file_open(const char *dir, struct error *err)
{
	AUTO(store_file_close) struct store_file *f = NULL;
	char path[PATH_MAX];

	if (path_of(path, dir, "") != 0) {
		error_set(err, ERR_SYSTEM, "%s: too long", dir);
		return NULL;
	}
	f = connect_to(path, err);
	if (f == NULL)
		return NULL;
	if (prepare(f) != 0) {
		fail(f, path, err);
		return NULL;
	}
	return TAKE(f);
}

/* A statement with its first arguments; they are borrowed until the end. */
static sqlite3_stmt *
start(struct store_file *f, enum statement which, const char *first,
    const char *second)
{
	sqlite3_stmt *stmt = f->statements[which];

	sqlite3_bind_text(stmt, 1, first, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, second, -1, SQLITE_STATIC);
	return stmt;
}

static void
end(sqlite3_stmt *stmt)
{
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
}

/* 1, 0 or -1, as a getter says it. */
static int
step(sqlite3_stmt *stmt)
{
	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
	case SQLITE_BUSY:
		return 0;
	default:
		return -1;
	}
}

/* The first column. */
static int
copy_text(sqlite3_stmt *stmt, char *out, size_t size)
{
	const unsigned char *text = sqlite3_column_text(stmt, 0);
	int n =
	    text == NULL ? -1 : snprintf(out, size, "%s", (const char *)text);

	return n >= 0 && (size_t)n < size ? 0 : -1;
}

int
store_file_get(struct store_file *f, const char *repository, const char *digest,
    char *type, size_t size, struct buf *body)
{
	sqlite3_stmt *stmt = start(f, GET, repository, digest);
	const void *data;
	int rc = step(stmt);

	if (rc == 1) {
		data = sqlite3_column_blob(stmt, 1);
		if (copy_text(stmt, type, size) != 0 ||
		    buf_add(body, data != NULL ? data : "",
			(size_t)sqlite3_column_bytes(stmt, 1)) != 0)
			rc = 0;
	}
	end(stmt);
	return rc;
}

int
store_file_get_tag(struct store_file *f, const char *repository,
    const char *tag, char *digest, size_t size, int64_t *when)
{
	sqlite3_stmt *stmt = start(f, GET_TAG, repository, tag);
	int rc = step(stmt);

	if (rc == 1) {
		*when = sqlite3_column_int64(stmt, 1);
		if (copy_text(stmt, digest, size) != 0)
			rc = 0;
	}
	end(stmt);
	return rc;
}

static int
run(struct store_file *f, sqlite3_stmt *stmt, struct error *err)
{
	int rc = sqlite3_step(stmt) == SQLITE_DONE
		     ? 0
		     : fail(f, STORE_FILE_NAME, err);

	end(stmt);
	return rc;
}

static int
execute(struct store_file *f, const char *text, struct error *err)
{
	return sqlite3_exec(f->db, text, NULL, NULL, NULL) == SQLITE_OK
		   ? 0
		   : fail(f, STORE_FILE_NAME, err);
}

int
store_file_begin(struct store_file *f, struct error *err)
{
	return execute(f, "BEGIN IMMEDIATE", err);
}

void
store_file_rollback(struct store_file *f)
{
	(void)sqlite3_exec(f->db, "ROLLBACK", NULL, NULL, NULL);
}

int
store_file_put(struct store_file *f, const char *repository, const char *digest,
    const char *type, const void *body, size_t len, int64_t when,
    struct error *err)
{
	sqlite3_stmt *stmt = start(f, PUT, repository, digest);

	sqlite3_bind_text(stmt, 3, type, -1, SQLITE_STATIC);
	sqlite3_bind_blob64(stmt, 4, body, len, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 5, when);
	return run(f, stmt, err);
}

int
store_file_put_tag(struct store_file *f, const char *repository,
    const char *tag, const char *digest, int64_t when, struct error *err)
{
	sqlite3_stmt *stmt = start(f, PUT_TAG, repository, tag);

	sqlite3_bind_text(stmt, 3, digest, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 4, when);
	return run(f, stmt, err);
}

static int64_t
size_of(struct store_file *f)
{
	sqlite3_stmt *stmt = f->statements[SIZE];
	int64_t size = 0;

	if (sqlite3_step(stmt) == SQLITE_ROW)
		size = sqlite3_column_int64(stmt, 0);
	end(stmt);
	return size;
}

int
store_file_commit(struct store_file *f, int64_t max, struct error *err)
{
	if ((size_of(f) > max &&
		(run(f, f->statements[PRUNE], err) != 0 ||
		    run(f, f->statements[PRUNE_TAGS], err) != 0)) ||
	    execute(f, "COMMIT", err) != 0) {
		store_file_rollback(f);
		return -1;
	}
	return 0;
}
