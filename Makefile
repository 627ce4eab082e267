# `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

BIN := .bin

# The version is the nearest tag; a clone without tags is some commit after v0.0.0.
VERSION ?= $(shell git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null \
	|| git log -1 --format='v0.0.0-%cd-%h' --date=format:%Y%m%d%H%M%S 2>/dev/null \
	|| echo v0.0.0-unknown)
COMMIT ?= $(shell git rev-parse --verify --quiet HEAD || echo unknown)
COMMIT_DATE ?= $(shell TZ=UTC0 git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ 2>/dev/null || echo 1970-01-01T00:00:00Z)
TREE_STATE ?= $(shell [ -z "$$(git status --porcelain 2>/dev/null)" ] && echo clean || echo dirty)

VERSION_PACKAGE := k8s.io/component-base/version
LDFLAGS = -s -w \
	-X $(VERSION_PACKAGE).gitVersion=$(VERSION) \
	-X $(VERSION_PACKAGE).gitCommit=$(COMMIT) \
	-X $(VERSION_PACKAGE).gitTreeState=$(TREE_STATE) \
	-X $(VERSION_PACKAGE).buildDate=$(COMMIT_DATE)

# Options of the demo: --once ends it after the last step, --empty plays nothing.
DEMO_FLAGS ?=

# Which tests of the Python clients, as unittest names them: test_cli, test_pages.Paginators, -v; all if empty.
CLIENTS_TESTS ?=

# How many seeds the simulation runs, from which on, and how often each, until it fails.
SEEDS ?= 200
SEED ?= 1
REPEAT ?= 1

# It repeats what failed, and what that said, below everything else.
GOTESTSUM = $$(go -C '$(CURDIR)/hack/tools/gotestsum' tool -n gotestsum)

# Folders with tests of tools, in whichever module under hack/tools.
TOOL_TESTS = $(sort $(dir $(shell find hack/tools -name '*_test.go')))

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z][a-z0-9-]*:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the controller and the EC2 simulator into .bin
	@CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags='$(LDFLAGS)' -o $(BIN)/ ./cmd/multi-eni-controller ./cmd/ec2-simulator

# Without -trimpath it shares the compiled packages of the unit tests.
.PHONY: build-race
build-race: ## Build the controller with the race detector into .bin/race, for the end-to-end tests
	@CGO_ENABLED=1 go build -race -buildvcs=false -ldflags='$(LDFLAGS)' -o $(BIN)/race/ ./cmd/multi-eni-controller

# The sandbox waits most of the time, and the simulation computes all of it: they run side by side.
.PHONY: test
test: test-unit test-tools test-prometheus ## Run every test: unit, sync, simulation and end to end
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target test-simulation test-e2e

.PHONY: test-unit
test-unit: ## Run the tests of the product, with the race detector
	$(GOTESTSUM) --format=pkgname --format-hide-empty-pkg -- -race -timeout=25m ./...

# With the race detector, test-unit has run 200 of the seeds already.
.PHONY: test-simulation
test-simulation: ## Run 2,000 seeds of the simulation, and one virtual day of the soak
	nice -n 10 go test -count=1 -timeout=30m ./hack/simulation -run '^TestSeeds$$'
	nice -n 10 go test -count=1 -timeout=30m ./hack/simulation -run '^TestSoak$$'

.PHONY: simulate
simulate: ## Run SEEDS=N seeds of the simulation from SEED=K on, REPEAT=R times each; stops at the first violation
	@go test -count=1 -timeout=0 ./hack/simulation -run '^TestSeeds$$' -v -args -seeds=$(SEEDS) -seed=$(SEED) -repeat=$(REPEAT)

# How many virtual days the soak lasts, and how many Nodes it has.
SOAK_DAYS ?= 7
SOAK_NODES ?= 200

.PHONY: soak
soak: ## Soak the controller in virtual time: SOAK_DAYS=7 days of churn with SOAK_NODES=200 nodes
	@go test -count=1 -timeout=0 ./hack/simulation -run '^TestSoak$$' -v -args -days=$(SOAK_DAYS) -nodes=$(SOAK_NODES) -seed=$(SEED)

# Which worlds the benches measure: full takes all, anything else leaves the largest special ones out.
BENCH ?=
FIGURES := $(CURDIR)/.bench/latest.json

# PROFILE=1 takes CPU and heap profiles of the controller in real time, into .bench/profiles.
PROFILE ?=
PROFILES = $(if $(PROFILE),-profile='$(CURDIR)/.bench/profiles')

