/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/reference.h"
#include "server/registry/config.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/runtime.h"

#include <string.h>

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" HEX64

enum { FEW_LAYERS = 64 };

static void
check_run(const struct image *img, const json_t *run)
{
	must_be_text(img->user, run, "user");
	must_be_list(&img->env, run, "env");
	must_be_list(&img->entrypoint, run, "entrypoint");
	must_be_list(&img->cmd, run, "cmd");
}

static void
check_platform(const struct image *img, const json_t *root)
{
	struct platform p;

	MUST(platform_init(&p, runtime_string(root, "os"),
		 runtime_string(root, "architecture"),
		 runtime_string(root, "variant"),
		 runtime_string(root, "os.version"), img->mem) == 0);
	MUST(platform_equal(&p, &img->platform));
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

static void
check(const struct image *img, const json_t *root)
{
	MUST(json_is_object(root) && img->scanned);
	check_run(img, json_object_get(root, "config"));
	check_platform(img, root);
	must_be_list(
	    &img->diff_ids, json_object_get(root, "rootfs"), "diff_ids");
	MUST(img->diff_ids.n == img->nlayers);
	for (size_t i = 0; i < img->diff_ids.n; i++)
		MUST(reference_is_digest(img->diff_ids.items[i]));
	check_history(img, json_object_get(root, "history"));
	for (size_t i = 0; i < img->nlayers; i++)
		(void)image_layer_instruction(img, i);
}

/* The manifest is one that fits: as many layers as the config tells of. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(json_decref)
	json_t *root = runtime_read((const char *)data, size);
	AUTO(image_unref) struct image *img = NULL;
	const json_t *ids =
	    json_object_get(json_object_get(root, "rootfs"), "diff_ids");
	struct layer layers[FEW_LAYERS];
	struct manifest m = {.media_type = "",
	    .config.digest = DIGEST,
	    .layers = layers,
	    .nlayers = json_array_size(ids)};
	struct error err = ERROR_INIT;

	if (m.nlayers > FEW_LAYERS)
		m.nlayers = FEW_LAYERS;
	for (size_t i = 0; i < m.nlayers; i++)
		layers[i] = (struct layer){DIGEST, "", 1000};
	img = config_read(&m, DIGEST, (const char *)data, size, &err);
	if (img != NULL) {
		check(img, root);
		return 0;
	}
	MUST(err.code == ERR_SYNTAX || err.code == ERR_UNSUPPORTED ||
	     err.code == ERR_LIMIT);
	must_be_plain(err.msg);
	return 0;
}
