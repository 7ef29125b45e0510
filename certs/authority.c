/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/authority.h"

#include "certs/keypair.h"
#include "certs/place.h"
#include "policy/base/file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static void
list_files(const struct authority_set *s, struct place_file *files)
{
	size_t i;

	for (i = 0; i < AUTHORITY_PARTS; i++)
		files[i] = (struct place_file){.name = authority_names[i],
		    .data = s->parts[i].data,
		    .len = s->parts[i].len,
		    .mode = i == CA_KEY || i == TLS_KEY ? 0600 : 0644};
}

int
authority_init(const char *dir, const struct authority_request *r, bool force,
    struct error *err)
{
	AUTO(authority_set_clear) struct authority_set set = {0};
	const struct authority_set nothing = {0};
	struct authority_request fresh = *r;
	struct place_file files[AUTHORITY_PARTS];
	struct authority_report report;
	int rc, lock;

	fresh.mend = true;
	list_files(&nothing, files);
	if (authority_plan(&nothing, &fresh, &set, &report, err) != 0 ||
	    place_folder(dir, files, 0, force, err) != 0)
		return -1;
	lock = place_lock(dir, err);
	if (lock < 0)
		return -1;
	rc = place_folder(dir, files, AUTHORITY_PARTS, force, err);
	list_files(&set, files);
	if (rc == 0)
		rc = place_files(dir, files, AUTHORITY_PARTS, err);
	close(lock);
	return rc;
}

/* One that is not there stays NULL. */
static int
read_part(const char *dir, enum authority_part part, struct authority_set *set,
    struct error *err)
{
	struct authority_text *t = &set->parts[part];
	char path[PATH_MAX];
	const int n =
	    snprintf(path, sizeof(path), "%s/%s", dir, authority_names[part]);

	if (n < 0 || n >= PATH_MAX)
		return error_set(err, ERR_LIMIT, "the path is too long");
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return 0;
	t->data = file_read(path, KEYPAIR_PEM_MAX, &t->len, err);
	return t->data != NULL ? 0 : -1;
}

int
authority_renew(const char *dir, const struct authority_request *r,
    struct authority_report *report, struct error *err)
{
	AUTO(authority_set_clear) struct authority_set have = {0}, next = {0};
	struct place_file files[AUTHORITY_PARTS];
	enum authority_part i;
	int rc, lock = place_lock(dir, err);
	bool same = true;

	if (lock < 0)
		return -1;
	rc = 0;
	for (i = CA_CRT; rc == 0 && i < AUTHORITY_PARTS; i++)
		rc = read_part(dir, i, &have, err);
	if (rc == 0 && authority_plan(&have, r, &next, report, err) != 0)
		rc = error_wrap(err, "%.80s", dir);
	for (i = CA_CRT; rc == 0 && i < AUTHORITY_PARTS; i++)
		same = same && authority_same(&have, &next, i);
	if (rc == 0 && !same) {
		list_files(&next, files);
		rc = place_files(dir, files, AUTHORITY_PARTS, err);
	}
	close(lock);
	return rc;
}
