"""Full runs in pieces: stopped by the clock, killed, resumed, and always with the numbers of an unbroken one."""

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
import torch

from course_tools import cli
from course_tools.author import verify
from course_tools.full.run import FullRun, run
from course_tools.run.lessons import Lesson, module, resolve
from course_utils.classify.networks import KannadaCNN
from course_utils.classify.train import rmsprop
from course_utils.core import files
from course_utils.core.checkpoint import CheckpointError
from course_utils.core.errors import CourseError
from course_utils.data.images import Images
from course_utils.experiment import answers, evidence, weights
from course_utils.experiment.answers import Store
from course_utils.experiment.full import Curve, Job
from course_utils.experiment.pieces import compute
from course_utils.gan.networks import ACGenerator

FULL = """
import time

import torch

from course_utils.data import images
from course_utils.experiment.full import Curve, Job
from course_utils.gan import batches
from course_utils.gan import train as gan
from course_utils.gan.networks import FCDiscriminator, FCGenerator
from course_utils.gan.steps import gan_step

DATASET = "mnist"


def jobs(S):
    gans = [Job(f"gan/{seed}", "train", {"seed": seed, "steps": S["steps"]}) for seed in range(S["seeds"])]
    return gans + [Job(f"mean/{seed}", "mean", {}, (job,)) for seed, job in enumerate(gans)]


def train(given, *, seed, steps):
    if steps < 0:
        raise ValueError("no steps to train")
    torch.manual_seed(seed)
    curve = Curve(given.checkpoint)
    small = given.data["train"].subset(range(64))
    run = {"steps": steps, "seed": seed, "reports": 10, "checkpoint": given.checkpoint, "checkpoint_s": 0.0}
    feed = batches.flat([small], 16, seed)
    for progress in gan.training(gan_step, FCGenerator(1, hidden=(8,)), FCDiscriminator(1, hidden=(8,)), feed, **run):
        curve.add(progress.step, {"mean": float(progress.samples().float().mean())})
        time.sleep(PAUSE)
        yield progress.step / steps
    return dict(progress.generator.state_dict()), {"curve": curve.columns()}


def mean(given):
    yield 0.0
    return {}, {"last": given.needed[0][1]["curve"]["mean"][-1]}


def results(S, data, answers):
    curves = {name: facts["curve"] for name, (_, facts) in answers.items() if "curve" in facts}
    last = [answers[f"mean/{seed}"][1]["last"] for seed in range(S["seeds"])]
    return {"title": "tiny", "seeds": list(range(S["seeds"])), "curves": curves, "last": last, "verdict": "Done."}
"""


def tiny(root, pause=0.0, steps=40, seeds=2):
    """A lesson whose full run trains a few small GANs on stand-ins, `pause` seconds between its reports."""
    folder = root / "lessons" / "01_tiny"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "full.py").write_text(FULL.replace("PAUSE", str(pause)))
    (folder / "full.toml").write_text(f"steps = {steps}\nseeds = {seeds}\n")
    return Lesson("01_tiny", root)


def at_once(lesson, out, settings=None):
    """The whole run in this process, a job after the other."""
    whole = FullRun(lesson, out, "standin", settings)
    for job, ended in whole.pieces.computed():
        assert ended.done, (job.name, ended.error)
    return whole


def comparable(whole):
    return json.loads(json.dumps({name: whole.results()[name] for name in ("curves", "last")}))


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    root = tmp_path_factory.mktemp("unbroken")
    return comparable(at_once(tiny(root), root / "build"))


def test_a_run_on_dask_writes_its_results_with_their_provenance(tmp_path, unbroken, capsys):
    lesson = tiny(tmp_path)
    assert run(lesson, tmp_path / "build", workers=1, source="standin")
    found = json.loads((tmp_path / "results" / "01_tiny" / "full.json").read_text("utf-8"))
    assert {name: found[name] for name in unbroken} == unbroken
    assert found["profile"] == "full" and found["settings"] == {"steps": 40, "seeds": 2}
    assert {"commit", "device", "versions", "wall_s"} <= found.keys()
    assert "2 of 2 train" in capsys.readouterr().out
    assert run(lesson, tmp_path / "build", source="standin")  # nothing is left to do


