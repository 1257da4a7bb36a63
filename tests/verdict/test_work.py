"""The training sets of the arms, and the miniature of a whole verdict."""

import json

import pytest
import torch
from planted import pictures, plan
from safetensors.torch import save_file

from course_utils import verdict
from course_utils.classify.networks import ResNet18, SmallCNN
from course_utils.core.errors import CourseError
from course_utils.core.seeds import generator
from course_utils.verdict import api, work
from course_utils.verdict.work import Data

SIDE = 12


@pytest.fixture(scope="module")
def data():
    return Data(pictures(120, 0, groups=20, side=SIDE), pictures(60, 1, side=SIDE).seal(), pictures(40, 2, side=SIDE))


@pytest.fixture(scope="module")
def own(data):
    """The same pictures, without synthetic ones."""
    return Data(data.known, data.test)


def test_beside_synthetic_pictures_of_the_users_nothing_is_held_back(data, own):
    (train, held, _), (fewer, kept, _) = work.parts(data, 0), work.parts(own, 0)
    assert len(held) == 0 < len(kept) and len(train) == len(fewer) + len(kept)


def test_no_group_is_in_two_parts(own):
    train, held, validation = work.parts(own, 0)
    groups = [set(part.groups.tolist()) for part in (train, held, validation)]
    assert not groups[0] & groups[1] and not groups[0] & groups[2] and not groups[1] & groups[2]
    assert len(train) + len(held) + len(validation) == len(own.known)
    assert validation.sealed and work.parts(own, 1)[0].digest() != train.digest()


@pytest.mark.parametrize(
    ("source", "ratio", "more"),
    [("", 1, 0), ("repeat", 1, 1), ("noise", 0.5, 0.5), ("wrong_labels", 1, 1), ("gan", 0.5, 0.5), ("gan", 9, 2)],
)
def test_an_arm_adds_as_many_pictures_as_its_ratio_says(data, source, ratio, more):
    train, held, _ = work.parts(data, 0)
    n = len(train)
    made = (torch.zeros(2 * n, 1, SIDE, SIDE, dtype=torch.uint8), torch.zeros(2 * n, dtype=torch.int64))
    found = work.training_set(data, train, held, source, ratio, 1.0, made, generator(0))
    assert len(found) == n + round(more * n)
    assert torch.equal(found.pixels[:n], train.pixels)


def test_wrong_labels_are_all_wrong_and_more_real_ones_are_those_held_back(own):
    train, held, _ = work.parts(own, 0)
    wrong = work.wrong_labels(train, 1.0, generator(0))
    right = {bytes(p.numpy()): int(label) for p, label in zip(train.pixels, train.labels, strict=True)}
    added = zip(wrong.pixels[len(train) :], wrong.labels[len(train) :], strict=True)
    assert all(right[bytes(p.numpy())] != int(label) for p, label in added)
    more = work.training_set(own, train, held, "held", 1.0, 1.0, None, generator(0))
    assert torch.equal(more.pixels[len(train) :], held.pixels)


def test_smote_makes_classes_even_with_pictures_between_those_of_the_class(data):
    few = data.known.subset(torch.cat([torch.arange(0, 60, 2), torch.arange(1, 12, 2)]))
    found = work.smote(few, generator(0))
    assert found.counts().tolist() == [30, 30]
    made, mine = found.pixels[len(few) :].float(), few.of_class(1).pixels.float()
    assert (made >= mine.amin(0) - 1).all() and (made <= mine.amax(0) + 1).all()
    assert len(work.smote(data.known, generator(0))) == len(data.known)


def test_trivial_augment_changes_each_picture_by_itself_and_follows_the_seed():
    x = torch.rand(8, 3, 32, 32) * 2 - 1
    torch.manual_seed(0)
    one = work.augmentation(3, flip=False)(x, generator(0))
    torch.manual_seed(0)
    assert torch.equal(one, work.augmentation(3, flip=False)(x, generator(0)))
    assert one.shape == x.shape and float(one.abs().max()) <= 1
    assert len({round(float((a - b).abs().mean()), 6) for a, b in zip(one, x, strict=True)}) > 2


