// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"github.com/containerd/platforms"
	specs "github.com/opencontainers/image-spec/specs-go/v1"
)

// os/arch[/variant], as a policy lists them.
var nodes = strings.Fields(`
linux/amd64 linux/amd64/v1 linux/amd64/v2 linux/amd64/v3 linux/amd64/v4 linux/amd64/3
linux/amd64/v2.1 linux/x86_64 linux/386 linux/i386 linux/arm linux/arm/v5 linux/arm/v6
linux/arm/v7 linux/arm/v8 linux/arm/7 linux/arm/8 linux/arm/v9 linux/armhf linux/armel
linux/arm64 linux/arm64/v8 linux/arm64/8 linux/arm64/v8.0 linux/arm64/v8.1 linux/arm64/v8.5
linux/arm64/v8.9 linux/arm64/v9 linux/arm64/9 linux/arm64/v9.0 linux/arm64/v9.2
linux/arm64/v9.7 linux/arm64/v7 linux/aarch64 linux/riscv64 linux/s390x linux/ppc64le
linux/mips64le linux/loong64 windows/amd64 windows/arm64 darwin/arm64 macos/arm64
freebsd/amd64
`)

// os/arch[/variant[/os.version]]
var images = strings.Fields(`
linux/amd64 Linux/AMD64 LINUX/amd64 linux/amd64/v1 linux/amd64/V1 linux/amd64/1
linux/amd64/v2 linux/amd64/V2 linux/amd64/2 linux/amd64/v3 linux/amd64/v4 linux/amd64/v5
linux/amd64/v2.1 linux/amd64/v02 linux/amd64/v0 linux/amd64/x linux/x86_64 linux/X86-64
linux/x86_64/v1 linux/x86_64/v3 linux/x86 linux/386 linux/i386 linux/386/sse2 linux/386/v1
linux/i386/v1 linux/i486 linux/i686 linux/arm linux/ARM linux/arm/v4 linux/arm/v5
linux/arm/v6 linux/arm/V6 linux/arm/v7 linux/arm/v8 linux/arm/v9 linux/arm/5 linux/arm/6
linux/arm/7 linux/arm/8 linux/arm/9 linux/arm/v07 linux/arm/v7.0 linux/arm/v6.1
linux/arm/hf linux/armhf linux/armel linux/armhf/v6 linux/armv7 linux/arm64 linux/ARM64
linux/arm64/v8 linux/arm64/V8 linux/arm64/8 linux/arm64/v8.0 linux/arm64/8.0 linux/arm64/v8.1
linux/arm64/v8.4 linux/arm64/v8.5 linux/arm64/v8.6 linux/arm64/v8.9 linux/arm64/v8.10
linux/arm64/v08 linux/arm64/v9 linux/arm64/9 linux/arm64/v9.0 linux/arm64/v9.1 linux/arm64/v9.2
linux/arm64/v9.3 linux/arm64/v9.7 linux/arm64/v9.8 linux/arm64/v7 linux/arm64/v10
linux/arm64/x linux/aarch64 linux/AArch64/V8 linux/aarch64/v8.5 linux/aarch64_be linux/riscv64
linux/s390x linux/ppc64le linux/mips64le linux/mips64le/softfloat linux/loong64 linux/wasm
windows/amd64 Windows/amd64 WINDOWS/AMD64//10.0.20348 windows/amd64//10.0.17763
windows/amd64//10.0.17763.1 windows/amd64//10.0.17764 windows/amd64//10.0.20348
windows/amd64//10.0.20348.5 windows/amd64//10.0.20349 windows/amd64//10.0.25398
windows/amd64//10.0.26100 windows/amd64//10.0.26100.9 windows/amd64//10.0.26101
windows/amd64//10.0 windows/amd64//10 windows/amd64//x windows/amd64//10.1.20348
windows/386 windows/arm64 windows/arm macos/arm64 darwin/arm64 macOS/arm64 freebsd/amd64
linux/amd64//1.2.3 android/arm64 wasi/wasm unknown/unknown UNKNOWN/Unknown unknown/amd64
linux/unknown linux-gnu/amd64 *any/amd64 linux/any linux/*
`)

// Letters that become ASCII ones in lower case, and some that only look so.
func odd(names []string) []string {
	var out []string
	for _, name := range names {
		for _, letter := range []string{"i\u0130", "i\u0131", "k\u212a", "s\u017f",
			"n\u212a", "a\u00c5", "a\u212b", "l\uff2c", "x\u03a7"} {
			at := strings.Index(name, letter[:1])
			if at >= 0 {
				out = append(out, name[:at]+letter[1:]+name[at+1:])
			}
		}
	}
	return out
}

func platformOf(text string) specs.Platform {
	parts := append(strings.Split(text, "/"), "", "")
	return specs.Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2],
		OSVersion: parts[3]}
}

// Images and what they are called, then for each node which of them it runs.
func writePlatforms(folder string) {
	t := newTable("Made by containerd/platforms: Normalize, Only.\n" +
		"image, os, architecture, variant, os.version, os, architecture, variant;\n" +
		"node, a 1 for each image that it runs or a 0")
	all := append(images, odd([]string{"linux/amd64", "windows/amd64", "linux/riscv64",
		"linux/386", "linux/s390x", "unknown/unknown", "linux/i386"})...)
	for _, image := range all {
		p := platformOf(image)
		n := platforms.Normalize(p)
		t.row("image", p.OS, p.Architecture, p.Variant, p.OSVersion, n.OS, n.Architecture,
			n.Variant)
	}
	for _, node := range nodes {
		matcher := platforms.Only(platformOf(node))
		runs := []byte{}
		for _, image := range all {
			runs = append(runs, '0')
			if matcher.Match(platformOf(image)) {
				runs[len(runs)-1] = '1'
			}
		}
		t.row("node", node, string(runs))
	}
	t.write(folder, "platforms.tsv")
}
