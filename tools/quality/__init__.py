"""Tests the tests, and runs the lectures on other machines."""
