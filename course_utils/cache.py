"""Finished classifiers, found again by content: one small file a run, under a key that says all it depends on.

A run whose training set, recipe, seed, test sets and code are what they were is not trained again, so that a
notebook's rerun is instant. Files are never thrown away; the folder can be deleted at any time.
"""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Hashable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from course_utils.classify import workers
from course_utils.core import files
from course_utils.core.fingerprint import Unknown, fingerprint
from course_utils.data.images import Images

Answers = dict[str, Tensor]  # by test set: labels, int64, N, or probabilities, float32, N × K


class Cache:
    """The files of one folder, for runs that are scored on `tests`; without a folder nothing is kept or found.

    stacked: whether runs are trained in a stack, which rounds differently and drops other units.
    """

    def __init__(self, folder: Path | None, tests: dict[str, Images], stacked: bool) -> None:
        self.folder, self.tests, self.stacked = folder, tests, stacked
        self.digests = {name: images.digest() for name, images in tests.items()} if folder else {}
        self.paths: dict[Hashable, Path] = {}

    def find(self, name: Hashable, job: workers.Job) -> Answers | None:
        """The kept answers of `job`, called `name` in this run; None where it has to be trained.

        Where no key can be made, nothing is kept. A damaged file is as good as none, and a warning names it.
        """
        if self.folder is None or job.images.sealed:
            return None  # training refuses a sealed set, even where the same pictures were trained on before
        try:
            path = self.paths[name] = self.folder / f"{self._key(job)}.labels"
        except Unknown:
            return None
        if not path.exists():
            return None
        content = path.read_bytes()
        digest, answers = content[:32], content[32:]
        sizes = [len(self.tests[test]) for test in job.tests]
        classes = len(job.images.classes)
        kind, shape = (np.float32, (sum(sizes), classes)) if job.probabilities else (np.uint8, (sum(sizes),))
        if hashlib.sha256(answers).digest() != digest or len(answers) != math.prod(shape) * np.dtype(kind).itemsize:
            warnings.warn(f"{path} is damaged; the run it held is trained again", stacklevel=2)
            return None
        whole = workers.unpacked(np.frombuffer(bytearray(answers), kind).reshape(shape)).to(job.images.device)
        return dict(zip(job.tests, whole.split(sizes), strict=True))

    def keep(self, name: Hashable, answers: Answers) -> None:
        """Keep the answers of a run that `find` did not find; where they cannot be written, a warning says so."""
        if name not in self.paths:
            return
        path = self.paths[name]
        content = workers.packed(torch.cat(list(answers.values()))).tobytes()
        try:
            files.write(path, hashlib.sha256(content).digest() + content, "set COURSE_RUNS to another folder")
        except files.NotWritten as error:  # what was trained is not lost for want of a place to keep it
            warnings.warn(f"{error}; the run goes on, and is not found again", stacklevel=2)

    def _key(self, job: workers.Job) -> str:
        code = workers.predict_together if self.stacked else workers.predict
        tests = [(test, self.digests[test]) for test in job.tests]
        data = job.images.digest(), job.images.device.type, job.class_weights, tests
        return fingerprint(
            [code, Images, torch.__version__, job.recipe, job.transform, job.seed, job.probabilities, *data]
        )
