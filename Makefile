# Everything that is done with this project, each thing one word.
# On Debian 12 with Go and root nothing else is needed: deps installs the rest.

GO ?= go
export GOFLAGS := -buildvcs=false

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: deps
deps: ## Install what a bare Debian lacks for the lab, the tests and the demo (root)
	@sh lab/deps.sh

.PHONY: build
build: ## Build build/wharfinger and build/lab
	@mkdir -p build
	CGO_ENABLED=0 $(GO) build -trimpath -o build/wharfinger ./cmd/wharfinger
	CGO_ENABLED=0 $(GO) build -trimpath -o build/lab ./cmd/lab

.PHONY: test
# Some tests build the program themselves, which go test's cache does not see.
test: deps ## Run all tests, on real engines and a real nginx (root)
	$(GO) test -count=1 -timeout 10m $$($(GO) list ./... | grep -v -e /e2e -e /nginx$$)
	$(GO) test -count=1 -timeout 10m -v ./nginx
	$(GO) test -count=1 -timeout 20m -v ./e2e/...

.PHONY: quick
quick: ## Run the tests that need neither root nor a lab
	$(GO) test -short ./...

.PHONY: race
race: ## Run the tests of the concurrent packages under the race detector (root)
	@sh lab/deps.sh gcc libc6-dev
	$(GO) test -race ./watcher/... ./git/... ./server/...

.PHONY: lint
lint: ## Check format, vet and staticcheck
	@test -z "$$(gofmt -l .)" || { gofmt -d .; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

.PHONY: golden
golden: ## Write the golden files anew; look at git diff afterwards
	GOLDIE_UPDATE=1 $(GO) test -count=1 ./route ./generator ./cmd/wharfinger

.PHONY: fuzz
fuzz: ## Look for input that breaks the parser, for FUZZTIME (default 1m)
	$(GO) test -run '^$$' -fuzz FuzzParse -fuzztime $(or $(FUZZTIME),1m) ./route

.PHONY: demo
demo: deps ## Bring up a Swarm on this machine and route a request through it (root)
	@$(GO) run ./cmd/lab demo

.PHONY: demo-down
demo-down: ## Remove everything that the demo made
	@$(GO) run ./cmd/lab demo-down

.PHONY: bench
bench: ## Measure the pure part of the way, from YAML to shards
	$(GO) test -run '^$$' -bench . -benchmem ./bench/...
