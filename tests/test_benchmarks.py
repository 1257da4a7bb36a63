"""The benchmark compares like with like and writes a whole file. Nothing here depends on how fast anything is."""

import json
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
import torch
from torch import nn

from benchmarks import plain
from benchmarks.measure import Row, measured, one_after_another, table
from course_utils.classify.networks import KannadaCNN
from course_utils.classify.train import rmsprop, training
from course_utils.data.images import Images, scaled
from course_utils.gan.networks import FCDiscriminator, FCGenerator
from course_utils.gan.steps import gan_step

ROOT = Path(__file__).parents[1]
PEAK = {"matrix": {"float32": 1e-6, "bfloat16": 2e-6}}  # GFLOP/s


@pytest.fixture(scope="module")
def images():
    rng = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (96, 1, 28, 28), generator=rng, dtype=torch.uint8)
    return Images(pixels, torch.arange(96) % 10, tuple("0123456789"))


def batches(images, size=32, n=3):
    return list(islice(images.batches(size, torch.Generator().manual_seed(1), forever=True), n))


def test_the_plain_recipe_sees_the_pictures_that_ours_sees(images):
    x, labels = zip(*plain.Pictures(images), strict=True)
    torch.testing.assert_close(torch.stack(x), scaled(images.pixels))
    assert list(labels) == images.labels.tolist()
    x, labels = next(plain.batches(images, 32))
    assert x.shape == (32, 1, 28, 28) and x.dtype == torch.float32 and labels.dtype == torch.int64


def test_the_plain_gan_has_our_weights_and_our_losses_step_by_step(images):
    torch.manual_seed(2)
    G, D = FCGenerator(), FCDiscriminator()
    G_plain, D_plain = plain.unstacked(G), nn.Sequential(*plain.unstacked(D), nn.Sigmoid())
    opt_G, opt_D = (torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999), fused=True) for net in (G, D))

    torch.manual_seed(3)  # latent points and dropout
    theirs = torch.tensor(list(plain.gan(G_plain, D_plain, batches(images), G.latent)))
    torch.manual_seed(3)
    ours = [
        gan_step(G, D, opt_G, opt_D, x.flatten(1)[None], torch.randn(1, len(x), G.latent)) for x, _ in batches(images)
    ]
    torch.testing.assert_close(torch.tensor(ours), theirs, rtol=1e-4, atol=1e-5)
    for net, other in ((G, G_plain), (D, D_plain)):
        for stack, linear in zip(net, other, strict=False):
            if isinstance(linear, nn.Linear):
                torch.testing.assert_close(stack.weight[0].T, linear.weight, rtol=1e-3, atol=1e-5)


def test_the_plain_classifier_has_our_losses_update_by_update(images):
    torch.manual_seed(4)
    model, other = KannadaCNN(0.25, dropout=0), KannadaCNN(0.25, dropout=0)
    other.load_state_dict(model.state_dict())
    lr = 1e-5  # RMSProp begins with steps of one size whatever the gradient, which makes much of rounding
    theirs = list(plain.classifier(other, batches(images), lr))
    settings = {"updates": 3, "batch_size": 32, "generator": torch.Generator().manual_seed(1)}
    ours = [float(loss) for loss in training(model, images, rmsprop(lr), **settings)]
    assert ours == pytest.approx(theirs, rel=1e-4)
    assert len(set(ours)) == 3


def contender(name, log, seconds):
    for s in seconds:
        log.append(name)
        torch.ones(2, 3) @ torch.ones(3, 4)
        yield s


def test_contenders_take_turns_and_each_round_gives_a_ratio():
    log = []
    fast, slow = contender("ours", log, [9, 1, 2, 4]), contender("plain", log, [9, 3, 4, 4])
    row = measured(Row("a row", 1.5, "matrix", 8, fast, slow), 3, PEAK)
    assert log == ["ours", "plain"] * 4  # the first turn of each warms up
    assert row["ratio"] == {"median": 2, "min": 1, "max": 3}
    assert (row["ours"], row["plain"]) == (4, 2)  # 8 images in 2 and in 4 seconds, the medians
    assert row["utilisation"] == pytest.approx(2 * 2 * 3 * 4 / 2 / 2e3, abs=1e-4)  # of the fastest precision


def test_work_in_other_processes_is_that_of_plain():
    unseen = iter([9.0, 2.0])
    row = measured(Row("a row", 1, "matrix", 8, unseen, contender("plain", [], [9, 4])), 1, PEAK)
    assert row["utilisation"] == pytest.approx(48 / 2 / 2e3, abs=1e-4)


def test_several_runs_one_after_another_take_their_sum():
    assert list(islice(one_after_another([iter([1, 2]), iter([10, 20])]), 2)) == [11, 22]


def test_a_row_that_misses_its_goal_or_may_stays_in_the_table_and_says_so():
    row = {"name": "a", "ours": 2, "plain": 1, "ratio": {"median": 2, "min": 1, "max": 3}, "utilisation": 0.5}
    head, missed, unsure, reached = table(row | {"goal": goal} for goal in (2.1, 2.0, 1.0))
    assert missed.endswith("2.1  below its goal") and unsure.endswith("2.0  goal within the spread")
    assert reached.endswith("1.0")
    assert len(head) == len(reached)


def test_quick_writes_a_whole_file(tmp_path):
    # One thread: beside another busy process, steps as small as these would wait for their second thread.
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "benchmarks", "--quick", "--out", str(tmp_path / "new" / "bench.json")]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["bench.json"]
    found = json.loads((tmp_path / "new" / "bench.json").read_text())
    assert {row["name"]: row["goal"] for row in found["rows"]} == {
        "FC GAN B 64": 2.7,
        "FC GAN B 256": 3.6,
        "paper 1 CNN B 64": 1.7,
        "ten class GANs at once": 1.8,
        "eight classifier seeds": 1.8,
    }
    for row in found["rows"]:
        assert row.keys() == {"name", "ours", "plain", "ratio", "utilisation", "goal"}
        assert 0 < row["ratio"]["min"] <= row["ratio"]["median"] <= row["ratio"]["max"]
        assert row["ours"] > 0 and row["plain"] > 0 and row["utilisation"] > 0
        assert f"\n{row['name']} " in done.stdout
    assert found["peak"].keys() == {"matrix", "convolution"}
    assert all(rate > 0 for kind in found["peak"].values() for rate in kind.values())
    assert found["quick"] is True
    assert {"load", "wall_s", "device", "versions", "commit"} <= found.keys()
