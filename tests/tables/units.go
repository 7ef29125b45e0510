// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/rand"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"gopkg.in/inf.v0"
	"k8s.io/apimachinery/pkg/api/resource"
)

var numbers = strings.Fields(`
0 1 2 7 9 10 12 90 100 300 512 999 1000 1023 1024 1500 4096 65536 1000000 2147483647
2147483648 4294967296 9007199254740991 9007199254740992 9007199254740993
1152921504606846975 1152921504606846976 9223372036854775 9223372036854776
9223372036854775806 9223372036854775807 9223372036854775808 18446744073709551615
18446744073709551616 99999999999999999999 00 007 000000000000000000000001 0.1 0.25 0.5
0.9 0.99 0.999 0.9999 0.999999999 0.9999999999999999999999 1.5 1.05 1.25 2.75 12.345
1023.999 0.001 0.0009 0.000000001 0.0009765625 0.00000000000000000001 8388607.9999999
7.99999999999 .5 5. . -1 +1 -0 -0.5 1e3 1E3 1e-3 0x10 1_000 1,5 ١ inf nan
`)

func sizes() []string {
	var all []string
	for _, n := range numbers {
		for _, unit := range []string{"", "k", "K", "M", "G", "Ki", "Mi", "Gi", "T", "Ti", "m",
			"B", "KB", "kb", "MiB", "ki", "mi", "g", " Mi", "Mi ", "iM"} {
			all = append(all, n+unit)
		}
	}
	return all
}

func durations() []string {
	var all []string
	for _, n := range numbers {
		for _, unit := range []string{"", "ns", "us", "\u00b5s", "\u03bcs", "ms", "s", "m", "h", "d",
			"w", "y", "S", " s", "s ", "sec"} {
			all = append(all, n+unit)
		}
	}
	all = append(all, strings.Fields(`
1h30m 1m30s 1h1m1s1ms1us1ns 1s1s 1m1h 1.5h30m 1h-1m -1h30m +1m30s --1s +-1s - + 0s0s
0.s .0s ..5s 1..5s 1.5.5s 2562047h47m16.854775807s 2562047h47m16.854775808s
-2562047h47m16.854775808s -2562047h47m16.854775809s 2562047h 2562048h 106751d 106752d
15250w 15251w 0.3333333333333333333h 0.100000000000000000000h 1.000000001s
0.0000000000000000000001h -0.0000001s -1ns -999999ns 1999999ns 1d1h 1w2d 1h2d 1y`)...)
	r := rand.New(rand.NewSource(2))
	return append(all, mutated([]string{"1h30m", "1.5s", "250ms", "-2m0.5s", "10s", "90d"},
		strings.Split("0|1|9|.|h|m|s|ms|us|-|+| |e|d|w|000", "|"), 40, r)...)
}

func times() []string {
	all := strings.Split(strings.TrimSpace(`
2026-01-02T03:04:05Z
2026-01-02T03:04:05z
2026-01-02t03:04:05Z
2026-01-02 03:04:05Z
2026-01-02T03:04:05
2026-01-02T03:04:05+00:00
2026-01-02T03:04:05-00:00
2026-01-02T03:04:05+01:30
2026-01-02T03:04:05-11:59
2026-01-02T03:04:05+23:59
2026-01-02T03:04:05+24:00
2026-01-02T03:04:05+14:60
2026-01-02T03:04:05+0100
2026-01-02T03:04:05+01
2026-01-02T03:04:05.678Z
2026-01-02T03:04:05.123456789012Z
2026-01-02T03:04:05,678Z
2026-01-02T03:04:05.Z
2026-01-02T3:04:05Z
2026-01-02T03:4:05Z
2026-01-02T03:04:5Z
2026-1-02T03:04:05Z
2026-01-2T03:04:05Z
2026-01-02T24:00:00Z
2026-01-02T23:59:59Z
2026-01-02T23:59:60Z
2016-12-31T23:59:60Z
2026-01-02T23:60:00Z
2026-00-02T03:04:05Z
2026-13-02T03:04:05Z
2026-01-00T03:04:05Z
2026-01-32T03:04:05Z
2026-02-29T03:04:05Z
2024-02-29T03:04:05Z
2000-02-29T00:00:00Z
1900-02-29T00:00:00Z
2100-02-29T00:00:00Z
2026-04-31T00:00:00Z
0000-01-01T00:00:00Z
0000-02-29T00:00:00Z
0001-01-01T00:00:00Z
1970-01-01T00:00:00Z
1969-12-31T23:59:59Z
1980-01-01T00:00:01Z
9999-12-31T23:59:59Z
10000-01-01T00:00:00Z
-001-01-01T00:00:00Z
+2026-01-02T03:04:05Z
026-01-02T03:04:05Z
2026-01-02T03:04:05ZZ
2026-01-02T03:04:05Z+01:00
 2026-01-02T03:04:05Z
2026-01-02T03:04:05Z 
2026-01-02T03:04Z
2026-01-02
20260102T030405Z
2026-W01-5T03:04:05Z
2026-01-02T03:04:05 Z
2026-01-02T03:04:05UTC
1.5
null

2026-001T03:04:05Z`), "\n")
	r := rand.New(rand.NewSource(3))
	for i := 0; i < 100; i++ {
		zone := time.FixedZone("", (r.Intn(2*1439)-1439)*60)
		all = append(all, time.Unix(r.Int63n(253402300800)-62135596800, 0).In(zone).
			Format(time.RFC3339))
	}
	return append(all, mutated([]string{"2026-01-02T03:04:05Z", "2024-02-29T23:59:59.5-01:30"},
		strings.Split("0|1|2|3|6|9|-|:|T|Z|.|+| ", "|"), 150, r)...)
}

