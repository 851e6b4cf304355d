# Needs Python 3.11 or newer and make. Each command first makes .venv, once; options go on through ARGS:
#     make lab ARGS="--no-browser --port 8899"          make test ARGS="-k dropout"
ifeq ($(OS),Windows_NT)
PYTHON ?= python
VENV = ".venv/Scripts/python"
else
PYTHON ?= python3
VENV = ".venv/bin/python"
endif

.PHONY: lab grade test lint refresh assignments parity browser constraints setup

lab: setup        # JupyterLab on the notebooks
	@$(VENV) tools/lab.py $(ARGS)

test: lint        # everything: style, tests, every output of every notebook
	$(VENV) -m pytest --nbval -n 2 --dist loadscope $(ARGS)

lint: setup
	$(VENV) -m ruff check
	$(VENV) -m ruff format --check

refresh: setup    # run notebooks and keep their outputs
	$(VENV) tools/refresh.py $(ARGS)

assignments: setup  # what learners get, from the notebooks with solutions
	$(VENV) tools/assignments.py $(ARGS)

grade:            # make grade ASSIGNMENT=04_inverted_dropout ARGS=--trusted
	@"$(PYTHON)" tools/setup.py lab grade
	@$(VENV) tools/grade.py "$(ASSIGNMENT)" $(ARGS)

parity:           # add PyTorch and scikit-learn, which some tests and cells compare with
	@"$(PYTHON)" tools/setup.py lab test parity

browser: setup    # for the tests that click, where no Chromium is installed
	$(VENV) -m playwright install chromium

constraints:      # pin all packages anew; needs uv; ARGS=--upgrade takes the newest
	uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --all-extras --no-annotate --no-header $(ARGS) -o constraints.txt pyproject.toml

setup:
	@"$(PYTHON)" tools/setup.py lab test
