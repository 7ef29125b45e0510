/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/document_build.h"
#include "policy/base/text.h"

#include <string.h>

enum { NAME_SHOWN_MAX = 64 };

/* A value that is read, on its way into the mapping or list around it. */
struct item {
	json_t *value; /* owned */
	struct marks marks;
	size_t nodes;  /* in it, itself too */
	size_t height; /* levels of mappings and lists */
};

/* A mapping or list that is being read. */
struct frame {
	struct item item;
	struct marks *children; /* owned until it closes */
	size_t cap;
	size_t anchor;      /* its own, counted from 1; 0: none */
	json_t *key;        /* that waits for its value; NULL: none */
	struct mark key_at; /* of it, or of "<<" */
	bool merging;       /* "<<" waits for its value */
	struct mark merge_at;
	struct item merge; /* what "<<" brings when the mapping closes */
};

struct anchor {
	json_t *value; /* owned; NULL while it is being read */
	struct marks marks;
	size_t nodes;
	size_t height;
};

struct builder {
	struct document *doc;
	struct mark *at; /* where the error is */
	struct error *err;
	size_t nodes; /* aliases expanded */
	struct frame frames[DOCUMENT_DEPTH_MAX];
	size_t depth;
	struct anchor *anchors;
	size_t nanchors;
	size_t anchors_cap;
	json_t *anchor_index; /* by name */
};

#define refuse(b, where, code, ...) \
	(*(b)->at = (where), error_set((b)->err, (code), __VA_ARGS__))

static int
no_memory(struct builder *b)
{
	return error_set(b->err, ERR_NOMEM, "out of memory");
}

/* Makes room for one more of `n` things; the array may move. */
static void *
grown(void *array, size_t n, size_t *cap, size_t size)
{
	size_t more = n < 4 ? 4 : 2 * n;
	void *p;

	if (n < *cap)
		return array;
	p = reallocarray(array, more, size);
	if (p != NULL)
		*cap = more;
	return p;
}

static int
count_nodes(struct builder *b, size_t n, struct mark at)
{
	if (n > DOCUMENT_NODES_MAX - b->nodes)
		return refuse(b, at, ERR_LIMIT,
		    "more than %d values, aliases written out",
		    DOCUMENT_NODES_MAX);
	b->nodes += n;
	return 0;
}

static int
check_depth(struct builder *b, size_t height, struct mark at)
{
	if (b->depth + height > DOCUMENT_DEPTH_MAX)
		return refuse(b, at, ERR_LIMIT, "nested deeper than %d levels",
		    DOCUMENT_DEPTH_MAX);
	return 0;
}

static int
add_child(struct builder *b, struct frame *f, const struct marks *m)
{
	size_t n = f->item.marks.n;
	struct marks *p = grown(f->children, n, &f->cap, sizeof(*p));

	if (p == NULL)
		return no_memory(b);
	f->children = p;
	p[n] = *m;
	f->item.marks.n = n + 1;
	return 0;
}

/* Puts a value under a key; both are borrowed. */
static int
add_pair(struct builder *b, struct frame *f, const char *key, json_t *value,
    const struct marks *m)
{
	struct marks own = *m;

	if (json_object_set_nocheck(f->item.value, key, value) != 0)
		return no_memory(b);
	/* The object's own copy of the key lives as long as the document. */
	own.key = json_object_iter_key(json_object_iter_at(f->item.value, key));
	return add_child(b, f, &own);
}

static int
check_duplicate(struct builder *b, struct frame *f, const char *key)
{
	size_t i = 0;

	if (json_object_get(f->item.value, key) == NULL)
		return 0;
	while (strcmp(f->children[i].key, key) != 0)
		i++;
	*b->at = f->key_at;
	return document_duplicate_key(key, f->children[i].key_at, b->err);
}

static int
take_key(struct builder *b, struct frame *f, const struct item *item)
{
	f->key_at = item->marks.at;
	f->key = scalar_key(item->value, b->err);
	if (f->key == NULL) {
		*b->at = f->key_at;
		return -1;
	}
	return check_duplicate(b, f, json_string_value(f->key));
}

/*
 * A key before "<<" that "<<" brings too: YAML says that the mapping's own
 * counts, the library under kubectl lets the last one count.
 */
static int
check_ambiguous(struct builder *b, struct frame *f, json_t *source)
{
	AUTO(buf_clear) struct buf shown = BUF_INIT(NAME_SHOWN_MAX);
	const char *key;
	json_t *theirs;

	json_object_foreach (source, key, theirs) {
		json_t *own = json_object_get(f->item.value, key);

		if (own == NULL || json_equal(own, theirs))
			continue;
		text_sanitise(&shown, key, NAME_SHOWN_MAX);
		return refuse(b, f->merge_at, ERR_SYNTAX,
		    "\"<<\" brings another \"%s\" than stands above it, and tools disagree which one counts; put \"<<\" first",
		    buf_text(&shown));
	}
	return 0;
}

