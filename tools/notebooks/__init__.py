"""Keeps the notebooks in form: refresh them, compare their pictures, find quoted numbers, make the assignments."""
