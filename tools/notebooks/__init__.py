"""Keeps the notebooks in form: refresh, compared pictures, quoted numbers, made assignments."""
