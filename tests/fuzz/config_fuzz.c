/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/config.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/runtime.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" HEX64

enum { FEW_LAYERS = 64 };

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
		must_be_config(img, root, false);
		return 0;
	}
	MUST(err.code == ERR_SYNTAX || err.code == ERR_UNSUPPORTED ||
	     err.code == ERR_LIMIT);
	must_be_plain(err.msg);
	return 0;
}
