/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/checks/check.h"

/* VOLUME in an image: a directory that the runtime makes for every container,
 * on the node's disk, asked for by nobody. */
struct params {
	int deny;
};

static const struct check_field fields[] = {
    {.name = "",
	.check = "volumes",
	.kind = VALUE_CHOICE,
	.words = check_deny_allow,
	.at = offsetof(struct params, deny),
	.about = "`deny`: no image may declare a VOLUME.",
	.fix = "take VOLUME out of the image, and mount an emptyDir or a "
	       "claim in the pod where data is to be kept"},
    {.name = NULL},
};

enum { LISTED_MAX = 3, SHOWN_MAX = 64 };

static int
evaluate_volumes(
    const void *params, const struct subject *s, struct findings *out)
{
	const struct string_list *volumes = &s->image->volumes;
	struct breach br = {.field = &fields[0],
	    .limit = "none",
	    .weight = (int64_t)volumes->n};
	AUTO(breach_text_clear) struct breach_text t = BREACH_TEXT_INIT;
	size_t i;

	(void)params;
	if (volumes->n == 0)
		return 0;
	for (i = 0; i < volumes->n && i < LISTED_MAX; i++)
		buf_printf(&t.actual, "%s%.*s", i > 0 ? ", " : "", SHOWN_MAX,
		    volumes->items[i]);
	if (volumes->n > LISTED_MAX)
		buf_printf(&t.actual, " and %zu more", volumes->n - LISTED_MAX);
	buf_printf(&t.message, "declares %s %s",
	    volumes->n == 1 ? "the volume" : "the volumes",
	    buf_text(&t.actual));
	return findings_add_text(out, &br, &t);
}

const struct check_key check_key_volumes = {
    .name = "volumes",
    .fields = fields,
    .params_size = sizeof(struct params),
    .needs_facts = true,
    .needs_process = true,
    .is_plain = true,
    .about = "A VOLUME in an image becomes a writable directory on the node "
	     "for every container, outside every limit that the pod sets and "
	     "even under readOnlyRootFilesystem.",
    .example = "deny",
    .paste = "# Pod: the one directory that is written to, with a limit\n"
	     "volumeMounts: [{name: data, mountPath: /data}]\n"
	     "volumes: [{name: data, emptyDir: {sizeLimit: 1Gi}}]\n",
    .blind = "Where the program writes without saying so. A VOLUME of the "
	     "base is inherited and cannot be taken back.",
    .evaluate = evaluate_volumes,
};
