"""`python -m benchmarks`: measures speed on the CPU, prints a table and writes build/bench.json.

The JSON: rows [{name, ours, plain (images/s), ratio {median, min, max}, utilisation (0..1 of the peak), goal}], peak
{kind of product: {precision: GFLOP/s}}, quick, load (what else the machine did at the start, in busy processes), and
where it was measured. The exit code is 0 whatever was measured.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import torch

from benchmarks.measure import measured, peaks, table
from benchmarks.rows import rows
from course_utils.data import standins
from course_utils.experiment import provenance
from course_utils.profiles import ROOT


def main() -> None:
    """Measure row by row, printing each; then write the JSON whole."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a step a turn: tries all parts, measures nothing")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench.json", help="where the JSON goes")
    options = parser.parse_args()

    started = time.time()
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    if load and load > 0.5:
        print(f"Load average {load}: where other programs take a core, this takes long and the ratios say little.")
    torch.manual_seed(0)
    peak = peaks(256, 2) if options.quick else peaks(2048, 10)
    images = standins.draw("kannada", scale=0.1 if options.quick else 1)["train"]
    rounds = 1 if options.quick else 5
    results = []

    def each_row():
        for row in rows(images, options.quick):
            results.append(measured(row, rounds, peak))
            yield results[-1]

    for line in table(each_row()):
        print(line, flush=True)
    for kind, by_precision in peak.items():
        print(f"peak, {kind}: " + ", ".join(f"{rate:,.0f} GFLOP/s {name}" for name, rate in by_precision.items()))

    found = {"rows": results, "peak": peak, "quick": options.quick, "load": load, **provenance("cpu", started)}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    part = options.out.with_suffix(".json.part")
    part.write_text(json.dumps(found, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    os.replace(part, options.out)
    print(f"written to {options.out}")


if __name__ == "__main__":
    main()
