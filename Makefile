# The one entry. Every habit is a target; what it does stands in cmake/ and tools/.
#   make          builds build/release/sensorvision
#   make run      installs what is missing, builds, starts the demo in the foreground
#   make test     installs what is missing, runs every suite; last line: N passed, N failed
#   make help     all targets
.DEFAULT_GOAL := build
SHELL         := /bin/sh
MAKEFLAGS     += --no-print-directory
T       ?= 60
DATA    ?= ./var
ARGS    ?=
OPERATIONS ?= 10000000
PREFIX  ?= /usr/local
DESTDIR ?=
SERVER  := build/release/sensorvision

.PHONY: build run test check format layers headers symbols lengths banned leftovers docs hardening probes \
        asan ubsan tsan fuzz cover bench bench-probes bench-batching bench-flood loadtest fmt crash-long backup-long clean install help

help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-18s %s\n", $$1, $$2}'

build: ## the server, build/release/sensorvision
	@tools/setup.sh build
	@cmake --preset release >/dev/null
	@cmake --build build/release --target sensorvision

run: build ## the demo in the foreground, data in ./var (DATA=DIR, ARGS='--http 127.0.0.1:9000')
	@exec $(SERVER) serve --demo --data $(DATA) $(ARGS)

test: ## every suite, in under 15 minutes on two cores
	@tools/setup.sh build test
	@tools/unpack.sh
	@tools/npm_clients.sh
	@tools/run_tests.sh all

check: ## format, layers, headers, symbols, lengths, banned calls, leftovers, probes, generated docs, hardening, analyser
	@tools/setup.sh build test dev
	@tools/check.sh

format layers headers symbols lengths banned leftovers probes docs hardening: ## one of the checks alone
	@tools/check.sh $@

asan ubsan tsan: ## every C test under that sanitizer
	@tools/setup.sh build
	@tools/run_tests.sh $@

fuzz: ## every fuzz target for T seconds each (make fuzz T=600)
	@tools/setup.sh build dev
	@tools/fuzz.sh $(T)

cover: ## line and branch coverage of src/ by the C tests and the system suite
	@tools/setup.sh build test dev
	@tools/cover.sh

bench: build ## the load and its table, bench/README.md
	@bench/run.sh

bench-probes: build ## what the probes cost: the server with and without them, in turns
	@node bench/probes.mjs

bench-batching: build ## readings in groups against one write each, on both stores
	@node bench/batching.mjs

bench-flood: build ## ingest beside a flood of analytics
	@node bench/analytics_flood.mjs

loadtest: build ## the pilot's promises under load, and their table (bench/README.md)
	@bench/pilot.sh

bench-indexes: ## what each index of PostgreSQL saves on a pilot's year (half an hour, 12 GB below build/)
	@tools/setup.sh build test
	@cmake --preset release >/dev/null
	@cmake --build build/release --target bench_indexes
	@TMPDIR=$(CURDIR)/build build/release/bench_indexes $(ARGS)

model-long: ## R7 at length: OPERATIONS random ones on each store against the model (hours)
	@tools/setup.sh build test
	@cmake --preset release >/dev/null
	@cmake --build build/release --target embedded_telemetry_test postgres_telemetry_test postgres_random_test
	@R7_OPERATIONS=$(OPERATIONS) build/release/embedded_telemetry_test
	@R7_OPERATIONS=$(OPERATIONS) build/release/postgres_telemetry_test
	@R7_OPERATIONS=$(OPERATIONS) build/release/postgres_random_test

crash-long: ## the long form of the crash suites (hours); prints its figures
	@tools/setup.sh build test
	@SV_LONG=1 tools/run_tests.sh crash

backup-long: build ## R12 at length: 100 backups under ingest, each restored and compared (some minutes)
	@BACKUP_ROUNDS=100 node --test --test-reporter=$(CURDIR)/tools/node_reporter.mjs tests/system/backup.test.mjs

fmt: ## clang-format over every source file
	@tools/setup.sh test
	@git ls-files -z 'src/*.[ch]' 'tests/*.[ch]' 'bench/*.[ch]' 'tools/*.[ch]' | xargs -0 clang-format-14 -i

install: build ## to DESTDIR/PREFIX
	@DESTDIR="$(DESTDIR)" cmake --install build/release --prefix "$(PREFIX)"

clean: ## every build; ./var is data and stays
	@rm -rf build
