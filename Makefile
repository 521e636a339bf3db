# READY's commands. `make help` lists them; what they do is in ready/local/ and benchmarks/.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PORT ?= 8000
CORPUS ?= ../shared/corpus
COUNT ?= 10000000
METERS ?= 300
MONTHS ?= 2
MODE ?= quick
FAULT ?=
SEED ?= 11
ARGS ?=
UV_VERSION := 0.13.9

venv := .venv/bin/python
install := "$(PYTHON)" -I ready/local/install.py
local := $(venv) -m ready.local
beside_servers := $(local) servers -- $(venv) -m
# A million meters' keys lie all over the memory: with pages of 2 MiB the processor finds them faster.
huge_pages := GLIBC_TUNABLES=glibc.malloc.hugetlb=1 PYTHONMALLOC=malloc
lock := .venv/bin/uv pip compile --quiet --generate-hashes --custom-compile-command "make lock" --universal --python-version 3.11

.DEFAULT_GOAL := help
.PHONY: help run test check format lint types imports templates pytest coverage matrix mutants \
	audit-libraries corpus bench-decode fuzz wrong-keys bench-readings bench-pages bench-visible chaos \
	load bombs screenshots chromium install lock clean

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' Makefile | \
		while IFS='	' read -r name text; do printf '  make %-13s %s\n' "$$name" "$$text"; done

# ── The two that matter ─────────────────────────────────────────────────────────────────────────
run: ## start READY with its demo until Ctrl-C (PORT=8000, READY_DATA_DIR=.ready-data)
	@$(install) requirements.lock
	@PORT="$(PORT)" exec $(local) run --stop-with-parent

test: install ## every check and every test; what CI runs (ARGS="-k words" for pytest)
	@exec $(local) test -- $(ARGS)

# ── Parts of test ───────────────────────────────────────────────────────────────────────────────
check: install ## everything of test but the tests themselves
	@exec $(local) test --only format lint types imports templates django migrations messages

format: install ## format the code and sort its imports
	@$(venv) -m ruff check --quiet --fix-only --select I .
	@$(venv) -m ruff format .

lint: install ## ruff: format and rules
	@exec $(local) test --only format lint

types: install ## mypy
	@exec $(local) test --only types

imports: install ## who may import whom
	@exec $(local) test --only imports

templates: install ## djlint
	@exec $(local) test --only templates

pytest: install ## the tests alone (ARGS="tests/meters -k exchange")
	@exec $(local) test --only translations pytest -- $(ARGS)

coverage: install ## every branch of wmbus/ by its own tests; fails below 100 %
	@exec $(venv) -m pytest -n0 -q tests/wmbus --cov=wmbus --cov-branch --cov-fail-under=100 $(ARGS)

matrix: install ## who may do what: every cell of the access matrix (make test asks a sixth)
	@READY_MATRIX=all exec $(local) test --only translations pytest -- tests/matrix tests/rules/test_walls_taken.py $(ARGS)

mutants: install ## take one wall away at a time; a test must notice each
	@exec $(beside_servers) benchmarks.mutants $(ARGS)

audit-libraries: install ## known weaknesses of the libraries (asks PyPI; fails where it cannot)
	@exec $(venv) -m pip_audit --strict --requirement requirements.lock --require-hashes \
		--disable-pip $(ARGS)

# ── Longer measurements ─────────────────────────────────────────────────────────────────────────
corpus: install ## decode every telegram of CORPUS (../shared/corpus) and compare
	@exec $(venv) -m benchmarks.corpus "$(CORPUS)" $(ARGS)

bench-decode: install ## telegrams decoded a second
	@$(huge_pages) exec $(venv) -m benchmarks.bench_decode $(ARGS)

fuzz: install ## broken telegrams at the decoder (COUNT=10000000)
	@exec $(venv) -m benchmarks.fuzz --count "$(COUNT)" --corpus "$(CORPUS)" $(ARGS)

wrong-keys: install ## random wrong keys at the decoder, for each security mode (COUNT=10000000)
	@exec $(venv) -m benchmarks.wrong_keys --count "$(COUNT)" $(ARGS)

bench-readings: install ## storing and asking for readings (METERS=300 MONTHS=2 ARGS=--years)
	@exec $(local) servers --measured -- $(venv) -m benchmarks.bench_readings --meters "$(METERS)" --months "$(MONTHS)" $(ARGS)

bench-pages: install ## server time of pages at many meters (METERS=100000)
	@exec $(beside_servers) benchmarks.bench_pages --meters "$(if $(filter 300,$(METERS)),100000,$(METERS))" $(ARGS)

bench-visible: install ## from a push to the page, against a running `make run` (PORT=8000)
	@exec $(venv) -m benchmarks.bench_visible --port "$(PORT)" $(ARGS)

chaos: install ## faults on purpose, nothing lost (MODE=quick|full|mutants FAULT=name SEED=11)
	@exec $(venv) -m benchmarks.chaos --mode "$(MODE)" $(if $(FAULT),--fault "$(FAULT)") --seed "$(SEED)" $(ARGS)

load: install ## telegrams a second from push to reading, and bad days (ARGS="--duration 20 --meters 2000")
	@exec $(venv) -m benchmarks.load $(ARGS)

bombs: install ## hostile push bodies: time and memory of each
	@exec $(venv) -m benchmarks.load --meters 100 --duration 1 --scenario 1 --backlog 500 --only bombs $(ARGS)

screenshots: install chromium ## pictures of the pages of a running READY, into build/
	@exec $(venv) -m benchmarks.screenshots --port "$(PORT)" $(ARGS)

# ── Tools ───────────────────────────────────────────────────────────────────────────────────────
install: ## make .venv hold what requirements-dev.lock lists
	@$(install) requirements-dev.lock

chromium: ## Debian's Chromium for the browser tests (asks for root's password if needed)
	@command -v chromium >/dev/null || { \
		sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
		$$sudo apt-get update -q && $$sudo apt-get install -q -y --no-install-recommends chromium; }

lock: install ## write the requirements*.lock files anew from pyproject.toml (ARGS="--upgrade")
	@$(lock) $(ARGS) --extra local pyproject.toml -o requirements.lock
	@$(lock) $(ARGS) --extra local --extra dev pyproject.toml -o requirements-dev.lock
	@echo "uv==$(UV_VERSION)" | $(lock) - -o requirements-uv.lock

clean: ## remove .venv, build/ and the tools' caches; data in .ready-data stay
	@rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
