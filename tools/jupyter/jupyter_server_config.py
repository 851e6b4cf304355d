"""What JupyterLab does when it saves a notebook of the course; its other settings are in the .json files."""

import warnings

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def keep_the_still_image(model, **_):
    """Leave the live view out of each saved output that has a still image too.

    The view needs its kernel. Opened again without it, the output would read "Error displaying widget".
    """
    if model["type"] == "notebook":
        for cell in model["content"]["cells"]:
            for output in cell.get("outputs", []):
                if "text/html" in output.get("data", {}):
                    output["data"].pop(WIDGET_VIEW, None)


# JupyterLab applies its settings twice while it starts, and takes the second time for another hook.
warnings.filterwarnings("ignore", "Overriding existing pre_save_hook .keep_the_still_image.")
c.ContentsManager.pre_save_hook = keep_the_still_image  # noqa: F821 Jupyter gives `c`