func dates() []string {
	all := strings.Fields(`
2026-01-31 2026-1-31 2026-01-1 2026-02-28 2026-02-29 2024-02-29 2024-02-30 1900-02-29
2000-02-29 0000-01-01 0001-01-01 9999-12-31 10000-01-01 999-01-01 2026-00-01 2026-13-01
2026-01-00 2026-01-32 2026-04-31 2026/01/01 20260101 2026-01-01Z 2026-01-01T00:00:00Z
+026-01-01 -026-01-01 2026--1-01 1970-01-01 1969-12-31 31-01-2026 2026-Jan-31`)
	return append(all, mutated([]string{"2026-01-31", "2024-02-29"},
		strings.Split("0|1|2|3|9|-|/| ", "|"), 60, rand.New(rand.NewSource(4)))...)
}

// What a date that is sent with Retry-After may look like.
func httpDates() []string {
	var all []string
	r := rand.New(rand.NewSource(5))
	for i := 0; i < 60; i++ {
		at := time.Unix(r.Int63n(4102444800), 0).UTC()
		for _, form := range []string{http.TimeFormat, time.RFC850, time.ANSIC, time.RFC1123Z,
			time.UnixDate, time.RFC822} {
			all = append(all, at.Format(form))
		}
	}
	all = append(all, strings.Split(strings.TrimSpace(`
Sun, 06 Nov 1994 08:49:37 GMT
Sunday, 06-Nov-94 08:49:37 GMT
Sun Nov  6 08:49:37 1994
Sun Nov 6 08:49:37 1994
Mon, 06 Nov 1994 08:49:37 GMT
sun, 06 nov 1994 08:49:37 gmt
SUN, 06 NOV 1994 08:49:37 GMT
Sun, 6 Nov 1994 08:49:37 GMT
Sun, 06 Nov 1994 8:49:37 GMT
Sun, 06 Nov 1994 08:49 GMT
Sun, 06 Nov 94 08:49:37 GMT
06 Nov 1994 08:49:37 GMT
Sun, 06 Nov 1994 08:49:37
Sun, 06 Nov 1994 08:49:37 UTC
Sun, 06 Nov 1994 08:49:37 EST
Sun, 06 Nov 1994 08:49:37 +0200
Sun, 06 Nov 1994 24:00:00 GMT
Sun, 06 Nov 1994 23:59:60 GMT
Sun, 06 Nov 1994 23:60:00 GMT
Wed, 29 Feb 2026 00:00:00 GMT
Sun, 30 Feb 2026 00:00:00 GMT
Sun, 31 Jun 2026 00:00:00 GMT
Sun, 32 Jan 2026 00:00:00 GMT
Sun, 00 Jan 2026 00:00:00 GMT
Thu, 29 Feb 2024 00:00:00 GMT
Tue, 29 Feb 2000 00:00:00 GMT
Mon, 29 Feb 2100 00:00:00 GMT
Fri, 31 Dec 9999 23:59:59 GMT
Thu, 01 Jan 1970 00:00:00 GMT
Wed, 31 Dec 1969 23:59:59 GMT
Fri, 01 Jan 1904 00:00:00 GMT
Sunday, 06-Nov-68 08:49:37 GMT
Sunday, 06-Nov-69 08:49:37 GMT
Sunday, 06-Nov-70 08:49:37 GMT
Sunday, 06-Nov-71 08:49:37 GMT
Sunday, 06-Nov-00 08:49:37 GMT
Sunday, 06-Nov-99 08:49:37 GMT
2026-11-24
2026-11-24T01:02:03Z
20261124
1.5
-1
+5
5s
soon
GMT`), "\n")...)
	return append(all, mutated([]string{"Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"},
		strings.Split("0|1|9|:|-|,| |Jan|Sat|GMT|a", "|"), 60, r)...)
}

// Rounded down, as all our units are.
func quantity(text string) (string, bool) {
	q, err := resource.ParseQuantity(text)
	if err != nil {
		return "", false
	}
	return new(inf.Dec).Round(q.AsDec(), 0, inf.RoundFloor).String(), true
}

func writeUnits(folder string) {
	t := newTable("Made by k8s.io/apimachinery (size: resource.ParseQuantity, rounded down),\n" +
		"Go (go-duration: time.ParseDuration, ns; time: time.Time in JSON; date: time.Parse;\n" +
		"http: http.ParseTime),\n" +
		"prometheus/common (duration: model.ParseDuration, ms).\n" +
		"kind, text, value; \"!\" where it is none")
	add := func(kind, text, value string, err error) {
		if err != nil {
			value = "!"
		}
		t.row(kind, text, value)
	}
	for _, text := range sizes() {
		value, ok := quantity(text)
		if !ok {
			value = "!"
		}
		t.row("size", text, value)
	}
	for _, text := range durations() {
		d, err := time.ParseDuration(text)
		add("go-duration", text, strconv.FormatInt(int64(d), 10), err)
		m, err := model.ParseDuration(text)
		add("duration", text, strconv.FormatInt(time.Duration(m).Milliseconds(), 10), err)
	}
	for _, text := range times() {
		var at time.Time
		err := at.UnmarshalText([]byte(text))
		add("time", text, strconv.FormatInt(at.Unix(), 10), err)
	}
	for _, text := range dates() {
		at, err := time.Parse(time.DateOnly, text)
		add("date", text, strconv.FormatInt(at.Unix(), 10), err)
	}
	for _, text := range httpDates() {
		at, err := http.ParseTime(text)
		add("http", text, strconv.FormatInt(at.Unix(), 10), err)
	}
	t.write(folder, "units.tsv")
}