/* The value of "<<": a mapping, or a list of them. Kept until the mapping
 * closes, so that its own keys come first. */
static int
take_merge(struct builder *b, struct frame *f, const struct item *item)
{
	size_t i;
	json_t *source;

	f->merging = false;
	f->merge = *item;
	json_incref(f->merge.value);
	if (json_is_object(item->value))
		return check_ambiguous(b, f, item->value);
	if (!json_is_array(item->value))
		return refuse(b, item->marks.at, ERR_SYNTAX,
		    "\"<<\" takes a mapping or a list of mappings");
	json_array_foreach (item->value, i, source) {
		if (!json_is_object(source))
			return refuse(b, item->marks.children[i].at, ERR_SYNTAX,
			    "\"<<\" takes a mapping or a list of mappings");
		if (check_ambiguous(b, f, source) != 0)
			return -1;
	}
	return 0;
}

static int
merge_mapping(struct builder *b, struct frame *f, const json_t *source,
    const struct marks *marks)
{
	for (size_t i = 0; i < marks->n; i++) {
		const struct marks *m = &marks->children[i];

		if (json_object_get(f->item.value, m->key) == NULL &&
		    add_pair(
			b, f, m->key, json_object_get(source, m->key), m) != 0)
			return -1;
	}
	return 0;
}

static int
apply_merge(struct builder *b, struct frame *f)
{
	const struct item *m = &f->merge;

	if (json_is_object(m->value))
		return merge_mapping(b, f, m->value, &m->marks);
	for (size_t i = 0; i < json_array_size(m->value); i++) {
		if (merge_mapping(b, f, json_array_get(m->value, i),
			&m->marks.children[i]) != 0)
			return -1;
	}
	return 0;
}

static bool
awaits_key(const struct builder *b)
{
	const struct frame *f;

	if (b->depth == 0)
		return false;
	f = &b->frames[b->depth - 1];
	return json_is_object(f->item.value) && f->key == NULL && !f->merging;
}

/* Gives a value its place in what is being read; borrowed. */
static int
place_item(struct builder *b, const struct item *item)
{
	struct frame *f;
	struct marks m = item->marks;
	int rc;

	if (b->depth == 0) {
		b->doc->root = json_incref(item->value);
		b->doc->marks = item->marks;
		return 0;
	}
	f = &b->frames[b->depth - 1];
	if (awaits_key(b))
		return take_key(b, f, item);
	f->item.nodes += item->nodes;
	if (item->height >= f->item.height)
		f->item.height = item->height + 1;
	if (f->merging)
		return take_merge(b, f, item);
	m.key_at = f->key_at;
	if (f->key == NULL) {
		if (json_array_append(f->item.value, item->value) != 0)
			return no_memory(b);
		m.key = NULL;
		return add_child(b, f, &m);
	}
	rc = add_pair(b, f, json_string_value(f->key), item->value, &m);
	json_decref(TAKE(f->key));
	return rc;
}

/* Registers a name for the value that begins here. Returns its number from
 * 1, or 0 when memory is out. A name may be given again: the last counts. */
static size_t
new_anchor(struct builder *b, const char *name)
{
	struct anchor *p =
	    grown(b->anchors, b->nanchors, &b->anchors_cap, sizeof(*p));

	if (p == NULL)
		return 0;
	b->anchors = p;
	p[b->nanchors] = (struct anchor){.value = NULL};
	if (json_object_set_new_nocheck(b->anchor_index, name,
		json_integer((json_int_t)b->nanchors)) != 0)
		return 0;
	return ++b->nanchors;
}

static void
fill_anchor(struct builder *b, size_t number, const struct item *item)
{
	b->anchors[number - 1] = (struct anchor){
	    .value = json_incref(item->value),
	    .marks = item->marks,
	    .nodes = item->nodes,
	    .height = item->height,
	};
}

static bool
is_merge(const struct builder *b, const struct scalar *s)
{
	if (!awaits_key(b) || s->len != 2 || memcmp(s->text, "<<", 2) != 0)
		return false;
	return s->tag == NULL ? s->plain
			      : strcmp(s->tag, "tag:yaml.org,2002:merge") == 0;
}

static int
begin_merge(struct builder *b, struct mark at)
{
	struct frame *f = &b->frames[b->depth - 1];

	if (f->merge.value != NULL) {
		*b->at = at;
		return document_duplicate_key("<<", f->merge_at, b->err);
	}
	f->merging = true;
	f->merge_at = at;
	return 0;
}

