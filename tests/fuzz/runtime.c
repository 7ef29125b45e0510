/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/runtime.h"

#include "policy/reference.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

/* Letters that Go takes for ASCII ones where case does not count. */
static const struct {
	const char *from;
	char to;
} folds[] = {{"\xc5\xbf", 's'}, {"\xe2\x84\xaa", 'k'}};

static char *
lowered(const char *key)
{
	char *out = strdup(key), *at;

	MUST(out != NULL);
	for (size_t i = 0; i < sizeof(folds) / sizeof(*folds); i++) {
		size_t n = strlen(folds[i].from);

		while ((at = strstr(out, folds[i].from)) != NULL) {
			*at = folds[i].to;
			memmove(at + 1, at + n, strlen(at + n) + 1);
		}
	}
	for (at = out; *at != '\0'; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at + ('a' - 'A'));
	return out;
}

static json_t *
folded(json_t *value)
{
	json_t *out, *child;
	const char *key;

	if (json_is_array(value)) {
		out = json_array();
		for (size_t i = 0; i < json_array_size(value); i++)
			json_array_append_new(
			    out, folded(json_array_get(value, i)));
		return out;
	}
	if (!json_is_object(value))
		return json_incref(value);
	out = json_object();
	json_object_foreach (value, key, child) {
		AUTO(free) char *low = lowered(key);

		if (!json_is_null(child))
			json_object_set_new(out, low, folded(child));
	}
	return out;
}

json_t *
runtime_read(const char *data, size_t size)
{
	AUTO(json_decref) json_t *root = json_loadb(data, size, 0, NULL);

	return root == NULL ? NULL : folded(root);
}

const char *
runtime_string(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s == NULL ? "" : s;
}

void
must_be_text(const char *ours, const json_t *object, const char *key)
{
	MUST(strcmp(ours, runtime_string(object, key)) == 0);
}

void
must_be_list(
    const struct string_list *ours, const json_t *object, const char *key)
{
	const json_t *list = json_object_get(object, key);

	MUST(ours->n == json_array_size(list));
	for (size_t i = 0; i < ours->n; i++)
		MUST(strcmp(ours->items[i],
			 json_string_value(json_array_get(list, i))) == 0);
}

static void
check_run(const struct image *img, const json_t *run)
{
	must_be_text(img->user, run, "user");
	must_be_list(&img->env, run, "env");
	must_be_list(&img->entrypoint, run, "entrypoint");
	must_be_list(&img->cmd, run, "cmd");
}

/* An index may have told of another variant or release. */
static void
check_platform(const struct image *img, const json_t *root, bool listed)
{
	struct platform p;

	MUST(platform_init(&p, runtime_string(root, "os"),
		 runtime_string(root, "architecture"),
		 runtime_string(root, "variant"),
		 runtime_string(root, "os.version"), img->mem) == 0);
	MUST(strcmp(p.os, img->platform.os) == 0 &&
	     strcmp(p.arch, img->platform.arch) == 0);
	MUST(listed || platform_equal(&p, &img->platform));
}

/* Each layer has one entry, in order, or none has any. */
static void
check_history(const struct image *img, const json_t *list)
{
	int next = 0;

	MUST(img->nhistory == json_array_size(list));
	for (size_t i = 0; i < img->nhistory; i++) {
		const struct history *h = &img->history[i];
		const json_t *theirs = json_array_get(list, i);

		must_be_text(h->created_by, theirs, "created_by");
		MUST(h->empty_layer ==
		     json_is_true(json_object_get(theirs, "empty_layer")));
		MUST(h->layer == -1 || h->layer == next++);
		MUST(h->layer == -1 || !h->empty_layer);
	}
	MUST(next ==
	     (img->history_state == HISTORY_RELIABLE ? (int)img->nlayers : 0));
}

void
must_be_config(const struct image *img, const json_t *root, bool listed)
{
	MUST(json_is_object(root) && img->scanned);
	check_run(img, json_object_get(root, "config"));
	check_platform(img, root, listed);
	must_be_list(
	    &img->diff_ids, json_object_get(root, "rootfs"), "diff_ids");
	MUST(img->diff_ids.n == img->nlayers);
	for (size_t i = 0; i < img->diff_ids.n; i++)
		MUST(reference_is_digest(img->diff_ids.items[i]));
	check_history(img, json_object_get(root, "history"));
	for (size_t i = 0; i < img->nlayers; i++)
		(void)image_layer_instruction(img, i);
}
