"""Programs for those who teach or change the course: a room for each family of make targets.

All but setup.py and lab.py, which run before the packages are there, are run by `python -m`.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
