"""Save a training run to one file and load it: tensors as safetensors, facts as JSON in the header.

Loading executes no code from the file.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from course_utils.core import files
from course_utils.core.errors import CourseError

SUFFIX = ".safetensors"


class CheckpointError(CourseError):
    """A checkpoint is damaged, or belongs to another run. Names the file and the remedy."""


def save(path: Path, tensors: dict[str, Tensor], facts: dict) -> None:
    """Write tensors and facts (JSON) to `path`, completely or not at all. Raises NotWritten if the disk refuses."""
    # copies, because safetensors refuses tensors that share memory, such as tied weights
    tensors = {name: t.detach().cpu().clone(memory_format=torch.contiguous_format) for name, t in tensors.items()}
    text = json.dumps(facts)
    header = {"facts": text, "sha256": _digest(tensors, text)}
    files.write(path, safetensors.torch.save(tensors, header), "set COURSE_RUNS to another folder")


def load(path: Path) -> tuple[dict[str, Tensor], dict]:
    """Return (tensors, facts) of a file that `save` wrote. Raises CheckpointError if it is damaged or another file."""
    try:
        with safe_open(path, "pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        facts = json.loads(header["facts"])
        if not isinstance(facts, dict):
            raise ValueError(f"its facts are {type(facts).__name__}, expected an object")
    except (SafetensorError, KeyError, ValueError, OSError, RecursionError) as error:
        raise CheckpointError(
            f"{path} is not a checkpoint, or is damaged ({error}); delete it to start again"
        ) from None
    if header.get("sha256") != _digest(tensors, header["facts"]):
        raise CheckpointError(f"{path} is damaged: it has changed since it was written; delete it to start again")
    if bad := [name for name, t in tensors.items() if t.is_floating_point() and not torch.isfinite(t.double()).all()]:
        raise CheckpointError(f"{path} holds numbers that are not finite in {bad[0]}; delete it to start again")
    return tensors, facts


def _digest(tensors: dict[str, Tensor], text: str) -> str:
    h = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        h.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        h.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return h.hexdigest()
