// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"math/rand"
	"strconv"
	"strings"

	"github.com/containerd/platforms"
	specs "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerConfig   = "application/vnd.docker.container.image.v1+json"
)

// $A is a digest of 64 a.
var digestsOf = strings.NewReplacer("$A", "sha256:"+strings.Repeat("a", 64),
	"$B", "sha256:"+strings.Repeat("b", 64), "$C", "sha256:"+strings.Repeat("c", 64))

var bases = []struct {
	kind, text string
}{
	{"manifest", `{"schemaVersion":2,"mediaType":"` + specs.MediaTypeImageManifest + `",` +
		`"config":{"mediaType":"` + specs.MediaTypeImageConfig + `","digest":"$A","size":7},` +
		`"layers":[{"mediaType":"` + specs.MediaTypeImageLayerGzip + `","digest":"$B","size":100},` +
		`{"mediaType":"` + specs.MediaTypeImageLayerGzip + `","digest":"$C","size":20,` +
		`"annotations":{"a":"b"},"urls":["u"]}],"annotations":{"k":"v","S":"t"}}`},
	{"manifest", `{"schemaVersion":2,"mediaType":"` + dockerManifest + `",` +
		`"config":{"mediaType":"` + dockerConfig + `","digest":"$A","size":7,"data":"e30="},` +
		`"layers":[]}`},
	{"index", `{"schemaVersion":2,"mediaType":"` + specs.MediaTypeImageIndex + `","manifests":[` +
		`{"mediaType":"` + specs.MediaTypeImageManifest + `","digest":"$A","size":10,` +
		`"platform":{"os":"linux","architecture":"arm","variant":"v7","os.features":["x"]}},` +
		`{"mediaType":"` + dockerManifest + `","digest":"$B","size":11,` +
		`"platform":{"os":"windows","architecture":"amd64","os.version":"10.0.1"}},` +
		`{"mediaType":"` + dockerList + `","digest":"$C","size":12}]}`},
	{"config", `{"created":"2026-01-02T03:04:05.6Z","author":"me","architecture":"amd64","os":"linux",` +
		`"variant":"v2","config":{"User":"1000","ExposedPorts":{"80/tcp":{}},"Env":["A=b","C="],` +
		`"Entrypoint":["/x"],"Cmd":["y","z"],"Volumes":{"/v":{}},"WorkingDir":"/w","Labels":{"l":"m"},` +
		`"StopSignal":"TERM","ArgsEscaped":true},"rootfs":{"type":"layers","diff_ids":["$A"]},` +
		`"history":[{"created":"2026-01-01T00:00:00Z","created_by":"RUN a","comment":"c"},` +
		`{"created_by":"ENV A=b","empty_layer":true}]}`},
}

// What a runtime learns from a document, by where it stands: "layers.0.size".
type facts map[string]any

func (f facts) list(key string, items []string) {
	f[key] = len(items)
	for i, item := range items {
		f[key+"."+strconv.Itoa(i)] = item
	}
}

func (f facts) pairs(key string, items map[string]string) {
	f[key] = len(items)
	for name, value := range items {
		f[key+"."+name] = value
	}
}

func (f facts) set(key string, items map[string]struct{}) {
	f[key] = len(items)
	for name := range items {
		f[key+"."+name] = true
	}
}

func (f facts) descriptor(key string, d specs.Descriptor) {
	f[key+".mediaType"] = d.MediaType
	f[key+".digest"] = d.Digest
	f[key+".size"] = d.Size
}

func (f facts) platform(key string, p specs.Platform) {
	n := platforms.Normalize(p)
	f[key] = strings.Join([]string{n.OS, n.Architecture, n.Variant,
		strings.ToLower(n.OSVersion)}, "/")
}

// Documents that are of another kind, too: containerd's validateMediaType.
func unmarshal(text string, out any, others ...string) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &members); err != nil {
		return err
	}
	for key := range members {
		for _, other := range append(others, "fsLayers") {
			if strings.EqualFold(key, other) {
				return errors.New("it is of two kinds")
			}
		}
	}
	return json.Unmarshal([]byte(text), out)
}

// A document that does not say what it is is what it was asked for as.
func orElse(mediaType, asked string) string {
	if mediaType == "" {
		return asked
	}
	return mediaType
}

func readManifest(text string) (facts, error) {
	var m specs.Manifest
	err := unmarshal(text, &m, "manifests")
	f := facts{"mediaType": orElse(m.MediaType, specs.MediaTypeImageManifest), "layers": len(m.Layers)}
	f.descriptor("config", m.Config)
	for i, layer := range m.Layers {
		f.descriptor("layers."+strconv.Itoa(i), layer)
	}
	f.pairs("annotations", m.Annotations)
	return f, err
}

func readIndex(text string) (facts, error) {
	var x specs.Index
	err := unmarshal(text, &x, "config", "layers")
	f := facts{"mediaType": orElse(x.MediaType, specs.MediaTypeImageIndex), "manifests": len(x.Manifests)}
	for i, d := range x.Manifests {
		f.descriptor("manifests."+strconv.Itoa(i), d)
		if d.Platform != nil {
			f.platform("manifests."+strconv.Itoa(i)+".platform", *d.Platform)
		}
	}
	return f, err
}

