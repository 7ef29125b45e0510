# policy-gate: see README.md. `make help` lists the targets.

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
PREFIX ?= /usr/local
SAN ?=
E2E ?= 1
T ?=
NODEPS ?=
S ?= 60
V ?=
B := build$(if $(SAN),/$(SAN))$(if $(COV),/cov)

CC = gcc
Q := $(if $(V),,@)
PKG_CONFIG ?= pkg-config
LIBS := libmicrohttpd gnutls libcurl libssl libcrypto jansson yaml-0.1 sqlite3 \
	libseccomp

WARN := -Wall -Wextra -Werror -Wshadow -Wconversion -Wsign-conversion \
	-Wstrict-prototypes -Wmissing-prototypes -Wcast-qual -Wwrite-strings \
	-Wvla -Wformat=2
HARDEN := -fstack-protector-strong -fstack-clash-protection -fPIE
# Others have no such thing, and say so by an error.
HARDEN += $(if $(findstring x86_64,$(shell $(CC) -dumpmachine)),-fcf-protection)
# FORTIFY needs an optimiser and hides errors from the sanitizers.
OPT := $(if $(SAN)$(COV),-O1 -fno-omit-frame-pointer,-O2 -D_FORTIFY_SOURCE=2)
CFLAGS ?= -g
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -I. -pthread $(WARN) $(HARDEN) $(OPT) \
	$(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all) \
	$(if $(COV),--coverage) \
	$(shell $(PKG_CONFIG) --cflags $(LIBS)) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now -Wl,--as-needed -pthread \
	$(if $(SAN),-fsanitize=$(SAN)) $(if $(COV),--coverage) $(LDFLAGS)
LDLIBS = $(shell $(PKG_CONFIG) --libs $(LIBS)) $(ARCHIVE)
# The shared libarchive brings 40 MB of libraries for formats that nobody
# reads here: take the static one if it is there.
ARCHIVE = $(if $(STATIC_ARCHIVE),$(STATIC_ARCHIVE) -lz,-larchive)
STATIC_ARCHIVE = $(wildcard \
	$(shell $(PKG_CONFIG) --variable=libdir libarchive)/libarchive.a)

