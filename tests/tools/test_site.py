"""The site: the course's own pages, built once; and what its check finds."""

import base64
import hashlib
import html
import json
import re
import sys
from pathlib import Path

import pytest

from course_tools.author import site
from course_tools.run.lessons import find
from course_utils.core.errors import CourseError
from course_utils.core.profiles import ROOT

sys.path.append(str(Path(__file__).parents[1] / "teach"))
from browser import SCREENS, chromium  # noqa: F401

MODULES = ("course_utils.evaluate.statistics", "course_tools.author.ledger", "course_utils.core.profiles")
"""The API's pages are alike: of three modules they take a second, of all half a minute."""

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """(folder of the site, what is wrong with it)"""
    text = "# API\n\n" + "".join(f"```{{eval-rst}}\n.. automodule:: {m}\n   :members:\n```\n\n" for m in MODULES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site, "_api", lambda: iter([("some", text)]))
        out = tmp_path_factory.mktemp("built") / "site"
        return out, site.build(out)


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(CourseError, match="is no site"):
        site.build(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "precious"


def page(built, name):
    return (built[0] / name).read_text(encoding="utf-8")


def test_it_is_built_without_a_fault_and_every_page_is_there(built):
    assert built[1] == []
    names = [f"notebooks/{path.stem}.html" for path in NOTEBOOKS]
    names += [f"lessons/{lesson.slug}/TEACHING.html" for lesson in find() if (lesson.folder / "TEACHING.md").is_file()]
    names += ["results/LEDGER.html", "data/README.html", "api/some.html"]
    front = page(built, "index.html")
    for name in names:
        assert (built[0] / name).is_file() and f'href="{name}"' in front, f"no way leads to {name}"
    assert "LICENSE" in front and "/LICENSE" not in front, "where there is no page words are left"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_lesson_is_shown_as_it_is_stored(built, path):
    text = page(built, f"notebooks/{path.stem}.html")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    formulas = 0
    hidden = sum(cell["metadata"].get("jupyter", {}).get("source_hidden", False) for cell in cells)
    assert text.count("Show the code") == hidden
    for cell in cells:
        if cell["cell_type"] == "markdown":
            source = re.sub(r"```.*?```|`[^`]*`", "", "".join(cell["source"]), flags=re.DOTALL)
            formulas += len(re.findall(r"\$[^$]+\$", source))
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                png = base64.b64decode("".join(output["data"]["image/png"]))
                alt = html.escape(output["metadata"]["image/png"]["alt"].replace("\n", " "), quote=True)
                image = re.search(rf'<img alt="([^"]*)"[^>]*{hashlib.sha256(png).hexdigest()}', text)
                assert image and html.unescape(image[1]) == html.unescape(alt)
    assert text.count("<math") == formulas
    assert "mathjax" not in text.lower() and "require.js" not in text


def test_the_api_reads_like_its_docstrings(built):
    text = page(built, "api/some.html")
    assert re.search(r"\[metrics\] {3}names of our measures", text)  # columns stay columns
    assert str(ROOT) not in text and "&lt;factory&gt;" not in text


@pytest.mark.parametrize(
    ("name", "text", "host"),
    [
        ("a.html", '<script async src="https://elsewhere.org/x.js"></script>', "https://elsewhere.org/x.js"),
        ("a.html", '<link rel="stylesheet" href="//elsewhere.org/x.css">', "//elsewhere.org/x.css"),
        (
            "a.css",
            "@import url('https://elsewhere.org/font.css'); b {background: url(x.png)}",
            "//elsewhere.org/font.css",
        ),
        ("a.html", '<a href="https://elsewhere.org">x</a><img src="data:image/png;base64,AA">', None),
    ],
)
def test_what_a_page_loads_from_another_host_is_found(tmp_path, name, text, host):
    (tmp_path / name).write_text(text, encoding="utf-8")
    found = site.loads(tmp_path)
    assert len(found) == (host is not None) and all(host in fault for fault in found)


def test_what_sphinx_warns_of_is_a_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(site, "_api", lambda: iter([("some", "# API\n\n[words](#nowhere)\n\n$\\nonsense{$")]))
    (tmp_path / "README.md").write_text("# Course\n")
    found = "\n".join(site.build(tmp_path / "site", tmp_path))
    assert "nowhere" in found and "cannot be drawn" in found


def test_opened_from_a_folder_no_page_asks_another_host_and_all_fit_a_phone(built, chromium):  # noqa: F811
    out = built[0]
    asked, errors = [], []
    for width, height in ((1400, 1000), (390, 844)):
        page = chromium.new_page(viewport={"width": width, "height": height})
        page.on("request", lambda request: asked.append(request.url))
        page.on("requestfailed", lambda request: errors.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        for path in sorted(out.rglob("*.html")):
            if "_static" in path.parts:
                continue
            page.goto(path.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{path.name} is wider than {width}"
            if path.stem in ("index", "LEDGER", "01_kannada_gan", "some"):
                SCREENS.mkdir(parents=True, exist_ok=True)
                page.screenshot(path=SCREENS / f"site-{path.stem}-{width}.png")
        page.close()
    assert len(asked) > 50 and {url.split(":")[0] for url in asked} <= {"file", "data"}
    assert errors == []


def test_on_a_phone_pages_fit_code_is_folded_and_figures_can_be_enlarged(built, chromium):  # noqa: F811
    tab = chromium.new_page(viewport={"width": 390, "height": 844})
    for name in ("index", "notebooks/00_start_here", "results/LEDGER", "lessons/00_start_here/TEACHING"):
        tab.goto((built[0] / f"{name}.html").as_uri())
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390, name
        assert tab.locator(".bd-article .cell_input:visible").count() == 0, name
    tab.goto((built[0] / "notebooks/00_start_here.html").as_uri())
    tab.get_by_text("Show the code").first.click()
    assert tab.locator(".bd-article .cell_input:visible").count() == 1
    tab.locator(".bd-article img").first.click()
    tab.wait_for_url("**/*.png")
    tab.close()