def test_a_job_stops_at_the_deadline_says_how_far_it_came_and_goes_on_to_the_same_numbers(tmp_path, unbroken):
    whole = FullRun(tiny(tmp_path), tmp_path / "build", "standin")
    pieces, stops = whole.pieces, 0
    for job in pieces.jobs:
        while not pieces.store.has(job):
            deadline = time.time() if job.work == "train" else None
            ended = compute(pieces.load, job, pieces.store, deadline)
            assert stops < 50, "it does not come to its end"
            stops += not ended.done
            if not ended.done:
                assert 0 <= pieces.store.progress(job)[0] <= 1
    assert stops >= 2 * 9  # at every report of both GANs but the last
    assert comparable(whole) == unbroken
    assert not list((pieces.store.folder / "running").iterdir())


def test_of_a_large_answer_the_facts_are_published_once_no_job_needs_more(tmp_path, unbroken, monkeypatch):
    monkeypatch.setattr(answers, "LARGE", 1000)
    lesson = tiny(tmp_path)
    pieces = FullRun(lesson, tmp_path / "one", "standin").pieces
    gans = [job for job in pieces.jobs if job.work == "train"]
    for job in gans:
        compute(pieces.load, job, pieces.store, None)
    pieces.store.publish(pieces.jobs)
    assert not list(pieces.store.kept.glob("*")), "the means still need their GANs"
    for _ in pieces.computed():
        pass
    pieces.store.publish(pieces.jobs)
    elsewhere = FullRun(lesson, tmp_path / "other", "standin")
    assert not elsewhere.pieces.todo() and comparable(elsewhere) == unbroken
    assert all(elsewhere.pieces.store.find(job)[0] == {} for job in gans)

    mean = next(job for job in elsewhere.pieces.jobs if job.needs)  # as after a change of its settings
    elsewhere.pieces.store._found(mean).unlink()
    error = compute(elsewhere.pieces.load, mean, elsewhere.pieces.store, None).error
    assert str(pieces.store.kept) in error and "delete it" in error


KILLED = """
import sys
from pathlib import Path
from course_tools.full.run import FullRun
from course_tools.run.lessons import Lesson
root = Path(sys.argv[1])
whole = FullRun(Lesson("01_tiny", root), root / "build", "standin")
print("the first job begins", flush=True)
for ended in whole.pieces.computed():
    pass
"""


def test_a_run_that_is_killed_at_three_moments_ends_with_the_numbers_of_an_unbroken_one(tmp_path, unbroken):
    lesson = tiny(tmp_path, pause=0.1)
    for after in (0.15, 0.5, 0.9):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, env=os.environ
        )
        process.stdout.readline()  # the first job that is left has begun
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert comparable(at_once(lesson, tmp_path / "build")) == unbroken


def test_a_job_that_fails_is_told_and_does_not_stop_the_others(tmp_path, capsys):
    lesson = tiny(tmp_path, steps=-1, seeds=1)
    assert not run(lesson, tmp_path / "build", workers=1, source="standin")
    said = capsys.readouterr().out
    assert "no steps to train" in said and "course run 01_tiny --profile full" in said
    assert not (tmp_path / "results").exists()


def test_a_key_knows_all_that_a_job_rests_on_and_nothing_of_its_name():
    one, other = Job("a", "train", {"seed": 0}), Job("b", "train", {"seed": 0})
    assert one.key == other.key != Job("a", "train", {"seed": 1}).key
    assert Job("c", "mean", {}, (one,)).key != Job("c", "mean", {}, (Job("a", "train", {"seed": 1}),)).key


def test_answers_on_other_data_are_not_found_and_damaged_ones_refused(tmp_path):
    job = Job("a/0", "train")
    store = Store(tmp_path, {"images": "1"})
    store.keep(job, {}, {"seconds": 1.0})
    assert store.has(job) and store.find(job)[1] == {"seconds": 1.0}
    assert not Store(tmp_path, {"images": "2"}).has(job)
    store.path(job).write_bytes(store.path(job).read_bytes()[:-1] + b"x")
    with pytest.raises(CheckpointError, match=store.path(job).name):
        store.find(job)


