"""Sample measures, held against oracles and against cases whose answer is known."""

import numpy as np
import pytest
import torch
from scipy import linalg, ndimage

from course_utils.classify.networks import LeNet
from course_utils.evaluate import classification, samples


def gaussian(n, f, seed, shift=0.0, scale=1.0):
    return shift + scale * torch.randn(n, f, generator=torch.Generator().manual_seed(seed))


def test_frechet_distance_is_the_textbook_formula():
    a, b = gaussian(400, 12, 0), gaussian(300, 12, 1, shift=0.4, scale=1.7)
    mu = a.double().mean(0) - b.double().mean(0)
    ca, cb = np.cov(a.double().numpy().T), np.cov(b.double().numpy().T)
    exact = float(mu.square().sum()) + np.trace(ca + cb - 2 * linalg.sqrtm(ca @ cb).real)
    assert samples.frechet_distance(a, b) == pytest.approx(exact, rel=1e-6)
    assert samples.frechet_distance(a, a) == pytest.approx(0, abs=1e-6)


def test_frechet_distance_is_torchmetrics():
    from torchmetrics.image.fid import FrechetInceptionDistance

    class Pixels(torch.nn.Module):
        num_features = 12

        def forward(self, x):
            return x.flatten(1).float()

    a, b = (torch.randint(0, 256, (200, 3, 2, 2), generator=torch.Generator().manual_seed(s)).byte() for s in (0, 1))
    fid = FrechetInceptionDistance(feature=Pixels(), input_img_size=(3, 2, 2))
    fid.update(a, real=True), fid.update(b, real=False)
    ours = samples.frechet_distance(a.flatten(1).float(), b.flatten(1).float())
    assert ours == pytest.approx(float(fid.compute()), rel=1e-4)


def test_coverage_falls_with_lost_variety_and_density_with_lost_fidelity():
    real, same = gaussian(500, 4, 0), gaussian(500, 4, 1)
    collapsed, off = real[:1].repeat(500, 1), gaussian(500, 4, 2, shift=5)
    density, coverage = samples.density_and_coverage(real, same)
    assert density == pytest.approx(1, abs=0.1) and coverage > 0.9
    assert samples.density_and_coverage(real, collapsed)[1] < 0.05
    assert samples.density_and_coverage(real, off)[0] < 0.05


def test_memorisation_tells_copies_from_new_pictures():
    train, test, new = (gaussian(400, 6, s) for s in (0, 1, 2))
    assert samples.memorisation(train[:100] + 1e-4, train, test) < 0.01
    assert samples.memorisation(new, train, test) == pytest.approx(1, abs=0.1)


def test_nearest_finds_the_row():
    pool = gaussian(50, 3, 0)
    distance, where = samples.nearest(pool[[7, 3]], pool)
    assert where.tolist() == [7, 3] and distance.max() < 1e-3


def test_denoised_is_scipys_median_and_brings_zeros_back():
    pixels = torch.randint(0, 256, (3, 1, 28, 28), generator=torch.Generator().manual_seed(0)).byte()
    median = np.stack([ndimage.median_filter(p[0].numpy(), 3, mode="constant") for p in pixels])[:, None]
    np.testing.assert_array_equal(samples.denoised(pixels).numpy(), np.where(median >= 64, median, 0))
    assert samples.nonzero_share(torch.zeros(2, 1, 4, 4, dtype=torch.uint8)).tolist() == [0, 0]


def test_features_do_not_depend_on_batch_mates():
    torch.manual_seed(0)
    judge, pixels = LeNet(), torch.randint(0, 256, (10, 1, 28, 28)).byte()
    whole = samples.features(judge, pixels)
    assert whole.shape == (10, 84)
    torch.testing.assert_close(whole, samples.features(judge, pixels, batch_size=3))


def test_classification_scores_of_a_known_answer():
    labels, said = torch.tensor([0, 0, 1, 1, 2, 2]), torch.tensor([0, 0, 1, 0, 2, 1])
    assert classification.scores(labels, said) == pytest.approx(
        {"accuracy": 4 / 6, "macro_f1": (0.8 + 0.5 + 2 / 3) / 3}
    )
    report = classification.report(labels, said, ("a", "b", "c"))
    assert report["recall"].tolist() == [1, 0.5, 0.5] and report["support"].tolist() == [2, 2, 2]
    assert classification.confusion(labels, said, 3).tolist() == [[2, 0, 0], [1, 1, 0], [0, 1, 1]]


def test_a_class_that_is_never_said_scores_zero_without_a_warning(recwarn):
    report = classification.report(torch.tensor([0, 1]), torch.tensor([0, 0]), ("a", "b"))
    assert report.loc["b", "precision"] == 0 and not recwarn.list
