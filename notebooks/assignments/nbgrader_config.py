"""nbgrader's settings for this folder.

Learners' code runs in a sandbox, and the verdict is made outside it.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT.parents[1]))

from tools.grading import feedback, judge  # noqa: E402
from tools.notebooks import assignments  # noqa: E402

c = get_config()  # noqa: F821

c.CourseDirectory.root = str(ROOT)
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "*.py", "helpers"]
c.ClearSolutions.code_stub = {"python": assignments.CODE_STUB}
c.ClearSolutions.text_stub = assignments.TEXT_STUB
c.OverwriteCells.add_missing_cells = True
c.Autograde.autograde_preprocessors = [
    judge.Execute,
    "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.HTMLExporter.filters = {"markdown2html": feedback.safe_html}
