"""Checks of notebooks by nbval, with figures compared as pictures.

A pytest plugin. It patches nothing inside nbval: it gives pytest subclasses of nbval's collector
and item.
"""

import os
import tempfile
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbval.plugin import IPyNbCell, IPyNbFile

from tools.notebooks import form, pictures

CHECKED = "✓"
NOT_CHECKED = "– not checked here:"


def pytest_configure(config):
    """Silence progress bars and keep the user's IPython profile out, here and in all kernels."""
    patch = pytest.MonkeyPatch()
    folder = tempfile.TemporaryDirectory(prefix="ipython-", ignore_cleanup_errors=True)
    config.add_cleanup(folder.cleanup)
    config.add_cleanup(patch.undo)
    patch.setenv("COURSE_PROGRESS", "off")
    patch.setenv("IPYTHONDIR", folder.name)


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path, parent):
    """Replace nbval's collector of a notebook by the course's."""
    collectors = yield
    return [
        CourseFile.from_parent(parent, path=file_path)
        if type(collector) is IPyNbFile
        else collector
        for collector in collectors
    ]


class CourseFile(IPyNbFile):
    """nbval's notebook with the same environment everywhere and cells that compare pictures."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # nbval leaves images out. Widget views stay out: the numbers of their models are random.
        images = ("image/png", "image/jpeg")
        self.skip_compare = tuple(key for key in self.skip_compare if key not in images)

    def collect(self):
        """The code cells, as CourseCell."""
        for cell in super().collect():
            yield CourseCell.from_parent(
                self, name=cell.name, cell_num=cell.cell_num, cell=cell.cell, options=cell.options
            )

    def setup(self):
        """Start the kernel in the environment of make refresh."""
        form.build_font_cache()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in form.kernel_environment(os.environ["IPYTHONDIR"]).items():
                patch.delenv(name, raising=False) if value is None else patch.setenv(name, value)
            super().setup()
        self.kernel.execute_cell_input = self._execute

    def _execute(self, source, allow_stdin=None):
        """Run a cell with its history: without, IPython shows a result despite a trailing ";"."""
        return self.kernel.kc.execute(
            source, store_history=True, allow_stdin=allow_stdin, stop_on_error=False
        )


class CourseCell(IPyNbCell):
    """A code cell: text must be equal and pictures agree; an unchecked claim is a named skip."""

    def compare_outputs(self, test, ref, skip_compare=None):
        """Do the new and the stored outputs agree? nbval calls this; the traceback says why not."""
        new, new_pictures = cut_out(test)
        stored, stored_pictures = cut_out(ref)
        unchecked = excuse_unchecked(new, stored)
        if not super().compare_outputs(new, stored, skip_compare):
            return False
        problems = list(self._picture_problems(stored_pictures, new_pictures))
        if unchecked and os.environ.get("CI") == "true":
            lines = [line.removeprefix("– ") for line in unchecked]
            problems += [f"CI=true, and a claim was {line}" for line in lines]
        if unchecked and not problems:
            reason = "; ".join(unchecked).removeprefix("– ")
            pytest.skip(f"{self.path.name}, {self.name}: {reason}: make parity installs it")
        self.comparison_traceback += problems
        return not problems

    def _picture_problems(self, stored, new):
        """A sentence for each pair of pictures that differ; a figure's copy in HTML counts once."""
        for number, pair in enumerate(dict.fromkeys(zip(stored, new, strict=True)), start=1):
            if (what := pictures.problem(*pair)) is not None:
                see = " and ".join(map(str, self._save(number, *pair)))
                yield f"Picture {number} of the cell differs: {what}. See {see}."

    def _save(self, number, *pair):
        """Write the stored and the new picture to files that a person can look at."""
        folder = self._folder()
        stem = f"{self.path.stem}-cell-{self.cell_num}-picture-{number}"
        paths = [folder / f"{stem}-{which}.png" for which in ("stored", "new")]
        for path, encoded in zip(paths, pair, strict=True):
            path.write_bytes(pictures.decoded(encoded))
        return paths

    def _folder(self):
        cache = getattr(self.config, "cache", None)  # absent under -p no:cacheprovider
        return cache.mkdir("figures") if cache else Path(tempfile.mkdtemp(prefix="figures-"))


def cut_out(outputs):
    """A copy of the outputs with a mark instead of each picture, and the pictures as base64."""
    without = []
    cut = []
    for output in map(NotebookNode, outputs):
        if "data" in output:
            bundle = sorted(output.data.items())
            output.data = {mime: _cut(mime, value, cut) for mime, value in bundle}
        without.append(output)
    return without, cut


def _cut(mime, value, cut):
    if mime == "image/png":
        cut.append(value.strip())
        return pictures.CUT_OUT
    if mime == "text/html":
        cut += pictures.DATA_URI.findall(value)
        return pictures.DATA_URI.sub(pictures.CUT_OUT, value)
    return value


def excuse_unchecked(new, stored):
    """Copy lines "– not checked here: ..." in `new` over lines "✓ ..." in `stored`; return them."""
    excused = []
    for now, before in zip(_printed(new), _printed(stored), strict=False):
        lines = before.text.splitlines(keepends=True)
        for index, line in enumerate(now.text.splitlines(keepends=True)[: len(lines)]):
            if line.startswith(NOT_CHECKED) and lines[index].startswith(CHECKED):
                lines[index] = line
                excused.append(line.strip())
        before.text = "".join(lines)
    return excused


def _printed(outputs):
    return [output for output in outputs if output.get("name") == "stdout"]
