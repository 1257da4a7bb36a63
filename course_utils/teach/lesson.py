"""Open and close a lesson: `start` resolves profile, device and data, `Lesson.save` writes the results."""

from __future__ import annotations

import hashlib
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from matplotlib.figure import Figure

from course_utils import experiment
from course_utils.core import files
from course_utils.core.errors import CourseError
from course_utils.core.precision import gigaflops
from course_utils.core.profiles import PROFILES, ROOT, data_source, resolve, results_folder, runs_folder, standin_scale
from course_utils.core.results import read as read_results
from course_utils.core.seeds import generator, number
from course_utils.data.images import Images
from course_utils.data.sources import Dataset, load
from course_utils.experiment import evidence, weights
from course_utils.experiment.full import Answer
from course_utils.teach import show
from course_utils.teach.exercises.exercise import Exercise


@dataclass
class Lesson:
    """Hold one run of a lesson: profile, the profile's settings, device, seed, data and the paper's numbers.

    The start notebook has neither data nor paper: None and {}; a lesson on one's own data has no paper.
    """

    slug: str
    title: str
    profile: str
    settings: dict[str, Any]
    device: torch.device
    seed: int
    data: Dataset | None
    paper: dict[str, dict[str, Any]]
    started: float = field(default_factory=time.monotonic)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the data out: workers in other processes are sent what they train on."""
        return {**vars(self), "data": None}

    @property
    def seeds(self) -> list[int]:
        """List the seeds of the experiment: as many as the profile has, from SEED on."""
        return list(range(self.seed, self.seed + self.settings["seeds"]))

    @property
    def folder(self) -> Path:
        """Give the folder of this run's results."""
        return results_folder(self.profile)

    @property
    def cache(self) -> Path | None:
        """Give the folder in which finished trainings are stored for the next run of these cells, or None."""
        return runs_folder(self.profile)

    def labels_file(self, pixels: torch.Tensor) -> Path:
        """Give the file of the labels that a person gives to these pictures; other pictures have another file."""
        digest = hashlib.sha256(pixels.cpu().contiguous().numpy()).hexdigest()[:8]
        return self.folder.parent / "labels" / f"{self.slug}-{digest}.csv"

    def claimed(self, key: str) -> float:
        """Look up a number of the paper by its key in lessons/<slug>/paper.toml."""
        if key not in self.paper:
            raise CourseError(f"paper.toml of {self.slug} has no number {key!r}; it has {', '.join(self.paper)}")
        return self.paper[key]["value"]

    def generator(self, *key: int | str) -> torch.Generator:
        """Make a random generator for one purpose, e.g. generator("look"); on the CPU, whatever the device."""
        return generator(self.seed, *key)

    def number(self, *key: int | str) -> int:
        """Derive a seed for one purpose, e.g. number("gan")."""
        return number(self.seed, *key)

    def committed(self, profile: str) -> dict[str, Any] | None:
        """Read the committed results of this lesson in a profile, None if there are none."""
        return _committed(self.slug, profile)

    def finished(self, kind: str, images: Images) -> list[Answer]:
        """Find the generators of a kind that the full run keeps, one a seed, as (tensors, facts).

        Whether they had come to rest, its gates say. images: all that a training set holds. None are found where the
        full run's were other images.
        """
        full = self.committed("full")
        if full is None or len(images) <= full["settings"]["validation"]:
            return []
        n, validation = (full["settings"][name] for name in ("images", "validation"))
        theirs = evidence.training_and_validation(images, n, validation)[0]
        found = (self.stored(f"{kind}/{seed}", theirs) for seed in full["seeds"])
        return [answer for answer in found if answer]

    def stored(self, name: str, images: Images) -> Answer | None:
        """Find what the full run keeps of one generator, None where it was trained on other images than these."""
        return weights.find(weights.folder(self.slug), name, images.digest())

    def swept(self) -> pd.DataFrame | None:
        """Read the committed table of `course sweep`, one row per task and measure, None if there is none.

        Raises CourseError where it is damaged.
        """
        path = ROOT / "results" / self.slug / "sweep.csv"
        try:
            return pd.read_csv(path, dtype={"data": str, "code": str, "task": str}) if path.exists() else None
        except ValueError as error:
            raise CourseError(f"{path}: is damaged ({error}); get it anew with: git checkout -- {path}") from None

    def save(self, fig: Figure, alt: str, **results: Any) -> dict[str, Any]:
        """Write results JSON and main figure, show the verdict, and return the JSON.

        results: updates, arms, differences and verdict, and whatever else the lesson measured.
        """
        picture = self.folder / f"{self.slug}.png"
        files.write(picture, show.png(fig))
        data = self.data
        known = {"name": data.name, "source": data.source, "sha256": data.sha256} if data else {"source": "none"}
        whole = {
            "lesson": self.slug,
            "title": self.title,
            "profile": self.profile,
            "data": known,
            "seeds": self.seeds,
            "settings": self.settings,
            **results,
            "figure": {"file": picture.name, "alt": alt},
            **experiment.provenance(self.device, self.started),
        }
        experiment.save(whole, self.folder)
        said, source = ("Verdict", f"{data.source} data, ") if data else ("What came out", "")
        show.markdown(f"**{said}.** {whole['verdict']} ({source}profile `{self.profile}`)")
        return whole