int
builder_scalar(struct builder *b, const struct scalar *s, const char *anchor,
    struct mark at)
{
	AUTO(json_decref) json_t *value = NULL;
	struct item item = {.marks.at = at, .nodes = 1};
	size_t number;

	if (is_merge(b, s))
		return begin_merge(b, at);
	if (count_nodes(b, 1, at) != 0)
		return -1;
	item.value = value = scalar_value(s, b->err);
	if (value == NULL) {
		*b->at = at;
		return -1;
	}
	if (anchor != NULL) {
		number = new_anchor(b, anchor);
		if (number == 0)
			return no_memory(b);
		fill_anchor(b, number, &item);
	}
	return place_item(b, &item);
}

int
builder_alias(struct builder *b, const char *name, struct mark at)
{
	json_t *number = json_object_get(b->anchor_index, name);
	const struct anchor *a;
	struct item item;

	if (number == NULL) {
		AUTO(buf_clear) struct buf shown = BUF_INIT(NAME_SHOWN_MAX);

		text_sanitise(&shown, name, NAME_SHOWN_MAX);
		return refuse(b, at, ERR_SYNTAX,
		    "there is no anchor \"&%s\" before this alias; text "
		    "that begins with '*' needs quotes",
		    buf_text(&shown));
	}
	a = &b->anchors[json_integer_value(number)];
	if (a->value == NULL)
		return refuse(
		    b, at, ERR_SYNTAX, "an alias inside of what it stands for");
	if (count_nodes(b, a->nodes, at) != 0 ||
	    check_depth(b, a->height, at) != 0)
		return -1;
	item = (struct item){a->value, a->marks, a->nodes, a->height};
	item.marks.at = at;
	return place_item(b, &item);
}

int
builder_open(
    struct builder *b, bool mapping, const char *anchor, struct mark at)
{
	struct frame *f;

	if (awaits_key(b))
		return refuse(b, at, ERR_SYNTAX, "a key must be text, not %s",
		    mapping ? "a mapping" : "a list");
	if (count_nodes(b, 1, at) != 0 || check_depth(b, 1, at) != 0)
		return -1;
	f = &b->frames[b->depth++];
	*f = (struct frame){.item = {.marks.at = at, .nodes = 1, .height = 1}};
	f->item.value = mapping ? json_object() : json_array();
	if (f->item.value == NULL)
		return no_memory(b);
	if (anchor != NULL) {
		f->anchor = new_anchor(b, anchor);
		if (f->anchor == 0)
			return no_memory(b);
	}
	return 0;
}

static void
frame_clear(struct frame *f)
{
	json_decref(f->item.value);
	json_decref(f->key);
	json_decref(f->merge.value);
	free(f->children);
}

/* Moves the places of the children to where they stay. */
static int
keep_children(struct builder *b, struct frame *f)
{
	struct marks *kept = NULL;

	if (f->item.marks.n > 0) {
		kept =
		    arena_calloc(b->doc->mem, f->item.marks.n, sizeof(*kept));
		if (kept == NULL)
			return no_memory(b);
		memcpy(kept, f->children, f->item.marks.n * sizeof(*kept));
	}
	f->item.marks.children = kept;
	return 0;
}

int
builder_close(struct builder *b)
{
	struct frame *f = &b->frames[b->depth - 1];
	int rc;

	if ((f->merge.value != NULL && apply_merge(b, f) != 0) ||
	    keep_children(b, f) != 0)
		return -1;
	if (f->anchor != 0)
		fill_anchor(b, f->anchor, &f->item);
	b->depth--;
	rc = place_item(b, &f->item);
	frame_clear(f);
	return rc;
}

struct builder *
builder_new(struct document *doc, struct mark *at, struct error *err)
{
	/* On the heap: the frames are too large for a small thread's stack. */
	AUTO(builder_free) struct builder *b = calloc(1, sizeof(*b));

	if (b != NULL) {
		b->doc = doc;
		b->at = at;
		b->err = err;
		b->anchor_index = json_object();
	}
	if (b == NULL || b->anchor_index == NULL) {
		error_set(err, ERR_NOMEM, "out of memory");
		return NULL;
	}
	return TAKE(b);
}

void
builder_free(struct builder *b)
{
	if (b == NULL)
		return;
	while (b->depth > 0)
		frame_clear(&b->frames[--b->depth]);
	for (size_t i = 0; i < b->nanchors; i++)
		json_decref(b->anchors[i].value);
	free(b->anchors);
	json_decref(b->anchor_index);
	free(b);
}
