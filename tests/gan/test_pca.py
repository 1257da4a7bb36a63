"""PCA and probabilistic PCA a class, held against scikit-learn's."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from course_utils.core.errors import CourseError, SealedError
from course_utils.core.seeds import generator
from course_utils.data.images import Images, scaled
from course_utils.gan import train as gan
from course_utils.gan.networks import ClassPCA, PPCAGenerator

N, CLASSES = 120, 2


def pictures(n=N, side=6, classes=CLASSES, seed=0):
    """Smooth random pictures, each class with a spread of its own; labels 0, 1, … in turn."""
    rng = generator("pca", seed)
    labels = torch.arange(n) % classes
    mixing = torch.randn(classes, side * side, side * side, generator=rng) * torch.linspace(1, 0.1, side * side)
    x = torch.randn(n, side * side, generator=rng)
    for k in range(classes):
        x[labels == k] = x[labels == k] @ mixing[k].T
    pixels = (127 + 20 * labels[:, None] + 10 * x).round().clamp(0, 255).to(torch.uint8)
    return Images(pixels.view(n, 1, side, side), labels, tuple("abcdefghij"[:classes]))


def rows(images, k):
    return scaled(images.of_class(k).pixels).flatten(1).double().numpy()


def oracle(images, k, n):
    return PCA(n, svd_solver="full").fit(rows(images, k))


@pytest.fixture(scope="module")
def digits():
    """Twenty-eight pixels a side, as the generator wants them."""
    return pictures(300, side=28)


@pytest.mark.parametrize("n", [1, 7, 35])
@pytest.mark.parametrize("k", range(CLASSES))
def test_moments_and_noise_are_scikit_learns(n, k):
    images = pictures()
    mine, known = ClassPCA.fit(images, n), oracle(images, k, n)
    np.testing.assert_allclose(mine.mean[k], known.mean_, atol=1e-6)
    np.testing.assert_allclose(mine.variances[k], known.explained_variance_, rtol=1e-4)
    np.testing.assert_allclose(mine.explained[k], known.explained_variance_ratio_, rtol=1e-4)
    assert float(mine.noise[k]) == pytest.approx(known.noise_variance_, rel=1e-3)
    np.testing.assert_allclose(np.abs((mine.components[k].T.numpy() * known.components_).sum(1)), 1, atol=1e-3)


def test_components_are_orthonormal_and_their_signs_are_fixed():
    U = ClassPCA.fit(pictures(), 12).components
    torch.testing.assert_close(U.mT @ U, torch.eye(12).expand(CLASSES, 12, 12), atol=1e-5, rtol=0)
    assert (U.gather(1, U.abs().argmax(dim=1, keepdim=True)) > 0).all()


def test_a_truncated_model_is_one_fitted_with_fewer_components():
    images = pictures()
    few, many = ClassPCA.fit(images, 5), ClassPCA.fit(images, 20).truncated(5)
    for name, value in few.state_dict().items():
        torch.testing.assert_close(many.state_dict()[name], value, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("n", [0, 1, 9, 36])
def test_rebuilding_is_projecting_and_going_back(n):
    images = pictures()
    rebuilt = ClassPCA.fit(images, 36).rebuild(images.pixels, images.labels, n)
    assert rebuilt.dtype == torch.uint8 and rebuilt.shape == images.pixels.shape
    for k in range(CLASSES):
        x, known = rows(images, k), oracle(images, k, n)
        back = known.inverse_transform(known.transform(x)) if n else np.broadcast_to(known.mean_, x.shape)
        expected = ((back + 1) * 127.5).round().clip(0, 255)
        off = np.abs(rebuilt[images.labels == k].flatten(1).numpy() - expected)
        assert off.max() <= 1 and (off > 0).mean() < 0.01  # a half may round to either side
    if n == 36:
        assert torch.equal(rebuilt, images.pixels)


@settings(max_examples=20)
@given(sizes=st.lists(st.integers(1, 8), min_size=1, max_size=3), n=st.integers(1, 16), seed=st.integers(0, 99))
def test_few_images_have_as_many_components_as_they_span(sizes, n, seed):
    labels = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    pixels = torch.randint(256, (len(labels), 1, 4, 4), generator=generator(seed), dtype=torch.uint8)
    images = Images(pixels, labels, tuple("abc"[: len(sizes)]))
    pca = ClassPCA.fit(images, n)
    for k, size in enumerate(sizes):
        rank = min(int(np.linalg.matrix_rank(rows(images, k) - rows(images, k).mean(0))), n)
        lengths = pca.components[k].norm(dim=0)
        torch.testing.assert_close(lengths, (torch.arange(n) < rank).float(), atol=1e-5, rtol=0)
        assert ((pca.variances[k] > 0) == (torch.arange(n) < rank)).all() and rank <= size - 1
        assert float(pca.noise[k]) >= 0 and pca.explained.isfinite().all()
        if n >= size:
            assert torch.equal(pca.rebuild(pixels[labels == k], labels[labels == k], n), pixels[labels == k])


def test_what_cannot_be_fitted_is_named():
    images = pictures()
    with pytest.raises(SealedError, match="training set"):
        ClassPCA.fit(images.seal(), 2)
    with pytest.raises(CourseError, match="class 1 has no image"):
        ClassPCA.fit(images.of_class(0), 2)
    for n in (0, 37):
        with pytest.raises(CourseError, match=f"{n} components of 36 pixels"):
            ClassPCA.fit(images, n)
    pca = ClassPCA.fit(images, 5)
    for refused in (lambda: pca.truncated(6), lambda: pca.rebuild(images.pixels, images.labels, 6)):
        with pytest.raises(CourseError, match="6 components of a model that holds 5"):
            refused()


# ---------------------------------------------------------------- sampling


@pytest.mark.parametrize("noise", [False, True])
def test_draws_have_the_mean_and_the_covariance_of_the_model(noise):
    n, images = 3, pictures(400, side=28, seed=1)
    faint = Images(images.pixels // 16 + 120, images.labels, images.classes)  # far from -1 and 1, where it is cut off
    pca = ClassPCA.fit(faint, n)
    G = PPCAGenerator(pca, noise)
    z, _ = G.prior(6_000, generator("draws"))
    for k in range(CLASSES):
        drawn = G(z, torch.full((len(z),), k)).flatten(1)
        U, noise_k = pca.components[k], pca.noise[k]
        scale = float(pca.variances[k].sqrt().mean())
        torch.testing.assert_close(drawn.mean(0), pca.mean[k], atol=0.05 * scale, rtol=0)
        along = torch.cov((drawn @ U).T)
        expected = torch.diag(pca.variances[k] - (0 if noise else noise_k))
        torch.testing.assert_close(along, expected, atol=0.05 * scale**2, rtol=0.05)
        beside = (drawn - drawn.mean(0)) - (drawn - drawn.mean(0)) @ U @ U.T
        assert float(beside.square().mean()) == pytest.approx(float(noise_k) if noise else 0, rel=0.02, abs=1e-9)


def test_it_samples_like_any_generator(digits):
    pca = ClassPCA.fit(digits, 5)
    for ppca, latent in ((PPCAGenerator(pca), 5), (PPCAGenerator(pca, noise=True), 5 + 784)):
        (z, c), again = (ppca.prior(200, generator("a")) for _ in range(2))
        assert z.shape == (200, latent) == (200, ppca.latent) and torch.equal(z, again[0]) and torch.equal(c, again[1])
        assert set(c.tolist()) == set(range(CLASSES))
        drawn = gan.sample(ppca, z[:7], c[:7])
        assert drawn.shape == (7, 1, 28, 28) and drawn.dtype == torch.uint8
        assert ppca(1000 * z[:7], c[:7]).abs().max() == 1


def test_each_picture_comes_from_the_class_asked_for(digits):
    G = PPCAGenerator(ClassPCA.fit(digits, 2))
    z, c = torch.randn(6, 2, generator=generator("c")), torch.tensor([1, 0, 0, 1, 1, 0])
    together = G(z, c)
    for i, k in enumerate(c.tolist()):
        x = G.mean[k] + G.W[k] @ z[i]
        torch.testing.assert_close(together[i].flatten(), x.clamp(-1, 1))
    assert not G(z, 1 - c).equal(together)
