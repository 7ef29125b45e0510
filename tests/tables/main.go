// SPDX-License-Identifier: Apache-2.0

// Tables of what other programs read in references, platforms, units, YAML, image
// documents and pods: "make tables" writes them, unit tests compare with them.
package main

import (
	"fmt"
	"log"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
)

// Rows that say the same are written once.
type table struct {
	out  strings.Builder
	seen map[string]bool
}

func newTable(about string) *table {
	t := &table{seen: map[string]bool{}}
	for _, line := range strings.Split(about, "\n") {
		t.out.WriteString("# " + line + "\n")
	}
	return t
}

func (t *table) row(cells ...string) {
	for i, cell := range cells {
		cells[i] = escape(cell)
	}
	line := strings.Join(cells, "\t") + "\n"
	if !t.seen[line] {
		t.seen[line] = true
		t.out.WriteString(line)
	}
}

func (t *table) write(folder, name string) {
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(t.out.String()), 0o666); err != nil {
		log.Fatal(err)
	}
}

// As tests/unit/table.h tells: \xNN is a byte, \N*C is N times the byte C.
func escape(s string) string {
	const runMin = 8
	var b strings.Builder
	for i := 0; i < len(s); {
		n := i
		for n < len(s) && s[n] == s[i] {
			n++
		}
		n -= i
		if n < runMin {
			n = 1
		}
		if n > 1 {
			fmt.Fprintf(&b, `\%d*`, n)
		}
		switch c := s[i]; {
		case c < ' ' || c > '~' || c == '\\' || (c == '#' && i == 0):
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
		i += n
	}
	return b.String()
}

// The texts, with one to three characters of each changed.
func mutated(texts []string, pieces []string, each int, r *rand.Rand) []string {
	var out []string
	for _, text := range texts {
		for i := 0; i < each; i++ {
			s := text
			for n := 1 + r.Intn(3); n > 0; n-- {
				at := r.Intn(len(s) + 1)
				end := at + r.Intn(2)
				if end > len(s) {
					end = len(s)
				}
				piece := ""
				if r.Intn(4) > 0 {
					piece = pieces[r.Intn(len(pieces))]
				}
				s = s[:at] + piece + s[end:]
			}
			out = append(out, s)
		}
	}
	return out
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: tables FOLDER")
	}
	writeReferences(os.Args[1])
	writePlatforms(os.Args[1])
	writeUnits(os.Args[1])
	writeDocuments(os.Args[1])
	writePods(os.Args[1])
	writeYAML(os.Args[1])
}
