"""Opens a learner's own copies of the notebooks in JupyterLab (`course lab`).

The stored notebooks hold what came out, and whoever sees that first has nothing left to predict. So each learner works
in copies without outputs, which are made once and then left alone.

Whoever reaches a Jupyter server can run code in your name. By itself it listens on this machine only, asks for a token,
and refuses requests that other web pages make. A configuration of yours may have changed that, and this says so.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from course_tools import output
from course_tools.run import lessons
from course_tools.run.lessons import Lesson
from course_tools.templates import NOTEBOOK_PAGE
from course_utils.core import files
from course_utils.core.profiles import working_folder

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp


START = "00_start_here.ipynb"

SETTINGS = Path(__file__).with_name("jupyter")
"""Jupyter's settings for a learner: widgets are saved with the notebook, and have their pictures when it reopens."""

EXPORTED = ["text/html", "text/markdown", "image/svg+xml", "text/latex", "image/png", "image/jpeg", "text/plain"]
"""What an exported notebook shows, the first that there is: no live widgets, which would be fetched from a network."""


def main(options: list[str], fresh: list[Lesson] | None = None) -> None:
    """Make the copies that are missing, and start JupyterLab in their folder, at the start notebook.

    options: JupyterLab's own. fresh: lessons of which a new copy is made; the old one stays beside it.
    Before it starts comes a warning for each way in which it is wider open than a lesson needs it.
    """
    output.prepare()
    folder = working_folder()
    for line in copies(lessons.find(), folder, fresh or []):
        print(line, flush=True)
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join([str(SETTINGS), *_config_path()])
    from jupyterlab.labapp import LabApp

    server = LabApp.initialize_server([*defaults(options), *options, str(folder)])  # all that is configured is known
    server.config.NbConvertBase.display_data_priority = EXPORTED
    server.config.HTMLExporter.update(NOTEBOOK_PAGE)
    for line in wider(server):  # now, and nobody is served yet
        print(f"WARNING: {line}", file=sys.stderr)
    if server.loaded_config_files and wider(server):
        print(f"WARNING: Jupyter's settings come from {', '.join(server.loaded_config_files)}", file=sys.stderr)
    server.start()


def copies(found: list[Lesson], folder: Path, fresh: list[Lesson]) -> list[str]:
    """Write a copy without outputs of each lesson's notebook into `folder`, where there is none; say what was done.

    A copy that is there is never changed: of a `fresh` lesson it is renamed first. Raises NotWritten.
    """
    said, made = [], 0
    for lesson in found:
        if not lesson.notebook.is_file():
            continue
        path, bare = folder / lesson.notebook.name, lessons.without_outputs(lesson.notebook)
        if path.is_file() and lesson not in fresh:
            if _source(path) not in (None, _source(lesson.notebook)):
                said.append(f"{path.name} is of an older lesson; a new one: course lab --fresh {lesson.slug[:2]}")
            continue
        if path.is_file() and path.read_text(encoding="utf-8") != bare:
            kept = next(name for n in range(1, 10_000) if not (name := path.with_stem(f"{path.stem}-old-{n}")).exists())
            path.rename(kept)
            said.append(f"{path.name} is new; yours is now {kept.name}")
        files.write(path, bare, "set COURSE_HOME to another folder")
        made += 1
    return [f"your notebooks: {folder} ({made} new, without outputs)", *said]


def _source(notebook: Path) -> str | None:
    """The hash of the lesson that a notebook was built from, which copies keep; None where it says none."""
    return (lessons.read(notebook) or {}).get("metadata", {}).get("course", {}).get("source_sha256")


def _config_path() -> list[str]:
    return [path for path in os.environ.get("JUPYTER_CONFIG_PATH", "").split(os.pathsep) if path]


def defaults(options: list[str]) -> list[str]:
    """List what `course lab` asks of JupyterLab where the options do not: this machine only, at the start notebook."""
    given = {option.split("=")[0].lstrip("-").split(".")[-1] for option in options}
    usual = {"--ip=127.0.0.1": "ip", f"--LabApp.default_url=/lab/tree/{START}": "default_url"}
    if hasattr(os, "getuid") and os.getuid() == 0:  # in a container one often is root, and Jupyter would refuse
        usual["--allow-root"] = "allow-root"
    return [option for option, name in usual.items() if name not in given]


def wider(server: ServerApp) -> list[str]:
    """List the ways in which a server is wider open than a lesson needs it, a line each."""
    lines = []
    if not server.sock and not _local(server.ip):
        where = server.ip if server.ip not in ("", "0.0.0.0", "::") else "every network of this machine"
        lines.append(f"JupyterLab listens on {where}, not on this machine alone; start it with --ip=127.0.0.1")
    if not server.identity_provider.auth_enabled:
        lines.append(
            "JupyterLab asks for no token: whoever reaches it can run code in your name; take the empty "
            "IdentityProvider.token out of Jupyter's settings"
        )
    for name, risk in {
        "disable_check_xsrf": "other web pages can send requests in your name",
        "allow_remote_access": "other web sites can pass themselves off as this server",
        "allow_origin": "other web pages can read what it answers",
        "allow_origin_pat": "other web pages can read what it answers",
    }.items():
        if value := getattr(server, name):
            lines.append(f"ServerApp.{name} is {value!r}: {risk}; take it out of Jupyter's settings")
    return lines


def _local(ip: str) -> bool:
    try:
        return ip == "localhost" or ipaddress.ip_address(ip).is_loopback
    except ValueError:  # some other name
        return False
