"""The page of a verdict: one file that needs no network, the sentence first, then what it rests on."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from course_utils.data.images import Images
from course_utils.evaluate import samples
from course_utils.evaluate.statistics import Interval
from course_utils.teach.plots.figures import LOOKS, draw_interval, image_grid, style
from course_utils.verdict import work
from course_utils.verdict.findings import CURVE, Answers
from course_utils.verdict.work import Data

MEASURES = {
    "fd": "Fréchet distance in the judge's features (low is good)",
    "floor": "the same between real pictures: as low as it can be",
    "agreement": "share taken for the class asked for (high is good)",
    "density": "density (near 1 is good)",
    "coverage": "coverage of the real pictures (near 1 is good)",
    "memorisation": "memorisation (near 1 is good; far below 1: copies)",
    "copies": "share nearer to a training picture than 19 of 20 new real ones are (near 0.05 is good)",
}


CHECKS = {
    "fd_ratio": "its pictures lie {:.1f} times as far from real ones as other real ones do",
    "fd_moved": "over the last third of its training that distance moved by a share of {:.2f}",
    "accuracy_moved": "over the last third of the updates accuracy on validation pictures moved by {:.3f}",
}
"""What a gate looked at, in words."""


class Section(NamedTuple):
    """A part of the page: sentences, figures with their alternative texts, tables as HTML, and plain lines."""

    title: str
    texts: Sequence[str] = ()
    figures: Sequence[dict[str, str]] = ()
    tables: Sequence[str] = ()
    pre: str = ""


def render(found: dict[str, Any], data: Data, answers: Answers) -> str:
    """Write the page as HTML."""
    sections = _sections(found, data, answers) if "questions" in found else []
    sections.append(_about(found))
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template("report.html.jinja").render(
        title=found["about"].get("name", ""),
        verdict=found["verdict"],
        sentences=_sentences(found) if "questions" in found else [],
        sections=sections,
    )


def inline(html: str) -> str:
    """The page within a notebook, in a frame that keeps its style to itself."""
    text = html.replace("&", "&amp;").replace('"', "&quot;")
    return f'<iframe srcdoc="{text}" style="border:0;width:100%;height:40rem" title="verdict"></iframe>'


def table(found: dict[str, Any]) -> pd.DataFrame:
    """All arms: pictures trained on, the metric with its interval, and its values seed by seed."""
    rows = []
    for arm, row in found.get("arms", {}).items():
        mean, lo, hi = row["interval"]
        values = {f"seed {seed}": value for seed, value in zip(found["seeds"], row["values"], strict=True)}
        rows.append({"arm": arm, "pictures": row["images"], "mean": mean, "lo": lo, "hi": hi, **values})
    return pd.DataFrame(rows)


def _sentences(found: dict[str, Any]) -> list[str]:
    """What must stand beside the verdict: how far it reaches, the controls, and what was left out."""
    images, seeds = found["images"], len(found["seeds"])
    controls = {name: _points(difference) for name, difference in found["controls"].items()}
    more = (
        f"{images['more']:,} further real pictures change it by {controls['more_real']}, "
        if "more_real" in controls
        else ""
    )
    lines = [
        f"Measured by {found['metric']} on {images['test']:,} test pictures, over {seeds} seeds, each with another "
        f"training set of {images['train']:,} pictures and generators of its own. Intervals hold what other seeds and "
        "other test pictures would change.",
        f"Positive control: {more}half of the real pictures change it by {controls['real_50']}: "
        + (
            "seen, so the run can judge."
            if found["assay"]
            else "not seen; of what was not seen either, the run says nothing."
        ),
        f"Negative control: wrong labels change it by {controls['wrong_labels']}.",
    ]
    for source, of in found["samples"].items():
        if of["copies"]:
            share = Interval(*of["measures"]["copies"]).text(100, 0, " %")
            lines.append(
                f"{source} copies: {share} of its pictures lie nearer to a training picture than 19 of 20 new real "
                "pictures do; look at the nearest pairs below."
            )
    for question in found["questions"]:
        if question["other"] == "real" and question["arm"] in found["worth"] and not question["unfinished"]:
            lines.append(_worth(question["arm"], found["worth"][question["arm"]]))
    return lines


def _worth(arm: str, worth: dict[str, Any]) -> str:
    """What a source of made pictures is worth, in a sentence; ends beyond the learning curve as such."""
    low, high = worth["ends"]
    mean, lo, hi = (
        (f"{n:+,} or fewer" if n <= low else f"{n:+,} or more" if n >= high else f"{n:+,}").replace("-", "−")
        for n in worth["pictures"]
    )
    return f"{arm} changes as much as {mean} real pictures would [{lo}; {hi}], by the learning curve of the real ones."


def _points(difference: dict[str, Any]) -> str:
    return Interval(difference["mean"], *difference["interval"]).text(100, 1, " points")


# ------------------------------------------------------------------ sections


def _sections(found: dict[str, Any], data: Data, answers: Answers) -> list[Section]:
    parts = [_answers(found), _arms(found), _curve(found), _dose(found), _budget(found), _classes(found)]
    parts += [_samples(found, data, answers)] if found["samples"] else []
    return [part for part in parts if part is not None]


def _answers(found: dict[str, Any]) -> Section:
    questions = found["questions"]
    matters = found["settings"]["matters"]
    shown = pd.DataFrame(
        {
            "question": [f"{q['arm']} against {q['other']}" for q in questions],
            "answer": [q["says"] for q in questions],
            "points": [_points(q) for q in questions],
            "p, Holm": [f"{q['p_holm']:.3f}" for q in questions],
            "visible": [f"{100 * q['visible']:.1f}" for q in questions],
            "seeds": [q["seeds_needed"] or "no number" for q in questions],
            "test pictures": [f"{q['pictures_needed']:,}" if q["pictures_needed"] else "no number" for q in questions],
        }
    )
    text = (
        "Helps or harms: the interval leaves out 0 after Holm's correction for all questions of this table. "
        "Not judged: a generator or the classifiers were still improving when time was up. Visible: the smallest "
        "difference, in points, that this run would see four times in five. Seeds, test pictures: how many of them, "
        f"the other left as it is, would make {matters:g} point{'' if matters == 1 else 's'} visible."
    )
    figure = _figure(_forest(questions), "Differences with their 95 % intervals.")
    return Section("The questions", [text], [figure], [_html(shown)])


@style()
def _forest(questions: Sequence[dict[str, Any]]) -> Figure:
    """One interval a question, a look for each source of made pictures."""
    sources = list(dict.fromkeys(q["arm"].removeprefix("classic+") for q in questions))
    fig = Figure(figsize=(8, 1.2 + 0.4 * len(questions)), layout="constrained")
    ax = fig.subplots()
    ax.axvline(0, color="0.3", linestyle="--", linewidth=1.5)
    for y, q in enumerate(questions):
        look = LOOKS[sources.index(q["arm"].removeprefix("classic+")) + 1]
        draw_interval(ax, y, Interval(q["mean"], *q["interval"]).times(100), look)
    ax.set_yticks(range(len(questions)), [f"{q['arm']} − {q['other']}" for q in questions])
    ax.set_ylim(len(questions) - 0.5, -0.5)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel("difference, points")
    return fig


def _arms(found: dict[str, Any]) -> Section:
    arms = table(found)
    shown = arms.assign(
        **{f"{found['metric']}, %": [Interval(*row).text(100) for row in arms[["mean", "lo", "hi"]].to_numpy()]}
    )[["arm", "pictures", f"{found['metric']}, %"]]
    return Section("All arms", tables=[_html(shown)])


def _curve(found: dict[str, Any]) -> Section | None:
    worths = list(found["worth"].values())
    if not worths:
        return None
    fig = _learning_curve(found, worths[0]["curve"])
    return Section(
        "Worth how many real pictures",
        [
            "The curve of the real pictures gives every gain a price in pictures that you would have to collect. It "
            "stays level where more of them scored lower."
        ],
        [
            _figure(
                fig, f"{found['metric']} against the number of real pictures, with 95 % intervals; dashed: other arms."
            )
        ],
    )


@style()
def _learning_curve(found: dict[str, Any], curve: list[list[float]]) -> Figure:
    fig = Figure(figsize=(8, 4), layout="constrained")
    ax = fig.subplots()
    numbers, accuracy = zip(*curve, strict=True)
    ax.plot(numbers, [100 * a for a in accuracy], color=LOOKS[0].colour, label="real pictures")
    for row in (found["arms"][arm] for arm in CURVE if arm in found["arms"]):
        ax.plot(row["images"], 100 * row["interval"][0], "o", color=LOOKS[0].colour)
        ax.plot([row["images"]] * 2, [100 * end for end in row["interval"][1:]], color=LOOKS[0].colour, alpha=0.4)
    beside = [arm for arm in ("classic", *found["worth"]) if arm in found["arms"]]
    for look, arm in zip(LOOKS[1:], beside, strict=False):
        ax.axhline(100 * found["arms"][arm]["interval"][0], color=look.colour, linestyle="--", label=arm)
    ax.set_xscale("log")
    ax.set_xticks(numbers, [f"{n:,}" for n in numbers])
    ax.minorticks_off()
    ax.set(xlabel="real training pictures", ylabel=f"{found['metric']}, %")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig


def _dose(found: dict[str, Any]) -> Section | None:
    doses: dict[str, list[tuple[float, list[float]]]] = {}
    for arm, row in found["arms"].items():
        if match := re.fullmatch(r"(.+)×([\d.]+)", arm):
            doses.setdefault(match[1], []).append((float(match[2]), row["interval"]))
    if not doses:
        return None
    for source, points in doses.items():
        points.append((1.0, found["arms"][source]["interval"]))
        points.sort()
    alt = f"{found['metric']} against made pictures for each real one, with 95 % intervals; line: real pictures alone."
    return Section("Dose", [], [_figure(_doses(found, doses), alt)])


@style()
def _doses(found: dict[str, Any], doses: dict[str, list[tuple[float, list[float]]]]) -> Figure:
    fig = Figure(figsize=(8, 4), layout="constrained")
    ax = fig.subplots()
    ax.axhline(100 * found["arms"]["real"]["interval"][0], color="0.3", linewidth=1.5)
    for look, (source, points) in zip(LOOKS, doses.items(), strict=False):
        ratio, mean, lo, hi = (np.array(v) for v in zip(*((r, *e) for r, e in points), strict=True))
        error = 100 * np.stack([mean - lo, hi - mean])
        ax.errorbar(ratio, 100 * mean, error, color=look.colour, marker=look.marker, linestyle=look.line, label=source)
    ax.set_xscale("log", base=2)
    ax.set_xticks(ratio, [f"{r:g}" for r in ratio])
    ax.set(xlabel="made pictures for each real one", ylabel=f"{found['metric']}, %")
    ax.legend()
    return fig


def _budget(found: dict[str, Any]) -> Section:
    gates = [
        f"{who}: {CHECKS[name].format(check['found'])} (limit {check['limit']:.3g}): "
        f"{'passed' if check['passed'] else 'missed'}"
        for who, gate in found["gate"].items()
        for name, check in gate["checks"].items()
    ]
    figures = [
        _figure(_by_updates(found), f"{found['metric']} of the arms against the updates of the classifier."),
        *(
            _figure(_fd_curves(name, of), f"Fréchet distance of {name}'s pictures along its training, one line a seed.")
            for name, of in found["samples"].items()
            if of["curves"]
        ),
    ]
    return Section("Was it trained for long enough?", gates, figures)


@style()
def _by_updates(found: dict[str, Any]) -> Figure:
    fig = Figure(figsize=(8, 4), layout="constrained")
    ax = fig.subplots()
    shown = [arm for arm in found["by_updates"] if "×" not in arm and not arm.startswith(("real_", "wrong", "noise"))]
    for look, arm in zip(LOOKS, shown, strict=False):
        means = [100 * point[0] for point in found["by_updates"][arm]]
        at = np.array([1 / 4, 2 / 3, 1])[-len(means) :]
        ax.plot(at, means, color=look.colour, marker=look.marker, linestyle=look.line, label=arm)
    ax.set(xlabel="share of the updates", ylabel=f"{found['metric']}, %")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig


@style()
def _fd_curves(name: str, of: dict[str, Any]) -> Figure:
    fig = Figure(figsize=(8, 3.4), layout="constrained")
    ax = fig.subplots()
    for curve in of["curves"]:
        ax.plot(curve["steps"], curve["fd"], marker="o", color=LOOKS[0].colour, alpha=0.7)
    ax.axhline(of["measures"]["floor"][0], color="0.3", linestyle="--", label="real pictures")
    ax.set(xlabel=f"steps of {name}", ylabel="Fréchet distance", yscale="log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.minorticks_off()
    ax.legend()
    return fig


def _classes(found: dict[str, Any]) -> Section:
    arms = [arm for arm in found["by_class"] if "×" not in arm and not arm.startswith("real_")]
    shown = pd.DataFrame(
        {"arm": arms}
        | {name: [f"{100 * found['by_class'][arm][k]:.1f}" for arm in arms] for k, name in enumerate(found["classes"])}
    )
    return Section(
        "By class", ["Share of the test pictures of each class that is found, in per cent."], [], [_html(shown)]
    )


def _samples(found: dict[str, Any], data: Data, answers: Answers) -> Section:
    train, net = work.parts(data, found["seeds"][0])[0], work.restored(answers["judge"], data.known)
    figures = [_sheet("real", train.pixels, train.labels, data.known)]
    for source in found["samples"]:
        if source == "synthetic":
            pixels, labels = data.synthetic.pixels, data.synthetic.labels
        else:
            pixels, labels = (
                answers[work.made_by(source, found["seeds"][0])][0][name] for name in ("pixels", "labels")
            )
        figures += [_sheet(source, pixels, labels, data.known), _nearest(source, pixels, train, net)]
    rows = {
        source: {text: Interval(*of["measures"][name]).text(1, 2) for name, text in MEASURES.items()}
        for source, of in found["samples"].items()
    }
    return Section("The made pictures", [], figures, [_html(pd.DataFrame(rows).rename_axis("measure").reset_index())])


def _sheet(name: str, pixels: torch.Tensor, labels: torch.Tensor, known: Images) -> dict[str, str]:
    rows = [pixels[labels == k][:10] for k in range(min(10, len(known.classes)))]
    empty = torch.full((10, *pixels.shape[1:]), 255, dtype=torch.uint8)
    rows = [torch.cat([row, empty[: 10 - len(row)]]) for row in rows]
    titles = [name_ if len(name_) < 16 else name_[:15] + "…" for name_ in known.classes[: len(rows)]]
    fig = image_grid(torch.cat(rows), cols=10, row_titles=titles)
    return _figure(
        fig, f"{name}: ten pictures of each class" + ("." if len(known.classes) <= 10 else ", the first ten.")
    )


def _nearest(name: str, pixels: torch.Tensor, train: Images, net: torch.nn.Module, n: int = 10) -> dict[str, str]:
    some = pixels[:500]
    _, mine, theirs = samples.nearest_pairs(
        samples.features(net, some), samples.features(net, train.pixels), min(n, len(some))
    )
    fig = image_grid(torch.cat([some[mine], train.pixels[theirs]]), cols=len(mine), row_titles=[name, "nearest real"])
    return _figure(
        fig, f"{name}: the made pictures nearest to a training picture, each above it. Copies would look alike."
    )


def _about(found: dict[str, Any]) -> Section:
    lines = [*found["about"].get("notes", []), ""] if found["about"].get("notes") else []
    lines += [f"left out: {what}" for what in found["left_out"]]
    lines += [
        f"{work.removeprefix('train_')}: {done} of {of} finished" for work, (done, of) in found["finished"].items()
    ]
    made = ("device", "precision", "gigaflops", "versions", "commit", "wall_s", "sha256", "settings")
    lines += [f"{name}: {json.dumps(found[name], ensure_ascii=False)}" for name in made if name in found]
    return Section("The pictures, and how this was made", pre="\n".join(lines))


def _figure(fig: Figure, alt: str) -> dict[str, str]:
    file = io.BytesIO()
    fig.savefig(file, format="png", dpi=110)
    return {"png": base64.b64encode(file.getvalue()).decode(), "alt": alt}


def _html(shown: pd.DataFrame) -> str:
    return shown.to_html(index=False, border=0)
