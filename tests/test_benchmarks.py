"""The benchmark compares like with like and writes a whole file. Nothing here depends on how fast anything is."""

import json
import os
import subprocess
import sys
from functools import partial
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from benchmarks import dcgan32, diffusion, plain, quality
from benchmarks.measure import Row, measured, one_after_another
from benchmarks.methods import METHODS, QUICK
from benchmarks.twins import twin, with_sigmoid
from course_utils.classify.networks import KannadaCNN
from course_utils.classify.train import rmsprop, training
from course_utils.data.images import Images, scaled
from course_utils.gan.layers import UpConv
from course_utils.gan.networks import Critics, PatchDiscriminator, ResidualGenerator, Translators
from course_utils.gan.steps import cyclegan_step

ROOT = Path(__file__).parents[1]
PEAK = {"matrix": {"float32": 1e-6, "bfloat16": 2e-6}}  # GFLOP/s


@pytest.fixture(scope="module")
def images():
    rng = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (96, 1, 28, 28), generator=rng, dtype=torch.uint8)
    return Images(pixels, torch.arange(96) % 10, tuple("0123456789"))


def test_the_plain_recipe_sees_the_pictures_that_ours_sees(images):
    coloured = images.with_pixels(images.pixels.repeat(1, 3, 1, 1) // torch.tensor([1, 2, 3]).byte()[:, None, None])
    for pictures in (images, coloured):
        x, labels = zip(*plain.Pictures(pictures), strict=True)
        torch.testing.assert_close(torch.stack(x), scaled(pictures.pixels))
        assert list(labels) == pictures.labels.tolist()
    x, labels = next(plain.batches(images, 32))
    assert x.shape == (32, 1, 28, 28) and x.dtype == torch.float32 and labels.dtype == torch.int64


def three_batches(images, size=16):
    return list(islice(images.batches(size, torch.Generator().manual_seed(1), forever=True), 3))


def without_dropout(*networks):
    for network in networks:
        for layer in network.modules():
            if hasattr(layer, "p"):
                layer.p = 0.0  # theirs draws other masks than ours
    return networks


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_the_plain_recipe_has_our_weights_and_our_losses_step_by_step(method, images):
    run = method.ours(method.resized(images), seed=2)
    G, D = without_dropout(run.G, run.D)
    G_plain, D_plain = twin(G), with_sigmoid(D)
    optimizers = [torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999), fused=True) for net in (G, D)]
    batches = three_batches(method.resized(images))

    torch.manual_seed(3)  # latent points
    theirs = torch.tensor(list(method.loop(G_plain, D_plain, batches, G.latent)))
    torch.manual_seed(3)
    ours = []
    for x, y in batches:
        real = (x, y)[: len(run.batches(0))] if x.ndim == run.batches(0)[0].ndim else (x.flatten(1)[None],)
        ours.append(run.step(G, D, *optimizers, *real, *G.prior(len(x))))
    torch.testing.assert_close(torch.tensor(ours), theirs, rtol=2e-3, atol=1e-4)
    assert not torch.allclose(theirs[0], theirs[1])


def test_the_plain_cyclegan_has_our_losses_step_by_step(images):
    torch.manual_seed(5)
    AB, BA = (ResidualGenerator(1, 4, 1) for _ in range(2))
    A, B = (PatchDiscriminator(1, 4, 2) for _ in range(2))
    G, D = Translators(AB, BA), Critics(A, B, 28)
    pairs = [(x[:2], x[2:4]) for x, _ in three_batches(images)]
    theirs = torch.tensor(list(plain.cyclegan(*(twin(net) for net in (AB, BA, A, B)), pairs)))
    optimizers = [torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999), fused=True) for net in (G, D)]
    ours = torch.tensor([cyclegan_step(G, D, *optimizers, a, b) for a, b in pairs])
    torch.testing.assert_close(ours, theirs, rtol=2e-3, atol=1e-4)


def test_a_twin_holds_no_layer_of_ours_and_draws_the_same_pictures():
    G = dcgan32.Generator().eval()
    other = twin(G)
    kinds = {type(layer) for layer in other.modules()}
    assert nn.Upsample in kinds and UpConv not in kinds
    z = G.prior(4)
    torch.testing.assert_close(other(*z), G(*z), rtol=1e-4, atol=1e-5)
    assert G(*z).shape == (4, 1, 32, 32) and UpConv in {type(layer) for layer in G.modules()}


def test_the_plain_classifier_has_our_losses_update_by_update(images):
    torch.manual_seed(4)
    model, other = KannadaCNN(0.25, dropout=0), KannadaCNN(0.25, dropout=0)
    other.load_state_dict(model.state_dict())
    lr = 1e-5  # RMSProp begins with steps of one size whatever the gradient, which makes much of rounding
    theirs = list(plain.classifier(other, three_batches(images, 32), lr))
    settings = {"updates": 3, "batch_size": 32, "generator": torch.Generator().manual_seed(1), "precision": "float32"}
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
    assert list(islice(one_after_another([iter([1, 2]), iter([10, 20])]), 2)) == [11, 22]


def judged(values):
    """A judge to whom each network looks as told, in turn."""
    values = iter(values)
    return SimpleNamespace(n=4, fd=lambda G, latents, side: next(values))


