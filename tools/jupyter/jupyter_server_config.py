"""How JupyterLab opens and saves a notebook. Its other settings are in the .json files."""

import sys

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class CourseContents(AsyncLargeFileManager):
    """JupyterLab's own way to read and write files, without what would change from run to run."""

    async def get(self, *args, **kwargs):
        """Add the version of Python, which the file leaves out.

        Otherwise JupyterLab adds it, and marks a notebook as changed that was only opened.
        """
        model = await super().get(*args, **kwargs)
        if model["type"] == "notebook" and model["content"] is not None:
            language = model["content"]["metadata"].get("language_info", {})
            if language.get("name") == "python":
                language["version"] = sys.version.split()[0]  # as the kernel reports it
        return model

    async def save(self, model, path=""):
        if model.get("type") == "notebook" and "content" in model:
            leave_out_the_version(model["content"])
            leave_out_live_views(model["content"])
        return await super().save(model, path)


def leave_out_the_version(notebook):
    """Leave out the version of Python, so that another one changes no file."""
    notebook["metadata"].get("language_info", {}).pop("version", None)


def leave_out_live_views(notebook):
    """Where an output has a still image too, keep that alone.

    A live view needs its kernel; opened again without it, it reads "Error displaying widget".
    """
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            if "text/html" in output.get("data", {}):
                output["data"].pop(WIDGET_VIEW, None)


c.ServerApp.contents_manager_class = CourseContents  # noqa: F821 Jupyter gives `c`
