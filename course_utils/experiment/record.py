"""Write what an experiment gave as the results JSON: numbers with their intervals, and how they were made."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import torch

import course_utils
from course_utils.core import files
from course_utils.core.errors import CourseError
from course_utils.core.parallel import cores
from course_utils.core.precision import gigaflops, resolve
from course_utils.evaluate.statistics import paired_differences, share_interval, t_interval
from course_utils.experiment.pipeline import Outcome

REQUIRED = (
    *("lesson", "title", "profile", "data", "seeds", "updates", "arms", "differences", "verdict"),
    *("wall_s", "device", "versions", "commit"),
)


def summary(outcome: Outcome, baseline: str, losses: Collection[str] = ()) -> dict[str, dict]:
    """Give `arms` and `differences` of the results JSON: values a seed, mean and 95 % interval of each.

    losses: the metrics that are no shares from 0 to 1.
    """
    arms: dict[str, dict] = {}
    for (arm, metric, test_set), rows in outcome.table.groupby(["arm", "metric", "test_set"], sort=False):
        values = rows.sort_values("seed")["value"].to_numpy()
        arms.setdefault(arm, {}).setdefault(metric, {})[test_set] = entry(values, share=metric not in losses)
    differences = {
        f"{arm} - {baseline}": {
            metric: {
                test_set: entry(paired_differences(cell["values"], arms[baseline][metric][test_set]["values"]))
                for test_set, cell in by_test.items()
            }
            for metric, by_test in metrics.items()
        }
        for arm, metrics in arms.items()
        if arm != baseline
    }
    return {"arms": arms, "differences": differences}


def entry(values: Sequence[float], share: bool = False) -> dict:
    """Give what the results JSON holds of one measure: its values, one a seed, their mean and 95 % interval.

    share: the values lie between 0 and 1, and so does their interval.
    """
    interval = share_interval(values) if share else t_interval(values)
    return {
        "values": [round(float(v), 6) for v in values],
        "mean": round(interval.mean, 6),
        "ci95": [round(interval.lo, 6), round(interval.hi, 6)],
    }


def provenance(device: torch.device | str, started: float) -> dict:
    """Tell how results were made: wall_s since `started` (time.monotonic(), which no setting of the clock moves),
    device, the precision that `auto` means there and how fast it is, versions and commit.

    The commit ends in '+' when course_utils or lessons differ from it, new files included. Where no repository holds
    course_utils, as on a machine to which its files alone travel, it is what $COURSE_COMMIT says, or None.
    """
    device = torch.device(device)
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    else:
        name = f"{platform.processor() or platform.machine()}, {cores()} cores"
    return {
        "wall_s": round(time.monotonic() - started, 1),
        "device": f"{device.type} ({name})",
        "precision": resolve("auto", device),
        "gigaflops": gigaflops(device.type) and round(gigaflops(device.type), 1),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "course_utils": course_utils.__version__,
        },
        "commit": _commit(),
    }


def _commit() -> str | None:
    def git(*args: str) -> str:
        # A checkout of another user is trusted, as its Python is; no program that its settings name is started.
        trusting = ["git", "-c", "safe.directory=*", "-c", "core.fsmonitor=false"]
        here = Path(course_utils.__file__).parent
        return subprocess.run([*trusting, *args], cwd=here, capture_output=True, text=True, check=True).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", "__init__.py")  # or it is installed within somebody else's repository
        changed = git("status", "--porcelain", "--untracked-files=normal", "--", ".", "../lessons")
        return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get("COURSE_COMMIT") or None


def save(results: dict, folder: Path) -> Path:
    """Write `results` to folder/<lesson>.json, whole or not at all; raises CourseError where a required key is
    missing, NotWritten where the folder takes no file."""
    if missing := [key for key in REQUIRED if key not in results]:
        raise CourseError(f"results of {results.get('lesson', '?')} lack {', '.join(missing)}")
    path = folder / f"{results['lesson']}.json"
    files.write(path, json.dumps(results, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    return path
