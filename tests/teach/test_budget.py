"""The stored full runs as the lessons show them."""

import json

import pytest

from course_utils.core.profiles import ROOT
from course_utils.teach import budget

STORED = sorted(ROOT.glob("results/*/full.json"))


@pytest.fixture(params=STORED, ids=lambda path: path.parent.name)
def full(request):
    return json.loads(request.param.read_text("utf-8"))


def test_the_last_point_of_each_line_is_the_difference_that_the_run_judges(full):
    for pair, found in full["pairs"].items():
        line = budget.differences(full, pair)
        assert line[max(line)].mean == pytest.approx(100 * found["mean"], abs=0.01)


def test_the_last_point_of_each_gan_is_the_measure_that_its_gate_saw(full):
    kinds = {name.rpartition("/")[0] for name in full["curves"]["generators"]}
    lines = {kind: budget.measure(full, kind, "fd_lenet") for kind in kinds}
    floors = dict.fromkeys(kinds, full["floor"]) | full.get("floors", {})  # folds have floors of their own
    ends = sorted(line[max(line)].mean / floors[kind] for kind, line in lines.items())
    seen = sorted(gate["checks"]["fd_ratio"]["found"] for gate in full["gate"].values() if "fd_ratio" in gate["checks"])
    assert ends == pytest.approx(seen, rel=0.001)


def test_each_check_of_each_gate_has_a_row(full):
    assert len(budget.gates(full)) == sum(len(gate["checks"]) for gate in full["gate"].values())


def test_without_a_full_run_it_is_said(capsys):
    budget.show_full_run(None, {}, {})
    assert "No full run" in capsys.readouterr().out
