"""Batch n is a function of the key and of n."""

import pytest
import torch
from small_gans import images

from course_utils.core.errors import SealedError
from course_utils.data.images import Images
from course_utils.gan import batches


def test_batch_n_does_not_depend_on_the_batches_before_it():
    data = images(50)
    for make in (batches.unlabelled, batches.labelled):
        stream, again = make(data, 8, 0, "a"), make(data, 8, 0, "a")
        asked_in_order = [stream(n) for n in range(20)]
        for n in (17, 3, 3, 12):
            assert all(map(torch.equal, again(n), asked_in_order[n]))
        other = make(data, 8, 1, "a")(0)[0]
        assert not torch.equal(other, asked_in_order[0][0])


def test_a_pass_shows_each_picture_once_and_the_next_pass_in_another_order():
    data = Images(torch.arange(12, dtype=torch.uint8).reshape(12, 1, 1, 1), torch.zeros(12, dtype=torch.int64), ("a",))
    stream = batches.labelled(data, 4, 0)
    first, second = (torch.cat([stream(n)[0].flatten() for n in part]) for part in ((0, 1, 2), (3, 4, 5)))
    assert len(first.unique()) == len(second.unique()) == 12 and not torch.equal(first, second)


def test_labels_belong_to_their_pictures():
    data = images(50)
    x, y = batches.labelled(data, 16, 0)(5)
    assert x.shape == (16, 1, 28, 28) and x.min() >= -1 and x.max() <= 1
    brightest = x.mean(dim=3)[:, 0, :27].reshape(16, 3, 9).mean(dim=2).argmax(dim=1)
    assert torch.equal(brightest, y)


def test_flat_gives_each_network_its_own_set():
    sets = [
        Images(torch.full((20, 1, 2, 2), value, dtype=torch.uint8), torch.zeros(20, dtype=torch.int64), ("a",))
        for value in (0, 255)
    ]
    (x,) = batches.flat(sets, 8, 0)(0)
    assert x.shape == (2, 8, 4) and (x[0] == -1).all() and (x[1] == 1).all()
    same_set_twice = batches.flat([images(50)] * 2, 8, 0)(0)[0]
    assert not torch.equal(*same_set_twice)  # two networks must not see the same batches


def test_unpaired_sets_are_shuffled_each_for_itself():
    a, b = batches.unpaired(images(50), images(50), 8, 0)(0)
    assert a.shape == b.shape and not torch.equal(a, b)


def test_a_set_smaller_than_a_batch_fills_it_and_a_sealed_one_is_refused_at_once():
    assert batches.unlabelled(images(5), 8, 0)(3)[0].shape == (8, 1, 28, 28)
    with pytest.raises(SealedError):
        batches.unlabelled(images().seal(), 8, 0)
