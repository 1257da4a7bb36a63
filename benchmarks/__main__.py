"""`python -m benchmarks`: measures speed on the CPU, prints a table and writes build/bench.json.

The JSON: rows [{name, ours, plain (images/s), ratio {median, min, max}, utilisation (0..1 of the peak), goal, and for
GANs fd_lenet (see benchmarks.quality)}], peak {kind of product: {precision: GFLOP/s}}, judge (of fd_lenet; null without
quality), data {name: where it came from}, quick, load (what else the machine did at the start, in busy processes), and
where it was measured. Real data comes from $COURSE_DATA, else samples and stand-ins. The exit code is 0 whatever was
measured.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import torch

from benchmarks import quality
from benchmarks.measure import measured, peaks, table, write
from benchmarks.methods import METHODS, QUICK
from benchmarks.rows import rows
from course_tools import output
from course_utils.core.profiles import ROOT
from course_utils.data import sources
from course_utils.experiment import provenance

SEEDS = 3  # of the runs whose samples are compared


def main() -> None:
    """Measure row by row, printing each; then write the JSON whole."""
    output.prepare()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small steps: tries all parts, measures nothing")
    parser.add_argument("--no-quality", action="store_true", help="speed only: do not train on to compare samples")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench.json", help="where the JSON goes")
    options = parser.parse_args()

    started = time.monotonic()
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    if load and load > 0.5:
        print(f"Load average {load}: where other programs take a core, this takes long and the ratios say little.")
    torch.manual_seed(0)
    source = "auto" if "COURSE_DATA" in os.environ else "standin"  # never a download
    data = {name: sources.load(name, source, scale=0.2 if options.quick else 1) for name in ("mnist", "cows-horses")}
    for found in data.values():
        print(found.announce())
    digits, animals = (found["train"] for found in data.values())
    peak = peaks(256, 2) if options.quick else peaks(2048, 10)
    rounds = 1 if options.quick else 5
    results = []

    def each_row():
        for row in rows(digits, animals, options.quick):
            results.append(measured(row, rounds, peak))
            yield results[-1]

    for line in table(each_row()):
        print(line, flush=True)
    for kind, by_precision in peak.items():
        print(f"peak, {kind}: " + ", ".join(f"{rate:,.0f} GFLOP/s {name}" for name, rate in by_precision.items()))

    facts = None
    if not options.no_quality:
        updates, n, seeds = (1, 50, range(2)) if options.quick else (1000, 1000, range(SEEDS))
        judge = quality.Judge.trained(digits, data["mnist"]["test"], updates, n)
        facts = judge.facts

        def each_comparison():
            for method in QUICK if options.quick else METHODS:
                row = next(row for row in results if row["name"] == method.name)
                row["fd_lenet"] = quality.compared(method, digits, judge, seeds)
                yield row

        for line in quality.table(each_comparison(), facts["floor"]):
            print(line, flush=True)

    found = {
        "rows": results,
        "peak": peak,
        "judge": facts,
        "data": {name: dataset.source for name, dataset in data.items()},
        "quick": options.quick,
        "load": load,
        **provenance("cpu", started),
    }
    write(found, options.out)


if __name__ == "__main__":
    main()
