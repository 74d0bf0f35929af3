# Everything that is done with this project, each thing one word.
# On Debian 12 with Go and root nothing else is needed: deps installs the rest.

GO ?= go
export GOFLAGS := -buildvcs=false

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: deps
# sshd and dig are for tests alone: the demo puts none on anybody's machine.
deps: ## Install what a bare Debian lacks for the lab and the tests (root)
	@sh lab/deps.sh openssh-server bind9-dnsutils

.PHONY: build
build: ## Build build/wharfinger and build/lab
	@mkdir -p build
	CGO_ENABLED=0 $(GO) build -trimpath -o build/wharfinger ./cmd/wharfinger
	CGO_ENABLED=0 $(GO) build -trimpath -o build/lab ./cmd/lab

.PHONY: test
# Those from end to end wait for Swarms most of the time, so the others run beside
# them. Some build the program themselves, which go test's cache does not see.
test: deps ## Run all tests, on real engines and a real nginx (root)
	@$(MAKE) --no-print-directory -j2 test-e2e test-packages

# What takes part of the tests from end to end to the other lane, so that both take
# about as long.
SECOND_LANE = ^TestInterlock.

.PHONY: test-e2e test-packages
test-e2e:
	$(GO) test -count=1 -timeout 30m -v -skip '$(SECOND_LANE)' ./e2e/...
test-packages:
	$(GO) test -count=1 -timeout 25m $$($(GO) list ./... | grep -v -e /e2e -e /nginx$$)
	$(GO) test -count=1 -timeout 15m -v ./nginx
	$(MAKE) --no-print-directory fuzz FUZZTIME=10s
	E2E_LAB=e2e2 $(GO) test -count=1 -timeout 30m -v -run '$(SECOND_LANE)' ./e2e/...

.PHONY: test-engine
test-engine: deps ## Run the tests with whole Swarms on engine 28, which the lab fetches (root)
	LAB_ENGINE=28 $(GO) test -count=1 -timeout 20m ./swarm
	LAB_ENGINE=28 $(GO) test -count=1 -timeout 25m -v ./e2e/...

.PHONY: quick
quick: ## Run the tests that need neither root nor a lab
	$(GO) test -short ./...

.PHONY: race
race: ## Run the tests of the concurrent packages under the race detector (root)
	@sh lab/deps.sh gcc libc6-dev
	$(GO) test -short -race ./watcher/... ./git/... ./server/... ./feedback/...

.PHONY: lint
lint: ## Check format, vet and staticcheck
	@test -z "$$(gofmt -l .)" || { gofmt -d .; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

.PHONY: golden
golden: ## Write the golden files anew; look at git diff afterwards
	$(GO) generate ./route
	GOLDIE_UPDATE=1 $(GO) test -count=1 ./route ./interlock ./generator ./cmd/wharfinger

FUZZTIME ?= 1m
FUZZERS = $(shell grep -rno --include='*_test.go' '^func Fuzz[A-Za-z]*' . | sed -E 's|^\./(.*)/[^/]*:[0-9]+:func (.*)|\1/\2|' | sort)

.PHONY: fuzz
# One after the other, for go test takes one at a time. Their cache goes away again:
# it would grow for ever, and each run begins with all that is in it. What breaks
# something is kept in testdata/fuzz of its package. When time is up, go test now and
# then fails with nothing but "context deadline exceeded" (go.dev/issue/75804, mended in Go 1.27).
fuzz: deps ## Look for input that breaks something, with each fuzzer for FUZZTIME (root)
	@cache=$$(mktemp -d) && trap 'rm -rf "$$cache"' EXIT && for f in $(FUZZERS); do \
		echo "$${f##*/} in $${f%/*}"; \
		$(GO) test -run '^$$' -fuzz "^$${f##*/}$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x -timeout 0 \
			./$${f%/*} -args -test.fuzzcachedir="$$cache" 2>&1 | tee "$$cache/log"; \
		grep -q '^ok' "$$cache/log" || \
			{ grep -q 'context deadline exceeded' "$$cache/log" && ! grep -q 'Failing input' "$$cache/log"; } || exit 1; \
	done

.PHONY: demo
demo: ## Bring up a Swarm on this machine and route a request through it; NODES=8 follows docs/host-mode.md (root)
	@sh lab/deps.sh
	@$(GO) run ./cmd/lab demo $(if $(NODES),--nodes $(NODES))

.PHONY: demo-down
demo-down: ## Remove everything that the demo made
	@$(GO) run ./cmd/lab demo-down

.PHONY: bench
# Each benchmark is one run of pairs by turns; nothing else should run meanwhile.
bench: deps ## Measure everything against something else, and write the table to docs/performance.md (root)
	@sh lab/deps.sh unbound wrk
	@{ $(GO) test -run '^$$' -bench . -benchtime 1x -timeout 30m ./bench && \
		$(GO) test -run '^$$' -bench . -benchtime 1x -timeout 10m ./swarm && \
		$(GO) test -run '^$$' -bench . -benchtime 1x -timeout 30m ./e2e; } | $(GO) run ./bench/table docs/performance.md