def test_a_run_goes_on_from_the_committed_answers_of_another_machine(tmp_path, unbroken):
    lesson, kept = tiny(tmp_path), tmp_path / "results" / "01_tiny" / "answers"
    assert run(lesson, tmp_path / "one", deadline=time.time(), workers=1, source="standin")  # no time: nothing is kept
    assert not kept.exists()
    first = FullRun(lesson, tmp_path / "one", "standin").pieces
    gans = [job for job in first.jobs if job.work == "train"]
    assert all(compute(first.load, job, first.store, None).done for job in gans)
    assert run(lesson, tmp_path / "one", deadline=time.time(), workers=1, source="standin")
    assert sorted(kept.iterdir()) == sorted(kept / first.store.path(job).name for job in gans)

    (kept / "gan-0-of-other-settings.safetensors").write_bytes(b"")
    assert run(lesson, tmp_path / "one", deadline=time.time(), workers=1, source="standin")
    assert len(list(kept.iterdir())) == 3  # it stays until the new run is complete
    other = FullRun(lesson, tmp_path / "other", "standin")
    assert "2 of 2 train, 0 of 2 mean" in other.status(1)
    assert run(lesson, tmp_path / "other", workers=1, source="standin")
    assert comparable(other) == unbroken and len(list(kept.iterdir())) == 4
    assert not [path for path in other.pieces.store.folder.iterdir() if path.name.startswith("gan")]


def test_a_curve_survives_a_stop_and_measures_a_step_once(tmp_path):
    path = tmp_path / "run.safetensors"
    Curve(path).add(10, {"fd": 3.0})
    again = Curve(path)
    again.add(20, {"fd": 2.0})
    again.add(20, {"fd": 2.0})
    assert again.columns() == {"steps": [10, 20], "fd": [3.0, 2.0]}


def test_the_time_that_is_left_follows_from_what_was_measured(tmp_path):
    whole = FullRun(tiny(tmp_path), tmp_path / "build", "standin")
    pieces = whole.pieces
    assert pieces.left(2) is None and "rest unknown" in whole.status(2)
    gan, mean = (next(job for job in pieces.jobs if job.work == work) for work in ("train", "mean"))
    pieces.store.stopped(gan, 0.5, 60.0)
    pieces.store.keep(mean, {}, {"seconds": 10.0})
    assert pieces.left(1) == pytest.approx(60 + 120 + 10)
    assert "0 of 2 train, 1 of 2 mean" in whole.status(1)


def test_a_lesson_without_a_full_run_or_without_its_settings_is_refused(tmp_path):
    (tmp_path / "lessons" / "02_none").mkdir(parents=True)
    with pytest.raises(CourseError, match="has no full run"):
        FullRun(Lesson("02_none", tmp_path), tmp_path)
    lesson = tiny(tmp_path)
    (lesson.folder / "full.toml").unlink()
    with pytest.raises(CourseError, match=r"full\.toml"):
        FullRun(lesson, tmp_path, "standin")


def unjudged(verdict):
    """How many comparisons a verdict does not judge, where it judges none."""
    assert verdict.startswith("Not judged: ")
    return verdict.count(" against ")


def test_the_stored_full_runs_passed_their_gates_or_give_no_verdict(tmp_path):
    stored = sorted(Path(__file__).parents[2].glob("results/*/full.json"))
    if not stored:
        pytest.skip("no full run is stored")
    for path in stored:
        found = json.loads(path.read_text("utf-8"))
        missed = [who for who, gate in found["gate"].items() if not gate["passed"]]
        assert bool(missed) == ("not judged" in found["verdict"].lower()), path
        module = FullRun(*resolve([found["lesson"]]), tmp_path, "standin").module
        assert module.verdict(found["settings"], found["pairs"], found["gate"]) == found["verdict"]
        assert len(found["seeds"]) >= 5


SMALL = {
    "seeds": 2,
    "images": 600,
    "validation": 100,
    "judged": 100,
    "judge_updates": 20,
    "components": 8,
    "rebuilt": [1, 8],
    "width": 1 / 16,
    "lr": 5e-4,
    "steps": 6,
    "falling": [0.2, 0.6, 0.05],
    "few_steps": 6,
    "reports": 3,
    "kinds": ["gan", "few", "smoothed"],
    "smoothing": 0.9,
    "gate": 0.9,
    "shares": [10, 0],
    "few": 10,
    "least": 5,
    "raised": 40,
    "rate": 1e-3,
    "batch": 32,
    "updates": [2, 4],
    "tuned": 1,
    "lesson_gans": 1,
    "lesson": {"images": 200, "validation": 100, "width": 1 / 16, "lr": 5e-4, "steps": 6, "falling": [0.2, 0.6, 0.05]},
}


