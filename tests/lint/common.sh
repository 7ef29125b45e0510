# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What the scripts beside this one share. Each looks at the whole tree, prints
# nothing but what it finds and one last line, and fails where it found
# something.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# Every C file whose name matches, sorted.
c_files() {
    find certs policy server tests -name "$1" -type f | LC_ALL=C sort
}

# How C is compiled, without the warnings and the hardening of a build.
read -r -a cflags <<<"-std=gnu11 -D_GNU_SOURCE -I. -pthread $(pkg-config \
    --cflags libmicrohttpd gnutls libcurl libcrypto jansson yaml-0.1)"
cflags+=('-DPOLICY_GATE_VERSION="lint"')

# A name, what was looked at, and 0 or not: the last line.
finish() {
    if (($3 == 0)); then
        echo "$1: $2, nothing found"
    else
        echo "$1: failed"
        exit 1
    fi
}
