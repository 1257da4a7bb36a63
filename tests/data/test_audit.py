"""The audit finds what is there twice, and the split leaks neither that nor a group."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance

from course_utils.core.errors import DataError
from course_utils.data.audit import audit, copied, exact, joined, near
from course_utils.data.folder import Pictures
from course_utils.data.images import Images
from course_utils.data.splits import split


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def pictures(n, seed=0, channels=3):
    """Pictures of 5 × 5 blurred spots, none like another: uint8, N × C × 32 × 32."""
    spots = torch.rand(n, channels, 5, 5, generator=rng(seed))
    return (torch.nn.functional.interpolate(spots, (32, 32), mode="bicubic").clamp(0, 1) * 255).to(torch.uint8)


def own(labels, pixels=None, groups=None, sizes=None, bad=()):
    labels, n = torch.tensor(labels), len(labels)
    pixels = pictures(n) if pixels is None else pixels
    sizes = sizes or {"train": n}
    names = () if groups is None else tuple(f"p{k}" for k in range(max(groups) + 1))
    groups = None if groups is None else torch.tensor(groups)
    classes = tuple("abc"[: int(labels.max()) + 1])
    images = Images(pixels, labels, classes, "mine", "test" in sizes, groups)
    shapes = torch.tensor([[10, 20], [30, 40], [50, 60]]).repeat(n, 1)[:n]
    return Pictures(images, sizes, tuple(f"{k}.png" for k in range(n)), shapes, {"CMYK made RGB": 2}, bad, names)


def as_image(pixels):
    return Image.fromarray(pixels.permute(1, 2, 0).numpy())


def as_pixels(image):
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


def jpeg(image):
    out = io.BytesIO()
    image.save(out, "JPEG", quality=60)
    return Image.open(out)


COPIES = {
    "encoded anew": jpeg,
    "resized": lambda image: image.resize((25, 25), Image.Resampling.BICUBIC).resize((32, 32)),
    "brighter": lambda image: image.point(lambda value: value * 0.7 + 60),
    "flatter": lambda image: ImageEnhance.Contrast(image).enhance(0.6),
}


@pytest.mark.parametrize("copy", COPIES)
def test_a_changed_copy_is_a_near_duplicate_and_a_strange_picture_is_none(copy):
    originals = pictures(30)
    changed = torch.stack([as_pixels(COPIES[copy](as_image(picture))) for picture in originals[:5]])
    both = torch.cat([originals, changed])
    same = exact(both)
    assert same.unique().numel() == 35
    number = near(both, same)
    assert torch.equal(number[:5], number[30:]) and number.unique().numel() == 30


def test_a_picture_of_the_same_shape_in_another_colour_is_no_copy():
    one = pictures(1)
    one[:, 1:] //= 4
    assert near(torch.cat([one, one.flip(1)]), torch.arange(2)).unique().numel() == 2
    plain = torch.tensor([10, 10, 200], dtype=torch.uint8).reshape(3, 1, 1, 1).expand(3, 1, 32, 32).contiguous()
    assert near(plain, exact(plain)).unique(return_counts=True)[1].sort().values.tolist() == [1, 2]


def test_all_pairs_are_compared_whatever_the_block(monkeypatch):
    pixels = pictures(40, channels=1)
    pixels = torch.cat([pixels, pixels[:20] // 2 + 9, pixels[10:15] // 3 + 90])  # copies, and copies of copies
    whole = near(pixels, exact(pixels))
    monkeypatch.setattr("course_utils.data.audit.BLOCK", 200)
    monkeypatch.setattr("course_utils.data.audit.CHECKED", 3)
    parts = near(pixels, exact(pixels))
    for number in (whole, parts):
        assert torch.equal(number[:20], number[40:60]) and torch.equal(number[10:15], number[60:])
        assert number.unique().numel() == 40


def test_links_join_however_far_round():
    number = joined(6, np.array([[0, 3], [3, 5]]), np.array([[5, 1]]))
    assert number[0] == number[3] == number[5] == number[1]
    assert len({number[0], number[2], number[4]}) == 3


def test_the_audit_counts_copies_within_and_across_classes_and_parts():
    pixels = pictures(30)
    pixels[3] = pixels[1]  # both of class a, in train
    pixels[12] = pixels[2]  # of class b
    pixels[25] = pixels[5] // 2 + 20  # in test
    labels = [0] * 10 + [1] * 10 + [0] * 5 + [0] * 5
    groups = [0] * 20 + [-1] * 10
    mine = own(labels, pixels, groups, {"train": 20, "val": 5, "test": 5}, (("x.png", "no such file"),) * 10)
    found = audit(mine)
    assert found.classes == {"a": {"train": 10, "val": 5, "test": 5}, "b": {"train": 10, "val": 0, "test": 0}}
    assert (found.exact.within, found.exact.across_classes, found.exact.across_parts) == (1, 2, 0)
    assert (found.near.within, found.near.across_classes, found.near.across_parts) == (2, 2, 1)
    assert found.near.examples["across_parts"] == (("5.png", "25.png"),)
    assert found.width == (10, 30, 50) and found.height == (20, 40, 60) and found.unreadable == 0.25
    assert found.groups == {"number": 1, "without": 10} and found.few == ()
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["near"]["across_parts"] == 1 and "alike" not in plain
    text = "\n".join(found.lines())
    assert all(word in text for word in ("5.png and 25.png", "x.png: no such file", "2 × CMYK made RGB", "25.00%"))
    assert audit(own([0] * 8 + [1] * 7)).few == ("b",)


def test_a_drawn_split_is_stratified_sealed_and_the_same_each_time():
    mine = own([0] * 100 + [1] * 20)
    found = audit(mine)
    one, two = split(mine, found, rng()), split(mine, found, rng())
    assert [part.counts().tolist() for part in (one.train, one.val, one.test)] == [[64, 13], [16, 3], [20, 4]]
    assert one.test.sealed and not one.train.sealed and one.test.digest() == two.test.digest()
    assert one.train.groups is None


def test_no_group_and_no_near_duplicate_is_on_two_sides():
    pixels = pictures(120)
    pixels[60:80] = pixels[:20] // 2 + 30
    mine = own([0, 1] * 60, pixels, [k // 6 for k in range(60)] + [-1] * 60)
    found = audit(mine)
    drawn = split(mine, found, rng(1))
    sides = [set(part.groups.tolist()) for part in (drawn.train, drawn.val, drawn.test)]
    assert not sides[0] & sides[1] and not (sides[0] | sides[1]) & sides[2]
    where = {
        picture.numpy().tobytes(): k
        for k, part in enumerate((drawn.train, drawn.val, drawn.test))
        for picture in part.pixels
    }
    place = [where[picture.numpy().tobytes()] for picture in pixels]
    assert all(len(set(place[k : k + 6])) == 1 for k in range(0, 60, 6)), "a group was parted"
    assert place[:20] == place[60:80], "near duplicates were parted"
    leaking = split(mine, found, rng(1), by_group=False)
    assert leaking.train.groups is None and any(line.startswith("WARNING") for line in leaking.lines)


def test_your_own_test_set_is_taken_as_it_is_and_a_leak_is_said():
    pixels = pictures(40)
    pixels[30] = pixels[0]
    mine = own([0, 1] * 20, pixels, [k % 20 for k in range(40)], {"train": 30, "test": 10})
    drawn = split(mine, audit(mine), rng())
    assert torch.equal(drawn.test.pixels, pixels[30:]) and drawn.test.sealed
    warnings = [line for line in drawn.lines if line.startswith("WARNING")]
    assert any("near duplicates" in line for line in warnings) and any("10 of 10" in line for line in warnings)
    clean = own([0, 1] * 20, sizes={"train": 20, "val": 10, "test": 10})
    drawn = split(clean, audit(clean), rng())
    assert len(drawn.train) == 20 and len(drawn.val) == 10 and not any("WARNING" in line for line in drawn.lines)
    lacking = own([0, 1] * 10 + [0] * 5, sizes={"train": 20, "test": 5})
    assert any("no picture of b" in line for line in split(lacking, audit(lacking), rng()).lines)


@pytest.mark.parametrize(
    "mine, match",
    [
        (own([0] * 9), "'a' is the only class"),
        (own([0] * 9 + [1]), "class 'b' has 1 picture .*expected 3"),
        (own([0] * 9 + [1] * 2), "class 'b' has 2 pictures"),
        (own([0] * 9 + [1] * 9, groups=[0] * 9 + list(range(1, 10))), "class 'a' are of 1 group"),
        (own([0] * 9 + [2] * 9 + [1], sizes={"train": 18, "test": 1}), "class 'b' has 0 pictures"),
        (own([0] * 9 + [1] * 9, pictures(1).expand(18, -1, -1, -1).contiguous()), "near duplicates"),
    ],
)
def test_what_cannot_be_split_is_refused_with_the_class(mine, match):
    with pytest.raises(DataError, match=match):
        split(mine, audit(mine), rng())


def test_groups_of_very_different_size_are_split_by_trying_again():
    mine = own([0] * 12 + [1] * 12, groups=([0] * 10 + [1, 2]) + [3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5])
    found = replace(audit(mine), alike=torch.arange(24))
    for seed in range(20):
        drawn = split(mine, found, rng(seed))
        assert all(min(part.counts()) > 0 for part in (drawn.train, drawn.val, drawn.test))


def test_pictures_that_are_copies_of_others_are_told():
    of, new = pictures(10, 0), pictures(4, 1)
    assert copied(torch.cat([new, of[3:5] // 2 * 2]), of).tolist() == [False] * 4 + [True] * 2