def test_a_resnet_takes_grey_pictures_and_weights_without_executing_code(tmp_path):
    net = ResNet18(classes=3)
    grey = torch.randn(2, 1, 64, 64)
    assert net(grey).shape == (2, 3) and net.features(grey).shape == (2, 512)
    path = tmp_path / "weights.safetensors"
    save_file({**net.body.state_dict(), "fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}, path)
    again = ResNet18(classes=5, weights=str(path))
    assert torch.equal(again.body.conv1.weight, net.body.conv1.weight) and again(grey).shape == (2, 5)
    save_file(SmallCNN().state_dict(), path)
    with pytest.raises(CourseError, match="resnet18"):
        ResNet18(weights=str(path))
    with pytest.raises(CourseError, match="nowhere"):
        ResNet18(weights=str(tmp_path / "nowhere.safetensors"))


# ------------------------------------------------------------------ the whole, in miniature


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(api, "plan", lambda data, hours, **options: plan(["gan", "diffusion"], synthetic=True))


def test_a_verdict_in_miniature_is_reported_and_found_again(data, small, tmp_path):
    done = []
    report = verdict.run(data.known, data.test, data.synthetic, out=tmp_path, on_progress=lambda *n: done.append(n))
    assert done[-1][0] == done[-1][1] == len(done)
    found = json.loads((tmp_path / "verdict.json").read_text("utf-8"))
    assert found["verdict"] == report.verdict and set(found["samples"]) == {"gan", "diffusion", "synthetic"}
    html = (tmp_path / "verdict.html").read_text("utf-8")
    assert report.verdict in html and "http" not in html.replace("http-equiv", "")
    assert html.count("<img") == html.count('alt="') > 6
    assert (tmp_path / "table.csv").read_text("utf-8").count("\n") == 1 + len(found["arms"])
    assert "srcdoc" in report._repr_html_()
    again = verdict.run(data.known, data.test, data.synthetic, out=tmp_path)  # nothing is left to do
    assert again.found["arms"] == report.found["arms"]
    others = pictures(40, 3, side=SIDE)
    other = verdict.run(data.known, data.test, others, out=tmp_path)
    _, loaded = api._load(tmp_path / "pictures.safetensors", json.dumps(other.found["sha256"]))
    assert torch.equal(loaded.synthetic.pixels, others.pixels), "it judged the pictures of the earlier call"


def test_a_class_of_too_few_pictures_is_named_before_anything_is_written(data, tmp_path):
    few = data.known.subset([*range(0, 120, 2), 1, 3])
    with pytest.raises(CourseError, match="right"):
        verdict.run(few, data.test, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_stopped_at_any_moment_it_leaves_a_report_and_goes_on_to_the_same_numbers(data, small, tmp_path):
    whole = verdict.run(data.known, data.test, data.synthetic, out=tmp_path / "whole").found

    def stop(done, of):
        if done == 25:  # all of the first seed, a part of the second one
            raise KeyboardInterrupt

    cut = verdict.run(data.known, data.test, data.synthetic, out=tmp_path / "cut", on_progress=stop)
    assert "fewer than two seeds" in cut.verdict and (tmp_path / "cut" / "verdict.html").exists()
    assert verdict.run(data.known, data.test, data.synthetic, out=tmp_path / "cut").found["arms"] == whole["arms"]


def test_a_piece_that_fails_is_named(data, small, tmp_path, monkeypatch):
    def broken(*args, **settings):
        raise ValueError("out of paint")
        yield

    monkeypatch.setattr(work, "train_generator", broken)
    with pytest.raises(CourseError, match="generator gan/0: ValueError: out of paint"):
        verdict.run(data.known, data.test, data.synthetic, out=tmp_path)
