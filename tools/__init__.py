"""Programs for those who teach or change the course: a room for each family of make targets.

Each is run by `python -m`. setup.py runs before any package is there.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
