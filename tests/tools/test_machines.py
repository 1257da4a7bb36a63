import json

import pytest

from course_tools.author import machines

pytestmark = pytest.mark.reliability("determinism")
HERE = {"real": [0.50, 0.52, 0.54, 0.51, 0.53], "gan": [0.60, 0.64, 0.62, 0.61, 0.63]}
THERE = {"real": [0.50, 0.52, 0.54, 0.51, 0.53], "gan": [0.61, 0.64, 0.92, 0.61, 0.63]}


def test_equal_values_those_of_another_seed_and_others_are_counted(tmp_path):
    folder = tmp_path / "results" / "01_small"
    folder.mkdir(parents=True)
    arms = {arm: {"accuracy": {"test": {"values": values}}} for arm, values in HERE.items()}
    (folder / "quick.json").write_text(json.dumps({"arms": arms, "precision": "bfloat16"}))
    there = {"precision": "float32", "values": {arm: {"test": values} for arm, values in THERE.items()}}
    found = machines.compare("01_small", there, tmp_path)
    assert (found.values, found.same, found.likely) == (10, 8, 9)
    assert found.farthest == pytest.approx(30) and found.mean == pytest.approx(31 / 5)
    (tmp_path / "results" / "machines.json").write_text(json.dumps({"01_small": there}))
    row = "| 01 | float32, bfloat16 | 8 of 10 | 9 of 10 | 30.0 points | 6.2 points |"
    assert machines.table(tmp_path).splitlines()[2:] == [row]


def test_the_committed_runs_of_another_machine_are_compared(figure):
    for lesson, there in machines.load_runs().items():
        found = machines.compare(lesson, there)
        assert found.values and found.likely >= found.same
        said = f"{found.same} of {found.values} accuracies equal, {found.likely} as close as two seeds; at most "
        said += f"{found.farthest:.1f} points apart, means of an arm {found.mean:.1f} ({' and '.join(found.formats)})"
        figure(f"another machine, {lesson}", said)
