"""Tests the tests, runs the lectures on other machines, measures the form of the code."""