func readConfig(text string) (facts, error) {
	var c specs.Image
	err := json.Unmarshal([]byte(text), &c)
	f := facts{"user": c.Config.User, "history": len(c.History)}
	f.list("env", c.Config.Env)
	f.list("entrypoint", c.Config.Entrypoint)
	f.list("cmd", c.Config.Cmd)
	f.set("ports", c.Config.ExposedPorts)
	f.set("volumes", c.Config.Volumes)
	f.pairs("labels", c.Config.Labels)
	f.platform("platform", c.Platform)
	if c.Created != nil {
		f["created"] = c.Created.Unix()
	}
	f["diff_ids"] = len(c.RootFS.DiffIDs)
	for i, id := range c.RootFS.DiffIDs {
		f["diff_ids."+strconv.Itoa(i)] = id
	}
	for i, h := range c.History {
		key := "history." + strconv.Itoa(i)
		f[key+".created_by"] = h.CreatedBy
		f[key+".comment"] = h.Comment
		f[key+".empty_layer"] = h.EmptyLayer
	}
	return f, err
}

func read(kind, text string) (facts, error) {
	switch kind {
	case "index":
		return readIndex(text)
	case "config":
		return readConfig(text)
	case "pod":
		return readPod(text)
	}
	return readManifest(text)
}

// A member of some object: its key's quote, its value's begin and end.
type member struct {
	key              string
	from, start, end int
}

// All members of all objects, those in lists too.
func members(text string) []member {
	var out []member
	d := json.NewDecoder(strings.NewReader(text))
	var walk func()
	walk = func() {
		token, err := d.Token()
		if err != nil {
			panic(err)
		}
		delim, _ := token.(json.Delim)
		for delim != 0 && d.More() {
			var m member
			if delim == '{' {
				m.from = int(d.InputOffset())
				m.from += strings.Index(text[m.from:], `"`)
				key, _ := d.Token()
				m.key = key.(string)
				m.start = int(d.InputOffset()) + 1 // no blank in a base
			}
			walk()
			m.end = int(d.InputOffset())
			if delim == '{' {
				out = append(out, m)
			}
		}
		if delim != 0 {
			_, _ = d.Token()
		}
	}
	walk()
	return out
}

// One change to a base.
type edit struct {
	at, cut int
	put     string
}

// Other ways to spell a key that a reader may take for it.
func spellings(key string) []string {
	out := []string{key, strings.ToUpper(key), strings.ToLower(key),
		strings.ToUpper(key[:1]) + key[1:], `\u00` + strconv.FormatInt(int64(key[0]), 16) + key[1:],
		key + " ", key + `\u0000`, strings.ReplaceAll(key, "_", "")}
	for _, other := range []string{"s\u017f", "S\u017f", "k\u212a", "K\u212a", "i\u0131", "I\u0130",
		"i\u0130", "a\uff41", "s\u0455"} {
		if strings.Contains(key, other[:1]) {
			out = append(out, strings.Replace(key, other[:1], other[1:], 1))
		}
	}
	return out
}

var values = strings.Split(`null|true|0|-0|-1|1|1.0|1e3|-0.0|2147483648|9223372036854775807|`+
	`9223372036854775808|1e400|01|NaN|""|"x"|[]|{}|[null]|[{}]|[[]]|["x"]|["x",null]|`+
	`[1]|{"a":null}|{"a":1}|{"a":"b"}|{"a":{}}|"2026-01-02t03:04:05Z"|"2026-01-02T3:04:05,5Z"|`+
	`"l\u0130nux"|"Windows"|"AMD64"|"e30"|"LAYERS"|"`+specs.MediaTypeImageIndex+`"|"`+dockerManifest+
	`"|"`+strings.Repeat("x", 60)+`"`, "|")

var strange = []string{`\u0041`, `\ud83d\ude00`, `\ud83d`, `\ude00\ud83d`, `\u0000`, `\x41`, `\/`, `\"`,
	`\n`, "\n", "\x00", "\x7f", "\xff", "\xc0\xaf", "\xed\xa0\x80", "\xc3", "\u2028", "\U0001f600",
	"\ufeff", " ", "<", `\u003c`}

