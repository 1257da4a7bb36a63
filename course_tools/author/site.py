"""`course site`: lessons as they are stored, the ledger, teaching notes, data cards and the package's API, as pages.

Nothing is executed, and no page asks another host for anything, so the site opens from a folder without network:
formulas are MathML, stored figures stand in for widgets, and everything a page loads lies beside it. This module is its
own Sphinx extension.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import pkgutil
import re
import shutil
import tempfile
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from course_utils.core.errors import CourseError
from course_utils.core.profiles import ROOT

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
    "For builders": ["add_a_lesson.md", "course_utils/gan/README.md", "data/README.md", "api/*.md"],
}
"""The table of contents."""

OWN_PAGE = "## How to add a lesson"
"""The section of README.md that gets a page of its own; the rest is the front page."""

HIDDEN = ("course_utils.teach.exercises", "course_tools.__main__")
"""Not in the API: solutions, and what nobody imports."""

SETTINGS: dict[str, Any] = {
    "project": "GANs for data augmentation",
    "html_title": "GANs for data augmentation",
    "html_theme": "sphinx_book_theme",
    "html_theme_options": {
        "footer_content_items": [],
        "home_page_in_toc": True,
        "navbar_persistent": [],  # the search field stands in the sidebar
        "navigation_with_keys": False,
        "show_toc_level": 2,
        "use_download_button": False,
        "use_fullscreen_button": False,
    },
    "html_copy_source": False,
    "html_css_files": ["course.css"],
    "html_domain_indices": False,
    "html_show_sphinx": False,
    "html_use_index": False,
    "language": "en",
    "extensions": ["myst_nb", "sphinx.ext.autodoc", __name__],
    "html_math_renderer": "mathml",
    "myst_enable_extensions": ["dollarmath"],
    "myst_heading_anchors": 4,
    "myst_update_mathjax": False,
    "nb_code_prompt_show": "Show the code",
    "nb_code_prompt_hide": "Hide the code",
    "nb_execution_mode": "off",
    "nb_ipywidgets_js": {},
    "nb_merge_streams": True,
    "nb_output_stderr": "remove",
    "nb_render_markdown_format": "gfm",
    "suppress_warnings": ["misc.highlighting_failure", "ref.python"],  # … in code to fill in; names in two modules
    "default_role": "code",
    "add_module_names": False,
    "autodoc_member_order": "bysource",
    "autodoc_preserve_defaults": True,
    "autodoc_typehints_format": "short",
    "python_use_unqualified_type_names": True,
    "python_maximum_signature_line_length": 200,
}

STYLE = """\
.bd-article { overflow-wrap: anywhere; }
.bd-article code .pre, .bd-article .sig .pre { white-space: normal; }
.bd-article table { font-size: .85rem; overflow-wrap: normal; }
.bd-article div.highlight pre { font-size: .8rem; }
.bd-main .bd-content .bd-article-container { max-width: 58rem; }
.bd-sidebar-secondary { overflow-x: hidden; }
"""


def build(out: Path, root: Path = ROOT) -> list[str]:
    """Write the site to the folder `out`, in place of the one that it holds; returns what is wrong, a line each.

    Raises CourseError where `out` holds something else, or where the packages of the extra `site` are missing.
    """
    try:
        from sphinx.application import Sphinx
        from sphinx.util.docutils import docutils_namespace, patch_docutils
    except ImportError as error:
        raise CourseError(f"{error.name} is missing; install what stands in pyproject.toml as extra `site`") from None
    if out.exists() and not (out / "_static").is_dir() and any(out.iterdir()):
        raise CourseError(f"{out} holds something that is no site, and would be emptied; name another folder")
    shutil.rmtree(out, ignore_errors=True)
    warnings = io.StringIO()
    with tempfile.TemporaryDirectory() as folder, patch_docutils(), docutils_namespace():
        source, trees = Path(folder).resolve() / "source", Path(folder).resolve() / "trees"
        settings = {**SETTINGS, "course_alts": _gather(source, root), "html_static_path": [str(source / "_static")]}
        app = Sphinx(
            source, None, out, trees, "html", settings, status=None, warning=warnings, parallel=os.cpu_count() or 1
        )
        app.build()
    colours = re.compile(r"\x1b\[[\d;]*m")
    said = [colours.sub("", line).replace(f"{source}{os.sep}", "") for line in warnings.getvalue().splitlines()]
    return [line for line in said if line.strip()] + check(out)


# ------------------------------------------------------------------ what the pages are made from


def _gather(source: Path, root: Path) -> dict[str, str]:
    """Copy the pages to `source` and write those that only the site has; returns SHA-256 of a figure → its alternative
    text."""
    alts: dict[str, str] = {}
    for pattern in PAGES:
        for path in sorted(root.glob(pattern)):
            text = path.read_text(encoding="utf-8")
            if path.suffix == ".ipynb":
                text, found = _notebook(json.loads(text))
                alts |= found
            _write(source / path.relative_to(root), text)
    for path in root.glob("results/*/*.png"):
        (source / path.relative_to(root)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, source / path.relative_to(root))
    _write(source / "_static" / "course.css", STYLE)
    front, section = _readme(root)
    _write(source / "add_a_lesson.md", section)
    for name, text in _api():
        _write(source / "api" / f"{name}.md", text)
    _write(source / "index.md", front + "\n\n" + "\n\n".join(_contents(source)) + "\n")
    for path in (*source.rglob("*.md"), *source.rglob("*.ipynb")):
        _write(path, _without_dead_links(path, source))
    return alts


def _readme(root: Path) -> tuple[str, str]:
    """README.md without the section that has its own page, and that section."""
    path = root / "README.md"
    text = path.read_text(encoding="utf-8") if path.is_file() else "# A course\n"
    section = re.search(rf"^{OWN_PAGE}\n.*?(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    if not section:
        return text, f"{OWN_PAGE[1:]}\n"
    return text.replace(section[0], ""), section[0][1:]


def _contents(source: Path) -> Iterator[str]:
    for caption, patterns in PARTS.items():
        found = [page for pattern in patterns for page in sorted(source.glob(pattern))]
        pages = "\n".join(str(page.relative_to(source).with_suffix("")) for page in found)
        yield f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{pages}\n```"


def _notebook(nb: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """A notebook's text with its hidden cells folded, and the alternative texts of its figures."""
    alts = {}
    for cell in nb["cells"]:
        if cell["metadata"].get("jupyter", {}).get("source_hidden"):
            cell["metadata"]["tags"] = [*cell["metadata"].get("tags", []), "hide-input"]
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                png = base64.b64decode("".join(output["data"]["image/png"]))
                alts[hashlib.sha256(png).hexdigest()] = output["metadata"].get("image/png", {}).get("alt", "")
    return json.dumps(nb, ensure_ascii=False, indent=1), alts


