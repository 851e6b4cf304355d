"""What is measured and not asserted: the helpers timed next to other packages.

python -m benchmarks            the helpers, PyTorch, scikit-learn and textbook NumPy: RESULTS.md
python -m benchmarks.sliders    how soon a figure of a lecture follows its slider
"""
