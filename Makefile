# `make demo` and `make test` need Python 3.11 or newer and nothing else prepared.
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/ready
BIN := $(VENV)/bin

# The tests start Python very often; without compiled modules each start compiles all of the service.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test test-slow check inlined lock clean

demo: $(READY)
	@$(BIN)/paperround demo

test: check
	$(BIN)/pytest

test-slow: $(READY)
	$(BIN)/pytest -m slow --maxschedchunk=1

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The environment is made once; after that neither command needs the network.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Paperround needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	@echo "Making the environment in $(VENV) (once)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $(READY)

# After a change of templates/mail: its html with the styles inlined.
inlined: $(READY)
	$(BIN)/python -m tests.inlined

# Names, versions, markers and hashes; no address of a registry. Needs uv. Without the extra `benchmarks`, which is large.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --extra dev --extra postgres --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --upgrade --output-file requirements.lock pyproject.toml >/dev/null

clean:
	rm -rf $(VENV) paperround-demo
