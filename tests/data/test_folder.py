"""Pictures of one's own: each kind of input is read, and what cannot be is named with its reason."""

import gzip
import os
import struct

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from course_utils.core.errors import CourseError, DataError
from course_utils.data import folder, idx, listing, reading
from course_utils.data.images import Images

NOISE = np.random.default_rng(0)


def colour(seed=None, size=(40, 40)):
    """A picture like no other: 5 × 5 blurred spots."""
    spots = (np.random.default_rng(seed) if seed is not None else NOISE).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return Image.fromarray(spots).resize(size)


def fill(root, **classes):
    """Make class folders: `cats=3` becomes cats/0.png, cats/1.png, cats/2.png."""
    for name, n in classes.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        for k in range(n):
            colour().save(root / name / f"{k}.png")
    return root


@pytest.fixture
def pets(tmp_path):
    return fill(tmp_path / "pets", cats=11, dogs=12)


def put(root, path, image, **how):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    image.save(root / path, **how)


# ------------------------------------------------------------------ kinds


def test_class_folders_are_read_in_natural_order(pets):
    own = folder.load(pets)
    assert own.images.classes == ("cats", "dogs") and own.images.counts().tolist() == [11, 12]
    assert own.images.shape == (3, 32, 32) and own.val is own.test is None
    assert own.files[:3] == ("cats/0.png", "cats/1.png", "cats/2.png") and own.files[10] == "cats/10.png"
    assert own.shapes.tolist() == [[40, 40]] * 23 and own.bad == () and own.notes == {}
    for k, path in enumerate(own.files):
        with Image.open(pets / path) as image:
            assert np.array_equal(own.images.pixels[k], reading.square(image, 32))


def test_parts_beside_each_other_are_kept_apart_and_test_is_sealed(tmp_path):
    for part, n in (("train", 3), ("Validation", 1), ("test", 2)):
        fill(tmp_path / part, **{"10": n, "9": n})
    own = folder.load(tmp_path, 28)
    assert own.sizes == {"train": 6, "val": 2, "test": 4} and own.images.classes == ("9", "10")
    assert own.test.sealed and not own.images.sealed and not own.val.sealed
    assert own.files[-1] == "test/10/1.png" and len(own.val) == 2
    (tmp_path / "train").rename(tmp_path / "other")
    with pytest.raises(DataError, match="no train/"):
        folder.load(tmp_path)


def test_classes_named_train_and_test_that_hold_pictures_are_classes(tmp_path):
    assert folder.load(fill(tmp_path, train=2, test=2)).images.classes == ("test", "train")


@pytest.mark.parametrize("separator", ",;\t")
def test_a_list_gives_labels_and_groups(tmp_path, separator):
    for k in range(20):
        put(tmp_path, f"pictures/{k}é.png", colour())
    rows = [["Label", "file", "group", "more"]]
    rows += [["猫" if k % 2 else "собака", f"pictures/{k}é.png", "p1" if k < 10 else "", "x"] for k in range(20)]
    text = "\n".join(separator.join(row) for row in rows)
    (tmp_path / "labels.csv").write_text(text, "utf-8-sig")
    own = folder.load(tmp_path, labels="labels.csv")
    assert own.images.classes == ("собака", "猫") and own.images.labels.tolist() == [0, 1] * 10
    assert own.images.groups.tolist() == [0] * 10 + [-1] * 10 and own.group_names == ("p1",)
    with pytest.raises(DataError, match="was given as well"):
        folder.load(tmp_path, labels="labels.csv", groups="p")