def test_lesson_4s_full_run_goes_through_in_miniature_and_judges_nothing(tmp_path):
    (lesson,) = resolve(["4"])
    assert FullRun(lesson, tmp_path, "standin").settings.keys() == SMALL.keys()
    found = at_once(lesson, tmp_path, SMALL).results()
    assert "(ccGAN: fd_ratio is" in found["verdict"] and unjudged(found["verdict"]) == 2
    assert not found["gate"]["ccGAN"]["passed"] and set(found["gate"]) >= {"classifier", "ccGAN of 10 %"}
    assert found["curves"]["generators"]["gan/0"]["steps"] == [2, 4, 6]
    assert set(found["pairs"]) >= {"gan_10 - classic_10", "few_10 - repeat_10", "gan_10_raised - gan_10"}
    assert all(len(cell["accuracy"]["test"]["values"]) == 2 for cell in found["arms"].values())
    settings = tomllib.loads((lesson.folder / "settings.toml").read_text("utf-8"))
    of_lesson = FullRun(lesson, tmp_path, "standin").settings["lesson"]
    assert {
        name: settings["quick"][name] for name in ("images", "validation", "width", "lr")
    }.items() <= of_lesson.items()


SMALL_5 = {
    **{
        name: SMALL[name]
        for name in ("seeds", "judged", "judge_updates", "width", "lr", "falling", "reports", "rate", "batch", "tuned")
    },
    "images": 800,
    "validation": 100,
    "recipe": "projection",
    "shares": [100, 10],
    "mixup": 0.2,
    "ratios": [0.5],
    "ratio_share": 10,
    "wide_share": 10,
    "gate": 0.86,
    "steps": {"100": 6, "10": 6},
    "updates": {"100": [2, 4], "10": [2, 4]},
}


def test_lesson_5s_full_run_goes_through_in_miniature_and_judges_nothing(tmp_path):
    (lesson,) = resolve(["5"])
    assert FullRun(lesson, tmp_path, "standin").settings.keys() == SMALL_5.keys()
    found = at_once(lesson, tmp_path, SMALL_5).results()
    assert unjudged(found["verdict"]) == 4 and not found["gate"]["GAN of 10 %"]["passed"]
    assert set(found["pairs"]) >= {"gan_100 - real_100", "gan_all_10 - gan_10", "wide_gan_10 - wide_real_10"}
    assert "ratio_0.5_10 - real_10" in found["differences"]
    assert found["curves"]["updates"]["classic+gan_100"] == [2, 4]


SMALL_1 = {
    **{name: SMALL[name] for name in ("judged", "judge_updates", "width", "lr", "batch", "updates")},
    "seeds": 3,
    "gans": 2,
    **{f"gan_{name}": SMALL[name] for name in ("width", "lr", "falling", "steps", "reports")},
    "images": 800,
    "validation": 200,
    "replaced": 20,
    "added": 100,
}


def test_lesson_1s_full_run_goes_through_in_miniature_and_judges_nothing(tmp_path):
    (lesson,) = resolve(["1"])
    assert FullRun(lesson, tmp_path, "standin").settings.keys() == SMALL_1.keys()
    whole = at_once(lesson, tmp_path, SMALL_1)
    found = whole.results()
    assert unjudged(found["verdict"]) == 3 and not found["gate"]["GAN"]["passed"]
    assert set(found["measures"]) == {"real, new", "real, test set", "real, Dig-MNIST", "GAN"}
    values = {arm: len(cell["accuracy"]["test"]["values"]) for arm, cell in found["arms"].items()}
    assert values == {arm: 3 if arm in ("real", "classic") else 2 for arm in whole.module.ARMS}
    assert found["seeds"] == [0, 1] and len(found["differences"]["classic - real"]["accuracy"]["test"]["values"]) == 3

    kept = tmp_path / "weights"
    weights.keep(kept, {name: answer for name, answer in whole.pieces.answers().items() if name.startswith("gan/")})
    again = verify.full_run(FullRun(lesson, tmp_path / "again", "standin", SMALL_1), found["arms"], kept)
    assert [value.name for value in again[:2]] == ["accuracy of real", "conditional accuracy of gan/0"]
    assert len(again) == 1 + 2 * 5 and abs(again[0].anew - again[0].committed) < verify.SAME
    for value in again[1:]:  # weights are kept in half precision
        assert value.anew == pytest.approx(value.committed, rel=0.05, abs=0.02), value.name


