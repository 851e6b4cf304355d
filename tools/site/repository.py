"""Where the notebooks can be opened: the repository's address, and what the theme makes of it."""

import os
import re
import subprocess

from tools import ROOT

HOSTS = ("github.com", "gitlab.com")


def address(environment=os.environ):
    """The repository's web address: COURSE_REPOSITORY, GitHub's or git's origin; "" if unknown."""
    if named := environment.get("COURSE_REPOSITORY"):
        return as_web(named)
    if name := environment.get("GITHUB_REPOSITORY"):
        return f"{environment.get('GITHUB_SERVER_URL', 'https://github.com')}/{name}"
    return as_web(origin())


def as_web(remote):
    """https://host/owner/name for the address of a remote in any form; "" if it is not one."""
    match = re.fullmatch(
        r"(?:https://|ssh://|git://)?(?:[^@/]+@)?([\w.-]+\.\w+)(?::\d+)?[:/](.+?)(?:\.git)?/?",
        remote,
    )
    return f"https://{match[1]}/{match[2]}" if match else ""


def origin(folder=ROOT):
    """What git calls origin in `folder`, "" if there is none."""
    command = ["git", "-C", str(folder), "remote", "get-url", "origin"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:  # no git
        return ""


def theme_options(environment=os.environ):
    """The theme's buttons; none without an address, or on a host that Binder does not know."""
    url = address(environment)
    if not url.startswith(tuple(f"https://{host}/" for host in HOSTS)):
        return {}
    launch = {"binderhub_url": "https://mybinder.org", "notebook_interface": "jupyterlab"}
    if "github.com" in url:
        launch["colab_url"] = "https://colab.research.google.com"
    if hub := environment.get("COURSE_JUPYTERHUB"):
        launch["jupyterhub_url"] = hub.rstrip("/")
    branch = environment.get("COURSE_BRANCH") or "main"
    return {
        "repository_url": url,
        "repository_branch": branch,
        "use_repository_button": True,
        "launch_buttons": launch,
    }