@pytest.mark.parametrize(
    "text, match",
    [
        ("name,label\na.png,x", "columns 'name', 'label'"),
        ("", "columns none"),
        ("file,label\na.png,x\na.png,y", "line 3.*line 2"),
        ("file,label\na.png,", "line 2: label is empty"),
        ("file,label\nno.png,x", "names no file"),
        (b"file,label\n\xff,x", "UTF-8"),
        (None, "cannot be read"),
    ],
)
def test_a_wrong_list_is_named_with_its_line(tmp_path, text, match):
    put(tmp_path, "a.png", colour())
    if text is not None:
        (tmp_path / "labels.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match=match):
        folder.load(tmp_path, labels="labels.csv")


def arrays(**more):
    pictures = NOISE.integers(0, 256, (6, 28, 28, 3), dtype=np.uint8)
    labels = np.array([[0], [2]] * 3)
    return {
        "train_images": pictures,
        "train_labels": labels,
        "test_images": pictures[:2],
        "test_labels": labels[:2],
    } | more


def test_an_npz_as_medmnist_makes_them_is_read(tmp_path):
    np.savez(tmp_path / "med.npz", **arrays())
    own = folder.load(tmp_path / "med.npz", 28)
    assert own.images.classes == ("0", "2") and own.images.labels.tolist() == [0, 1] * 3 and len(own.test) == 2
    with np.load(tmp_path / "med.npz") as file:
        assert np.array_equal(own.images.pixels.permute(0, 2, 3, 1), file["train_images"])
    assert folder.load(tmp_path / "med.npz", 64).images.shape == (3, 64, 64)
    with pytest.raises(DataError, match="no file names"):
        folder.load(tmp_path / "med.npz", groups="a")


@pytest.mark.parametrize(
    "more, match",
    [
        ({"train_images": np.zeros((6, 28, 28))}, "float64"),
        ({"train_images": np.zeros((6, 28, 28, 28), np.uint8)}, "28, 28, 28"),
        ({"train_labels": np.zeros((6, 14), int)}, "several labels"),
        ({"train_labels": np.zeros(5, int)}, "6 pictures"),
        ({"train_labels": np.array([None] * 6)}, "cannot be read as .npz"),
        ({"test_images": np.zeros((2, 28, 28), np.uint8)}, "is grey"),
    ],
)
def test_an_npz_of_another_kind_is_refused(tmp_path, more, match):
    np.savez(tmp_path / "med.npz", **arrays(**more))
    with pytest.raises(DataError, match=match):
        folder.load(tmp_path / "med.npz")


def test_a_damaged_npz_and_one_without_pictures_are_refused(tmp_path):
    np.savez(tmp_path / "x.npz", x=np.zeros(3))
    with pytest.raises(DataError, match="holds x; expected train_images"):
        folder.load(tmp_path / "x.npz")
    (tmp_path / "x.npz").write_bytes(b"PK\x03\x04 not a zip")
    with pytest.raises(DataError, match="cannot be read"):
        folder.load(tmp_path / "x.npz")


def test_idx_files_are_read_with_the_labels_beside_them(tmp_path):
    pictures = NOISE.integers(0, 256, (4, 28, 28), dtype=np.uint8)
    for part in ("train", "t10k"):
        for name, array in (("images-idx3", pictures), ("labels-idx1", np.array([3, 1, 3, 1], np.uint8))):
            header = struct.pack(f">HBB{array.ndim}I", 0, idx.UINT8, array.ndim, *array.shape)
            (tmp_path / f"{part}-{name}-ubyte.gz").write_bytes(gzip.compress(header + array.tobytes()))
    own = folder.load(tmp_path, 28)
    assert own.sizes == {"train": 4, "test": 4} and own.images.classes == ("1", "3") and own.images.shape == (1, 28, 28)
    assert np.array_equal(own.test.pixels[:, 0], pictures)
    assert len(folder.load(tmp_path / "train-images-idx3-ubyte.gz").all) == 4
    with pytest.raises(DataError, match="none to train on"):
        folder.load(tmp_path / "t10k-images-idx3-ubyte.gz")
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match="would hold the labels"):
        folder.load(tmp_path)


# --------------------------------------------------------------- pictures

HALVES = Image.fromarray(np.repeat(np.array([[0] * 20 + [255] * 20], np.uint8), 40, 0))
MODES = {
    "16.png": (Image.fromarray(np.asarray(HALVES).astype(np.uint16) * 257), {}, "16 bits made 8"),
    "16.tif": (Image.fromarray(np.asarray(HALVES).astype(np.uint16) * 257), {}, "16 bits made 8"),
    "cmyk.jpg": (HALVES.convert("CMYK"), {}, "CMYK made RGB"),
    "alpha.png": (HALVES.convert("RGBA"), {}, "transparency laid on white"),
    "palette.png": (HALVES.convert("P"), {}, "palette made colours"),
    "moving.gif": (HALVES, {"save_all": True, "append_images": [colour(1)]}, "first of several frames taken"),
    "bit.bmp": (HALVES.convert("1"), {}, None),
    "web.webp": (HALVES.convert("RGB"), {"lossless": True}, None),
}