SRC := $(sort $(wildcard policy/*.c policy/*/*.c certs/*.c server/*/*.c))
ASM := $(wildcard policy/presets/*.S server/cli/*.S)
OBJ := $(SRC:%.c=$B/%.o) $(ASM:%.S=$B/%.o)
LIB_OBJ := $(filter-out $B/server/cli/main.o,$(OBJ))
LIB := $B/libpolicy-gate.a
UNIT := $(patsubst %.c,$B/%,$(sort $(wildcard tests/unit/*_test.c)))
# Shared by several test programs: tests/unit/*.c that is no test itself.
UNIT_LIB := $(patsubst %.c,$B/%.o,$(filter-out %_test.c,$(wildcard tests/unit/*.c)))

# Memory that runs out on purpose (tests/unit/alloc.h). A shared library calls
# malloc itself, where --wrap has no effect: take the static libyaml if it is
# there.
UNIT_LDFLAGS := $(foreach f,malloc calloc realloc reallocarray strdup strndup \
	asprintf arena_calloc arena_strdup arena_strndup arena_printf,\
	-Wl,--wrap=$f)
UNIT_LDLIBS = $(wildcard \
	$(shell $(PKG_CONFIG) --variable=libdir yaml-0.1)/libyaml.a)

.PHONY: all
all: $B/policy-gate

.PHONY: help
help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## make               build build/policy-gate
$B/policy-gate: $B/server/cli/main.o $(LIB)
	@echo "  LD    $@"
	$Q$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

$(LIB): $(LIB_OBJ)
	@rm -f $@
	$Q$(AR) rcs $@ $^

$B/%.o: %.c | build/.deps-build
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$Q$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$B/%.o: %.S | build/.deps-build
	@mkdir -p $(@D)
	$Q$(CC) -I. -MMD -MP -c -o $@ $<

$B/policy/presets/presets.o: $(wildcard policy/presets/*.yaml)
$B/server/cli/page.o: server/cli/page.css server/cli/page.js

# The one place where the version is compiled in.
$B/server/cli/version.o: ALL_CFLAGS += -DPOLICY_GATE_VERSION='"$(VERSION)"'
$B/server/cli/version.o: $B/version

# Sanitizers and coverage make system calls and files of their own.
$B/server/cli/sandbox.o: ALL_CFLAGS += $(if $(SAN)$(COV),-DINSTRUMENTED=1)

.PHONY: FORCE
$B/version: FORCE
	@mkdir -p $(@D)
	@echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' >$@

# libarchive ends the program where its memory runs out, which no test is to
# bring about: the shared one calls malloc itself.
$B/tests/unit/%_test: ARCHIVE = -larchive
$B/tests/unit/%_test: $B/tests/unit/%_test.o $(UNIT_LIB) $(LIB)
	@echo "  LD    $@"
	$Q$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(UNIT_LDFLAGS) -o $@ $^ -lcmocka \
		$(UNIT_LDLIBS) $(LDLIBS)

# Those that `make test` is to run.
UNIT_T := $(if $(T),$(foreach u,$(UNIT),$(if $(strip $(foreach t,$(T),\
	$(findstring $t,unit/$(notdir $u)))),$u)),$(UNIT))

.PHONY: unit-build
unit-build: $(UNIT)

$(UNIT:=.o) $(UNIT_LIB): | build/.deps-test

## make deps          install by apt what is missing (a build does so itself;
##                    NODEPS=1 leaves it out)
.PHONY: deps
deps:
	$Qtests/deps build test e2e demo bench lint image deb

# A set of packages is looked after once, and again when the list changes.
build/.deps-%: tests/deps
	@mkdir -p build
	$Q$(if $(NODEPS),:,tests/deps $* && touch $@)

## make test          run all tests; E2E=0 leaves out those with an API server,
##                    T="TEXT..." takes only programs whose path contains a
##                    text, SAN=address,undefined or SAN=thread builds with
##                    sanitizers, COV=1 tells which lines and branches were run
.PHONY: test
test: build/.deps-test $(if $(COV),build/.deps-coverage) $(if $(filter 0,$(E2E)),,build/.deps-e2e) all $(UNIT_T)
	$(if $(COV),$Qfind $B -name '*.gcda' -delete)
	$Qtests/run --build $B --e2e '$(E2E)' --match '$(T)' \
		$(if $(COV),&& status=0 || status=1; tests/coverage $B; exit $$status)

## make golden        write tests/data/golden anew, after a look at what differs
.PHONY: golden
golden: all
	$QGOLDEN=write BUILD=$B tests/integration/golden_test.py

## make tables        ask other programs anew how they read what tests/data/tables
##                    holds, after a look at what differs; needs Go
.PHONY: tables
tables:
	$Qcd tests/tables && PATH=$$PATH:/usr/local/go/bin go run . ../data/tables

# Everything once more with clang, which has libFuzzer.
FUZZ := $(patsubst tests/fuzz/%_fuzz.c,%,$(wildcard tests/fuzz/*_fuzz.c))
# What several harnesses share; the registry and the slow globs are those of
# the unit tests.
FUZZ_LIB := $(patsubst %.c,$B/%.o,$(filter-out %_fuzz.c,$(wildcard tests/fuzz/*.c))) \
	$B/tests/unit/registry_fake.o $B/tests/unit/plain_glob.o
# Inputs that stand elsewhere already.
SEEDS_policy := policy/presets tests/data/policies
FUZZ_MAKE = $(MAKE) --no-print-directory B=build/fuzz CC=clang \
	OPT='-O1 -fno-omit-frame-pointer' \
	CFLAGS='-g -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all'

$B/tests/fuzz/%_fuzz: $B/tests/fuzz/%_fuzz.o $(FUZZ_LIB) $(LIB)
	@echo "  LD    $@"
	$Q$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $^ -lcmocka \
		$(LDLIBS)

## make fuzz          try made-up input for S seconds; T=NAME one parser only
.PHONY: fuzz
fuzz: $(addprefix fuzz-,$(or $(T),$(FUZZ)))

# All that are wanted at once: two that build do not meet then.
.PHONY: fuzz-build
fuzz-build: build/.deps-lint
	+$Q$(FUZZ_MAKE) $(patsubst %,build/fuzz/tests/fuzz/%_fuzz,$(or $(T),$(FUZZ)))

# What was found so far.
CORPUS := tests/data/fuzz/corpus.tar.xz
build/fuzz/.corpus: $(CORPUS)
	@mkdir -p $(FUZZ:%=build/fuzz/corpus/%)
	@tar -xJf $< -C build/fuzz/corpus && touch $@

.PHONY: $(FUZZ:%=fuzz-%)
$(FUZZ:%=fuzz-%): fuzz-%: fuzz-build build/fuzz/.corpus
	$(FUZZ_Q)build/fuzz/tests/fuzz/$*_fuzz -max_total_time=$(S) -timeout=10 \
		-rss_limit_mb=1024 -artifact_prefix=build/fuzz/ \
		$(patsubst %,-dict=%,$(wildcard tests/fuzz/$*.dict)) \
		build/fuzz/corpus/$* $(wildcard tests/data/fuzz/$*) $(SEEDS_$*) \
		$(FUZZ_TELL)

## make fuzz-smoke    the same, 20 seconds each, a line each
.PHONY: fuzz-smoke
fuzz-smoke: S = 20
fuzz-smoke: FUZZ_Q = @
fuzz-smoke: FUZZ_TELL = >build/fuzz/$*.log 2>&1 || \
	{ tail -n 60 build/fuzz/$*.log; exit 1; }; \
	echo "$*: $$(tail -n 1 build/fuzz/$*.log)"
fuzz-smoke: fuzz

## make fuzz-corpus   keep of what was found the least that reaches as much
.PHONY: fuzz-corpus $(FUZZ:%=least-%)
fuzz-corpus: $(FUZZ:%=least-%)
	tar --sort=name --owner=0 --group=0 --numeric-owner --mode=a+rX,go-w \
		--mtime=@0 -C build/fuzz/least -cJf $(CORPUS) $(FUZZ)

$(FUZZ:%=least-%): least-%: fuzz-build build/fuzz/.corpus
	@rm -rf build/fuzz/least/$* && mkdir -p build/fuzz/least/$*
	build/fuzz/tests/fuzz/$*_fuzz -set_cover_merge=1 -use_counters=0 \
		build/fuzz/least/$* build/fuzz/corpus/$* \
		$(wildcard tests/data/fuzz/$*) $(SEEDS_$*) 2>/dev/null

## make lint          formatting, layers, static analysis, scripts
.PHONY: lint
lint: build/.deps-build build/.deps-lint
	$Qtests/lint/run

## make bench-registry  time spent on a registry 50 ms away, beside skopeo
.PHONY: bench-registry
bench-registry: build/.deps-test all
	$QBUILD=$B tests/bench/registry

## make bench-check   time and memory of the command line, beside skopeo
.PHONY: bench-check
bench-check: build/.deps-test build/.deps-bench all
	$QBUILD=$B tests/bench/check

$B/tests/bench/policy: $B/tests/bench/policy.o $B/tests/unit/judge.o \
		$B/tests/unit/alloc.o $(LIB)
	@echo "  LD    $@"
	$Q$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(UNIT_LDFLAGS) -o $@ $^ -lcmocka \
		$(UNIT_LDLIBS) $(LDLIBS)

$B/tests/bench/floor: $B/tests/bench/floor.o $(LIB)
	@echo "  LD    $@"
	$Q$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

## make bench         throughput, latency and memory of the webhook, beside a
##                    server that does no more than parse; REVIEWS=N for the
##                    long run, 1000000 by default
REVIEWS ?= 1000000
.PHONY: bench
bench: build/.deps-test all $B/tests/bench/floor
	$QBUILD=$B tests/bench/serve --reviews $(REVIEWS)

## make soak          two gates among faults, reloads and restarts for S seconds,
##                    7200 by default, each answer compared with check's
.PHONY: soak
soak: S = 7200
soak: build/.deps-test all
	$QBUILD=$B nice tests/soak --seconds $(S)

## make bench-policy  time and memory that judging takes, facts at hand
.PHONY: bench-policy
bench-policy: build/.deps-test $B/tests/bench/policy
	$Q$B/tests/bench/policy tests/bench/policy.yaml

## make demo          watch an API server refuse a bloated image
.PHONY: demo
demo: build/.deps-demo all
	$QBUILD=$B tests/demo

## make manual        write the man page and the completions anew, from --help
.PHONY: manual
manual: all
	$Qdeploy/man/generate $B/policy-gate deploy

SHARE = $(DESTDIR)$(PREFIX)/share
ZSH = $(PREFIX)/share/zsh/site-functions

## make install       into $(DESTDIR)$(PREFIX), /usr/local by default
.PHONY: install
install: all
	install -D -m 0755 $B/policy-gate $(DESTDIR)$(PREFIX)/bin/policy-gate
	install -D -m 0644 deploy/man/policy-gate.1 \
		$(SHARE)/man/man1/policy-gate.1
	install -D -m 0644 deploy/completions/policy-gate.bash \
		$(SHARE)/bash-completion/completions/policy-gate
	install -D -m 0644 deploy/completions/_policy-gate \
		$(DESTDIR)$(ZSH)/_policy-gate
	install -D -m 0644 -t $(SHARE)/policy-gate policy/schema.json
	install -D -m 0644 -t $(SHARE)/policy-gate/presets \
		policy/presets/*.yaml

## make deb           the Debian package, build/deb/policy-gate_VERSION_ARCH.deb
.PHONY: deb
deb: build/.deps-deb all
	$Qdeploy/deb $B '$(VERSION)'

## make image         the container image as an OCI layout, build/image;
##                    FRESH=1 with Debian's latest fixes
.PHONY: image
image: build/.deps-image
	$Qdeploy/image $B/image '$(VERSION)'

.PHONY: clean
## make clean         remove build/
clean:
	rm -rf build

-include $(OBJ:.o=.d) $(UNIT:=.d) $(UNIT_LIB:.o=.d) $(wildcard $B/tests/fuzz/*.d)
.SECONDARY:
