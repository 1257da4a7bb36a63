"""What a training showed is still there when its finished run is found again."""

import torch

from course_utils.gan import train as gan
from course_utils.gan.networks import FCDiscriminator, FCGenerator
from course_utils.gan.steps import gan_step
from course_utils.teach.shots import noted


def training(folder, steps=6):
    torch.manual_seed(0)
    G, D = FCGenerator(hidden=(8,)), FCDiscriminator(hidden=(8,))
    x = torch.zeros(1, 4, 784)
    return gan.training(gan_step, G, D, lambda n: (x,), steps=steps, seed=0, reports=3, checkpoint=folder)


def test_a_finished_run_that_is_found_again_shows_all_it_showed(tmp_path):
    first, again = {}, {}
    assert [p.step for p in noted(training(tmp_path), first, tmp_path)] == [2, 4, 6] == list(first)
    assert [p.step for p in noted(training(tmp_path), again, tmp_path)] == [6]
    assert list(again) == [2, 4, 6] and all(torch.equal(again[step], first[step]) for step in first)
    assert not list(tmp_path.glob("*.part"))


def test_another_run_has_shots_of_its_own(tmp_path):
    first, other = {}, {}
    list(noted(training(tmp_path), first, tmp_path))
    list(noted(training(tmp_path, steps=9), other, tmp_path))
    assert sorted(other) == [3, 6, 9] and sorted(first) == [2, 4, 6]


def test_without_a_folder_nothing_is_kept_and_a_training_without_reports_notes_nothing(tmp_path):
    shots = {}
    assert len(list(noted(training(None), shots, None))) == len(shots) == 3
    assert list(noted([], shots, tmp_path)) == [] and not list(tmp_path.iterdir())
