"""What only a GPU can tell; `pytest -m gpu`, and `make gpu` there. Skipped without one."""

import copy
import warnings
from functools import partial

import pytest
import torch
from one_hot import OneHot
from small_gans import DATA, METHODS, images

from course_utils.classify import train as classify
from course_utils.classify.jobs import Job, Recipe, predictions
from course_utils.classify.networks import KannadaCNN, LeNet, SmallCNN
from course_utils.core import capture, precision
from course_utils.core.stacked import Stacked
from course_utils.data.augment import PAPER_2
from course_utils.gan import recipes, steps
from course_utils.gan.train import fit, training

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")]

GPU = torch.device("cuda")
DIGITS = images(200, classes=10)


def on_gpu(batches):
    return lambda n: tuple(t.to(GPU) for t in batches(n))


def numbers(losses):
    return [value for values in losses.values() for value in values]


def trained(name, n=12, **settings):
    """A method's losses, and the weights of G after n steps on the GPU."""
    G, D, batches = METHODS[name].build()
    settings = {"seed": 0, "reports": 2, "precision": "float32", "stop_on_collapse": False, **settings}
    last = fit(METHODS[name].step, G, D, on_gpu(batches), steps=n, **settings)
    return numbers(last.losses), [p.detach().cpu() for p in G.parameters()]


