"""The training loop: repeatable, with reports, averages and pauses; it stops on failures and resumes after any end."""

import copy
import itertools
import os
import random
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from small_gans import METHODS, fc, images

from course_utils.core import checkpoint
from course_utils.core.checkpoint import CheckpointError
from course_utils.core.errors import CourseError
from course_utils.gan import batches, train
from course_utils.gan.networks import FCDiscriminator, FCGenerator
from course_utils.gan.steps import gan_step

DATA = images()


def state(net):
    return {name: t.clone() for name, t in net.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def run(seed=0, steps=12, step=gan_step, nets=None, **settings):
    G, D = nets or fc(seed, dropout=0.3)
    stream = batches.flat([DATA], 8, seed)
    reports = list(train.training(step, G, D, stream, steps=steps, seed=seed, **{"reports": 4, **settings}))
    return G, D, reports


# ------------------------------------------------------------------ a run


@pytest.mark.reliability("determinism")
def test_a_run_repeats_with_its_seed_whatever_else_draws_random_numbers():
    G, _, reports = run()
    G_other, _, _ = run(seed=1)
    H, D = fc(dropout=0.3)
    torch.manual_seed(77)
    drawn = [
        torch.rand(3) for _ in train.training(gan_step, H, D, batches.flat([DATA], 8, 0), steps=12, seed=0, reports=4)
    ]
    assert same(state(G), state(H)) and not same(state(G), state(G_other))
    assert len(reports) == 4 and reports[-1].step == 12
    torch.manual_seed(77)
    assert torch.equal(torch.cat(drawn), torch.rand(12))  # the default generator is left alone


@pytest.mark.parametrize(
    ("steps", "reports", "expected"),
    [(12, 4, [3, 6, 9, 12]), (10, 4, [2, 4, 6, 8, 10]), (3, 9, [1, 2, 3]), (7, 4, [*range(1, 8)])],
)
def test_reports_are_even_and_the_last_is_the_end(steps, reports, expected):
    seen = []
    for progress in train.training(gan_step, *fc(), batches.flat([DATA], 8, 0), steps=steps, seed=0, reports=reports):
        seen.append(progress.step)
        assert len(progress.losses["D"]) == len(progress.losses["G"]) == len(seen)
    assert seen == expected


def test_losses_reported_are_means_over_their_steps():
    values = iter(range(100))

    def step(G, D, opt_G, opt_D, x, z):
        n = float(next(values))
        return torch.tensor(n), torch.tensor(-n)

    *_, reports = run(step=step, stop_on_collapse=False)
    assert reports[-1].losses == {"D": [1.0, 4.0, 7.0, 10.0], "G": [-1.0, -4.0, -7.0, -10.0]}


def test_the_average_lags_behind_g_takes_no_gradient_and_has_its_running_statistics():
    G, _, (*_, last) = run(average=0.9)
    assert not same(state(G), state(last.generator))
    assert not any(p.requires_grad for p in last.generator.parameters()) and not last.generator.training
    apart = [
        sum((p - q).abs().sum() for p, q in zip(net.parameters(), last.generator.parameters(), strict=True))
        for net in (G, fc()[0])
    ]
    assert apart[0] < apart[1]  # nearer to G now than to G at first

    conv = METHODS["dcgan"]
    G, D, stream = conv.build()
    *_, last = train.training(conv.step, G, D, stream, steps=3, seed=0, reports=1)
    mine, its = dict(last.generator.named_buffers()), dict(G.named_buffers())
    assert mine and all(torch.equal(mine[name], its[name]) for name in its)
    assert any(not torch.equal(its[name], buffer) for name, buffer in conv.build()[0].named_buffers())


def test_the_average_forgets_by_its_decay_in_every_step_though_it_looks_at_some_only():
    weights = []

    def step(G, D, opt_G, opt_D, x, z):
        found = gan_step(G, D, opt_G, opt_D, x, z)
        weights.append(next(G.parameters()).detach().clone())
        return found

    mean = next(fc(dropout=0.3)[0].parameters()).detach().clone()
    _, _, (last,) = run(step=step, average=0.6, lr=0.01, reports=1)
    for n, gap in ((5, 5), (10, 5), (12, 2)):
        decay = min(0.6, n / (n + 10)) ** gap
        mean = decay * mean + (1 - decay) * weights[n - 1]
    torch.testing.assert_close(next(last.generator.parameters()), mean)


def test_a_schedule_scales_the_learning_rate():
    G, _, _ = run(schedule=lambda done: 0.0, average=0.0)
    assert same(state(G), state(fc(dropout=0.3)[0]))
    halves = run(schedule=lambda done: 1.0 if done < 0.5 else 0.0)[0], run(steps=6, reports=2)[0]
    assert same(state(halves[0]), state(halves[1]))


def test_a_gate_decides_from_the_losses_of_a_step_who_trains_in_the_next():
    decisions = [(False, False), (False, True), (True, False), (True, True), (False, True)]
    given, trained = [], []

    def gate(d_loss, g_loss):
        given.append((float(d_loss), float(g_loss)))
        return tuple(map(torch.tensor, decisions[len(given) - 1]))

    def step(G, D, opt_G, opt_D, x, z):
        def everything():
            return [(net.state_dict(), opt.state_dict()["state"]) for net, opt in ((D, opt_D), (G, opt_G))]

        before = copy.deepcopy(everything())
        losses = gan_step(G, D, opt_G, opt_D, x, z)
        trained.append(tuple(not same(a[0], b[0]) for a, b in zip(before, everything(), strict=True)))
        for moved, (_, earlier), (_, later) in zip(trained[-1], before, everything(), strict=True):
            assert moved or all(same(entry, later[k]) for k, entry in earlier.items()), "a pause changed the moments"
        return losses

    _, _, (*_, last) = run(steps=5, step=step, gate=gate, lr=1e-2, reports=5)
    assert trained == [(True, True), *decisions[:-1]]  # nobody pauses in the first step
    assert given == list(zip(last.losses["D"], last.losses["G"], strict=True))


def test_the_gate_of_paper_5_pauses_the_lower_loss_and_reads_nothing_back_from_the_device():
    for losses, expected in (((0.5, 1.0), [False, True]), ((1.0, 0.5), [True, False]), ((0.5, 0.5), [True, True])):
        assert [bool(trains) for trains in train.lower_pauses(*map(torch.tensor, losses))] == expected
    nowhere = torch.empty((), device="meta")  # without a value: reading it is an error
    assert all(trains.dtype == torch.bool for trains in train.lower_pauses(nowhere, nowhere))
    assert train.Settings(steps=1, seed=0, gate=True).gate is train.lower_pauses


# ------------------------------------------------------------------ what stops it


def test_a_loss_that_is_no_number_stops_with_step_and_name():
    def broken(G, D, opt_G, opt_D, x, z):
        return torch.tensor(0.5), torch.tensor(float("nan"))

    with pytest.raises(train.TrainingFailed, match=r"step 3: the loss of G is nan; lower the learning rate 0\.0002"):
        run(step=broken)


@pytest.mark.parametrize("reports", [0, -1])
def test_a_run_makes_at_least_one_report(reports):
    with pytest.raises(CourseError, match=rf"reports is {reports}, expected 1 or more"):
        run(reports=reports)


def forgetting(after):
    """A step after which, from call `after` on, G no longer looks at z: its first weights are gone."""
    calls = itertools.count(1)

    def step(G, D, opt_G, opt_D, x, z):
        found = gan_step(G, D, opt_G, opt_D, x, z)
        if next(calls) >= after:
            with torch.no_grad():
                next(G.parameters())[-1].zero_()  # of the last network, where there are several
        return found

    return step


@pytest.mark.parametrize("models", [1, 3])
def test_a_collapse_stops_with_step_and_losses_unless_it_is_wanted(models):
    settings = {"average": 0.0, "lr": 0.01}

    def start(**more):
        G, D = fc(models=models)
        stream = batches.flat([DATA] * models, 8, 0)
        return train.fit(forgetting(4), G, D, stream, steps=20, seed=0, reports=10, **settings, **more)

    with pytest.raises(train.TrainingFailed, match=r"step 8: G has collapsed.*losses D \d\.\d+, G \d\.\d+"):
        start()
    assert start(stop_on_collapse=False).step == 20


def test_a_generator_that_is_still_grey_has_not_collapsed():
    G, D = fc()
    with torch.no_grad():
        for p in G.parameters():
            p.mul_(1e-3)
    assert run(nets=(G, D), lr=1e-6)[2][-1].step == 12


# ------------------------------------------------------------------ going on


def finish(method, path=None, stop_after=None, **settings):
    """State of G, D and the average after 8 steps of a method; `stop_after` reports the run is left, then resumed."""
    if stop_after:
        G, D, stream = method.build()
        reports = train.training(method.step, G, D, stream, steps=8, seed=3, reports=8, checkpoint=path, **settings)
        list(itertools.islice(reports, stop_after))
        reports.close()
    G, D, stream = method.build(seed=99 if stop_after else 0)  # what it starts with must not matter
    last = train.fit(method.step, G, D, stream, steps=8, seed=3, reports=8, checkpoint=path, **settings)
    return {
        f"{n}.{k}": t for n, net in (("G", G), ("D", D), ("mean", last.generator)) if net for k, t in state(net).items()
    }, last


@pytest.mark.reliability("faults")
@pytest.mark.parametrize(
    ("name", "settings"),
    [*((name, {}) for name in METHODS), ("fc", {"gate": True, "schedule": lambda done: 1 - done})],
)
def test_a_run_that_was_left_ends_as_an_unbroken_one_bit_for_bit(name, settings, tmp_path):
    method = METHODS[name]
    whole, one = finish(method, **settings)
    resumed, two = finish(method, tmp_path / "run.safetensors", stop_after=3, **settings)
    assert same(whole, resumed)
    assert one.losses == two.losses and one.step == two.step == 8
    assert torch.equal(one.samples(), two.samples())


def test_a_finished_run_is_not_run_again(tmp_path):
    path = tmp_path / "run.safetensors"
    _, _, reports = run(checkpoint=path)
    never_ran = train.training(
        gan_step, *fc(seed=9, dropout=0.3), batches.flat([DATA], 8, 0), steps=12, seed=0, reports=4, checkpoint=path
    )
    (again,) = list(never_ran)
    assert again.step == 12 and again.losses == reports[-1].losses
    assert same(state(again.generator), state(reports[-1].generator))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"lr": 1e-3}, "lr is 0.0002 in the file"),
        ({"seed": 1}, "seed is 0 in the file"),
        ({"step": partial(gan_step, g_loss=lambda fake: -fake.mean())}, "step is"),
        ({"gate": True}, "gate is"),
        ({"fixed": (torch.zeros(1, 5, 4),)}, "fixed is"),
        (
            {"nets": (FCGenerator(latent=5, hidden=(8,)), FCDiscriminator(hidden=(8,), dropout=0))},
            "of other networks",
        ),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(tmp_path, change, fault):
    path = tmp_path / "run.safetensors"
    run(checkpoint=path, nets=fc())
    settings = {"nets": fc(), **change}
    with pytest.raises(CheckpointError, match=rf"run\.safetensors is .*{fault}"):
        run(checkpoint=path, **settings)


