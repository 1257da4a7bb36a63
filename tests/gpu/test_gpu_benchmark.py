"""What `benchmarks.gpu` measures: a stack's work is that of its members, and no row takes another's result with it."""

import json

from small_gans import images

from benchmarks import gpu
from benchmarks.measure import Row, counted
from benchmarks.methods import QUICK
from course_utils.core.precision import fastest

DIGITS = images(60, classes=10)


def test_a_stack_computes_what_its_members_compute():
    method = QUICK[0]
    fastest("cpu")  # measures products of its own, once
    assert counted(gpu.run_stacked(method, DIGITS, 1, 2)) == 2 * counted(gpu.run(method, DIGITS, 1))


def test_a_row_that_breaks_is_noted_and_takes_no_other_with_it(monkeypatch, tmp_path):
    def ticking():
        while True:
            yield 0.5

    def breaking():
        raise RuntimeError("CUDA error: out of memory\nand much more")
        yield

    def rows(images, quick):
        for name, turns in (("broken", breaking()), ("well", ticking())):
            yield Row(name, 1, "matrix", 10, turns, ticking(), 10**12)

    monkeypatch.setattr(gpu, "rows", rows)
    out = tmp_path / "gpu.json"
    assert gpu.main(["--quick", "--device", "cpu", "--out", str(out)]) == 1
    broken, well = json.loads(out.read_text())["rows"]
    assert broken == {"name": "broken", "error": "RuntimeError: CUDA error: out of memory"} and well["ratio"]
