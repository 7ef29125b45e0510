// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/rand"
	"strings"

	"sigs.k8s.io/yaml"
)

// Scalars that readers of YAML do not agree about.
var scalars = strings.Split(`yes|Yes|YES|yEs|y|Y|no|No|NO|n|N|on|On|ON|off|Off|OFF|true|True|TRUE|tRUE|`+
	`false|False|null|Null|NULL|nULL|~|~x||""|''|0|-0|+0|00|007|017|08|019|0o17|0O17|0o8|0x1f|0X1F|0x|-0x1f|`+
	`+0x1f|0b11|-0b11|0b2|1_000|1__0|_1|1_|1_000.5|1,000|1|-1|+1|1.|.5|+.5|-.5|1.0|8.0|-0.0|1e3|1E3|1e+3|`+
	`1e-3|1.5e3|1e|e1|1e400|.inf|.Inf|-.INF|+.inf|.nan|.NaN|inf|nan|12:30:45|1:20|1:99|-1:20|2026-01-02|`+
	`2026-01-02T03:04:05Z|2026-01-02 03:04:05|0.1|9007199254740993|9223372036854775807|9223372036854775808|`+
	`-9223372036854775808|-9223372036854775809|18446744073709551615|18446744073709551616|1.7976931348623157e309|`+
	`'x'|"x"|"\x41"|"\u0041"|"\U0001f600"|"\/"|"\e"|"\q"|'it''s'|'\n'|"a\nb"|!!str 1|!!str yes|!!int "1"|!!int "x"|`+
	`!!bool "yes"|!!bool "x"|!!binary aGk=|!!binary x|!!float 1|!!float "1.5"|!!null x|!!null ""|!!seq x|!foo x|!foo|`+
	`! 1|!<tag:yaml.org,2002:str> 1|&a x|*a|<<|=|-|- a|?|:|a: b|a:b|a #b|a#b|#|@a|%a|>|*|&|!|{|}|[|]|,|{}|[]|`+
	`[1, 2]|[1,]|[,]|{a}|{a: 1}|{"a":1}|{a: 1, a: 2}|[yes, 0x1]|{1: 2}|{yes: 2}|{~: 2}|{1.5: 2}|{[a]: 2}|a b|"a" b|`+
	"\u00fc|\u0661|\u2028|\ufeff|\x7f|\t|a\tb|x\\|'a\n\n  b'|\"a\n  b\"|a\n  b", "|")

var wholes = []string{"", "\n", "# x\n", "---\n", "...\n", "--- a\n", "a", "1", "[1]", "---\na: 1\n---\nb: 2\n",
	"a: 1\n...\nb: 2\n", "%YAML 1.1\n---\na: 1\n", "%YAML 1.2\n---\na: yes\n", "%YAML 2.0\n---\na: 1\n",
	"\ufeffa: 1\n", "a: 1\r\nb: 2\r\n", "a: 1\rb: 2\r", "\ta: 1\n", "a:\n\tb: 1\n", "a:\n  b: 1\n c: 2\n",
	"a: 1\na: 2\n", "a: 1\n\"a\": 2\n", "1: a\n\"1\": b\n", "yes: a\ntrue: b\n", "a: &x {b: 1}\nc: *x\n",
	"a: &x {b: 1}\nc: {<<: *x, d: 2}\n", "a: &x {b: 1}\nc:\n  <<: *x\n  b: 2\n", "a: &x {b: 1}\nc:\n  b: 2\n  <<: *x\n",
	"a: &x {b: 1}\ny: &y {b: 2, c: 3}\nd:\n  <<: [*x, *y]\n", "a: {<<: 1}\n", "a: {<<: {b: 1}}\n", "a: {\"<<\": {b: 1}}\n",
	"a: *x\n", "a: &x\n  b: *x\n", "a: &x 1\nb: &x 2\nc: *x\n", "a: |\n  b\n  c\n", "a: >\n  b\n  c\n\n  d\n",
	"a: |-\n  b\n", "a: |+\n  b\n\n", "a: >-\n  b\n   c\n  d\n", "a: |2\n    b\n", "a: |1-\n  b\n", "a: |\n", "a: >\n\n",
	"a: |\n  b\n # x\nc: 1\n", "a: 'b\n\n  c'\n", "a: \"b\\\n  c\"\n", "a:\n- 1\n- 2\n", "a:\n  - - 1\n    - 2\n",
	"- a: 1\n  b: 2\n-\n  c: 3\n", "? a\n: b\n", "? [a]\n: b\n", "? {a: 1}\n: b\n", "? |\n  a\n: b\n", "a:\nb:\n", "a: b: c\n",
	"a:  # x\n  b\n", "{a: 1}\n{b: 2}\n", "{a: 1} x\n", "[a\n]\n", "{a: 1,\n b: 2}\n", "{\"a\": \"b\", // x\n}\n",
	"{\"a\": 1, \"a\": 2}\n", "{'a': 1}", "{\"a\": 01}", "{\"a\": 1e3}", "{\"a\": yes}", "{\"a\":\t1}", "a: 1 # x\n#y\n",
	"\"a\": 1\n'b': 2\n", "a : 1\n", "a:1\n", "-1\n", "- - a\n", "!!map {a: 1}\n", "!!seq [1]\n", "!!set {a, b}\n",
	"!!omap [a: 1]\n", "a: !!merge x\n", "~: 1\n", ": 1\n", "null: 1\n", "1.5: a\n", "0x10: a\n", "1e3: a\n", "2026-01-02: a\n",
	"\"\\u0000\": 1\n", "a: \"\\0\"\n", "a: \"\\ud83d\\ude00\"\n", "a: \"\\ud83d\"\n", "a: \xff\n", "a: \x01\n", "a: \u0085b\n",
	"apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: r.io/a:1\n    name: a\n  hostNetwork: yes\n"}

func writeYAML(folder string) {
	t := newTable("Made by sigs.k8s.io/yaml, as kubectl reads files.\ntext, JSON; \"!\" where it is none")
	all := append([]string{}, wholes...)
	for _, s := range scalars {
		all = append(all, "a: "+s+"\n", "- "+s+"\n", s+": 1\n", "{a: "+s+"}\n")
	}
	r := rand.New(rand.NewSource(8))
	pieces := strings.Split(":|-| |\n|#|'|\"|{|}|[|]|,|&x|*x|!!str|yes|1|~|<<|?|>|\t|\n  |- |: ", "|")
	all = append(all, mutated(wholes[19:], pieces, 6, r)...)
	for _, text := range all {
		out, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			out = []byte("!")
		}
		t.row(text, string(out))
	}
	t.write(folder, "yaml.tsv")
}
