"""Load the notebook checks for every pytest call below this folder."""

pytest_plugins = ["tests.nbval_adapter"]
