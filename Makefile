# Tasks of this repository. `make check` is what CI runs.

GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null)
FUZZTIME ?= 30s
CRASHES  ?= 1000
BENCH    ?= .

# Packages that the race detector is for: those with a goroutine in their code or tests.
RACE ?= $(or $(addprefix ./,$(sort $(dir $(shell git grep -lE -e '^[[:space:]]*go [a-z]' -e '\.Go\>' -- '*.go' ':!*/testdata/*' 2>/dev/null)))),./...)

# Published Okta payloads beside the checkout. Without them some tests are skipped.
export TENTERHOOK_SAMPLES ?= $(wildcard $(CURDIR)/../shared/okta/samples)

.PHONY: help tools build test race fuzz crash bench lint check examples schema clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "%-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

tools: ## install the tools that some tests need beyond Go
	@.ci/tools

build: ## build bin/tenterhook, sharing the build cache with go test and go run
	$(GO) build -ldflags '-s -w -X main.version=$(VERSION)' -o bin/tenterhook .

test: ## run all tests
	$(GO) test $(VET) ./...

race: ## run the tests of packages with goroutines under the race detector, shortened
	$(GO) test $(VET) -race -short $(RACE)

fuzz: ## run every fuzz target for FUZZTIME
	@for f in $$(git grep -l '^func Fuzz' -- '*_test.go'); do \
	  for t in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' $$f); do \
	    echo "$$t ($$(dirname $$f))"; $(GO) test -run '^$$' -fuzz "^$$t\$$" -fuzztime $(FUZZTIME) ./$$(dirname $$f) || exit 1; \
	  done; \
	done

crash: ## kill and power-cut the ledger and the program CRASHES times each
	TENTERHOOK_CRASH_ROUNDS=$(CRASHES) $(GO) test -count 1 -timeout 24h -v -run '^(TestKill|TestKillFullDisk|TestPowerCut)$$' ./engine/ledger
	TENTERHOOK_CRASH_ROUNDS=$(CRASHES) $(GO) test -count 1 -timeout 24h -v -run '^TestBinary$$/^Crash$$' ./engine/cli

bench: ## run benchmarks matching BENCH, in benchstat's format
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

lint: ## check formatting, vet, staticcheck and go.mod
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo 'gofmt these:'; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) mod tidy -diff

examples: build ## build the examples' modules; check and test every example policy with the program
	@for d in examples/*/modules/src/*/; do \
	  GOOS=wasip1 GOARCH=wasm $(GO) build -trimpath -buildmode=c-shared -ldflags '-s -w' -o $$d/../../$$(basename $$d).wasm ./$$d || exit 1; \
	done
	@for d in examples/*/; do bin/tenterhook check $$d && bin/tenterhook test $$d || exit 1; done

schema: ## generate the JSON Schema of policy files
	$(GO) generate ./rules

# lint has vetted everything, so that the tests need not.
check: VET = -vet=off
check: tools lint build test race examples schema ## run everything, and require a clean tree
	@test -z "$$(git status --porcelain)" || { echo 'the tree is not clean:'; git status --short; exit 1; }

clean: ## remove what the targets made
	rm -rf bin
	$(GO) clean -testcache
