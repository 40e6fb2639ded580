# Two commands on a fresh clone do everything: `make demo` and `make test`.
# Nothing is needed but Python 3.11 or newer and make: uv and all libraries go into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
JOBS ?= 2

SIGNFLOW := $(BIN)/signflow

# The demo's set and nets. `make demo DEMO=tiny DEMO_SET="--train 60 --val 20 --test 20"` makes another.
DEMO ?= demo
DEMO_SET ?=
DEMO_TRAINING ?= --batch-size 16 --lr 1e-4 --epochs 10
NETS := spatial temporal early-fusion late-fusion
RUNS := $(addprefix runs/$(DEMO)/,$(NETS))

.PHONY: setup demo test check requirements clean

setup: $(READY)

$(READY): requirements.txt pyproject.toml
	@echo "Setting up in $(VENV): about 5 GB of libraries (PyTorch with its CUDA parts), once."
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==0.13.9"
	$(BIN)/uv pip install --python $(BIN)/python --requirement requirements.txt
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --editable .
	@touch $(READY)

demo: setup
	$(SIGNFLOW) synth data/$(DEMO) $(DEMO_SET)
	$(SIGNFLOW) build data/$(DEMO) --videos data/$(DEMO)/videos --classes 10 --protocol report --image-size 64 --out stores/$(DEMO)
	for net in $(NETS); do $(SIGNFLOW) train stores/$(DEMO) --model $$net $(DEMO_TRAINING) --out runs/$(DEMO)/$$net || exit; done
	$(SIGNFLOW) evaluate $(RUNS)
	$(SIGNFLOW) report $(RUNS) --out runs/$(DEMO)/report.html

test: setup check
	$(BIN)/pytest -n $(JOBS) --dist worksteal

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The pinned versions: run this after changing the dependencies in pyproject.toml.
requirements: setup
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --extra dev \
		--constraint constraints.txt pyproject.toml --output-file requirements.txt

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