def test_a_classifier_with_dropout_does_not_depend_on_what_its_process_did_before():
    pixels = torch.randint(0, 256, (60, 1, 28, 28), dtype=torch.uint8)
    images = Images(pixels, torch.arange(60) % 10, tuple("0123456789"))

    def answers(before):
        torch.manual_seed(before)
        net = evidence.new_network(KannadaCNN, 0, torch.device("cpu"), width=1 / 16)
        settings = {"seed": 0, "updates": [3], "optimizer": rmsprop(1e-3), "batch": 20}
        for _ in evidence.classifier(net, images, images, images, **settings):
            pass
        return torch.cat([p.detach().flatten() for p in net.parameters()])

    assert answers(1).equal(answers(2))


def test_lesson_1s_arms_differ_from_the_real_images_by_as_many_as_their_name_says():
    full = module((resolve(["1"])[0].folder / "full.py").read_text("utf-8"), "full.py")
    pixels, names = torch.randint(0, 256, (60, 1, 28, 28), dtype=torch.uint8), tuple("0123456789")
    train = Images(pixels, torch.arange(60) % 10, names)
    G = full.restored((ACGenerator(width=1 / 16).state_dict(), {"width": 1 / 16}))
    changed, more = {}, {}
    for arm in full.ARMS:
        made = full.training_set(train, arm, G, 7, 20, torch.Generator().manual_seed(0))
        changed[arm] = (made.pixels[:60] != train.pixels).flatten(1).any(1)
        more[arm] = len(made) - 60
        assert (made.labels[:60] == train.labels).all()
    assert {arm: int(places.sum()) for arm, places in changed.items()} == {
        arm: 7 if arm.endswith("100") else 0 for arm in full.ARMS
    }
    assert (changed["gan_100"] == changed["noise_100"]).all()
    assert more == {arm: 20 if arm.endswith("added") else 0 for arm in full.ARMS}


SMALL_2 = {
    **{
        name: SMALL[name]
        for name in ("images", "validation", "judged", "judge_updates", "reports", "batch", "updates", "tuned", "width")
    },
    "seeds": 3,
    "gans": 2,
    "size": 300,
    "left": 0.1,
    "gan_width": 1 / 16,
    "latent": 8,
    "ae_steps": 6,
    "gan_steps": 6,
    **{f"ccgan_{name}": SMALL[name] for name in ("width", "lr", "steps", "falling")},
}


def test_lesson_2s_full_run_goes_through_in_miniature_and_judges_nothing(tmp_path):
    (lesson,) = resolve(["2"])
    assert FullRun(lesson, tmp_path, "standin").settings.keys() == SMALL_2.keys()
    found = at_once(lesson, tmp_path, SMALL_2).results()
    assert unjudged(found["verdict"]) == 7 and not any(found["gate"][G]["passed"] for G in ("BAGAN", "ccGAN"))
    values = {arm: len(cell["accuracy"]["test"]["values"]) for arm, cell in found["arms"].items()}
    assert found["seeds"] == [0, 1] and values["oversample"] == 3
    assert values["bagan"] == values["autoencoder"] == values["mixed"] == values["ccgan"] == 2
    assert len(found["differences"]["bagan - starved"]["recall_0"]["test"]["values"]) == 2
    assert set(found["measures"]) == {"real, new", "training set", "autoencoder", "BAGAN", "ccGAN"}
    assert found["floor"] == round(found["measures"]["training set"]["fd_lenet"]["mean"], 4)


def test_lesson_2s_bagan_that_is_stopped_in_either_stage_goes_on_to_the_same_images(tmp_path):
    (lesson,) = resolve(["2"])
    found = []
    for deadline in (None, 0):
        whole = FullRun(lesson, tmp_path / str(deadline), "standin", SMALL_2)
        pieces, stops = whole.pieces, 0
        judge, job = (next(job for job in pieces.jobs if job.name == name) for name in ("judge", "train_bagan/0"))
        assert compute(pieces.load, judge, pieces.store, None).done
        while not compute(pieces.load, job, pieces.store, deadline).done:
            stops += 1
            assert stops < 50, "it does not come to its end"
        assert not list((pieces.store.folder / "running").iterdir())
        found.append(pieces.store.find(job))
    assert stops > SMALL_2["reports"]
    (images, facts), (again, facts_again) = found
    assert all(torch.equal(images[name], again[name]) for name in ("autoencoder", "bagan", "shown"))
    assert facts["curve"] == facts_again["curve"] and facts["autoencoder"] == facts_again["autoencoder"]