def start(
    slug: str,
    title: str,
    dataset: str | None,
    *,
    profile: str | None = None,
    data: str | None = None,
    seed: int = 0,
    device: str | None = None,
) -> Lesson:
    """Resolve profile, device and data (none where `dataset` is None), seed PyTorch, and print all of it.

    settings.toml and paper.toml beside the lesson's source hold the settings of each profile and the paper's numbers;
    a lesson without a paper has no paper.toml.
    Raises CourseError on an unknown profile, device or data source.
    """
    profile = resolve(profile)
    settings = _toml(slug, "settings.toml")
    if missing := [name for name in PROFILES if name not in settings]:
        raise CourseError(f"settings.toml of {slug} has no profile {', '.join(missing)}")
    where = Exercise.device = _device(device)
    torch.manual_seed(seed)
    lesson = Lesson(slug, title, profile, settings[profile], where, seed, None, {})
    said = [f"**Profile** `{profile}` · **device** {where.type} · **seeds** {lesson.settings['seeds']} from {seed}"]
    if dataset is not None:
        lesson.data = load(dataset, data_source(data, profile), scale=standin_scale(profile))
        lesson.paper = {number["key"]: number for number in _paper(slug)}
        said.append(f"**Data.** {lesson.data.announce()}")
        lesson.settings, cuts = _within(lesson.settings, lesson.data, lesson.paper)
        if cuts:
            said.append(f"**Settings** are cut to what these data have: {', '.join(cuts)}.")
        said.append(f"**Time.** {_minutes(slug, profile, where)}")
    show.markdown("  \n".join([*said, f"**What this profile is for.** {PURPOSES[profile]}"]))
    rows = "".join(f"| {name} | {value} |\n" for name, value in lesson.settings.items())
    show.markdown(
        f"<details><summary>All settings of this profile</summary>\n\n| setting | value |\n|---|---|\n{rows}</details>"
    )
    return lesson


PURPOSES = {
    "smoke": "It checks that everything runs: tiny networks, a few steps. No claim rests on it.",
    "quick": "It is to learn with, on a laptop: small networks and short trainings. It judges no paper.",
    "full": "It is the evidence: networks and trainings as large as the question asks, for hours.",
}


def _within(settings: dict[str, Any], data: Dataset, paper: dict[str, dict[str, Any]]) -> tuple[dict[str, Any], list]:
    """Cut settings that ask for more pictures than a sample or a stand-in has; also say what was cut.

    images and validation shrink in proportion, both parts of train; judged to what a part of train and test have; of
    the paper's `subsets` those stay that are smaller than train, and at least the first.
    """
    cut, there = dict(settings), len(data["train"])
    asked = settings.get("images", 0) + settings.get("validation", 0)
    if asked > there:
        cut |= {name: settings[name] * there // asked for name in ("images", "validation") if name in settings}
        cut["judged"] = min(settings["judged"], cut["images"], len(data["test"]))
    if "subsets" in settings:
        first, *more = settings["subsets"]
        cut["subsets"] = [first, *(subset for subset in more if paper[f"images_{subset}"]["value"] <= there)]
    return cut, [f"{name} {settings[name]} → {cut[name]}" for name in cut if cut[name] != settings[name]]


def _paper(slug: str) -> list[dict[str, Any]]:
    there = (ROOT / "lessons" / slug / "paper.toml").is_file()
    return _toml(slug, "paper.toml")["number"] if there else []


def _toml(slug: str, name: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / "lessons" / slug / name).read_text("utf-8"))


def _device(name: str | None) -> torch.device:
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise CourseError(
            f"DEVICE {name!r} cannot be used here; use 'cpu', or None to choose by itself ({reason[:80]} …)"
        ) from error
    return device


def _minutes(slug: str, profile: str, device: torch.device) -> str:
    past = _committed(slug, profile)
    if past is None:
        return f"Nobody has measured this lesson in the `{profile}` profile yet."
    minutes = past["wall_s"] / 60
    said = f"When it was last measured, all cells together took {minutes:.1f} minutes on {past['device']}."
    there, here = past.get("gigaflops"), gigaflops(device.type)
    if there and here and past["device"].startswith(device.type):
        said += f" By a short measurement, this machine needs about {max(1, round(minutes * there / here))}."
    return said


def _committed(slug: str, profile: str) -> dict[str, Any] | None:
    path = ROOT / "results" / slug / f"{profile}.json"
    return read_results(path, "wall_s", "device") if path.exists() else None
