"""Sample measures, held against oracles and against cases whose answer is known."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg

from course_utils.classify.networks import LeNet
from course_utils.core.errors import CourseError
from course_utils.evaluate import samples


def gaussian(n, f, seed, shift=0.0, scale=1.0):
    return shift + scale * torch.randn(n, f, generator=torch.Generator().manual_seed(seed))


def test_frechet_distance_is_the_textbook_formula():
    a, b = gaussian(400, 12, 0), gaussian(300, 12, 1, shift=0.4, scale=1.7)
    mu = a.double().mean(0) - b.double().mean(0)
    ca, cb = np.cov(a.double().numpy().T), np.cov(b.double().numpy().T)
    exact = float(mu.square().sum()) + np.trace(ca + cb - 2 * linalg.sqrtm(ca @ cb).real)
    assert samples.frechet_distance(a, b) == pytest.approx(exact, rel=1e-6)


def test_memorisation_tells_copies_from_new_pictures():
    train, test, new = (gaussian(400, 6, s) for s in (0, 1, 2))
    assert samples.memorisation(train[:100] + 1e-4, train, test) < 0.01
    assert samples.memorisation(new, train, test) == pytest.approx(1, abs=0.1)
    assert samples.near_copies(train[:100] + 1e-4, train, test) == 1
    assert samples.near_copies(new, train, test) == pytest.approx(0.05, abs=0.04)
    assert samples.near_copies(torch.cat([new[:60], train[:40]]), train, test) == pytest.approx(0.43, abs=0.04)


def test_denoised_is_the_median_of_nine_and_brings_zeros_back():
    pixels = torch.randint(0, 256, (3, 2, 28, 20), generator=torch.Generator().manual_seed(0)).byte()
    nine = torch.nn.functional.pad(pixels, (1, 1, 1, 1)).unfold(2, 3, 1).unfold(3, 3, 1).flatten(4)
    median = nine.int().median(dim=4).values
    np.testing.assert_array_equal(samples.denoised(pixels), torch.where(median >= 64, median, 0))
    assert samples.nonzero_share(torch.zeros(2, 1, 4, 4, dtype=torch.uint8)).tolist() == [0, 0]


def test_features_do_not_depend_on_batch_mates():
    torch.manual_seed(0)
    judge, pixels = LeNet(), torch.randint(0, 256, (10, 1, 28, 28)).byte()
    whole = samples.features(judge, pixels)
    assert whole.shape == (10, 84)
    torch.testing.assert_close(whole, samples.features(judge, pixels, batch_size=3))
    assert judge.training and not whole.requires_grad
    samples.features(judge.eval(), pixels)
    assert not judge.training


seeds = st.integers(0, 2**32 - 1)


@given(seeds, st.integers(2, 60), st.integers(1, 6), st.floats(0.1, 100))
@settings(max_examples=30)
def test_a_set_is_at_no_distance_from_itself_in_any_order(seed, n, f, scale):
    a = gaussian(n, f, seed, shift=3, scale=scale)
    again = a[torch.randperm(n, generator=torch.Generator().manual_seed(seed))]
    assert samples.frechet_distance(a, again) == pytest.approx(0, abs=1e-5 * scale**2)
    assert samples.density_and_coverage(a, again, k=1)[1] == 1
    assert samples.nearest(a, again)[0].max() == 0


def test_fd_lenet_is_the_distance_of_n_fixed_pictures():
    torch.manual_seed(0)
    judge, g = LeNet(), torch.Generator().manual_seed(1)
    real, fake = (torch.randint(0, high, (120, 1, 28, 28), generator=g).byte() for high in (256, 200))
    whole = samples.frechet_distance(samples.features(judge, real), samples.features(judge, fake))
    assert samples.fd_lenet(judge, real, fake, 120) == pytest.approx(whole, rel=1e-4)
    part = samples.fd_lenet(judge, real, fake, 60)
    assert part == samples.fd_lenet(judge, real, fake, 60) != pytest.approx(whole, rel=1e-3)
    with pytest.raises(CourseError, match="fake_pixels holds 50 pictures, expected at least n = 60"):
        samples.fd_lenet(judge, real, fake[:50], 60)


def test_fd_lenet_draws_from_all_classes_of_a_sorted_set():
    judge = Mean()
    bright = torch.arange(200).byte()[:, None, None, None].expand(200, 1, 28, 28)  # sorted, as by class
    floor = samples.fd_lenet(judge, bright, bright, 50)
    shuffled = bright[torch.randperm(200, generator=torch.Generator().manual_seed(0))]
    assert samples.fd_lenet(judge, bright, shuffled, 50) < 0.02 > floor  # the first 50 lie 0.59 lower: 0.3 and more


class Mean(torch.nn.Module):
    def features(self, x):
        return x.mean(dim=(2, 3))


def density_and_coverage_in_numpy(real, fake, k):
    """Naeem et al. 2020, equations 3 and 4, word for word."""
    to_real = np.linalg.norm(real[:, None] - real[None], axis=-1)
    radius = np.sort(to_real, axis=1)[:, k]
    balls = np.linalg.norm(real[:, None] - fake[None], axis=-1) <= radius[:, None]
    return balls.sum() / (k * len(fake)), np.mean([ball.any() for ball in balls])


@pytest.mark.parametrize(("n", "k"), [(150, 5), (1200, 3)])  # the second in more than one part of the distance matrix
def test_density_and_coverage_are_the_papers(n, k):
    real, fake = gaussian(n, 3, 0), gaussian(130, 3, 1, shift=0.5, scale=0.6)
    exact = density_and_coverage_in_numpy(real.double().numpy(), fake.double().numpy(), k)
    assert samples.density_and_coverage(real, fake, k) == pytest.approx(exact, rel=1e-9)


def test_a_repeated_picture_has_no_variety_in_its_class():
    x, labels = gaussian(60, 4, 0), torch.arange(60) % 2
    x[labels == 1] = x[1].clone()
    first = x[labels == 0].double().numpy()
    pairs = [np.linalg.norm(a - b) for i, a in enumerate(first) for b in first[:i]]
    assert samples.mean_pairwise_distance(x, labels) == {0: pytest.approx(np.mean(pairs)), 1: 0}


def test_nearest_pairs_are_the_copies_first():
    train, fake = gaussian(1500, 84, 0, scale=10), gaussian(1100, 84, 1, scale=10)
    fake[1050], fake[3] = train[1400], train[7] + 1e-3
    distance, fakes, partners = samples.nearest_pairs(fake, train, 3)
    assert fakes[:2].tolist() == [1050, 3] and partners[:2].tolist() == [1400, 7]
    assert distance[0] == 0 and distance[1] == pytest.approx(1e-3 * 84**0.5, rel=1e-2)
    assert distance[2] == torch.cdist(fake[fakes[2:]].double(), train.double()).min()


nan = gaussian(20, 4, 0)
nan[3] = float("nan")
fine = gaussian(20, 4, 1)


@pytest.mark.parametrize(
    ("measure", "says"),
    [
        (lambda: samples.frechet_distance(fine, fine[:1]), "fake holds 1 pictures, expected at least 2"),
        (lambda: samples.frechet_distance(fine, fine[:, :3]), "fake has 3 features, real has 4"),
        (lambda: samples.frechet_distance(nan, fine), "real: 1 of 20 pictures have features that are NaN or infinite"),
        (lambda: samples.frechet_distance(fine, fine[0]), r"fake is of shape \(4,\), expected N × F"),
        (lambda: samples.density_and_coverage(fine[:5], fine), "expected 1 to 4 neighbours"),
        (lambda: samples.nearest_pairs(fine, fine, 21), "n = 21 pairs of 20 fakes, expected 1 to 20"),
        (lambda: samples.memorisation(fine, fine, fine), "most test pictures are in train too"),
        (lambda: samples.mean_pairwise_distance(fine, torch.arange(20)), "class 0 has one picture"),
        (lambda: samples.mean_pairwise_distance(fine, torch.zeros(3)), r"\(3,\) labels for 20 pictures"),
    ],
)
def test_bad_input_is_named(measure, says):
    with pytest.raises(CourseError, match=says):
        measure()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_measures_on_a_gpu_are_those_on_the_cpu():
    a, b = gaussian(300, 12, 0), gaussian(280, 12, 1, shift=0.3)
    labels = torch.arange(300) % 3
    for measure in (
        samples.frechet_distance,
        samples.density_and_coverage,
        lambda x, y: samples.memorisation(x, y[:100], y[100:]),
        lambda x, y: samples.nearest_pairs(x, y, 5)[2].tolist(),
        lambda x, y: samples.mean_pairwise_distance(x, labels.to(x.device)),
    ):
        assert measure(a.cuda(), b.cuda()) == pytest.approx(measure(a, b), rel=1e-6)