SMALL_3 = {
    **{name: SMALL[name] for name in ("seeds", "judge_updates", "reports", "batch", "updates")},
    **{f"cgan_{name}": SMALL[name] for name in ("width", "lr", "steps", "falling")},
    "cgan_batch": 8,
    "folds": 2,
    "side": 32,
    "cyclegan_width": 4,
    "cyclegan_blocks": 1,
    "cyclegan_layers": 1,
    "cyclegan_steps": 6,
    "fold_updates": [2, 4],
    "train_loss": 0.01,
}


def test_lesson_3s_full_run_goes_through_in_miniature_and_judges_nothing(tmp_path):
    (lesson,) = resolve(["3"])
    assert FullRun(lesson, tmp_path, "standin").settings.keys() == SMALL_3.keys()
    whole = at_once(lesson, tmp_path, SMALL_3)
    found = whole.results()
    assert unjudged(found["verdict"]) == 4 and not any(gate["passed"] for gate in found["gate"].values())
    assert found["floors"].keys() == {name.rpartition("/")[0] for name in found["curves"]["generators"]}
    assert all(len(cell[m]["test"]["values"]) == 2 for cell in found["arms"].values() for m in ("bce", "swing"))
    assert {"cgan_250 - real", "today's cyclegan - today's real"} <= found["differences"].keys()
    assert found["curves"]["generators"]["fold train_cyclegan/1"]["steps"] == [2, 4, 6]
    images = {name: facts["images"] for name, (_, facts) in whole.pieces.answers().items() if "updates" in facts}
    photos, all_but_two = images["real/0"], images["fold real/0"]
    assert images["cgan_250/0"] == photos + 250 and images["today's cyclegan/1"] == 2 * photos
    assert images["fold cgan_all/0"] == images["fold cyclegan/0"] == images["fold placebo_repeat/0"] == 2 * all_but_two
    assert images["fold one_animal/1"] == images["fold few_views/1"] < all_but_two
    again = verify.full_run(FullRun(lesson, tmp_path / "again", "standin", SMALL_3), found["arms"], tmp_path / "none")
    assert [abs(value.anew - value.committed) < verify.SAME for value in again] == [True]


def test_lesson_3s_full_run_scores_a_constant_answer_as_its_paper_does():
    full = module((resolve(["3"])[0].folder / "full.py").read_text("utf-8"), "full.py")
    labels = torch.tensor([full.COW] * 41 + [full.HORSE] * 41)
    half, sure = torch.full((82,), 0.5), labels.float()
    answer = {"test": torch.stack([sure, half, half + 0.01, half + 0.01]), "train": torch.stack([sure] * 4)}
    found = full.scored((answer | {"test_labels": labels, "train_labels": labels}, {}))
    assert found["accuracy"] == [1.0, 0.5, 0.5, 0.5] and found["constant"] == [0.0, 1.0, 1.0, 1.0]
    assert found["recall"][2:] == [1.0, 1.0] and found["precision"][2] == pytest.approx(0.5)
    assert found["bce"][1] == pytest.approx(0.6931, abs=1e-4) and found["mse"][1] == 0.25
    assert found["swing"] == [pytest.approx(0.0, abs=1e-9)] * 4 and max(found["train_loss"]) < 1e-6


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ("--profile full --kernel none", "--kernel"),
        ("--profile full -p DATA=standin", "-p"),
        ("--profile full --hours 0", "--hours"),
        ("--profile full --again", "--again"),
        ("--hours 2", "--profile full"),
    ],
)
def test_a_full_run_takes_no_option_that_it_would_not_heed_and_hours_are_its_own(options, named, capsys):
    assert cli.main(["run", "4", *options.split()]) == 2
    assert named in capsys.readouterr().err


def test_two_full_runs_in_one_folder_are_refused(tmp_path):
    lesson = tiny(tmp_path)
    folder = FullRun(lesson, tmp_path / "build", "standin").pieces.store.folder
    with files.locked(folder / ".lock", "busy"), pytest.raises(CourseError, match="under way already"):
        run(lesson, tmp_path / "build", source="standin")
