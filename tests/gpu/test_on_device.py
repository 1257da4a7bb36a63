"""What the course does otherwise where a GPU computes, tried on the CPU with the device's name or a stand-in for it."""

import pytest
import torch
from one_hot import OneHot
from small_gans import METHODS

from course_utils.classify.networks import LeNet
from course_utils.classify.train import eval_mode
from course_utils.core import precision
from course_utils.data.sources import load
from course_utils.experiment import record
from course_utils.gan import train
from course_utils.gan.networks import AnimalGenerator
from course_utils.teach import lesson


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (lambda c, k: torch.eye(k, device=c.device)[c], "correct"),
        (lambda c, k: (c[:, None] == torch.arange(k)).float(), "incorrect"),  # made on the CPU
    ],
)
def test_an_answer_must_run_on_the_lessons_device(monkeypatch, answer, outcome):
    exercise = OneHot()
    assert exercise._judge(answer)[0] == "correct"
    monkeypatch.setattr(OneHot, "device", torch.device("meta"))
    assert exercise._judge(answer)[0] == outcome


def test_bagans_latents_are_drawn_in_float32_on_a_gpu(monkeypatch):
    G, D, batches = METHODS["bagan"].build()
    state = train.TrainState(G, D, torch.device("cpu"), 0, 1e-3, (0.5, 0.9))
    state.device, seen = torch.device("cuda"), []
    autocast = precision.autocast
    monkeypatch.setattr(train.formats, "autocast", lambda device, name: autocast(torch.device("cpu"), name))
    monkeypatch.setattr(train, "recorded", lambda function, device: function)

    def step(G, D, opt_G, opt_D, x, y, z, c):
        seen.append((z.dtype, (z @ z.T).dtype))
        return METHODS["bagan"].step(G, D, opt_G, opt_D, x, y, z, c)

    train._update(step, state, batches, train.Settings(steps=1, seed=0, precision="bfloat16"))(0)
    assert seen == [(torch.float32, torch.bfloat16)]


@pytest.mark.parametrize(
    ("slug", "name", "cut"),
    [
        ("04_mnist_gan_vs_pca", "mnist", {"images": 2750, "validation": 250, "judged": 1000}),
        ("02_emnist_bagan", "emnist", {"subsets": [1]}),
    ],
)
def test_settings_for_the_real_data_are_cut_to_what_a_sample_has(slug, name, cut):
    settings = lesson._toml(slug, "settings.toml")
    paper = {number["key"]: number for number in lesson._toml(slug, "paper.toml")["number"]}
    fits, said = lesson._within(settings["full"], load(name, "standin"), paper)
    assert {key: fits[key] for key in cut} == cut and len(said) == len(cut)
    assert lesson._within(settings["smoke"], load(name, "standin", scale=0.2), paper) == (settings["smoke"], [])


def test_large_pictures_are_drawn_a_few_at_a_time(monkeypatch):
    G, seen = AnimalGenerator(32, width=1 / 64).eval(), []
    monkeypatch.setattr(train, "PIXELS", 4 * 32 * 32)
    G.body[0].register_forward_hook(lambda layer, given, out: seen.append(len(out)))
    z, c = G.prior(10)
    few = train.sample(G, z, c)
    monkeypatch.setattr(train, "PIXELS", 2**22)
    assert seen == [4, 4, 2] and train.sample(G, z, c).shape == few.shape == (10, 3, 32, 32)
    assert seen[3:] == [10]


def test_judges_answer_in_full_float32():
    with eval_mode(LeNet()):
        assert not torch.backends.cudnn.allow_tf32
    assert torch.backends.cudnn.allow_tf32


def test_the_commit_of_files_that_travelled_without_their_repository_is_given(monkeypatch, tmp_path):
    monkeypatch.setattr(record.course_utils, "__file__", str(tmp_path / "__init__.py"))
    monkeypatch.delenv("COURSE_COMMIT", raising=False)
    assert record._commit() is None
    monkeypatch.setenv("COURSE_COMMIT", "1234567890ab")
    assert record._commit() == "1234567890ab"
