"""Same seed, same machine, same numbers: each method in processes of one and of two threads, on a busy machine too."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from course_utils.core import precision

pytestmark = pytest.mark.reliability("determinism")
FOLDER = Path(__file__).parent


def test_each_method_gives_the_same_numbers_again(tmp_path, amount, figure):
    steps, processes = amount(2, 20), amount(1, 2)
    first, out = {}, tmp_path / "numbers.pt"
    for threads in (1, 2):
        found = []
        for _ in range(processes):
            # Threads that wait for each other sleep: others want their core.
            environment = os.environ | {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive"}
            command = [sys.executable, FOLDER / "trained.py", str(steps), out, "0", "0", "1"]
            subprocess.run(command, env=environment, check=True)
            *same, other = torch.load(out)
            found += same
        first[threads] = found[0]
        for name, expected in found[0].items():
            assert expected.isfinite().all() and not torch.equal(expected, other[name]), name
            assert all(torch.equal(row[name], expected) for row in found), f"{name}, {threads} threads"
            figure("methods trained again, equal to the last bit", len(found) - 1)
    # Two threads add in another order than one: that is rounding, and training magnifies it.
    apart = {name: float((first[2][name] - row).norm() / row.norm()) for name, row in first[1].items()}
    farthest = max(apart, key=apart.get)
    said = f"{sum(far > 0 for far in apart.values())} of {len(apart)} methods differ after {steps} steps; "
    figure("1 and 2 threads", said + f"{farthest} most, by {apart[farthest]:.1e} of its numbers' size")


@pytest.fixture
def busy():
    """Two threads of PyTorch's, and thrice as many processes beside them as there are cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3 * (os.cpu_count() or 1))]
    yield
    for process in others:
        process.kill()
        process.wait()
    torch.set_num_threads(before)


def test_a_busy_machine_computes_in_the_same_number_format(busy, amount, figure):
    answers = [precision.fastest.__wrapped__("cpu") for _ in range(amount(10, 100))]
    assert len(set(answers)) == 1, answers
    assert torch.get_num_threads() == 2
    figure("number formats chosen on a busy machine", len(answers))
