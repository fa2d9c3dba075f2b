# Skytools. `make help` lists the targets.

PREFIX ?= /usr/local
DESTDIR ?=
FUZZTIME ?= 30s
# Packages whose tests run under the race detector.
RACE ?= ./...
# Flags for go test, for example -v or -run NAME.
TESTFLAGS ?=
# A pg_config of another server for extension, installcheck and the tests.
ifdef PG_CONFIG
export PG_CONFIG
endif
pg_config = $(or $(PG_CONFIG),$(lastword $(sort $(wildcard /usr/lib/postgresql/*/bin/pg_config))),pg_config)

GO ?= go
# For packages: BUILDFLAGS=-trimpath, which shares no build cache with the tests.
BUILDFLAGS ?=
GOTEST ?= $(GO) test
VERSION := $(shell git describe --tags --match 'v*' 2>/dev/null | sed 's/^v//')
COMMIT := $(shell git rev-parse HEAD 2>/dev/null)
LDFLAGS := -X skytools/lib/cli.version=$(VERSION) -X skytools/lib/cli.commit=$(COMMIT)
staticcheck := $(GO) tool -modfile=.ci/tools.mod staticcheck

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F'|' '{ printf "  %-14s %s\n", $$1, $$2 }'

.PHONY: build
build: ## build the programs into bin/
	scripts/setup build
	@mkdir -p bin
	$(GO) build $(BUILDFLAGS) -buildvcs=false -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...

.PHONY: install
install: build ## install programs and man pages; DESTDIR=, PREFIX=/usr/local
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 bin/* $(DESTDIR)$(PREFIX)/bin
	for page in man/*.[1-8]; do \
	    dir=$(DESTDIR)$(PREFIX)/share/man/man$${page##*.} && install -d $$dir && install -m 644 $$page $$dir || exit; done

.PHONY: demo
demo: ## show the whole system at work, events on stdout; DEMO_SECONDS=20
	@scripts/setup demo
	@$(MAKE) -s build >&2
	@scripts/demo

.PHONY: test
test: ## run all tests; installs what they need when root
	scripts/setup test
	$(GOTEST) -timeout 20m $(TESTFLAGS) ./...

.PHONY: race
race: ## run tests under the race detector; RACE='packages'
	$(GOTEST) -race -timeout 20m $(TESTFLAGS) $(RACE)

.PHONY: matrix
matrix: ## run what depends on the server on 14, 16, 17 and 18; MAJORS='17 18'
	scripts/setup matrix
	scripts/matrix $(MAJORS)

.PHONY: sanitize
sanitize: ## run the C module's tests under the address sanitizer
	scripts/setup matrix
	scripts/sanitize

.PHONY: valgrind
valgrind: ## run the C module under valgrind
	scripts/setup valgrind
	scripts/valgrind

.PHONY: e2e
e2e: ## run the end-to-end scripts only
	$(GO) test -run Script $(TESTFLAGS) ./cmd/...

.PHONY: cover
cover: ## run all tests and show what they cover, programs included
	rm -rf build/cover && mkdir -p build/cover/unit build/cover/tools
	GOCOVERDIR=$(CURDIR)/build/cover/tools $(GO) test -cover -coverpkg=./... ./... -args -test.gocoverdir=$(CURDIR)/build/cover/unit
	$(GO) tool covdata textfmt -i=build/cover/unit,build/cover/tools -o build/cover/profile
	$(GO) tool cover -func=build/cover/profile | tail -1

.PHONY: soak
soak: ## run the long proofs; SOAK_SEED=, SOAK_SECONDS=, SOAK_KILLS=
	SOAK=1 $(GO) test -v -timeout 0 $(TESTFLAGS) ./lib/soak ./lib/peers ./lib/consumer ./extension

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME=30s
	@for pkg in $$($(GO) list ./...); do \
	    for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	        echo "$$pkg $$f" && $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$pkg || exit; \
	    done; done

.PHONY: bench
bench: build ## compare with peers, into bench/RESULTS.md
	scripts/bench

.PHONY: extension
extension: ## make the extensions' scripts; see extension/Makefile for install
	$(MAKE) -C extension PG_CONFIG=$(pg_config) all

.PHONY: installcheck
installcheck: ## test the installed extensions on the running server
	$(MAKE) -C extension PG_CONFIG=$(pg_config) installcheck

.PHONY: fmt
fmt: ## format the Go files
	gofmt -s -w $$(git ls-files '*.go')

.PHONY: lint
lint: ## gofmt, go vet, staticcheck
	@bad=$$(gofmt -s -l $$(git ls-files '*.go')) && { [ -z "$$bad" ] || { echo "not formatted (make fmt):" $$bad >&2; exit 1; }; }
	$(GO) vet ./...
	$(staticcheck) ./...

.PHONY: man-lint
man-lint: ## check the man pages
	mandoc -Tlint -W warning man/*.[1-8]

.PHONY: check
check: lint man-lint test ## everything that a change must pass

.PHONY: clean
clean: ## remove what was built
	rm -rf bin build dist