def _api() -> Iterator[tuple[str, str]]:
    """(name, page) for each package of ours, and for the modules beside them."""
    import course_utils

    pages: dict[str, list[str]] = {"course_utils": []}
    for module in pkgutil.walk_packages(course_utils.__path__, "course_utils."):
        if not module.name.startswith(HIDDEN):
            package = module.name.split(".")[1] if module.ispkg or module.name.count(".") > 1 else "course_utils"
            pages.setdefault(package, []).append(module.name)
    for package, modules in pages.items():
        name = package if package == "course_utils" else f"course_utils.{package}"
        parts = [f"# {name}", import_module(name).__doc__ or ""]
        for module in modules:
            if module != name and import_module(module).__doc__:
                parts.append(f"## {module}\n\n```{{eval-rst}}\n.. automodule:: {module}\n   :members:\n```")
        yield name, "\n\n".join(parts)


def _without_dead_links(path: Path, source: Path) -> str:
    """A page's text, in which links to files that are not on the site are only their words."""

    def kept(link: re.Match) -> str:
        target = link["target"].split("#")[0]
        dead = target and "://" not in target and not (path.parent / target).is_file()
        return link["words"] if dead else link[0]

    return re.sub(r"(?<!!)\[(?P<words>[^\]\[]*)\]\((?P<target>[^)\s]+)\)", kept, path.read_text(encoding="utf-8"))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


# ------------------------------------------------------------------ the Sphinx extension


