# Needs Python 3.11 or newer and make. Each command first makes .venv, once; options go on through ARGS:
#     make lab ARGS="--no-browser --port 8899"          make test ARGS="-k dropout"
ifeq ($(OS),Windows_NT)
PYTHON ?= python
VENV = .venv/Scripts/python
else
PYTHON ?= python3
VENV = .venv/bin/python
endif

SETUP = @"$(PYTHON)" -m tools.setup
PYTEST = $(VENV) -m pytest --nbval -n auto
QUICK = tests/helpers tests/checks tests/project
WORKFLOWS = .github/workflows/*.yml
COMPILE = --quiet --universal --python-version 3.11 --fork-strategy fewest --all-extras --no-annotate --no-header

.PHONY: lab test quick test-deep test-everywhere lint refresh assignments grade site parity bench bench-sliders mutate house browser constraints setup

lab:              # JupyterLab on the notebooks
	$(SETUP) lab
	@$(VENV) -m tools.lab $(ARGS)

test: lint        # style, tests, every output of every notebook; then where the time went
	$(PYTEST) $(ARGS)

quick: lint       # a part of it that needs no browser, no sandbox and no notebook
	$(PYTEST) $(QUICK) $(ARGS)

test-deep: parity # what is the same every time: all draws, a second installation, all environments, all mutants; hours
	COURSE_DEEP=1 $(PYTEST)
	$(VENV) -m tools.quality.everywhere
	$(VENV) -m tools.quality.mutate

test-everywhere: parity  # the lectures' outputs with other processors, packages, languages, paths; an hour; ARGS=oldest runs one
	$(VENV) -m tools.quality.everywhere $(ARGS)

lint: setup       # the code's style, and the workflows
	$(VENV) -m ruff check
	$(VENV) -m ruff format --check
	$(VENV) -m check_jsonschema --builtin-schema vendor.github-workflows $(WORKFLOWS)
	$(dir $(VENV))zizmor --offline --quiet .github/workflows

refresh: setup    # run notebooks and keep their outputs
	$(VENV) -m tools.notebooks.refresh $(ARGS)

assignments: setup  # what learners get, from the notebooks with solutions
	$(VENV) -m tools.notebooks.assignments $(ARGS)

grade:            # make grade ASSIGNMENT=04_inverted_dropout ARGS=--trusted
	$(SETUP) lab grade
	@$(VENV) -m tools.grading.grade "$(ASSIGNMENT)" $(ARGS)

site:             # the course as web pages in _site/
	$(SETUP) lab site
	@$(VENV) -m tools.site.build $(ARGS)

parity:           # add PyTorch and scikit-learn, which some tests and cells compare with, and mutmut, which some tests need
	$(SETUP) lab test parity mutate

bench:            # time the helpers beside PyTorch and scikit-learn, in a quarter of an hour: benchmarks/RESULTS.md
	$(SETUP) lab test parity
	$(VENV) -m benchmarks $(ARGS)

bench-sliders: setup  # from a key to the changed figure, beside ipywidgets.interact; ARGS="03 04" for some lectures
	$(VENV) -m benchmarks.sliders $(ARGS)

mutate:           # do the tests notice a slip in helpers/? Half an hour and more; ARGS="layers noise" tries two modules
	$(SETUP) lab test mutate
	@$(VENV) -m tools.quality.mutate $(ARGS)

house: setup      # the code in numbers, room by room
	@$(VENV) -m tools.quality.house

browser: setup    # for the tests that click, where no Chromium is installed
	$(VENV) -m playwright install chromium

constraints:      # pin all packages anew; needs uv; ARGS=--upgrade takes the newest
	uv pip compile $(COMPILE) $(ARGS) -o constraints.txt pyproject.toml
	uv pip compile $(COMPILE) --resolution lowest-direct -o constraints-oldest.txt pyproject.toml

setup:
	$(SETUP) lab test
