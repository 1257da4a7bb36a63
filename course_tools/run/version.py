"""Hash the source text that made a result; by it a finished run of a lesson is found again."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import course_utils

PACKAGE = Path(course_utils.__file__).parent


COUNTED = ("paper.toml", "settings.toml")
"""What beside a lesson's code has a part in its results."""


def version(sources: Iterable[str], *more: str) -> str:
    """Hash sources (a module, a notebook's cells), all in the course that they import, at any depth, and PyTorch's
    version, to twelve hexadecimal digits; `more`: texts that count as well, such as settings.

    Texts count, not what they do: a new comment is a new version. A needless run costs time, a stale result trust.
    """
    h = hashlib.sha256()
    sources = list(sources)
    imported = [path.read_text("utf-8") for path in _imported(sources)]
    for text in (metadata.version("torch"), *sources, *more, *imported):
        h.update(text.replace("\r\n", "\n").encode() + b"\0")
    return h.hexdigest()[:12]


def _imported(sources: list[str]) -> list[Path]:
    """Find the files of the course that run when `sources` are imported or called, in order of name."""
    found: set[Path] = set()
    texts = sources.copy()
    while texts:
        files = {path for name in _names(texts.pop()) for path in _files(name)} - found
        found |= files
        texts += [path.read_text("utf-8") for path in files]
    return sorted(found)


def _names(source: str) -> set[str]:
    """Collect the names that `source` imports, anywhere in it, and that may be modules of the course."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # IPython's own, or a mistake that the run will tell
        return set()
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] == course_utils.__name__}


def _files(name: str) -> list[Path]:
    """List the files that importing a module runs: its own and its packages'; none where the name is no module."""
    *packages, last = name.split(".")[1:] or [""]
    folder, files = PACKAGE, [PACKAGE / "__init__.py"]
    for package in packages:
        folder /= package
        files.append(folder / "__init__.py")
    files += [folder / last / "__init__.py", folder / f"{last}.py"]
    return [path for path in files if path.is_file()]
