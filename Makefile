# The environment is always .venv: made by uv where it is present, else by Python's own
# venv and pip from the same lock, hashes checked either way.
UV     := $(shell command -v uv 2>/dev/null)
PYTHON ?= $(shell command -v python3 2>/dev/null)
BIN    := .venv/bin
READY  := .venv/ready
SPREAD := -n auto --dist loadfile # a process a core; a file's tests share their daemons

.PHONY: sandbox test check lock parts test-parts coverage starts bench faults hosts screenshots wheel clean

sandbox: $(READY)          ## run the exchange (ONCE=1 stops after it)
	@$(BIN)/entraclaw sandbox $(if $(ONCE),--once)

test: $(READY)             ## the tests that need nothing but Python
	@$(BIN)/python -m pytest -q -m "not parts and not long" $(SPREAD)

check: $(READY)            ## everything a reviewer would complain about
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python .ci/lock.py --check

parts: $(READY)            ## install the external programs and libraries that test-parts and hosts use
	@bash .ci/parts

test-parts: $(READY)       ## the tests that need those programs, and those that take long
	@$(BIN)/python -m pytest -q -m "parts or long"

coverage: $(READY)         ## the tests again, measured; `make test` is what judges them
	@$(BIN)/coverage erase
	-@$(BIN)/coverage run -m pytest -q -m "not parts and not long" $(SPREAD)
	@$(BIN)/coverage combine -q
	@$(BIN)/coverage report
	@$(BIN)/python .ci/decides.py

starts: $(READY)           ## how fast a command and an MCP session start, as one JSON line
	@$(BIN)/python .ci/starts.py

bench: $(READY)            ## speed, beside what is compared with; the last line has every figure (SHORT=1: quick)
	@PYTHONPATH=tests $(BIN)/python -m bench

faults: $(READY)           ## break the exchange, CYCLES=40 SEED= ONLY=words; SELF_CHECK=1 plants defects
	@PYTHONPATH=tests $(BIN)/python -m faults

hosts: $(READY)            ## the real hosts, woken in every way; a JSON line each (SHORT=1: quick; ONLY=words)
	@PYTHONPATH=tests $(BIN)/python -m hosts

screenshots: $(READY)      ## the pictures in docs/images, from a running sandbox in Chromium
	@bash .ci/screenshots

lock: $(READY)             ## write uv.lock and its copies for pip anew
	uv lock --upgrade
	$(BIN)/python .ci/lock.py

wheel: $(READY)            ## build, install elsewhere, and run the exchange from there
	@bash .ci/wheel

clean:
	rm -rf .venv build dist .parts .coverage*

$(READY): pyproject.toml uv.lock .ci/requirements.txt
ifneq ($(UV),)
	@echo "making .venv with uv, once …"
	@uv sync --locked --all-extras --compile-bytecode --quiet
else ifneq ($(PYTHON),)
	@echo "making .venv with pip, once; this takes about a minute …"
	@$(PYTHON) -m venv .venv
	@# The copy of the lock is whole: pip must add nothing, and looks for no newer release.
	@$(BIN)/python -m pip install --quiet --require-hashes --no-deps --only-binary :all: -r .ci/requirements.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
else
	@echo "entraclaw: error: neither uv nor python3 is here" >&2
	@echo "entraclaw: hint: install Python 3.11 or newer, or uv (https://docs.astral.sh/uv)" >&2
	@exit 1
endif
	@touch $(READY)