func documentEdits(text string) []edit {
	end := len(text)
	out := []edit{{0, 0, ""}}
	for _, head := range []string{"\ufeff", "\xff\xfe", " \r\n\t", "\v", "\u00a0", "//x\n", "[", "null", "{}"} {
		out = append(out, edit{0, 0, head})
	}
	for _, tail := range []string{" \r\n\t", "\x00", "{}", "x", ",", "]", "}", "//x", "/**/", "\ufeff", "\f",
		"\x1a", "null"} {
		out = append(out, edit{end, 0, tail})
	}
	for _, whole := range []string{"", " ", "null", "true", "1", `"x"`, "[]", "{}", "[{}]", "{", `{"a"}`,
		`{,}`, `{"a":1,}`, `{a:1}`, `{'a':1}`} {
		out = append(out, edit{0, end, whole})
	}
	for _, depth := range []int{29, 30, 31, 32, 33, 9998, 9999, 10000} {
		out = append(out, edit{1, 0, `"x":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + ","})
	}
	for _, m := range []string{`"x":1`, `"x":null`, `"":1`, `"x":1e400`, `"x":-`, `"x":1,"x":2`,
		`"x":"\ud83d"`, `"x":{"a":1,"a":2}`, `"x":18446744073709551616`, `"x":1.5e3`, `"x":01`,
		`"fsLayers":[]`, `"manifests":[]`, `"manifests":null`, `"layers":[]`, `"config":{}`, `"config":null`,
		`"subject":{}`, `"subject":1`, `"artifactType":"x"`, `"artifactType":1`, `"history":[]`,
		`"os.version":"1.2.3"`, `"os.features":["a"]`, `"os.features":1`, `"Config":{"User":"0"}`,
		`"container_config":{"User":"0"}`, `"\u0063onfig":{}`, `"schemaVersion":1`, `"SchemaVersion":1`} {
		out = append(out, edit{1, 0, m + ","}, edit{end - 1, 0, "," + m})
	}
	return out
}

// Each key once or twice: `seen` counts them.
func memberEdits(text string, seen map[string]int) []edit {
	var out []edit
	for _, m := range members(text) {
		if seen[m.key]++; seen[m.key] > 2 {
			continue
		}
		for _, value := range values {
			out = append(out, edit{m.start, m.end - m.start, value})
		}
		value := text[m.start:m.end]
		if len(value) > 30 {
			value = `"x"`
		}
		for _, other := range spellings(m.key) {
			key := `"` + other + `":`
			out = append(out, edit{m.from, m.start - m.from, key},
				edit{m.from, 0, key + "null,"}, edit{m.end, 0, "," + key + value})
		}
		if text[m.end] == ',' {
			out = append(out, edit{m.from, m.end + 1 - m.from, ""})
		} else if text[m.from-1] == ',' {
			out = append(out, edit{m.from - 1, m.end + 1 - m.from, ""})
		}
		out = append(out, edit{m.start, 0, " \n"}, edit{m.end, 0, " \t"})
		if text[m.start] == '"' {
			for _, s := range strange {
				out = append(out, edit{m.end - 1, 0, s})
			}
		}
	}
	return out
}

func randomEdits(text string, n int, r *rand.Rand) []edit {
	pieces := strings.Split(`{|}|[|]|"|:|,|\|0|9|-|e|.|null|true|s|K|`+"\u017f|\u212a|\xff| |\n", "|")
	end := func(from, most int) int { return from + r.Intn(min(most, len(text)-from)+1) }
	var out []edit
	for i := 0; i < n; i++ {
		at, from := r.Intn(len(text)), r.Intn(len(text))
		switch i % 3 {
		case 0:
			out = append(out, edit{at, end(at, 2) - at, pieces[r.Intn(len(pieces))]})
		case 1:
			out = append(out, edit{at, end(at, 60) - at, ""})
		case 2:
			out = append(out, edit{at, end(at, 60) - at, text[from:end(from, 60)]})
		}
	}
	return out
}

// What is other than in the base's; what is there no more is null.
func difference(f, base facts) string {
	out := facts{}
	for key := range base {
		out[key] = nil
	}
	for key, value := range f {
		if old, ok := base[key]; ok && old == value {
			delete(out, key)
		} else {
			out[key] = value
		}
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(out); err != nil {
		panic(err)
	}
	return strings.TrimSpace(b.String())
}

// A document, and what becomes of it with each edit.
func writeEdits(t *table, kind, text string, seen map[string]int, r *rand.Rand) {
	known, err := read(kind, text)
	if err != nil {
		panic(err)
	}
	t.row(kind, text, difference(known, nil))
	edits := append(documentEdits(text), memberEdits(text, seen)...)
	for _, e := range append(edits, randomEdits(text, 200, r)...) {
		answer := "!"
		f, err := read(kind, text[:e.at]+e.put+text[e.at+e.cut:])
		if err == nil {
			answer = difference(f, known)
		}
		t.row(strconv.Itoa(e.at), strconv.Itoa(e.cut), e.put, answer)
	}
}

func writeDocuments(folder string) {
	t := newTable("Made by Go's encoding/json with the structs of opencontainers/image-spec.\n" +
		"kind, text, facts: a document;\n" +
		"at, bytes to cut, text to put there: an edit of it, and what changes of its facts,\n" +
		"or \"!\" where Go does not read it")
	r := rand.New(rand.NewSource(6))
	seen := map[string]map[string]int{"manifest": {}, "index": {}, "config": {}}
	for _, base := range bases {
		writeEdits(t, base.kind, digestsOf.Replace(base.text), seen[base.kind], r)
	}
	t.write(folder, "documents.tsv")
}