@pytest.mark.parametrize("name", MODES)
def test_each_kind_of_picture_becomes_8_bits_and_what_was_done_is_noted(tmp_path, name):
    image, how, note = MODES[name]
    image.save(tmp_path / name, **how)
    picture = reading.read(str(tmp_path / name), 32, reading.formats())
    assert picture.pixels.shape == (3, 32, 32) and picture.pixels.dtype == np.uint8
    assert picture.pixels[:, :, 2].max() < 40 and picture.pixels[:, :, 29].min() > 215
    assert note in picture.notes if note else picture.notes == ()


def test_what_shows_through_is_white_and_a_photograph_is_turned(tmp_path):
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(tmp_path / "a.png")
    assert reading.read(str(tmp_path / "a.png"), 32, ["PNG"]).pixels.min() == 255
    exif = Image.Exif()
    exif[reading.ORIENTATION] = 6  # by 90° clockwise: left becomes top
    HALVES.resize((400, 300)).save(tmp_path / "a.jpg", exif=exif)
    picture = reading.read(str(tmp_path / "a.jpg"), 32, ["JPEG"])
    assert (picture.width, picture.height) == (300, 400) and "turned as its EXIF says" in picture.notes
    assert picture.pixels[:, 2, 16].max() < 40 and picture.pixels[:, 29, 16].min() > 215


