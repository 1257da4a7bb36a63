"""The toy: PPCA covers a ring and misses it, a GAN learns it or drops a part; on a blob PPCA is right."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from course_utils.core.seeds import generator
from course_utils.teach import show
from course_utils.teach.toys import ring


def real(shape, n=400, seed=0):
    return ring.points(n, shape, generator("real", seed))


@pytest.mark.parametrize("shape", ring.SHAPES)
def test_cells_are_equally_likely_and_hold_nearly_all_points(shape):
    found = ring.cells(real(shape, 200_000), shape)
    shares = torch.bincount(found[found >= 0], minlength=ring.CELLS) / len(found)
    assert len(shares) == ring.CELLS
    np.testing.assert_allclose(shares, 1 / ring.CELLS, rtol=0.08)
    assert ring.off(real(shape, 200_000), shape) < 0.012
    assert ring.covered(real(shape), shape) == 1.0


def test_coverage_counts_parts_and_off_counts_points():
    angles = torch.arange(4) * torch.pi / 2 + 0.01
    four = ring.RADIUS * torch.stack([angles.cos(), angles.sin()], dim=1)
    assert ring.covered(four, "ring") == 4 / ring.CELLS and ring.off(four, "ring") == 0
    assert ring.covered(four.repeat(50, 1), "ring") == 4 / ring.CELLS
    for wrong in (0.5 * four, 1.5 * four, 0 * four):
        assert ring.covered(wrong, "ring") == 0 and ring.off(wrong, "ring") == 1
        assert ring.off(torch.cat([four, wrong]), "ring") == 0.5


def test_ppca_is_scikit_learns_and_in_the_plane_the_full_gaussian():
    x = real("blob")
    drawn = ring.ppca(x, 100_000, generator("ppca"))
    known = PCA(1).fit(x.double())
    np.testing.assert_allclose(known.get_covariance(), torch.cov(x.T), rtol=1e-4)
    np.testing.assert_allclose(torch.cov(drawn.T), known.get_covariance(), rtol=0.03, atol=0.002)
    torch.testing.assert_close(drawn.mean(dim=0), x.mean(dim=0), rtol=0, atol=0.01)


def test_a_gan_learns_the_ring_after_it_has_drawn_a_part_of_it():
    by_length = ring.gan("ring", 0)
    assert list(by_length) == list(ring.LENGTHS) and all(x.shape == (ring.SHOWN, 2) for x in by_length.values())
    early, late = by_length[ring.LENGTHS[0]], by_length[ring.LENGTHS[-1]]
    assert ring.covered(early, "ring") < 0.8 and ring.covered(late, "ring") > 0.9
    assert ring.off(late, "ring") < 0.2 < 0.3 < ring.off(early, "ring")


@pytest.mark.parametrize("shape", ring.SHAPES)
def test_the_picture_says_what_is_drawn_and_follows_a_slider(shape):
    fig = ring.picture(shape, ring.LENGTHS[-1])
    late = ring.gan(shape, 0)[ring.LENGTHS[-1]]
    said = f"{100 * ring.covered(late, shape):.0f} % covered, {100 * ring.off(late, shape):.0f} % off"
    assert fig.axes[2].get_title() == f"GAN after {ring.LENGTHS[-1]:,} steps\n{said}"
    cells, empty = fig.axes[2].collections
    assert len(empty.get_paths()) == round(ring.CELLS * (1 - ring.covered(late, shape)))
    for cell, path in enumerate(cells.get_paths()):  # what is hatched is the cell that was counted
        middle = torch.tensor(path.vertices[:18].reshape(2, 9, 2)[:, 4].mean(0), dtype=torch.float32)
        assert ring.cells(middle[None], shape).tolist() == [cell]
    assert show.png(fig)
    trained = ring.gan.cache_info().misses
    ring.picture(shape, ring.LENGTHS[0])
    assert ring.gan.cache_info().misses == trained  # one training serves all lengths
