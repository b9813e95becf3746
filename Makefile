# Everything TwinDrop needs, from a fresh Debian 12 with Swift 6.3. `make demo` and `make test` set the machine up themselves; once built,
# they work offline. Variables: CONFIGURATION, TEST_FLAGS, PREFIX, DESTDIR, BENCH, MODES.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build
MAKEFLAGS += --no-builtin-rules

# One release build, testable, serves demo, tests, benchmark and installation: a second one would cost minutes on two cores.
CONFIGURATION ?= release
SWIFT_FLAGS := -c $(CONFIGURATION) -Xswiftc -enable-testing --explicit-target-dependency-import-check error
BIN := .build/$(CONFIGURATION)

# Tests start processes, fill disks and measure silence: side by side on two cores they would disturb one another.
TEST_FLAGS ?= --no-parallel

# What test-crash does: modes of Tests/Crash/crash.py and trials of Tests/Crash/daemon.py.
MODES ?= all

PREFIX ?= /usr/local
DESTDIR ?=
BENCH ?= ../shared/bench

# Small cases that were found from outside: intake/NN/run.sh, security/NAME.sh, adt/NN-name/*.py.
FOUND ?= ../shared/found

.PHONY: setup build check test test-crash found demo bench bench-query reference release lint format install uninstall clean help fuzz sanitize coverage

help:
	@sed -n 's/^## //p' Makefile

## make build       the programs, the plugins (.build/plugins) and the tests
build: setup
	swift build $(SWIFT_FLAGS) --build-tests
	scripts/build-plugins $(BIN) .build/plugins

## make setup       the Debian packages that are missing, and Prometheus for its test; nothing when none is
setup:
	@scripts/setup --tests

## make check       what CI asks: the format of every file, then all tests
check: setup
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory test

## make test        all tests but the long ones of test-crash
test: build
	TWINDROP_BIN="$(CURDIR)/$(BIN)" swift test $(SWIFT_FLAGS) --skip-build --disable-xctest $(TEST_FLAGS) $(if $(FILTER),--filter $(FILTER))

## make test-crash  every kill and error at every durable step; MODES=before,after,eio,enospc,short,full,double,random,cut,restore,loss or burst, … only those
test-crash: build
	TWINDROP_BIN="$(CURDIR)/$(BIN)" TWINDROP_CRASH="$(MODES)" swift test $(SWIFT_FLAGS) --skip-build --disable-xctest $(TEST_FLAGS) --filter Crash

## make found       cases found from outside, each by its own judge or that of Tests/Found/judges.py; FOUND=DIR another folder of the same
##                  form, ONLY=intake/02; ALLOW_NOT_RUN=1 where what cannot be run here (without root, without Azure's SDK) is to pass
found: build
	Tests/Azure/run .build/venv packages
	python3 Tests/Found/found.py "$(FOUND)" --build "$(BIN)" --venv .build/venv --only "$(ONLY)" $(if $(ALLOW_NOT_RUN),--allow-not-run)

## make demo        a home, three sources, exports, receipts, proof: in a quarter of a minute once built; builds only what it runs
demo:
	@scripts/build-demo "$(BIN)" $(SWIFT_FLAGS)
	@scripts/demo "$(BIN)"

## make bench       TwinDrop beside its peers (docs/benchmarks.md); needs BENCH=DIR of the peer benchmark
bench: build
	@test -f "$(BENCH)/bench.py" || { echo "make bench: there is no bench.py in $(BENCH). Name its folder: make bench BENCH=DIR" >&2; exit 1; }
	python3 "$(BENCH)/bench.py" --peers "floor,duckdb,postgres,script,twindrop=$(CURDIR)/Benchmarks/peer-runner" $(BENCH_FLAGS)

## make bench-query TwinDrop beside PostgreSQL with jsonb: questions, and point reads with up to 1,000 clients (docs/benchmarks.md)
bench-query: build
	python3 Benchmarks/query-peers/compare.py --build "$(BIN)" $(BENCH_FLAGS)

## make reference   docs/errors.md and docs/commands.md anew, from the sources and the program
reference: build
	scripts/reference errors
	scripts/reference commands "$(BIN)/twindrop"

## make release     a deb package in .build/release-files, and what a container is made of: see scripts/release
release: build
	scripts/release "$(BIN)" .build/plugins .build/release-files

## make lint        the format of every Swift file
lint:
	swift format lint --strict --recursive --parallel --configuration .swift-format Sources Tests Plugins Package.swift

## make format      rewrites every Swift file in that format
format:
	swift format --in-place --recursive --parallel --configuration .swift-format Sources Tests Plugins Package.swift
	git ls-files -z '*.swift' '*.c' '*.h' | xargs -0 scripts/wrap-comments

## make install     PREFIX=/usr/local DESTDIR=: programs, plugins, header, SDK, completions, man pages, systemd unit, licences
install: build
	scripts/install "$(BIN)" .build/plugins "$(DESTDIR)" "$(PREFIX)"

## make uninstall   what install put there, and nothing else
uninstall:
	scripts/install --remove "$(DESTDIR)" "$(PREFIX)"

## make clean       everything that was built
clean:
	rm -rf .build stage

## make fuzz        looks for inputs that break the readers of hostile bytes; TARGET=json, SECONDS_EACH=60 (docs/fuzzing.md)
fuzz: setup
	scripts/fuzz $(if $(TARGET),$(TARGET),all) $(if $(SECONDS_EACH),$(SECONDS_EACH),60)

## make sanitize    the core's tests with a sanitizer; SANITIZERS="thread address c" only those (docs/sanitizers.md)
sanitize: build
	scripts/sanitize $(SANITIZERS)

## make coverage    the share of lines that the core's tests run, target by target
coverage: build
	scripts/coverage
