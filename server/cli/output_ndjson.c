/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/output.h"

/* A line for each element of "workloads" in output_json(). */
int
output_ndjson(const void *results, FILE *out)
{
	const struct results *r = results;
	size_t i;

	for (i = 0; i < r->n; i++) {
		AUTO(json_decref) json_t *line = report_json(r->reports[i]);

		if (line == NULL || json_dumpf(line, out, JSON_COMPACT) != 0)
			return -1;
		fputc('\n', out);
	}
	return 0;
}
