// SPDX-License-Identifier: Apache-2.0

package main

import (
	// A runtime has them all: digests of sha384 count for it.
	_ "crypto/sha256"
	_ "crypto/sha512"
	"math/rand"
	"strings"

	"github.com/distribution/reference"
)

var hosts = []string{
	"", "docker.io/", "index.docker.io/", "registry-1.docker.io/", "DOCKER.IO/",
	"Docker.io/", "Index.docker.io/", "docker.io./", "docker.io:443/", "docker.io:/",
	"index.docker.io:443/", "localhost/", "Localhost/", "localhost:5000/",
	"localhost:/", "LOCALHOST:5000/", "r.io/", "r.io:5000/", "R.io/", "r.IO:1/",
	"myhost/", "MyHost/", "my_host/", "my_host.io/", "my-host.io/", "-a.io/", "a-.io/",
	"a.-b.io/", "a--b.io/", "a..io/", ".r.io/", "r.io./", "./", "../", "r.io:/",
	"r.io:0/", "r.io:00/", "r.io:1/", "r.io:65535/", "r.io:65536/", "r.io:05000/",
	"r.io:5000:1/", "r.io:a/", "r.io:-1/", ":5000/", ":/", "/", "//", "[::1]/",
	"[::1]:5000/", "[::1]:/", "[::1]5000/", "[::1/", "::1/", "::1]/", "[]/", "[]:1/", "[:]/",
	"[2001:db8::1]/", "[2001:DB8::1]/", "[fe80::1%eth0]/", "[fe80::1%25eth0]/",
	"[::ffff:127.0.0.1]/", "[127.0.0.1]/", "[a]/", "[g]/", "[::1].io/", "a[::1]/",
	"10.0.0.1/", "10.0.0.1:5000/", "127.1/", "127.1:5000/", "0x7f.1/", "0x7f.0.0.1/",
	"0x7f000001/", "2130706433/", "2130706433:80/", "010.0.0.1/", "256.0.0.1/", "1.2.3.4.5/",
	"0/", "0.0/", "0x.1/", "0X7F.1/", "1.2.3.4.io/", "xn--n3h.com/", "ex\u00e4mple.com/",
	"\u00c4.com/", "user@r.io/", "user:pass@r.io/", "https://r.io/", "docker://r.io/",
	"//r.io/", "library/", "r.io/r.io/", "docker.io/docker.io/", "r\x00.io/", "r.io\n/",
	strings.Repeat("a", 63) + ".io/", strings.Repeat("a", 64) + ".io/",
	strings.Repeat("a.", 125) + "io/", strings.Repeat("a.", 126) + "io/",
}

var paths = []string{
	"nginx", "library/nginx", "team/app", "Team/app", "team/App", "nginX", "a", "1", "A",
	"a_b", "a__b", "a___b", "a.b", "a..b", "a-b", "a--b", "a---b", "a._b", "a_.b", "a-_b",
	"a.-b", "-a", "_a", ".a", "a-", "a_", "a.", "a__", "a--", "a/b/c", "a//b", "a/", "a/-b",
	"a/b-", "", ".", "..", "a/../b", "a/./b", "latest", "localhost", "localhost/a",
	"sha256", "a b", " a", "a ", "a\n", "a\t", "a\r\n", "a%2fb", "a?b", "a#b", "a+b", "a~b",
	"a*b", "a\\b", "a,b", "a;b", "\u00f1", "a\u017f", "a\u0130", "\u212a", "\xff", "a\x00b",
	strings.Repeat("a", 64), strings.Repeat("0", 64), strings.Repeat("A", 64),
	strings.Repeat("g", 64), strings.Repeat("a", 63), strings.Repeat("a", 65),
	strings.Repeat("a", 64) + "/a", "a/" + strings.Repeat("a", 64), strings.Repeat("a", 247),
	strings.Repeat("a", 248), strings.Repeat("a", 255), strings.Repeat("a", 256),
	strings.Repeat("a/", 127) + "a", strings.Repeat("a/", 128) + "a",
}

var tags = []string{
	"", ":1", ":latest", ":v1.2-a_b", ":LATEST", ":_a", ":", ":.a", ":-a", ":a.", ":a-", ":a..b",
	"::", ":a:b", ":a/b", ":a+b", ": 1", ":1 ", ":1\n", ":\u00f1", ":\xff", ":a\x00b", ":$a",
	":5000", ":5000/a", ":" + strings.Repeat("a", 64), ":" + strings.Repeat("a", 128),
	":" + strings.Repeat("a", 129),
}

