# Needs Python 3.11 or newer and make. Each command first makes .venv, once; options go on through ARGS:
#     make lab ARGS="--no-browser --port 8899"          make test ARGS="-k dropout"
ifeq ($(OS),Windows_NT)
PYTHON ?= python
VENV = ".venv/Scripts/python"
else
PYTHON ?= python3
VENV = ".venv/bin/python"
endif

COMPILE = --quiet --universal --python-version 3.11 --fork-strategy fewest --all-extras --no-annotate --no-header

.PHONY: lab grade test test-everywhere lint refresh assignments site parity bench bench-sliders mutate browser constraints setup

lab: setup        # JupyterLab on the notebooks
	@$(VENV) tools/lab.py $(ARGS)

test: lint        # everything: style, tests, every output of every notebook
	$(VENV) -m pytest --nbval -n 2 --dist loadscope $(ARGS)

test-everywhere:  # the lectures' outputs with other processors, packages, languages, paths; an hour; ARGS=oldest runs one
	@"$(PYTHON)" tools/setup.py lab test parity
	$(VENV) -m tools.quality.everywhere $(ARGS)

lint: setup
	$(VENV) -m ruff check
	$(VENV) -m ruff format --check

refresh: setup    # run notebooks and keep their outputs
	$(VENV) -m tools.notebooks.refresh $(ARGS)

assignments: setup  # what learners get, from the notebooks with solutions
	$(VENV) -m tools.notebooks.assignments $(ARGS)

grade:            # make grade ASSIGNMENT=04_inverted_dropout ARGS=--trusted
	@"$(PYTHON)" tools/setup.py lab grade
	@$(VENV) -m tools.grading.grade "$(ASSIGNMENT)" $(ARGS)

site:             # the course as web pages in _site/
	@"$(PYTHON)" tools/setup.py lab site
	@$(VENV) -m tools.site.build $(ARGS)

parity:           # add PyTorch and scikit-learn, which some tests and cells compare with, and mutmut, which some tests need
	@"$(PYTHON)" tools/setup.py lab test parity mutate

bench:            # time the helpers beside PyTorch and scikit-learn, in a quarter of an hour: benchmarks/RESULTS.md
	@"$(PYTHON)" tools/setup.py lab test parity
	$(VENV) -m benchmarks $(ARGS)

mutate:           # do the tests notice a slip in helpers/? Half an hour and more; ARGS="layers noise" tries two modules
	@"$(PYTHON)" tools/setup.py lab test mutate
	@$(VENV) -m tools.quality.mutate $(ARGS)

bench-sliders: setup  # from a key to the changed figure, beside ipywidgets.interact; ARGS="03 04" for some lectures
	$(VENV) -m benchmarks.sliders $(ARGS)

browser: setup    # for the tests that click, where no Chromium is installed
	$(VENV) -m playwright install chromium

constraints:      # pin all packages anew; needs uv; ARGS=--upgrade takes the newest
	uv pip compile $(COMPILE) $(ARGS) -o constraints.txt pyproject.toml
	uv pip compile $(COMPILE) --resolution lowest-direct -o constraints-oldest.txt pyproject.toml

setup:
	@"$(PYTHON)" tools/setup.py lab test
