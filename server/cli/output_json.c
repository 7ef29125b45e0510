/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/output.h"

int
output_json(const void *results, FILE *out)
{
	const struct results *r = results;
	AUTO(json_decref) json_t *root = NULL;
	json_t *workloads = json_array();
	size_t i;

	for (i = 0; i < r->n; i++)
		if (json_array_append_new(
			workloads, report_json(r->reports[i])) != 0) {
			json_decref(workloads);
			return -1;
		}
	root = json_pack("{s:i, s:{s:s, s:s}, s:s, s:o}", "version", 1,
	    "policy", "name", r->policy->name, "sha256", r->policy->sha256,
	    "verdict", verdict_name(r->verdict), "workloads", workloads);
	if (root == NULL)
		return -1;
	json_dumpf(root, out, JSON_INDENT(2));
	fputc('\n', out);
	return 0;
}