@pytest.mark.parametrize("width, height", [(100, 50), (50, 100), (1000, 1), (3, 2)])
def test_the_whole_picture_is_kept_and_its_border_goes_on(width, height):
    image = Image.new("RGB", (width, height), (200, 100, 50))
    if min(width, height) > 4:
        ImageDraw.Draw(image).rectangle((width // 4, height // 4, width * 3 // 4, height * 3 // 4), (0, 0, 0))
    square = reading.square(image, 32)
    assert square.shape == (3, 32, 32) and square[:, 0, 0].tolist() == square[:, -1, -1].tolist() == [200, 100, 50]
    if min(width, height) > 4:
        dark = square[0] < 100
        seen = (dark.any(0).sum(), dark.any(1).sum())
        assert abs(seen[0] / seen[1] - width / height) < 0.2


def test_grey_pictures_have_one_channel_however_they_were_stored(tmp_path):
    for k in range(3):
        grey = colour().convert("L")
        put(tmp_path, f"a/{k}.png", grey)
        put(tmp_path, f"b/{k}.png", grey.convert("RGB"))
    own = folder.load(tmp_path)
    assert own.images.shape == (1, 32, 32) and torch.equal(own.images.pixels[:3], own.images.pixels[3:])
    put(tmp_path, "b/9.png", colour())
    assert folder.load(tmp_path).images.shape == (3, 32, 32)


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_get_the_shape_and_the_classes_of_others(pets, channels):
    real = Images(torch.zeros(1, channels, 64, 64, dtype=torch.uint8), torch.tensor([0]), ("birds", "cats", "dogs"))
    own = folder.load(pets, like=real)
    assert own.images.shape == (channels, 64, 64) and own.images.counts().tolist() == [0, 11, 12]
    with pytest.raises(DataError, match="'dogs' is none of"):
        folder.load(pets, like=Images(real.pixels, real.labels, ("birds", "cats")))


# -------------------------------------------------------------- bad inputs


def test_what_systems_leave_behind_is_passed_over(pets):
    before = folder.load(pets).files
    for path in (".DS_Store", "cats/._0.png", "cats/.ipynb_checkpoints/0.png", "dogs/Thumbs.db", "__MACOSX/cats/0.png"):
        (pets / path).parent.mkdir(parents=True, exist_ok=True)
        (pets / path).write_bytes(b"x")
    own = folder.load(pets)
    assert own.files == before and own.bad == () and own.images.classes == ("cats", "dogs")


def cut(path):
    colour().save(path, "PNG")
    path.write_bytes(path.read_bytes()[:-60])


def fifo(path):
    os.mkfifo(path)


BAD = {
    "text": (lambda path: path.write_text("hello"), "not a picture"),
    "empty": (lambda path: path.write_bytes(b""), "not a picture"),
    "cut off": (cut, "not a whole picture"),
    "large": (lambda path: path.write_bytes(b"P6 12000 12000 255\n"), "too large"),
    "huge": (lambda path: path.write_bytes(b"P6 90000 90000 255\n"), "too large"),
    "floats": (lambda path: Image.new("F", (9, 9)).save(path, "TIFF"), "floating-point"),
    "lost link": (lambda path: path.symlink_to("nowhere"), "link to nothing"),
    "pipe": (fifo, "not a file"),
    "program": (lambda path: colour().save(path, "EPS"), "not a picture"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_among_many_is_listed_with_its_reason(pets, kind):
    make, reason = BAD[kind]
    make(pets / "cats" / "5bad.png")
    own = folder.load(pets)
    assert [name for name, _ in own.bad] == ["cats/5bad.png"] and reason in own.bad[0][1]
    assert len(own.all) == len(own.files) == 23
    with Image.open(pets / own.files[-1]) as image:  # those behind it have moved up
        assert np.array_equal(own.images.pixels[-1], reading.square(image, 32))


def test_from_one_bad_file_in_twenty_on_it_stops(pets):
    for k in range(2):
        (pets / "cats" / f"notes{k}.txt").write_text("x")
    with pytest.raises(DataError, match=r"2 of 25 files .*notes0\.txt: not a picture"):
        folder.load(pets)


def test_links_to_folders_are_followed_once_and_loops_end(pets, tmp_path):
    birds = fill(tmp_path / "elsewhere", birds=3) / "birds"
    (pets / "birds").symlink_to(birds)
    (birds / "again").symlink_to(pets)
    (pets / "a_link").symlink_to(pets / "cats")
    (pets / "self").symlink_to("self")
    own = folder.load(pets)
    assert own.images.classes == ("birds", "cats", "dogs") and own.images.counts().tolist() == [3, 11, 12]


def test_names_that_are_no_utf8_or_hold_line_breaks_can_be_shown(pets):
    for name in (b"\xff\xfe.png", b"a\nb.png"):
        with open(os.path.join(os.fsencode(pets), b"cats", name), "wb") as file:
            colour().save(file, "PNG")
    own = folder.load(pets)
    assert len(own.all) == 25
    assert all("\n" not in name and name.encode() for name in own.files)


def test_a_class_is_the_same_however_its_accents_are_stored(tmp_path):
    for part, name in (("train", "e\u0301t\u00e9"), ("train", "b"), ("test", "\u00e9te\u0301")):
        put(tmp_path, f"{part}/{name}/0.png", colour())
    assert folder.load(tmp_path).all.classes == ("b", "\u00e9t\u00e9")


@pytest.mark.parametrize(
    "how, match",
    [
        ({"path": "nowhere"}, "no such file or folder"),
        ({"size": 16}, "size 16"),
        ({"path": "empty"}, "no picture"),
        ({"path": "flat"}, "class folder"),
        ({"path": "pets/cats/0.png"}, "MedMNIST"),
        ({"groups": "("}, "regular expression"),
        ({"groups": "patient"}, "matches no file.*cats/0.png"),
    ],
)
def test_what_cannot_be_read_is_named(pets, tmp_path, how, match):
    (tmp_path / "empty").mkdir()
    put(tmp_path, "flat/a.png", colour())
    how = {"path": "pets"} | how
    with pytest.raises(CourseError, match=match):
        folder.load(tmp_path / how.pop("path"), **how)


def test_pictures_that_would_fill_the_memory_are_refused_before_they_are_read(pets, monkeypatch):
    monkeypatch.setattr(folder, "memory", lambda: 100_000)
    with pytest.raises(DataError, match="choose a smaller size"):
        folder.load(pets)


@pytest.mark.parametrize(
    "pattern, groups",
    [("cow", ["cow", "cow", ""]), (r"(cow|horse)(\d)", ["cow|1", "cow|2", "horse|1"]), ("1()", ["1", "", "1"])],
)
def test_a_group_is_what_the_brackets_hold_or_else_all_that_matches(pattern, groups):
    entries = [listing.Entry("train", "x", name, "") for name in ("cow1-a", "cow2-a", "horse1-a")]
    assert [entry.group for entry in listing.with_groups(entries, pattern)] == groups


def test_progress_is_told(pets):
    told = []
    folder.load(pets, on_progress=lambda done, of: told.append((done, of)))
    assert told[-1] == (23, 23)