def test_in_a_folder_runs_with_other_fixed_points_steps_or_loops_have_files_of_their_own(tmp_path, monkeypatch):
    opaque = iter(())  # what cannot be fingerprinted: the code counts alone

    def one(*args):
        return gan_step(*args) if opaque else None

    def other(*args):
        return gan_step(*args) if opaque is not None else None

    z = torch.zeros(1, 5, 4)
    for k, settings in enumerate(({}, {"fixed": (z,)}, {"fixed": (z + 1,)}, {"step": one}, {"step": other}), start=1):
        (*_, last), (*_, alone) = (
            run(nets=fc(dropout=0.3), **settings, **to)[2] for to in ({"checkpoint": tmp_path}, {})
        )
        assert len(list(tmp_path.iterdir())) == k
        assert alone.losses == last.losses and torch.equal(alone.samples(), last.samples())
    monkeypatch.setattr(train.TrainState, "average", lambda self, decay: None)
    run(nets=fc(dropout=0.3), checkpoint=tmp_path)
    assert len(list(tmp_path.iterdir())) == k + 1


def test_tied_weights_and_latents_are_kept(tmp_path):
    class Two(FCGenerator):
        def forward(self, z, same):
            return super().forward((z + same) / 2)

        def prior(self, *args):
            return super().prior(*args) * 2

    def step(G, D, opt_G, opt_D, x, z, same):
        return gan_step(lambda _: G(z, same), D, opt_G, opt_D, x, z)

    def tied(seed):
        torch.manual_seed(seed)
        G, D = Two(latent=4, hidden=(8,)), FCDiscriminator(hidden=(8,), dropout=0)
        for net in (G, D):
            net.register_parameter("twin", next(net.parameters()))  # the same weights under two names
        return G, D

    z = torch.randn(1, 5, 4)
    reports = {
        name: run(nets=tied(seed), step=step, fixed=(z, z), checkpoint=path)[2][-1]
        for name, seed, path in (("alone", 0, None), ("kept", 0, tmp_path), ("found", 7, tmp_path))
    }
    assert len(list(tmp_path.iterdir())) == 2  # other weights at first are another run
    assert torch.equal(reports["alone"].samples(), reports["kept"].samples())


