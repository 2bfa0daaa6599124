# Two commands do everything on a fresh machine with Python 3.11 or newer, make and gcc:
#   make demo    set up, then fill the holes of a real file
#   make test    set up, then everything that must be green

PYTHON ?= python3
BIN := .venv/bin
# build environments obey it too, so that what is installed is what was tested
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt

# what an install is made of; the C files are compiled by it
PARTS := pyproject.toml constraints.txt hatch_build.py $(shell find infill -name '*.[ch]')

.PHONY: demo test check lint types tests fuzz bench quality vsix test-editors test-ray weights clean

demo: .venv/.base
	@$(BIN)/infill fill examples/first_fill.py

test: check

# the single definition of green
check: lint types tests

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.dev
	$(BIN)/basedpyright

tests: .venv/.dev
	$(BIN)/pytest -n 2 --dist loadfile

# the long runs
fuzz: .venv/.dev
	HYPOTHESIS_PROFILE=fuzz $(BIN)/pytest tests/laws

bench: .venv/.bench
	$(BIN)/pytest benchmarks

quality: .venv/.quality
	$(BIN)/infill bench quality --quick

# the extension for VS Code, as dist/infill.vsix; needs node and npm
vsix:
	@mkdir -p dist
	cd lsp/editors/vscode && npm ci --ignore-scripts && npm run package

# the clients in a real VS Code, which is fetched once, and in Emacs; on Debian:
#   apt-get install chromium emacs-nox elpa-eglot
test-editors: .venv/.dev vsix
	$(BIN)/pytest tests/editors

# the embedded weights, from the pinned corpus to the card; what is there already is gone on with.
# PRESET: fixture, tiny (5 M), small (17 M) or base (29 M); DEVICE=cuda where there is one
PRESET ?= tiny
MINUTES ?= 95
DEVICE ?= cpu
weights: .venv/.base
	$(BIN)/python -m infill.train weights --preset $(PRESET) --minutes $(MINUTES) \
	    --device $(DEVICE) --folder build/train-$(PRESET)

# the engine on a local Ray cluster of two workers
test-ray: .venv/.ray
	$(BIN)/pytest tests/batch/test_ray.py

.venv/.ray: .venv/.dev
	$(BIN)/pip install --quiet --editable ".[ray]"
	@touch $@

.venv/.base: $(PARTS)
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable .
	@touch $@

# a developer's engine is the compiled one, or there is an error
.venv/.dev: .venv/.base
	INFILL_REQUIRE_CORE=1 $(BIN)/pip install --quiet --editable . --group dev
	@touch $@

# what `make test` has no use for, and takes long to fetch
.venv/.bench: .venv/.dev
	$(BIN)/pip install --quiet --group bench
	@touch $@

.venv/.quality: .venv/.base
	$(BIN)/pip install --quiet --group quality
	@touch $@

clean:
	rm -rf .venv build dist .pytest_cache .ruff_cache .hypothesis
	rm -rf lsp/editors/vscode/dist lsp/editors/vscode/node_modules
	find infill -name '*.so' -delete
