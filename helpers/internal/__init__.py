"""Machinery behind the course's modules; README.md says what is where."""
