"""A submission on its way to a score: folder, sandbox, kernel, answers, judge, table."""
