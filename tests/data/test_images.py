"""Images: what every method keeps, what it returns, and what a sealed test set refuses."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_utils.core.errors import DataError, SealedError
from course_utils.data.images import Images, resized, scaled, to_pixels

CLASSES = ("a", "b", "c")


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def make(labels, **kwargs):
    """One-pixel pictures that are told apart by their value, which is their position (0..255)."""
    labels = torch.as_tensor(labels, dtype=torch.int64)
    pixels = torch.arange(len(labels), dtype=torch.uint8).reshape(-1, 1, 1, 1)
    return Images(pixels, labels, CLASSES, **kwargs)


def ids(images):
    return images.pixels.flatten().tolist()


label_lists = st.lists(st.integers(0, 2), min_size=1, max_size=200)
shares = st.floats(0, 1)
seeds = st.integers(0, 2**32)


@given(st.lists(st.integers(0, 255), min_size=1))
def test_scaling_to_the_range_of_tanh_and_back_loses_nothing(values):
    pixels = torch.tensor(values, dtype=torch.uint8)
    x = scaled(pixels)
    assert x.dtype == torch.float32 and x.min() >= -1 and x.max() <= 1
    assert torch.equal(to_pixels(x), pixels)
    assert to_pixels(torch.tensor([-7.0, -1.0, 0.0, 1.0, 7.0])).tolist() == [0, 0, 128, 255, 255]


@given(label_lists, shares, seeds)
def test_split_is_disjoint_complete_and_stratified(labels, share, seed):
    images = make(labels)
    counts = images.counts().tolist()
    if 0 < share < 1 and 1 in counts:
        with pytest.raises(DataError, match=f"class '{CLASSES[counts.index(1)]}' has a single picture"):
            images.split(share, rng(seed))
        return
    first, second = images.split(share, rng(seed))
    assert sorted(ids(first) + ids(second)) == ids(images)
    least = [int(0 < share < 1 and n > 1) for n in counts]  # on both sides
    expected = [min(max(round(share * n), k), n - k) for n, k in zip(counts, least, strict=True)]
    assert first.counts().tolist() == expected
    for part in (first, second):
        assert part.labels.tolist() == [labels[i] for i in ids(part)]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), min_size=1, max_size=200), shares, seeds)
def test_a_split_leaves_groups_whole_and_both_sides_every_class(pictures, share, seed):
    labels, groups = map(list, zip(*pictures, strict=True))
    images = make(labels, groups=torch.tensor(groups))
    try:
        first, second = images.split(share, rng(seed))
    except DataError as error:
        assert 0 < share < 1 and "too few groups" in str(error)
        return
    assert sorted(ids(first) + ids(second)) == ids(images)
    assert not set(first.groups.tolist()) & set(second.groups.tolist())
    if 0 < share < 1:
        assert all(min(n) > 0 or max(n) == 0 for n in zip(first.counts(), second.counts(), strict=True))


def test_a_split_by_animals_meets_its_share_and_one_by_pictures_leaks():
    animals = make([0] * 100 + [1] * 100, groups=torch.arange(20).repeat_interleave(10))
    first, second = animals.split(0.7, rng())
    assert first.counts().tolist() == [70, 70, 0] and second.counts().tolist() == [30, 30, 0]
    assert first.groups.unique().tolist() != list(range(14)), "animals should be drawn at random"
    leaking = [set(part.groups.tolist()) for part in animals.split(0.7, rng(), by_group=False)]
    assert leaking[0] & leaking[1]
    unknown = make([0, 0, 1, 1], groups=torch.tensor([-1, -1, 5, 6])).split(0.5, rng())  # each for itself
    assert unknown[0].counts().tolist() == [1, 1, 0]


@given(label_lists, st.integers(0, 2), shares, seeds)
def test_starve_thins_out_one_class_only(labels, label, share, seed):
    images = make(labels)
    kept = images.subsample_class(label, share, rng(seed))
    before, after = images.counts().tolist(), kept.counts().tolist()
    expected = [min(n, max(1, round(share * n))) if k == label else n for k, n in enumerate(before)]
    assert after == expected
    assert ids(kept) == sorted(ids(kept))  # the order of the others is not touched
    assert kept.labels.tolist() == [labels[i] for i in ids(kept)]


@given(label_lists, label_lists)
def test_merge_appends_and_keeps_groups_that_are_known(one, two):
    grouped, plain = make(one, groups=torch.arange(len(one))), make(two)
    merged = grouped.merge(plain)
    assert ids(merged) == ids(grouped) + ids(plain)
    assert merged.labels.tolist() == one + two
    assert merged.groups.tolist() == list(range(len(one))) + [-1] * len(two)
    assert plain.merge(plain).groups is None


@given(label_lists, st.integers(1, 64), seeds)
def test_batches_are_full_shuffled_and_seeded(labels, size, seed):
    images = make(labels)
    batches = list(images.batches(size, rng(seed)))
    again = list(images.batches(size, rng(seed)))
    assert all(x.shape == (size, 1, 1, 1) and x.dtype == torch.float32 and len(y) == size for x, y in batches)
    assert len(batches) == max(1, len(labels) // size)
    assert all(torch.equal(x, x2) and torch.equal(y, y2) for (x, y), (x2, y2) in zip(batches, again, strict=True))
    seen = [i for x, _ in batches for i in to_pixels(x).flatten().tolist()]
    assert [labels[i] for i in seen] == torch.cat([y for _, y in batches]).tolist()
    if size <= len(labels):
        assert len(set(seen)) == len(seen)  # no picture twice in one pass
    else:
        assert max(map(seen.count, seen)) <= -(-size // len(labels))


def test_batches_forever_goes_on_with_another_order():
    stream = make([0, 1, 2] * 20).batches(60, rng(), forever=True)
    (one, _), (two, _) = next(stream), next(stream)
    assert not torch.equal(one, two)
    assert torch.equal(one.flatten().sort().values, two.flatten().sort().values)


def test_in_order_gives_everything_once_also_of_a_sealed_set():
    images = make([0, 1, 2, 0, 1], sealed=True)
    parts = list(images.in_order(2))
    assert [len(y) for _, y in parts] == [2, 2, 1]
    assert torch.equal(torch.cat([x for x, _ in parts]), scaled(images.pixels))


@given(label_lists, seeds, st.data())
def test_sample_draws_without_replacement(labels, seed, data):
    images = make(labels)
    n = data.draw(st.integers(0, len(labels)))
    drawn = images.sample(n, rng(seed))
    assert len(set(ids(drawn))) == len(drawn) == n


def test_subset_and_of_class_keep_labels_groups_and_seal():
    images = make([0, 1, 2, 1], groups=torch.tensor([5, 6, 7, 8]), sealed=True)
    for part in (images.of_class(1), images.subset([1, 3]), images.subset(torch.tensor([False, True, False, True]))):
        assert ids(part) == [1, 3] and part.labels.tolist() == [1, 1] and part.groups.tolist() == [6, 8]
        assert part.sealed


@pytest.mark.parametrize(
    "forbidden",
    [
        lambda images: next(images.batches(1, rng())),
        lambda images: images.split(1, rng()),
        lambda images: images.subsample_class(0, 0.5, rng()),
        lambda images: images.merge(make([0])),
        lambda images: make([0]).merge(images),
        lambda images: images.with_pixels(images.pixels),
    ],
    ids=["batches", "split", "starve", "merge", "merged into another", "with_pixels"],
)
def test_a_sealed_set_refuses(forbidden):
    images = make([0, 1, 2], name="the test set")
    forbidden(images)  # allowed as long as it is open
    with pytest.raises(SealedError, match="the test set is a sealed test set"):
        forbidden(images.seal())


def test_digest_tells_pixels_labels_and_shapes_apart():
    images = make([0, 1])
    others = [
        make([1, 0]),
        images.with_pixels(255 - images.pixels),
        images.with_pixels(images.pixels.reshape(2, 1, 1, 1).expand(2, 3, 1, 1)),
    ]
    assert images.digest() == make([0, 1], name="another name").digest()
    assert len({images.digest(), *(other.digest() for other in others)}) == 4


def zeros(*shape, dtype=torch.uint8):
    return torch.zeros(shape, dtype=dtype)


@pytest.mark.parametrize(
    ("pixels", "labels", "message"),
    [
        (zeros(2, 1, 4, 4, dtype=torch.float32), torch.tensor([0, 0]), "pixels are torch.float32"),
        (zeros(2, 4, 4), torch.tensor([0, 0]), "N × C × H × W"),
        (zeros(2, 8, 8, 3), torch.tensor([0, 0]), r"8 channels, .*permute\(0, 3, 1"),
        (zeros(2, 1, 4, 4), torch.zeros(2), "labels are torch.float32"),
        (zeros(2, 1, 4, 4), torch.tensor([0, 0, 0]), r"expected int64 of shape \(2,\)"),
        (zeros(2, 1, 4, 4), torch.tensor([0, 3]), "labels reach from 0 to 3, expected 0 to 2"),
        (zeros(2, 1, 4, 4), torch.tensor([-1, 0]), "labels reach from -1 to 0"),
    ],
)
def test_wrong_tensors_are_refused_by_name(pixels, labels, message):
    with pytest.raises(DataError, match=rf"^wrong: .*{message}"):
        Images(pixels, labels, CLASSES, "wrong")


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: make([0, 1], groups=torch.arange(3)), "3 groups for 2 images"),
        *((lambda share=share: make([0]).split(share, rng()), "not between 0 and 1") for share in (-0.1, float("nan"))),
        (lambda: make([0]).subsample_class(0, 1.5, rng()), "not between 0 and 1"),
        (lambda: make([0, 1, 2]).split([0.5, 0.5], rng()), "not one a class"),
        (lambda: next(make([]).batches(4, rng())), "nothing to train on"),
        (lambda: make([0]).merge(Images(zeros(1, 3, 1, 1), torch.tensor([0]), CLASSES)), "cannot merge"),
        (lambda: make([0]).sample(2, rng()), "different images"),
    ],
)
def test_what_cannot_be_done_is_told(call, says):
    with pytest.raises(DataError, match=says):
        call()


def test_each_class_may_have_a_share_of_its_own():
    first, second = make([0] * 4 + [1] * 4 + [2] * 4).split([0.25, 1.0, 0.0], rng())
    assert first.counts().tolist() == [1, 4, 0] and second.counts().tolist() == [3, 0, 4]


def test_resizing_smooths_and_keeps_what_has_the_size_already():
    rows = (torch.arange(8) % 2 * 255).byte()[None, None, :, None].expand(70, 3, 8, 8)  # stripes of one pixel
    small = resized(rows, 4)
    assert small.shape == (70, 3, 4, 4) and small.dtype == torch.uint8
    assert small[..., 1:-1, :].float().sub(127.5).abs().max() < 32  # grey; every second row would be black or white
    assert torch.equal(resized(rows, 8), rows)
