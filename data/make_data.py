"""Write digits.csv, diabetes.csv and SHA256SUMS again from scikit-learn.

python data/make_data.py [folder]

Plain text with \\n line ends, and no scaled numbers: compressed files and last digits differ
between machines.
"""

import hashlib
import sys
from pathlib import Path

import numpy as np
from sklearn import datasets


def digits():
    """The columns pixel_<row>_<column>, 0 to 16, and digit, 0 to 9."""
    found = datasets.load_digits()
    return [*found.feature_names, "digit"], np.column_stack([found.data, found.target])


def diabetes():
    """The ten columns in the units in which they were recorded, and progression."""
    found = datasets.load_diabetes(scaled=False)
    return [*found.feature_names, "progression"], np.column_stack([found.data, found.target])


def text(value):
    """Seven digits hold every number; scikit-learn 1.5 says 4.804 as 4.803999999999999."""
    return f"{value:.7g}"


def csv(names, table):
    """The table as bytes: a line of names, then a line for each row."""
    lines = [",".join(names), *(",".join(map(text, row)) for row in table)]
    return ("\n".join(lines) + "\n").encode("ascii")


def main(folder):
    """Write the two tables into `folder`, and their checksums in the format of sha256sum."""
    contents = {"diabetes.csv": csv(*diabetes()), "digits.csv": csv(*digits())}
    sums = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in contents.items()
    )
    for name, content in {**contents, "SHA256SUMS": sums.encode("ascii")}.items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
