"""Finished generators of full runs, or what they drew: small files in results/<lesson>/weights for quick lessons.

weights.json beside them is the manifest: file → its sha256, what it was trained on, and how it scored.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from course_utils.core import checkpoint, files
from course_utils.core.errors import CourseError
from course_utils.core.profiles import ROOT
from course_utils.experiment.full import Answer

MANIFEST = "weights.json"
KEPT = ("trained_on", "images", "width", "commit", "device", "seconds", "memorisation", "curve")
"""The facts of an answer that stay with it, where it has them."""


def folder(slug: str, root: Path = ROOT) -> Path:
    """Where the weights of a lesson lie."""
    return root / "results" / slug / "weights"


def keep(folder: Path, answers: dict[str, Answer]) -> dict[str, Any]:
    """Write the answers of finished generators, by name, and the manifest; returns the manifest."""
    manifest = read(folder)
    for name, (tensors, facts) in answers.items():
        path, curve = folder / file(name), facts["curve"]
        row = {
            "trained_on": facts["trained_on"],
            "images": facts["images"],
            "steps": curve["steps"][-1],
            "commit": facts["commit"],
            **{measure: values[-1] for measure, values in curve.items() if measure != "steps"},
        }
        if path.is_file() and manifest.get(path.name, {}).items() >= row.items():
            continue  # the bytes of a file written once more differ
        checkpoint.save(path, tensors, {fact: facts[fact] for fact in KEPT if fact in facts})
        manifest[path.name] = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), **row}
    if answers:
        files.write(folder / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    return manifest


def read(folder: Path) -> dict[str, Any]:
    """The manifest of a folder; empty where there is none. Raises CourseError where it is damaged."""
    path = folder / MANIFEST
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise CourseError(f"{path} is damaged ({error}); get it anew with: git checkout -- {path}") from None


def find(folder: Path, name: str, trained_on: str) -> Answer | None:
    """The finished generator of this name, where it was trained on the pictures with this digest (`Images.digest`).

    None where there is none. Raises CourseError where its file is not the one that the manifest names.
    """
    about = read(folder).get(file(name))
    if about is None or about["trained_on"] != trained_on:
        return None
    path = folder / file(name)
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != about["sha256"]:
        raise CourseError(f"{path} is not the file that {MANIFEST} names; get both anew with: git checkout -- {folder}")
    return checkpoint.load(path)


def file(name: str) -> str:
    """The file of the generator that the job of this name has trained."""
    return f"{name.replace('/', '-')}.safetensors"
