/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/delta.h"

#include <string.h>

enum { HEX_MIN = 64 };

const char *
delta_kind_name(enum delta_kind kind)
{
	static const char *const names[] = {
	    [DELTA_SHARED] = "shared",
	    [DELTA_REPUSHED] = "re-pushed",
	    [DELTA_CHANGED] = "changed",
	    [DELTA_ADDED] = "added",
	    [DELTA_REMOVED] = "removed",
	};

	return names[kind];
}

/* Two images side by side, and which layers of the old one are told of. */
struct matching {
	const struct image *old;
	const struct image *new;
	bool *used;
};

/* Its digest is that of what it unpacks to. */
static bool
is_plain(const struct image *img, size_t layer)
{
	return strcmp(img->layers[layer].digest, img->diff_ids.items[layer]) ==
	       0;
}

static bool
is_shared(const struct matching *m, size_t old, size_t new)
{
	if (strcmp(m->old->layers[old].digest, m->new->layers[new].digest) == 0)
		return true;
	return (is_plain(m->old, old) || is_plain(m->new, new)) &&
	       strcmp(m->old->diff_ids.items[old],
		   m->new->diff_ids.items[new]) == 0;
}

static bool
is_repushed(const struct matching *m, size_t old, size_t new)
{
	return strcmp(m->old->diff_ids.items[old],
		   m->new->diff_ids.items[new]) == 0;
}

/* Whether both say the same but for digests, which old builders write for what
 * is copied. */
static bool
is_same_instruction(const char *a, const char *b)
{
	static const char hex[] = "0123456789abcdef";

	for (;;) {
		const size_t x = strspn(a, hex), y = strspn(b, hex);

		if (x >= HEX_MIN && x == y) {
			a += x;
			b += y;
		}
		if (*a != *b)
			return false;
		if (*a == '\0')
			return true;
		a++;
		b++;
	}
}

static bool
is_changed(const struct matching *m, size_t old, size_t new)
{
	const char *a = image_layer_instruction(m->old, old);
	const char *b = image_layer_instruction(m->new, new);

	return a != NULL && b != NULL && a[0] != '\0' &&
	       is_same_instruction(a, b);
}

/* The old layer that fits, best one not told of yet; nlayers: none. */
static size_t
find(const struct matching *m, size_t new,
    bool (*fits)(const struct matching *m, size_t old, size_t new), bool again)
{
	size_t i, told = m->old->nlayers;

	for (i = 0; i < m->old->nlayers; i++) {
		if ((m->used[i] && !again) || !fits(m, i, new))
			continue;
		if (!m->used[i])
			return i;
		told = i;
	}
	return told;
}

static void
pair(
    struct matching *m, struct delta_row *row, size_t old, enum delta_kind kind)
{
	m->used[old] = true;
	row->kind = kind;
	row->old_size = m->old->layers[old].size;
}

/* First what is the same, so that a change does not take it away. */
static void
match_layers(struct matching *m, struct delta_row *rows)
{
	size_t i, old;

	for (i = 0; i < m->new->nlayers; i++) {
		rows[i].kind = DELTA_ADDED;
		old = find(m, i, is_shared, true);
		if (old < m->old->nlayers) {
			pair(m, &rows[i], old, DELTA_SHARED);
			continue;
		}
		old = find(m, i, is_repushed, false);
		if (old < m->old->nlayers)
			pair(m, &rows[i], old, DELTA_REPUSHED);
	}
	for (i = 0; i < m->new->nlayers; i++) {
		if (rows[i].kind != DELTA_ADDED)
			continue;
		old = find(m, i, is_changed, false);
		if (old < m->old->nlayers)
			pair(m, &rows[i], old, DELTA_CHANGED);
	}
}

int
delta_make(struct delta *d, const struct report_platform *old,
    const struct report_platform *new, struct arena *mem)
{
	struct matching m = {.old = old->image, .new = new->image};
	struct delta_row *rows =
	    arena_calloc(mem, m.old->nlayers + m.new->nlayers, sizeof(*rows));
	size_t i;

	m.used = arena_calloc(mem, m.old->nlayers, sizeof(*m.used));
	if (rows == NULL || m.used == NULL)
		return -1;
	*d = (struct delta){.rows = rows,
	    .n = m.new->nlayers,
	    .old_size = m.old->size,
	    .new_size = m.new->size,
	    .old_base = image_first_layers_size(old->image, old->base_layers),
	    .new_base = image_first_layers_size(new->image, new->base_layers)};
	match_layers(&m, rows);
	for (i = 0; i < m.new->nlayers; i++) {
		rows[i].created_by = image_layer_instruction(m.new, i);
		rows[i].new_size = m.new->layers[i].size;
		rows[i].is_base = i < new->base_layers;
		if (rows[i].kind != DELTA_SHARED &&
		    !image_layer_is_repeated(m.new, i)) {
			d->pull += rows[i].new_size;
			d->pull_layers++;
		}
	}
	for (i = 0; i < m.old->nlayers; i++)
		if (!m.used[i])
			rows[d->n++] = (struct delta_row){.kind = DELTA_REMOVED,
			    .created_by = image_layer_instruction(m.old, i),
			    .old_size = m.old->layers[i].size,
			    .is_base = i < old->base_layers};
	return 0;
}
