# What a person or a machine does with this repository. `make check` is what CI runs.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
FUZZTIME ?= 30s
CRASHES ?= 1000
BENCH   ?= .
SAMPLES := $(wildcard $(CURDIR)/../shared/okta/samples)

# Published Okta payloads, where they lie beside the checkout; the tests that read them are skipped elsewhere.
export TENTERHOOK_SAMPLES ?= $(SAMPLES)

.PHONY: help tools build test race fuzz crash bench lint check examples schema clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "%-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

tools: ## what some tests use beyond Go, where it can be installed
	@.ci/tools

build: ## the program, as bin/tenterhook
	$(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/tenterhook .

test: ## every test
	$(GO) test ./...

race: ## every test under the race detector, the long ones shortened
	$(GO) test -race -short ./...

fuzz: ## every fuzz target for FUZZTIME
	@for f in $$(git grep -l '^func Fuzz' -- '*_test.go'); do \
	  for t in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' $$f); do \
	    echo "$$t ($$(dirname $$f))"; $(GO) test -run '^$$' -fuzz "^$$t\$$" -fuzztime $(FUZZTIME) ./$$(dirname $$f) || exit 1; \
	  done; \
	done

crash: ## kill and power-cut the ledger and the program CRASHES times each
	TENTERHOOK_CRASH_ROUNDS=$(CRASHES) $(GO) test -count 1 -timeout 24h -v -run '^(TestKill|TestPowerCut)$$' ./engine/ledger
	TENTERHOOK_CRASH_ROUNDS=$(CRASHES) $(GO) test -count 1 -timeout 24h -v -run '^TestBinary$$/^Crash$$' ./engine/cli

bench: ## benchmarks matching BENCH, in benchstat's format
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

lint: ## format, vet, staticcheck, tidy
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo 'gofmt these:'; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) mod tidy -diff

examples: build ## build the examples' modules, then check and test every example policy with the program itself
	@for d in examples/*/modules/src/*/; do \
	  GOOS=wasip1 GOARCH=wasm $(GO) build -trimpath -buildmode=c-shared -ldflags '-s -w' -o $$d/../../$$(basename $$d).wasm ./$$d || exit 1; \
	done
	@for d in examples/*/; do bin/tenterhook check $$d && bin/tenterhook test $$d || exit 1; done

schema: ## write the JSON Schema of policy files anew
	$(GO) generate ./rules

check: tools lint build test race examples schema ## all of it, and nothing left changed
	@test -z "$$(git status --porcelain)" || { echo 'the tree is not clean:'; git status --short; exit 1; }

clean: ## what the targets made
	rm -rf bin
	$(GO) clean -testcache
