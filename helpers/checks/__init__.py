"""Checks for the assignments: one module for each, each check named like the function that it looks at.

A check tests properties on fresh random numbers and names the mistake. It does not give the code away.
"""