def test_quality_pairs_runs_of_one_seed_and_compares_their_intervals(images):
    found = quality.compared(QUICK[0], images, judged([1.0, 3.0, 2.0, 4.1, 3.0, 5.0]), [0, 1, 2])
    assert found["images"] == 8
    assert found["ours"]["values"] == [1, 2, 3] and found["plain"]["values"] == [3, 4.1, 5]
    assert found["ours"]["mean"] == 2 and found["difference"]["mean"] == pytest.approx(-2.033, abs=1e-3)
    low, high = found["ours"]["ci95"]
    assert (low, high) == pytest.approx((2 - 4.303 / 3**0.5, 2 + 4.303 / 3**0.5), abs=1e-3)
    assert found["agree"]
    assert not quality.compared(QUICK[0], images, judged([1.0, 9.0, 1.1, 9.1]), [0, 1])["agree"]


def test_ours_and_plain_begin_and_are_judged_alike(images):
    seen = []
    judge = SimpleNamespace(n=4, fd=lambda G, latents, side: seen.append((G, latents)) or float(len(seen)))
    quality.compared(QUICK[3], images, judge, [0, 1])
    (_, z), (_, z_plain), (_, other), _ = seen
    assert torch.equal(z[0], z_plain[0]) and not torch.equal(z[0], other[0])
    G, (G_plain, _) = METHODS[3].ours(images, 7).G, METHODS[3].plain(images, 7)
    torch.testing.assert_close(
        nn.utils.parameters_to_vector(G.parameters()), torch.cat([p.flatten() for p in G_plain.parameters()])
    )


def test_the_judge_scores_the_network_itself_in_eval_mode(images):
    test = images.seal()
    judge = quality.Judge.trained(images, test, updates=2, n=50)
    assert judge.facts["n"] == 50 and judge.facts["floor"] == pytest.approx(0, abs=0.1)
    G = METHODS[3].ours(images, 0).G
    value = judge.fd(G, G.prior(60), 32)
    assert not G.training and value > judge.facts["floor"]


def test_quick_writes_a_whole_file(tmp_path):
    # One thread: beside another busy process, steps as small as these would wait for their second thread.
    environment = {key: value for key, value in os.environ.items() if key != "COURSE_DATA"} | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "benchmarks", "--quick", "--out", str(tmp_path / "new" / "bench.json")]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["bench.json"]
    found = json.loads((tmp_path / "new" / "bench.json").read_text())
    judged = {method.name for method in METHODS}
    names = [row["name"] for row in found["rows"]]
    assert judged < set(names) and len(set(names)) == len(names) and all(row["goal"] >= 1 for row in found["rows"])
    for row in found["rows"]:
        more = {"fd_lenet"} if row["name"] in judged else set()
        assert row.keys() == {"name", "ours", "plain", "ratio", "utilisation", "goal"} | more
        assert 0 < row["ratio"]["min"] <= row["ratio"]["median"] <= row["ratio"]["max"]
        assert row["ours"] > 0 and row["plain"] > 0 and row["utilisation"] > 0
        assert f"\n{row['name']} " in done.stdout
        if more:
            quality_of = row["fd_lenet"]
            assert {"images", "ours", "plain", "difference", "agree"} <= quality_of.keys()
            assert len(quality_of["ours"]["values"]) == len(quality_of["plain"]["values"]) == 2
    assert found["judge"].keys() == {"n", "accuracy", "floor"}
    assert found["data"] == {"mnist": "sample", "cows-horses": "standin"}
    assert found["peak"].keys() == {"matrix", "convolution"}
    assert all(rate > 0 for kind in found["peak"].values() for rate in kind.values())
    assert found["quick"] is True
    assert {"load", "wall_s", "device", "versions", "commit"} <= found.keys()


class Clock:
    """A processor's time, of which a run of n steps takes n + 3 seconds."""

    now = 0.0

    def run(self, images, steps, seed, **settings):
        return SimpleNamespace(finish=lambda: self.pass_(steps + 3))

    def pass_(self, seconds):
        self.now += seconds


def test_a_methods_steps_are_those_that_the_seconds_pay_for(monkeypatch, images):
    clock = Clock()
    monkeypatch.setattr(diffusion.time, "process_time", lambda: clock.now)
    assert diffusion.affordable(clock.run, images, 60) == 60


@pytest.mark.parametrize("recipe", diffusion.METHODS.values())
def test_generators_are_judged_by_what_they_draw_of_the_classes_asked_for(recipe, images):
    drawn = []
    score = lambda fake: drawn.append(fake) or dict.fromkeys(diffusion.MEASURES, 0.5)  # noqa: E731
    runs = [diffusion.contest(partial(recipe, batch=2), images, seed, 1, score, n=3) for seed in (0, 1)]
    assert [fake.shape for fake in drawn] == [(1, 28, 28)] * 2 and len(drawn[0]) == 3
    found = diffusion.told(runs)
    assert found["steps"] == [1, 1] and found["coverage"] == {"values": [0.5, 0.5], "mean": 0.5, "ci95": [0.5, 0.5]}
    assert diffusion.row("a", found).split() == ["a", "1", *["0.500"] * 4]


def test_the_gpus_benchmark_says_so_without_a_gpu_and_tries_its_parts_anywhere(tmp_path):
    def start(*options):
        environment = {name: value for name, value in os.environ.items() if name != "COURSE_DATA"}
        command = [sys.executable, "-m", "benchmarks.gpu", "--quick", "--out", str(tmp_path / "gpu.json"), *options]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)

    done = start("--device", "cpu")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert (
        found["quick"]
        and len(found["rows"]) == 10
        and all(row["ratio"]["median"] > 0 and row["utilisation"] > 0 for row in found["rows"])
    )
    if not torch.cuda.is_available():
        refused = start()
        assert refused.returncode == 2 and "no GPU here" in refused.stdout
