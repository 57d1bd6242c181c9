# `make help` lists the targets. Nothing is written outside this tree but Go's own caches.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help build demo deps check arch lint fmt tidy-check test short chaos fuzz bench cover vuln clean

GO       ?= go
FUZZTIME ?= 10s
BENCH    ?=
COUNT    ?= 5
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

# Tools are pinned. The linter takes minutes to build, so it is kept, under its version.
GOLANGCI_VERSION    := v2.15.0
GOVULNCHECK_VERSION := v1.9.0
BENCHSTAT_VERSION   := v0.0.0-20260908200009-22c9c6c9d4da
GOLANGCI := bin/tools/golangci-lint-$(GOLANGCI_VERSION)
export GOLANGCI_LINT_CACHE := $(CURDIR)/bin/lint-cache

# One way to compile for the binary, the linter and the tests without the race detector: on a fresh machine each other way costs
# minutes. What only a debugger reads is left out, a fifth of the compiler's time: neither the binary nor a test has it anyway, and
# traces have their lines without it.
export CGO_ENABLED := 0
export GOFLAGS     := -trimpath -gcflags=all=-dwarf=false

# Less garbage collection in the compiler, the linter and the tests: a fifth of their processor time, for memory that a machine with two
# cores has.
export GOGC := 400

# $(call stage,NAME,COMMAND) runs the command and says in one line how it went and how many seconds it took.
define stage
	@begin=$$(date +%s); \
	if $(2); then echo "-- $(1): ok, $$(($$(date +%s) - begin)) s"; \
	else code=$$?; echo "-- $(1): FAILED after $$(($$(date +%s) - begin)) s"; exit $$code; fi
endef

help: ## list the targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | while IFS="$$(printf '\t')" read -r target text; do \
		printf '  %-12s %s\n' "$$target" "$$text"; done

build: ## build bin/dialerd, a static binary
	$(call stage,build,$(GO) build -ldflags "-s -w -X main.version=$(VERSION)" -o bin/dialerd ./cmd/dialerd)

demo: build ## build, then show the whole main job on this machine, with nobody called
	./bin/dialerd demo

deps: ## install what the tests need (Debian: redis-server chromium iproute2 gcc), or say what is missing
	$(call stage,deps,./.ci/deps)

check: arch lint tidy-check ## everything that needs no test run: shape, lint, format, go.mod

arch: ## who imports whom, and what no file may contain
	$(call stage,arch,$(GO) test .)

lint: $(GOLANGCI) ## lint and format check
	$(call stage,lint,$(GOLANGCI) run --allow-parallel-runners ./...)

fmt: $(GOLANGCI) ## format every file
	$(GOLANGCI) fmt ./...

tidy-check: ## go.mod and go.sum are complete, and modules are what they were
	$(call stage,tidy-check,$(GO) mod tidy -diff && $(GO) mod verify)

# The packages whose tests take longest come first, so that none of them is left alone with two cores at the end.
test: deps check build ## everything but long soaks; what .ci/run calls
	$(call stage,test with race detector,CGO_ENABLED=1 $(GO) test -race -short -vet=off -shuffle=on -timeout 12m -p 3 ./cmd/dialerd ./dialer ./store ./...)
	$(call stage,test whole and demo,GO=$(GO) ./.ci/whole)

short: ## the tests without the slow ones and without the race detector
	$(call stage,short,$(GO) test -short ./...)

chaos: ## daemons, Redis and API fail at random for CHAOS_SECONDS=1800, CHAOS_LEADS=2000 a round; CHAOS_SEED= for one round again
	$(call stage,chaos,CHAOS_SECONDS=$(or $(CHAOS_SECONDS),1800) CHAOS_LEADS=$(or $(CHAOS_LEADS),2000) $(GO) test -run TestChaos -v -timeout 2h ./cmd/dialerd)

fuzz: ## run each fuzz target for FUZZTIME=10s
	$(call stage,fuzz,./.ci/fuzz $(FUZZTIME))

bench: build ## each figure of docs/benchmarks.md with its baseline (15 min); BENCH=regexp for some, or any other benchmark COUNT=5 times
	$(call stage,bench,GO=$(GO) BENCH='$(BENCH)' COUNT=$(COUNT) BENCHSTAT=$(BENCHSTAT_VERSION) ./.ci/bench)

cover: ## statements covered, per package and in all
	@mkdir -p bin
	$(GO) test -coverprofile bin/cover.out ./...
	@$(GO) tool cover -func bin/cover.out | tail -n 1

vuln: ## known vulnerabilities in what we import; asks a database on the internet
	$(GO) run golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION) ./...

clean: ## remove what was built
	rm -rf bin

$(GOLANGCI):
	$(call stage,build golangci-lint,GOBIN=$(CURDIR)/bin/tools $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION))
	@mv bin/tools/golangci-lint $@
