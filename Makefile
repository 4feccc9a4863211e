# Upkeep. `make` lists what there is to make. Needs Docker with Compose v2, Go and make; see README.md.
#
# Variables (make X VAR=value):
#   E2E            only the end-to-end scenarios whose name matches     (all; e.g. E2E='TestStack/crash')
#   E2E_TIMEOUT    how long all of them may take                        (30m)
#   E2E_KEEP       1 = leave the e2e stack running, to look around      (0)
#   GOTESTFLAGS    more flags for the unit tests, e.g. '-run TestX -v'
#   HISTORIES      random histories for each rule of the watchdog       (5000; nightly 100000)
#   SEED           of those histories                                   (always the same; nightly the date)
# and those of .env.example, which Compose reads from .env or from the environment.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

export UPKEEP_REVISION ?= $(shell git rev-parse --short HEAD 2>/dev/null)

E2E         ?=
E2E_TIMEOUT ?= 30m
GOTESTFLAGS ?=
HISTORIES   ?= 5000

MODULES  = $(shell sed -n 's,^[[:space:]]*\./\([^ ]*\).*,\1,p' go.work)
UNIT     = $(filter-out deploy/e2e,$(MODULES))
# Modules outside of the workspace: what they need shall not raise what the services are built with.
OUTSIDE  = deploy/platform deploy/platform/apiserver prometheus/oracle
image_of = $(shell sed -n 's,^[[:space:]]*image:[[:space:]]*\($(1):[^[:space:]]*\).*,\1,p' docker-compose.yml | head -n 1)
STAGES  := lint test-unit properties rules dashboards contract e2e

.PHONY: help up down logs demo test nightly mutants $(STAGES) images tools tidy bench pulled-images

help: ## this list
	@echo 'Upkeep: keeps a backend up, and shows why it went down.'; echo
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r n d; do printf '  make %-12s %s\n' "$$n" "$$d"; done

up: ## build and start the stack, wait until every service is healthy
	docker compose up -d --build --wait

down: ## stop and remove the containers; data stays in the volumes
	docker compose down

logs: ## follow what the API and the watchdog say
	docker compose logs -f --tail=20 api watchdog

demo: ## break the API on purpose and watch the stack heal it (under two minutes)
	@deploy/demo.sh

test: ## everything that is checked: the stages below, one after the other
	@failed=(); began=$$SECONDS; \
	for stage in $(STAGES); do \
	  printf '\n== %s ==\n' "$$stage"; t=$$SECONDS; \
	  if $(MAKE) "$$stage"; then verdict=PASS; else verdict=FAIL; failed+=("$$stage"); fi; \
	  printf '== %s: %s in %d s ==\n' "$$stage" "$$verdict" $$((SECONDS - t)); \
	done; \
	printf '\n%d s in all. ' $$((SECONDS - began)); \
	if (( $${#failed[@]} )); then echo "FAILED: $${failed[*]}"; exit 1; fi; echo 'PASS: $(STAGES)'

lint: bin/golangci-lint ## static checks of every module, and their go.mod files; builds for macOS and Windows
	@for m in $(MODULES) $(OUTSIDE); do GOWORK=off go -C "$$m" mod tidy -diff || { echo "$$m: run make tidy"; exit 1; }; done
	go vet work
	bin/golangci-lint run $(addprefix ./,$(addsuffix /...,$(MODULES)))
	@for os in darwin windows; do GOOS=$$os go build ./services/watchdog ./services/api || exit 1; done

test-unit: ## unit tests with the race detector
	go test -race $(GOTESTFLAGS) $(addprefix ./,$(addsuffix /...,$(UNIT)))

properties: ## hold each rule of the watchdog against random histories
	go -C services/watchdog test -count=1 -timeout 0 -v -run '^TestRule' ./internal/supervise -rapid.checks=$(HISTORIES) $(addprefix -rapid.seed=,$(SEED)) | grep -vE '^=== '

mutants: ## do the tests notice when the watchdog's rules or the alerts are broken on purpose? takes long
	MUTANTS=. go -C services/watchdog test -count=1 -timeout 0 -v -run '^TestMutants$$' ./internal/supervise
	go -C prometheus run . mutants -image '$(call image_of,prom/prometheus)'

nightly: HISTORIES = 100000
nightly: SEED = $(shell date +%Y%m%d)
nightly: properties mutants ## what takes too long for make test: 100,000 histories for each rule, mutants, 50 kills of the watchdog, a Kubernetes API server
	GOWORK=off go -C prometheus/oracle test ./...
	GOWORK=off go -C deploy/platform/apiserver test -count=1 -timeout 0 ./...
	go -C deploy/e2e test -count=1 -v -timeout $(E2E_TIMEOUT) -run '^TestHeal/the_watchdog_is_killed' ./heal -kills 50

rules: ## check and test the alert rules, check what setup renders, with the programs of the pinned images
	go -C prometheus run . slo -check
	go -C prometheus run . gaps
	PROMETHEUS_IMAGE='$(call image_of,prom/prometheus)' prometheus/check.sh
	deploy/tools/check-receivers.sh '$(call image_of,prom/alertmanager)'

dashboards: ## check that grafana/dashboards, and the copies in deploy/kubernetes, are what their modules make
	go -C grafana run . -check
	go -C deploy/kubernetes run . -check

contract: ## do rules, panels, Compose file, .env.example and code agree with each other?
	go -C deploy/e2e test -short ./...
	GOWORK=off go -C deploy/platform test -short ./...

e2e: ## the whole stack on the real engine, scenario by scenario
	go -C deploy/e2e test -count=1 -v -timeout $(E2E_TIMEOUT) -p 1 -run '$(or $(E2E),^Test(Stack|Heal|Process))' ./...
	$(if $(E2E),,GOWORK=off go -C deploy/platform test -count=1 -v -timeout $(E2E_TIMEOUT) -run Restore .)

bench: ## recovery time beside Docker's own restart policy, memory, image sizes, scrape time
	go -C deploy/bench run .

images: ## build the images of the services
	docker compose build

tools: bin/golangci-lint ## build the pinned tools into bin/

tidy: ## tidy every go.mod
	@for m in $(MODULES) $(OUTSIDE) deploy/tools; do GOWORK=off go -C "$$m" mod tidy; done

pulled-images: # the images that the tests need and that are not built here
	@{ sed -n 's,^[[:space:]]*image:[[:space:]]*\([^[:space:]]*\).*,\1,p' docker-compose.yml | grep -vE 'upkeephq|node-exporter|caddy'; \
	  sed -n 's,^FROM[[:space:]]*\(golang:[^[:space:]]*\).*,\1,p' deploy/Dockerfile; echo busybox:1.37.0; } | sort -u

bin/golangci-lint: deploy/tools/go.mod deploy/tools/go.sum
	GOWORK=off go -C deploy/tools build -trimpath -ldflags '-s -w' -o ../../bin/ tool
	@touch $@
