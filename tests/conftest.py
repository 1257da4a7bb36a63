"""Tests marked `reliability` count what they try: `make test` tries a few, `make reliability` all, and writes figures.

build/reliability.json holds, for each area, how many tests passed, failed and were skipped, and its figures: how many
faults, inputs or runs they tried; then where, when and of which commit that was measured.
"""

import time
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from hypothesis import settings

from benchmarks.measure import write
from course_utils.experiment import provenance

settings.register_profile("busy machine", deadline=None)  # of no test should the verdict hang on its pace
settings.load_profile("busy machine")


def pytest_addoption(parser):
    parser.addoption("--reliability", metavar="JSON", type=Path, help="try all faults, and write the figures there")


@pytest.fixture
def amount(request):
    """amount(quick, full): how many faults, inputs or runs this test tries."""
    full = request.config.getoption("reliability") is not None
    return lambda quick, in_full: in_full if full else quick


@pytest.fixture
def figure(record_property):
    """figure("inputs fuzzed", 500) notes a figure of the test's area: counts of the same name add up, texts replace."""
    return record_property


@pytest.hookimpl(tryfirst=True)  # before those that `-m` names are chosen
def pytest_collection_modifyitems(items):
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
        if mark := item.get_closest_marker("reliability"):
            item.user_properties.append(("area", mark.args[0]))


class Figures:
    """Gathers the reports of the tests that ran, in whichever process, and writes them at the end."""

    def __init__(self, path):
        self.path, self.started = path, time.monotonic()
        self.areas = defaultdict(lambda: {"passed": 0, "failed": 0, "skipped": 0, "figures": {}})

    def pytest_runtest_logreport(self, report):
        noted = list(report.user_properties)
        area = next((value for name, value in noted if name == "area"), None)
        if area is None or (report.when != "call" and report.passed):
            return
        found = self.areas[area]
        found[report.outcome] += 1
        for name, value in noted:
            if name != "area":
                before = found["figures"].get(name, 0)
                found["figures"][name] = before + value if isinstance(value, int | float) else value

    def pytest_sessionfinish(self):
        total = Counter()
        for found in self.areas.values():
            total.update({outcome: found[outcome] for outcome in ("passed", "failed", "skipped")})
        write({"areas": dict(sorted(self.areas.items())), "all": total, **provenance("cpu", self.started)}, self.path)


def pytest_configure(config):
    path = config.getoption("reliability")
    if path is not None and not hasattr(config, "workerinput"):  # a worker of xdist reports to the one process
        config.pluginmanager.register(Figures(path))