def setup(app: Any) -> dict[str, bool]:
    """Formulas as MathML, which browsers draw by themselves, and figures with their alternative texts."""
    app.add_config_value("course_alts", {}, "env")
    app.add_html_math_renderer("mathml", (_formula, None), (_formula, None))
    app.connect("doctree-read", _mended)
    app.connect("autodoc-process-docstring", _as_rst)
    app.connect("autodoc-process-signature", _readable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _formula(translator: Any, node: Any) -> None:
    from docutils import nodes
    from docutils.utils.math import MathError
    from docutils.utils.math.latex2mathml import tex2mathml
    from sphinx.util import logging

    try:
        tex = re.sub(r"\\frac(\d)(\d)", r"\\frac{\1}{\2}", node.astext())  # what docutils cannot read
        mathml = tex2mathml(tex, as_block=isinstance(node, nodes.math_block))
    except MathError as error:
        logging.getLogger(__name__).warning("the formula %r cannot be drawn: %s", node.astext(), error, location=node)
        raise nodes.SkipNode from None
    apply = "<mo>&ApplyFunction;</mo>"  # browsers leave no space there: log D, not logD
    translator.body.append(re.sub(rf"{apply}(?=\s*<mi>)", f'{apply}<mspace width="0.17em"/>', mathml))
    raise nodes.SkipNode


def _mended(app: Any, doctree: Any) -> None:
    """What a page was read as, with alternative texts, with links of outputs to the pages of notebooks, and without the
    values of constants that are long, or paths of the machine that builds."""
    from docutils import nodes
    from sphinx.addnodes import desc_annotation

    for image in doctree.findall(nodes.image):  # MyST-NB names an output's figure by the hash of its content
        if alt := app.config.course_alts.get(Path(image["uri"]).stem):
            image["alt"] = alt
    for link in doctree.findall(nodes.reference):
        if re.fullmatch(r"[\w./-]+\.ipynb", link.get("refuri", "")):
            link["refuri"] = link["refuri"].removesuffix("ipynb") + "html"
    for value in list(doctree.findall(desc_annotation)):
        said = value.astext().strip()
        if said.startswith("=") and ("Path(" in said or len(said) > 80):
            value.parent.remove(value)


def _as_rst(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Our docstrings are plain text: bars stand for themselves, and what is set in columns stays so."""
    paragraphs = "\n".join(lines).split("\n\n")
    for i, text in enumerate(paragraphs):
        if re.search(r"\S {3,}\S", text):
            paragraphs[i] = "::\n\n" + "\n".join(f"    {line}" for line in text.splitlines())
        else:
            paragraphs[i] = "`".join(
                part if k % 2 else part.replace("|", "\\|") for k, part in enumerate(text.split("`"))
            )
    lines[:] = "\n\n".join(paragraphs).split("\n")


def _readable(app: Any, what: str, name: str, obj: Any, options: Any, text: str | None, returns: str | None) -> Any:
    """A signature in which the defaults that dataclasses make anew are no riddle to Sphinx."""
    return text and text.replace("<factory>", "..."), returns


# ------------------------------------------------------------------ checking what was built


class _Page(HTMLParser):
    """What a page loads, where it links to, and the places that others can link to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value for name, value in attrs if value}
        self.ids |= {found[name] for name in ("id", "name") if name in found}
        if "href" in found:
            loads = tag == "link" and found.get("rel") not in ("next", "prev", "index", "search", "author", "canonical")
            (self.loads if loads else self.links).append(found["href"])
        else:
            self.loads += [found[name] for name in ("src", "data", "poster", "srcset") if name in found]


def check(out: Path) -> list[str]:
    """What is wrong with a built site: what pages would fetch from elsewhere, and links that lead nowhere."""
    paths = [
        path for path in sorted(out.rglob("*.html")) if "_static" not in path.parts
    ]  # there: the theme's templates
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in paths}
    faults = []
    for path, page in pages.items():
        name = path.relative_to(out)
        for target in page.loads:
            if urlsplit(target).scheme not in ("", "data") or urlsplit(target).netloc:
                faults.append(f"{name} loads {target} from elsewhere")
            elif not target.startswith("data:") and not _place(path, target).is_file():
                faults.append(f"{name} loads {target}, which is not there")
        for target in page.links:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue  # a reader may follow it; the page does not
            place = _place(path, target) if parts.path else path
            if not place.is_file():
                faults.append(f"{name} links to {target}, which is not there")
            elif parts.fragment and place in pages and unquote(parts.fragment) not in pages[place].ids:
                faults.append(f"{name} links to {target}, a place that is not there")
    for path in out.rglob("*.css"):
        for target in re.findall(r"(?:url\(|@import )[\"']?(https?:)?//[^\"')]+", path.read_text(encoding="utf-8")):
            faults.append(f"{path.relative_to(out)} loads {target} from elsewhere")
    return list(dict.fromkeys(faults))


def _place(page: Path, target: str) -> Path:
    return Path(os.path.normpath(page.parent / unquote(urlsplit(target).path)))
