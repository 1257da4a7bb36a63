"""Build the site (`course site`): lessons as they are stored, ledger, teaching notes, data cards and the API, as pages.

This gathers the pages in a folder; docs/conf.py says how Sphinx builds them.
"""

from __future__ import annotations

import json
import pkgutil
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from course_utils.core.errors import CourseError
from course_utils.core.profiles import ROOT

REPOSITORY = Path(__file__).parents[2]

PAGES = (
    "notebooks/*.ipynb",
    "results/LEDGER.md",
    "lessons/*/TEACHING.md",
    "data/README.md",
    "course_utils/gan/README.md",
)
"""Files of the repository that become pages, at the same place: so links between them hold."""

PARTS = {
    "Lessons": ["notebooks/*.ipynb"],
    "What holds": ["results/LEDGER.md"],
    "For teachers": ["lessons/*/TEACHING.md"],
    "For builders": ["course_utils/gan/README.md", "data/README.md", "api/*.md"],
}
"""The table of contents."""

SOLUTIONS = "course_utils.teach.exercises"
"""Not in the API."""

LOADED = re.compile(
    r"""<(?:script|img|link|iframe|source|video|audio|object)\b[^>]*\s(?:src|href|data|poster|srcset)=["']"""
    r"""((?:https?:)?//[^"']+)|(?:url\(|@import )["']?((?:https?:)?//[^"')]+)"""
)
"""What a page or a style sheet loads from another host."""


def build(out: Path, root: Path = ROOT) -> list[str]:
    """Write the site to the folder `out`, in place of the one that it holds; returns what is wrong, a line each.

    Raises CourseError where `out` holds something else, or where the packages of the extra `site` are missing.
    """
    if not (find_spec("myst_nb") and find_spec("sphinx_book_theme")):
        raise CourseError("myst-nb or sphinx-book-theme is missing; install them with: pip install -e '.[site]'")
    if out.exists() and not (out / "_static").is_dir() and any(out.iterdir()):
        raise CourseError(f"{out} holds something that is no site, and would be emptied; name another folder")
    shutil.rmtree(out, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder).resolve() / "source"
        _gather(source, root)
        options = ["-W", "--keep-going", "--quiet", "--no-color", "--jobs", "auto", "-c", REPOSITORY / "docs"]
        command = [sys.executable, "-m", "sphinx", *options, "-d", Path(folder) / "trees", source, out.resolve()]
        done = subprocess.run(list(map(str, command)), cwd=REPOSITORY, capture_output=True, text=True)
        warnings = done.stderr.replace(f"{source}/", "").splitlines() if done.returncode else []
    return [line for line in warnings if line.strip()] + loads(out)


def loads(out: Path) -> list[str]:
    """List what the pages and style sheets of a built site load from another host."""
    faults = []
    for path in sorted(path for path in out.rglob("*") if path.suffix in (".html", ".css")):
        for found in LOADED.finditer(path.read_text(encoding="utf-8")):
            faults.append(f"{path.relative_to(out)} loads {found[1] or found[2]} from elsewhere")
    return list(dict.fromkeys(faults))


# ------------------------------------------------------------------ what the pages are made from


def _gather(source: Path, root: Path) -> None:
    """Copy the pages and the figures of README.md to `source`, and write the front page and the API's pages there."""
    for pattern in PAGES:
        for path in sorted(root.glob(pattern)):
            text = path.read_text(encoding="utf-8")
            _write(source / path.relative_to(root), _folded(text) if path.suffix == ".ipynb" else text)
    for path in root.glob("results/*/*.png"):
        (source / path.relative_to(root)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, source / path.relative_to(root))
    for name, text in _api():
        _write(source / "api" / f"{name}.md", text)
    readme = root / "README.md"
    front = readme.read_text(encoding="utf-8") if readme.is_file() else "# A course\n"
    _write(source / "index.md", front + "\n\n" + "\n\n".join(_contents(source)) + "\n")
    for path in (*source.rglob("*.md"), *source.rglob("*.ipynb")):
        _write(path, _without_dead_links(path))


def _contents(source: Path) -> Iterator[str]:
    for caption, patterns in PARTS.items():
        found = [page for pattern in patterns for page in sorted(source.glob(pattern))]
        pages = "\n".join(str(page.relative_to(source).with_suffix("")) for page in found)
        yield f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{pages}\n```"


def _folded(notebook: str) -> str:
    """Mark the cells that JupyterLab folds so that MyST-NB folds them, too."""
    nb: dict[str, Any] = json.loads(notebook)
    for cell in nb["cells"]:
        if cell["metadata"].get("jupyter", {}).get("source_hidden"):
            cell["metadata"]["tags"] = [*cell["metadata"].get("tags", []), "hide-input"]
    return json.dumps(nb, ensure_ascii=False, indent=1)


def _api() -> Iterator[tuple[str, str]]:
    """Yield (name, page) for each part of course_utils, and for the modules beside them."""
    import course_utils

    pages: dict[str, list[str]] = {"course_utils": []}
    for module in pkgutil.walk_packages(course_utils.__path__, "course_utils."):
        if not module.name.startswith(SOLUTIONS):
            package = module.name.split(".")[1] if module.ispkg or module.name.count(".") > 1 else "course_utils"
            pages.setdefault(package, []).append(module.name)
    for package, modules in pages.items():
        name = package if package == "course_utils" else f"course_utils.{package}"
        parts = [f"# {name}", import_module(name).__doc__ or ""]
        for module in modules:
            if module != name and import_module(module).__doc__:
                parts.append(f"## {module}\n\n```{{eval-rst}}\n.. automodule:: {module}\n   :members:\n```")
        yield name, "\n\n".join(parts)


def _without_dead_links(path: Path) -> str:
    """Read a page, leaving only the words of links to files that are not on the site."""

    def words(link: re.Match) -> str:
        target = link["target"].split("#")[0]
        dead = target and "://" not in target and not (path.parent / target).is_file()
        return link["words"] if dead else link[0]

    return re.sub(r"(?<!!)\[(?P<words>[^\]\[]*)\]\((?P<target>[^)\s]+)\)", words, path.read_text(encoding="utf-8"))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