KILLED = """
import itertools, os, sys, time
sys.path[:0] = {tests!r}
from pathlib import Path
from small_gans import METHODS
from course_utils.gan import train
method = METHODS[sys.argv[1]]
for progress in train.training(method.step, *method.build(), steps=8, seed=3, reports=8,
                               checkpoint=Path(sys.argv[2]), checkpoint_s=0):
    print(progress.step, flush=True)
"""


@pytest.mark.reliability("faults")
@pytest.mark.parametrize("name", METHODS)
def test_a_killed_run_ends_as_an_unbroken_one(name, tmp_path, amount, figure):
    if name not in amount(("fc", "cyclegan"), METHODS):
        pytest.skip("the others are for `make reliability`")
    last_words = random.randint(1, 6)
    path = tmp_path / "run.safetensors"
    code = KILLED.format(tests=[str(Path(__file__).parent), str(Path(__file__).parents[2])])
    process = subprocess.Popen([sys.executable, "-c", code, name, str(path)], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if int(line) == last_words:
            os.kill(process.pid, signal.SIGKILL)  # while the next step is computed, or its file written
    assert process.wait() == -signal.SIGKILL
    assert same(finish(METHODS[name])[0], finish(METHODS[name], path)[0]), f"killed after step {last_words}"
    figure("kills survived: training", 1)


@pytest.mark.reliability("faults")
def test_ctrl_c_keeps_the_last_checkpoint(tmp_path, figure):
    path = tmp_path / "run.safetensors"
    steps = itertools.count(1)

    def step(*args):
        if next(steps) == 7:
            raise KeyboardInterrupt
        return gan_step(*args)

    with pytest.raises(KeyboardInterrupt):
        run(step=step, checkpoint=path, checkpoint_s=0)
    assert checkpoint.load(path)[1]["step"] == 6
    figure("Ctrl-C survived: training", 1)
