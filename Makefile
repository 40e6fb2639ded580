# Two commands on a fresh clone do everything: `make demo` and `make test`.
# Nothing is needed but Python 3.11 or newer and make: uv and all libraries go into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
JOBS ?= 2

.PHONY: setup demo test lint check requirements clean

setup: $(READY)

$(READY): requirements.txt pyproject.toml
	@echo "Setting up in $(VENV): about 5 GB of libraries (PyTorch with its CUDA parts), once."
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==0.13.9"
	$(BIN)/uv pip install --quiet --python $(BIN)/python --requirement requirements.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $(READY)

demo: setup
	$(BIN)/python -m signflow.cli.main demo

test: setup check
	$(BIN)/pytest -n $(JOBS) --dist worksteal

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The pinned versions: run this after changing the dependencies in pyproject.toml.
requirements: setup
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-emit-index-url \
		--no-emit-find-links --extra dev --constraint constraints.txt pyproject.toml --output-file requirements.txt

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