# A bench that fails keeps neither the others from running nor the figures from being shown.
.PHONY: bench
bench: ## Measure speed and cost beside the least possible into .bench/latest.json; BENCH=full measures all worlds
	@rm -f '$(FIGURES)'; failed=; \
	go test -count=1 -timeout=0 ./hack/bench/virtual -run '^TestBench$$' -v -args -sizes='$(or $(BENCH),some)' -figures='$(FIGURES)' || failed=1; \
	(cd hack/sandbox && go run ./scale -sizes='$(or $(BENCH),some)' -figures='$(FIGURES)' $(PROFILES)) || failed=1; \
	go run ./hack/bench -figures='$(FIGURES)' || failed=1; \
	[ -z "$$failed" ]

# Which of the mutants, by name; all if empty.
MUTANTS ?=

.PHONY: mutants
mutants: ## Plant known faults into the controller, each of which the simulation must find within 500 seeds
	@go run ./hack/simulation/mutants $(MUTANTS)

.PHONY: test-tools
test-tools: ## Run the tests of the project's own tools
	@for folder in $(TOOL_TESTS); do (set -x; go -C "$$folder" test -timeout=10m .); done

# The first time it compiles Prometheus.
.PHONY: test-prometheus
test-prometheus: ## Have Prometheus read the metrics, fire the alerts and run the queries of the dashboard
	cd hack/prometheus && go vet ./... && go test -count=1 -timeout=15m ./...

.PHONY: test-e2e
test-e2e: control-plane ## Run the sandbox's tests: the real binaries on a real API server
	cd hack/sandbox && go vet ./... && $(GOTESTSUM) --format=pkgname --format-hide-empty-pkg -- -count=1 -timeout=20m ./...

# How many control planes and controllers there are at a time; most of the time they wait.
CHAOS_PARALLEL ?= 6

# Which of the tests of the chaos, as go test names them; all if empty.
CHAOS_TESTS ?=

.PHONY: chaos
chaos: control-plane ## Kill the controller at every call, and cut it off for a minute, in every way
	cd hack/sandbox && go test -v -count=1 -timeout=90m -parallel=$(CHAOS_PARALLEL) -run='$(CHAOS_TESTS)' ./chaos -args -all

.PHONY: test-console
test-console: ## Run the tests of the simulator's console in headless Chromium
	@command -v chromium >/dev/null || { echo "test-console needs Chromium: install Debian's package chromium" >&2; exit 1; }
	cd hack/console && go vet ./... && go test -count=1 -timeout=10m ./...

.PHONY: test-clients
test-clients: ## Test the EC2 simulator with Debian's boto3 and AWS CLI
	@hack/clients/test.sh $(CLIENTS_TESTS)

.PHONY: control-plane
control-plane: ## Provide kube-apiserver, etcd and kubectl, once for every clone on this machine
	@cd hack/sandbox && go run ./cmd/controlplane

.PHONY: demo
demo: ## Show the controller at work; DEMO_FLAGS=--once ends after the last step
	@go -C hack/sandbox build -o '$(CURDIR)/$(BIN)/demo' ./cmd/demo
	@exec $(BIN)/demo $(DEMO_FLAGS)

.PHONY: print-version
print-version: ## Print the version as the image's build arguments want it
	@echo 'version=$(VERSION)'
	@echo 'commit=$(COMMIT)'
	@echo 'date=$(COMMIT_DATE)'
	@echo "epoch=$$(git log -1 --format=%ct)"

# The image, the cluster's name and the Region that install.yaml names; what is empty is left to who installs.
IMAGE ?=
CLUSTER_NAME ?=
REGION ?=

.PHONY: install-yaml
install-yaml: ## Render the manifests as one file, .dist/install.yaml, with IMAGE=, CLUSTER_NAME= and REGION= put in
	@mkdir -p .dist
	@IMAGE='$(IMAGE)' CLUSTER_NAME='$(CLUSTER_NAME)' REGION='$(REGION)' hack/install-yaml.sh > .dist/install.yaml

.PHONY: verify
verify: ## Check generated files, lint, vet, format and module files
	@failed=; for script in hack/verify-*.sh; do \
		echo "$$script"; \
		"$$script" || failed="$$failed $$script"; \
	done; \
	[ -z "$$failed" ] || { echo "failed:$$failed" >&2; exit 1; }

.PHONY: update
update: ## Write generated files anew
	@for script in hack/update-*.sh; do echo "$$script"; "$$script"; done

.PHONY: vuln
vuln: ## Look for known vulnerabilities in what is shipped; needs https://vuln.go.dev, or a copy in GOVULNDB
	@hack/vuln.sh

.PHONY: clean
clean: ## Remove what the other targets built in this clone
	rm -rf $(BIN) .bench .dist
