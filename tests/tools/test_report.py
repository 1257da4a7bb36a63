import base64
import json
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_tools.run import outcome, report
from course_tools.run.outcome import Outcome

EVIL = '<script>alert("1")</script>&'


def results(**changes):
    estimate = {"values": [0.9, 0.92], "mean": 0.91234, "ci95": [0.9021, 0.9226]}
    loss = {"values": [-0.01, -0.03], "mean": -0.02, "ci95": [-0.0421, 0.0021]}
    return {
        "title": "A lesson",
        "profile": "quick",
        "data": {"name": "kannada", "source": "local"},
        "seeds": [0, 1],
        "arms": {"real": {"accuracy": {"test": estimate, "dig": estimate}}, "gan": {"accuracy": {"test": estimate}}},
        "differences": {"gan - real": {"accuracy": {"test": loss}}},
        "wall_s": 61.2,
        "device": "cpu",
        "versions": {"torch": "2.15"},
        "commit": "abc123",
        "verdict": "No gain.",
    } | changes


def page(folder, *outcomes):
    report.write(folder, "quick", list(outcomes))
    return (folder / "index.html").read_text(encoding="utf-8")


class Tags(HTMLParser):
    """Every tag of a page with its attributes, and its text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def test_a_lesson_shows_verdict_table_differences_and_provenance(tmp_path):
    text = Tags(page(tmp_path, Outcome("01_a", 61.2, results(), None))).text
    for shown in ("A lesson", "No gain.", "0.912 [0.902, 0.923]", "−0.020 [−0.042, +0.002]", "1 min 01 s"):
        assert shown in text
    for fact in ("profile: quick", "data: kannada local", "seeds: 0, 1", "device: cpu", "torch 2.15", "commit: abc123"):
        assert fact in text


def test_everything_is_escaped(tmp_path):
    evil = results(title=EVIL, verdict=EVIL, device=EVIL, versions={EVIL: EVIL}, commit=EVIL)
    evil["arms"] = {EVIL: {EVIL: {EVIL: {"mean": 1.0, "ci95": [0.9, 1.1]}}}}
    evil["figure"] = {"file": EVIL, "alt": EVIL}
    html = page(tmp_path, Outcome("01_a", 1, evil, None), Outcome("02_b", 1, None, EVIL))
    assert "script" not in [tag for tag, _ in Tags(html).tags]
    assert Tags(html).text.count('<script>alert("1")</script>&') == 10


def test_the_figure_is_part_of_the_page_with_its_alt_text(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "01_a.png").write_bytes(b"picture")
    figure = {"file": "../../01_a.png", "alt": 'accuracy "by" arm'}
    image = dict(Tags(page(tmp_path, Outcome("01_a", 1, results(figure=figure), None))).tags)["img"]
    assert image["alt"] == figure["alt"]
    assert base64.b64decode(image["src"].removeprefix("data:image/png;base64,")) == b"picture"


def test_the_page_asks_nothing_of_the_network_and_its_links_lead_to_what_exists(tmp_path):
    (tmp_path / "01_a.html").touch()
    html = page(tmp_path, Outcome("01_a", 1, results(), None))
    assert "http" not in html and "//" not in html and "url(" not in html
    assert [attributes["href"] for tag, attributes in Tags(html).tags if tag == "a"] == ["01_a.html"]


@pytest.mark.parametrize("source", ["standin", "sample"])
def test_a_sample_or_stand_in_is_announced_and_real_data_is_not(tmp_path, source):
    claim = "no scientific claim"
    assert claim not in page(tmp_path, Outcome("01_a", 1, results(), None))
    small = results(data={"name": "kannada", "source": source})
    assert page(tmp_path, Outcome("01_a", 1, small, None)).count(claim) == 2


def test_lessons_of_earlier_runs_stay_on_the_page_and_odd_files_do_no_harm(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "01_a.json").write_text(json.dumps(results(verdict="stale")))
    (tmp_path / "results" / "02_b.json").write_text(json.dumps(results(verdict="An earlier verdict.")))
    (tmp_path / "results" / "03_c.json").write_text("not JSON")
    (tmp_path / "results" / "04_d.json").write_text(json.dumps(results(arms={"real": 3})))
    text = Tags(page(tmp_path, Outcome("01_a", 1, None, "it failed"))).text
    assert "stale" not in text and "it failed" in text
    assert "An earlier verdict." in text and "from an earlier run" in text
    assert "results/04_d.json cannot be shown" in text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59.6, "1 min 00 s"), (252, "4 min 12 s"), (7500, "2 h 05 min")]
)
def test_durations(seconds, text):
    assert outcome.duration(seconds) == text


@given(st.floats(1e-4, 1e6), st.floats(1, 100))
def test_a_column_shows_two_digits_of_its_narrowest_interval(half, wider):
    places = report.decimals([{"ci95": [-half, half]}, {"ci95": [-half * wider, half * wider]}])
    assert abs(round(half, places) - half) <= half / 20
    assert places == 0 or half < 10.0 ** (2 - places)  # and no more than two


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_what_has_no_value_is_a_dash(missing):
    assert report.number(missing, 3) == "–"
    assert report.decimals([{"mean": 1.0, "ci95": [missing, missing]}]) == 4
