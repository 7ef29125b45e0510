/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/formats.h"
#include "server/cli/output.h"

int
output_json(const void *results, FILE *out)
{
	const struct results *r = results;
	json_t *workloads = json_array();
	size_t i;

	for (i = 0; i < r->n; i++)
		if (json_array_append_new(
			workloads, report_json(r->reports[i])) != 0) {
			json_decref(workloads);
			return -1;
		}
	return formats_json(
	    json_pack("{s:i, s:{s:s, s:s}, s:s, s:o}", "version", 1, "policy",
		"name", r->policy->name, "sha256", r->policy->sha256, "verdict",
		verdict_name(r->verdict), "workloads", workloads),
	    out);
}