@torch.no_grad()
def apart(one, other):
    """The largest distance of two lists of tensors, as a share of the tensor's size."""
    return max(float((a - b).norm() / a.norm().clamp_min(1e-12)) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("name", METHODS)
def test_the_recorded_step_gives_what_the_eager_one_gives(name):
    eager, recorded = trained(name, capture=False), trained(name, capture=True)
    assert eager[0] == pytest.approx(recorded[0], rel=1e-4)
    for one, other in zip(eager[1], recorded[1], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("number_format", ["float32", "bfloat16"])
def test_the_same_run_twice(name, number_format, record_property):
    one, other = (trained(name, 20, precision=number_format) for _ in range(2))
    far = apart(one[1], other[1])
    record_property("apart", far)
    print(f"{name}, {number_format}: {'equal to the last bit' if far == 0 else f'{far:.1e} of its size apart'}")
    assert far < 1e-2  # atomic additions round in any order; what differs, and by how much, stands in the log


@pytest.mark.parametrize("name", ["dcgan", "ccgan", "acgan"])
@pytest.mark.parametrize("number_format", ["float32", "bfloat16"])
def test_a_stack_trains_its_members(name, number_format):
    G, D, batches = METHODS[name].build()
    nets = [Stacked([net, copy.deepcopy(net)]) for net in (G, D)]
    data = on_gpu(lambda n: tuple(torch.stack([t, t]) for t in batches(n)))
    last = fit(METHODS[name].step, *nets, data, steps=8, seed=0, precision=number_format, stop_on_collapse=False)
    assert all(p.isfinite().all() for p in last.generator.parameters())


def test_batches_are_gathered_inside_the_recording():
    found = []
    for recorded in (False, True):
        run = recipes.train_dcgan(
            DATA.to(GPU), 12, 0, latent=8, capacity=1 / 16, batch=4, precision="float32", capture=recorded
        )
        found.append(numbers(run.finish().losses))
    assert found[0] == pytest.approx(found[1], rel=1e-3)


def test_a_gate_pauses_inside_the_recording():
    def never(d, g):  # D never trains after the first step
        return d > 1e9, g < 1e9

    (_, first), (_, last) = (trained("dcgan", n, gate=never) for n in (1, 12))
    assert apart(first, last) > 0
    G, D, batches = METHODS["dcgan"].build()
    run = {"seed": 0, "reports": 12, "gate": never, "precision": "float32", "stop_on_collapse": False}
    weights = [
        [p.detach().clone() for p in D.parameters()]
        for _ in training(METHODS["dcgan"].step, G, D, on_gpu(batches), steps=12, **run)
    ]
    assert apart(weights[0], weights[-1]) == 0


def test_a_resumed_run_ends_as_an_unbroken_one(tmp_path, record_property):
    data, settings = DATA.to(GPU), {"latent": 8, "capacity": 1 / 16, "batch": 4, "precision": "float32", "reports": 6}
    whole = recipes.train_dcgan(data, 18, 0, **settings)
    whole.finish()
    broken = recipes.train_dcgan(data, 18, 0, checkpoint=tmp_path / "run.safetensors", checkpoint_s=0, **settings)
    for progress in broken:
        if progress.step == 9:
            break
    broken._reports.close()
    resumed = recipes.train_dcgan(data, 18, 0, checkpoint=tmp_path / "run.safetensors", **settings)
    resumed.finish()
    far = apart(list(whole.G.parameters()), list(resumed.G.parameters()))
    record_property("apart", far)
    assert far < 1e-4


def test_runs_that_take_turns_do_not_disturb_each_other():
    small = partial(recipes.train_fc_gans, [DATA.to(GPU)], 12, batch=4, precision="float32", reports=4)
    alone = [numbers(small(seed).finish().losses) for seed in range(2)]
    both = [small(seed) for seed in range(2)]
    for reports in zip(*both, strict=True):
        torch.rand(7, device=GPU)  # and others draw random numbers
        found = [numbers(progress.losses) for progress in reports]
    assert found == [pytest.approx(losses, rel=1e-4) for losses in alone]


def test_a_step_that_reads_a_value_back_is_named_and_trains_on():
    def reading(G, D, opt_G, opt_D, x, z):
        losses = steps.gan_step(G, D, opt_G, opt_D, x, z)
        return losses if losses[0].item() < 1e9 else losses[::-1]

    G, D, batches = METHODS["dcgan"].build()
    run = {"seed": 0, "reports": 2, "precision": "float32", "stop_on_collapse": False}
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        last = fit(reading, G, D, on_gpu(batches), steps=12, **run)
    line = reading.__code__.co_firstlineno + 2
    assert any(f"test_on_gpu.py, line {line}, waits for the GPU" in str(w.message) for w in seen), [*map(str, seen)]
    plain, _ = trained("dcgan")
    assert numbers(last.losses) == pytest.approx(plain, rel=1e-3)


@pytest.mark.parametrize("make", [LeNet, partial(SmallCNN, 1, 10, 4), partial(KannadaCNN, 1 / 16, dropout=0.0)])
@pytest.mark.parametrize("optimizer", [classify.rmsprop(1e-3), classify.adam(), classify.adadelta()])
def test_a_recorded_classifier_is_trained_as_an_eager_one(make, optimizer, monkeypatch):
    found = []
    for recorded in (capture.recorded, lambda update, device: update):
        monkeypatch.setattr(classify, "recorded", recorded)
        torch.manual_seed(0)
        rng = torch.Generator().manual_seed(0)
        settings = {"updates": 10, "batch_size": 16, "generator": rng, "precision": "float32"}
        found.append(list(classify.training(make(), DIGITS.to(GPU), optimizer, **settings)))
    torch.testing.assert_close(torch.stack(found[0]), torch.stack(found[1]), rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("transform", [None, PAPER_2])
@pytest.mark.parametrize("make", [LeNet, partial(KannadaCNN, 1 / 16)])
def test_stacks_of_classifiers_learn_as_they_do_alone(make, transform):
    data = DIGITS.to(GPU)
    jobs = [(seed, Job(Recipe(make, classify.adam(), 60, 16), data, transform, seed, ("t",))) for seed in range(3)]
    for together in (1, 400):
        for _, answers in predictions(jobs, {"t": data}, workers=1, together=together):
            assert float((answers["t"] == data.labels).float().mean()) > 0.5


def test_the_number_format_is_measured():
    assert precision.fastest("cuda") in ("float32", "bfloat16")


def test_an_answer_that_only_runs_on_the_cpu_is_told_so(monkeypatch):
    monkeypatch.setattr(OneHot, "device", GPU)
    outcome, message = OneHot()._judge(lambda c, k: torch.eye(k)[c])
    assert outcome == "incorrect" and "cuda" in message
    assert OneHot()._judge(lambda c, k: torch.eye(k, device=c.device)[c])[0] == "correct"