var digests = []string{
	"", "@", "@sha256", "@sha256:", "@sha256:" + strings.Repeat("a", 64),
	"@sha256:" + strings.Repeat("a", 63), "@sha256:" + strings.Repeat("a", 65),
	"@sha256:" + strings.Repeat("A", 64), "@sha256:" + strings.Repeat("g", 64),
	"@sha256:" + strings.Repeat("a", 63) + "F", "@sha256:" + strings.Repeat("a", 32),
	"@sha512:" + strings.Repeat("b", 128), "@sha512:" + strings.Repeat("b", 127),
	"@sha512:" + strings.Repeat("b", 64), "@sha384:" + strings.Repeat("c", 96),
	"@sha384:" + strings.Repeat("c", 64), "@md5:" + strings.Repeat("d", 32),
	"@sha1:" + strings.Repeat("e", 40), "@SHA256:" + strings.Repeat("a", 64),
	"@Sha256:" + strings.Repeat("a", 64), "@sha256+b64:" + strings.Repeat("a", 64),
	"@a:" + strings.Repeat("a", 32), "@blake3:" + strings.Repeat("a", 64),
	"@" + strings.Repeat("a", 64), "@:" + strings.Repeat("a", 64),
	"@sha256:" + strings.Repeat("a", 64) + ":1", "@sha256:" + strings.Repeat("a", 64) + "\n",
	"@sha256:" + strings.Repeat("a", 64) + "@sha256:" + strings.Repeat("b", 64),
	"@sha256:" + strings.Repeat("a", 64) + "/b", "@@sha256:" + strings.Repeat("a", 64),
}

func references() []string {
	var all []string
	cross := func(hosts, paths, tags, digests []string) {
		for _, h := range hosts {
			for _, p := range paths {
				for _, t := range tags {
					for _, d := range digests {
						all = append(all, h+p+t+d)
					}
				}
			}
		}
	}
	none := []string{""}
	few := []string{"", "r.io/", "docker.io/", "localhost/"}
	cross(hosts, []string{"nginx", "team/app", "", "A"}, []string{"", ":1"}, none)
	cross(few, paths, tags[:2], none)
	cross(few[:2], paths[:6], tags, digests[4:5])
	cross(few[:2], paths[:1], tags, digests)
	cross(few, paths[:4], tags, none)
	valid := []string{
		"nginx", "nginx:1.25", "team/app:v1", "docker.io/library/nginx:1", "r.io:5000/a/b:c",
		"localhost/a", "localhost:5000/a_b", "[::1]:5000/a", "10.0.0.1:80/a/b", "a.b-c.io/d__e/f-g",
		"r.io/a@sha256:" + strings.Repeat("a", 64), "index.docker.io/nginx",
	}
	pieces := strings.Split("/|:|@|.|-|_|a|A|0|[|]| |%|\n|\u00fc|//|..|:0|sha256:|docker.io|localhost", "|")
	return append(all, mutated(valid, pieces, 60, rand.New(rand.NewSource(1)))...)
}

// Reference, and where it is none a "!"; else host, path, tag, digest as CRI
// pulls it, and the tag that stands beside a digest.
func writeReferences(folder string) {
	t := newTable("Made by distribution/reference: ParseDockerRef, ParseNormalizedNamed.\n" +
		"reference, host, path, tag, digest, tag as written; or reference, !")
	for _, text := range references() {
		named, err := reference.ParseDockerRef(text)
		if err != nil {
			t.row(text, "!")
			continue
		}
		written, err := reference.ParseNormalizedNamed(text)
		if err != nil {
			panic(err)
		}
		t.row(text, reference.Domain(named), reference.Path(named), tagOf(named),
			digestOf(named), tagOf(written))
	}
	t.write(folder, "references.tsv")
}

func tagOf(n reference.Named) string {
	if tagged, ok := n.(reference.Tagged); ok {
		return tagged.Tag()
	}
	return ""
}

func digestOf(n reference.Named) string {
	if digested, ok := n.(reference.Digested); ok {
		return digested.Digest().String()
	}
	return ""
}
