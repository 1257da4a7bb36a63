"""Configure Sphinx for the site. `course site` gathers the pages and builds them with this: `sphinx-build -W -c docs`.

Nothing is executed, and no page asks another host for anything, so the site opens from a folder without network:
formulas are MathML, and stored figures stand in for widgets.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.addnodes import desc_annotation
from sphinx.util import logging

project = html_title = "GANs for data augmentation"
language = "en"
extensions = ["myst_nb", "sphinx.ext.autodoc"]
default_role = "code"
suppress_warnings = ["misc.highlighting_failure", "ref.python"]  # … in code to fill in; names in two modules

html_theme = "sphinx_book_theme"
html_theme_options = {
    "footer_content_items": [],
    "home_page_in_toc": True,
    "navbar_persistent": [],  # the search field stands in the sidebar
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "use_download_button": False,
    "use_fullscreen_button": False,
}
html_static_path = ["static"]
html_css_files, html_js_files = ["course.css"], ["course.js"]
html_copy_source = html_domain_indices = html_show_sphinx = html_use_index = False
html_math_renderer = "mathml"

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
myst_update_mathjax = False
nb_code_prompt_show, nb_code_prompt_hide = "Show the code", "Hide the code"
nb_execution_mode = "off"
nb_ipywidgets_js = {}
nb_merge_streams = True
nb_output_stderr = "remove"
nb_render_markdown_format = "gfm"

add_module_names = False
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 200


def setup(app: Any) -> None:
    """Connect what Sphinx cannot be configured to do: MathML, alternative texts, docstrings that are plain text."""
    app.add_html_math_renderer("mathml", (formula, None), (formula, None))
    app.connect("doctree-read", amend)
    app.connect("autodoc-process-docstring", docstring)
    app.connect("autodoc-process-signature", signature)


def formula(translator: Any, node: Any) -> None:
    """Write a formula as MathML, which browsers draw by themselves."""
    try:
        tex = re.sub(r"\\frac(\d)(\d)", r"\\frac{\1}{\2}", node.astext())  # what docutils cannot read
        mathml = tex2mathml(tex, as_block=isinstance(node, nodes.math_block))
    except MathError as error:
        logging.getLogger(__name__).warning("the formula %r cannot be drawn: %s", node.astext(), error, location=node)
        raise nodes.SkipNode from None
    apply = "<mo>&ApplyFunction;</mo>"  # browsers leave no space there: log D, not logD
    translator.body.append(re.sub(rf"{apply}(?=\s*<mi>)", f'{apply}<mspace width="0.17em"/>', mathml))
    raise nodes.SkipNode


def amend(app: Any, doctree: Any) -> None:
    """Amend a page that was read: alternative texts, links from outputs to notebooks, and no long constants."""
    page = Path(app.srcdir) / f"{app.env.docname}.ipynb"
    alts = alternative_texts(json.loads(page.read_text(encoding="utf-8"))) if page.is_file() else {}
    for image in doctree.findall(nodes.image):  # MyST-NB names an output's figure by the hash of its content
        if alt := alts.get(Path(image["uri"]).stem):
            image["alt"] = alt
    for link in doctree.findall(nodes.reference):
        if re.fullmatch(r"[\w./-]+\.ipynb", link.get("refuri", "")):
            link["refuri"] = link["refuri"].removesuffix("ipynb") + "html"
    for value in list(doctree.findall(desc_annotation)):
        text = value.astext().strip()
        if text.startswith("=") and ("Path(" in text or len(text) > 80):  # or it names a path of this machine
            value.parent.remove(value)


def alternative_texts(notebook: dict[str, Any]) -> dict[str, str]:
    """Collect the alternative texts of a notebook's figures, by the SHA-256 of the picture."""
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    return {
        hashlib.sha256(base64.b64decode("".join(output["data"]["image/png"]))).hexdigest(): (
            output["metadata"].get("image/png", {}).get("alt", "")
        )
        for output in outputs
        if "image/png" in output.get("data", {})
    }


def docstring(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Turn a docstring, which is plain text, into reStructuredText: bars stay bars, and columns stay columns."""
    paragraphs = "\n".join(lines).split("\n\n")
    for i, text in enumerate(paragraphs):
        if re.search(r"\S {3,}\S", text):
            paragraphs[i] = "::\n\n" + "\n".join(f"    {line}" for line in text.splitlines())
        else:
            parts = text.split("`")
            parts[::2] = [part.replace("|", "\\|") for part in parts[::2]]
            paragraphs[i] = "`".join(parts)
    lines[:] = "\n\n".join(paragraphs).split("\n")


def signature(app: Any, what: str, name: str, obj: Any, options: Any, text: str | None, returns: str | None) -> Any:
    """Write the defaults that a dataclass makes anew as `...`."""
    return text and text.replace("<factory>", "..."), returns
