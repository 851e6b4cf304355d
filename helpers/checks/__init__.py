"""Checks for the assignments: one module for each, each check named after the function it checks.

A check tests properties on fresh random numbers and names the mistake. It does not give the code
away.
"""
