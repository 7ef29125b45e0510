/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static char *
written(void (*write)(struct xml *x))
{
	struct xml x;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	xml_begin(&x, out);
	write(&x);
	assert_false(x.failed);
	fclose(out);
	return text;
}

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

static void
write_nested(struct xml *x)
{
	xml_open(x, "suite");
	xml_number(x, "tests", 2);
	xml_open(x, "case");
	xml_attribute(x, "name", "one");
	xml_close(x);
	xml_open(x, "case");
	xml_open(x, "failure");
	xml_text(x, "wanted\ngot");
	xml_close(x);
	xml_close(x);
	xml_close(x);
}

static void
closes_what_it_opens(void **state)
{
	char *text = written(write_nested);

	(void)state;
	assert_string_equal(text,
	    HEAD "<suite tests=\"2\">\n  <case name=\"one\"/>\n  <case>\n"
		 "    <failure>wanted\ngot</failure>\n  </case>\n</suite>\n");
	free(text);
}

static void
write_hostile(struct xml *x)
{
	xml_open(x, "a");
	xml_attribute(x, "b", "\"<&>'\n\x01\xff");
	xml_text(x, "]]>\x1b[0m & <b>\xef\xbf\xbe");
	xml_close(x);
}

static void
says_only_what_xml_can_say(void **state)
{
	char *text = written(write_hostile);

	(void)state;
	assert_string_equal(text,
	    HEAD "<a b=\"&quot;&lt;&amp;&gt;' ??\">]]&gt;?[0m &amp; &lt;b&gt;?"
		 "</a>\n");
	free(text);
}

static void
refuses_to_nest_for_ever(void **state)
{
	struct xml x;
	FILE *out = fopen("/dev/null", "w");
	size_t i;

	(void)state;
	assert_non_null(out);
	xml_begin(&x, out);
	for (i = 0; i <= XML_DEPTH_MAX; i++)
		xml_open(&x, "a");
	assert_true(x.failed);
	for (i = 0; i <= XML_DEPTH_MAX; i++)
		xml_close(&x);
	assert_int_equal(x.depth, 0);
	fclose(out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(closes_what_it_opens),
	    cmocka_unit_test(says_only_what_xml_can_say),
	    cmocka_unit_test(refuses_to_nest_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
