"""Files that carry code are refused unread, odd data sets are named, and no module opens the door to such files."""

import ast
import gzip
import json
import pickle
import struct
import warnings
import zlib
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch
from faults import packed
from torch import nn

from course_tools.run import lessons, report
from course_tools.sweep.table import Table
from course_utils import experiment
from course_utils.classify.train import balanced_weights
from course_utils.core import checkpoint
from course_utils.core import results as stored
from course_utils.core.errors import CourseError, DataError
from course_utils.core.store import Store
from course_utils.data import idx, sources, store
from course_utils.data.augment import PAPER_1, augmented
from course_utils.data.cards import CARDS, Card, Edition, File
from course_utils.data.images import Images, scaled
from course_utils.evaluate import classification, samples
from course_utils.gan.batches import labelled
from course_utils.gan.networks import ClassGaussians, ClassPCA, PPCAGenerator
from course_utils.teach import progress
from course_utils.teach.widgets.label_tool import LabelTool

pytestmark = pytest.mark.reliability("damaged inputs")

ROOT = Path(__file__).resolve().parents[2]

# ---------------------------------------------------------------------- files that carry code


class Trap:
    """What is unpickled writes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return exec, (f"open({str(self.path)!r}, 'w').close()",)


WRITERS = {
    "pickle": lambda trap, path: path.write_bytes(pickle.dumps(trap)),
    "pickle of 1996": lambda trap, path: path.write_bytes(pickle.dumps(trap, 0)),
    "pickle, packed": lambda trap, path: path.write_bytes(gzip.compress(pickle.dumps(trap))),
    "torch": lambda trap, path: torch.save({"weights": trap}, path),
    "numpy": lambda trap, path: np.array([trap], dtype=object).dump(path),
    "joblib": lambda trap, path: joblib.dump(trap, path),
}
CLASSES = ("a", "b", "c")


def pictures(labels):
    rng = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (len(labels), 1, 28, 28), generator=rng, dtype=torch.uint8)
    return Images(pixels, torch.tensor(labels, dtype=torch.int64), CLASSES)


def finished_work(path):
    """What the caches of trainings and of their samples are: a damaged file is warned of, and not found."""
    with pytest.warns(UserWarning, match="damaged"):
        assert Store(path.parent).find(path) is None
    raise CourseError(str(path))


def learners_record(path):
    path.replace(path.parent / "progress.json")
    with pytest.warns(UserWarning, match="damaged"):
        assert progress.read() == {}
    raise CourseError(str(path))


def sweep(path):
    path.replace(path.parent / "sweep.csv")
    (path.parent / "sweep.json").write_text(json.dumps({"code": {}, "data": {}}))
    try:
        Table(path.parent)
    except CourseError as error:
        raise CourseError(f"{path}: {error}") from None


def page_of_a_run(path):
    (path.parent / "results").mkdir()
    path.replace(path.parent / "results" / "01_x.json")
    report.write(path.parent, "quick", [])
    raise CourseError(f"{path} {(path.parent / 'index.html').read_text('utf-8').count('cannot be shown') or 1 / 0}")


READERS = {
    "checkpoint": checkpoint.load,
    "finished work": finished_work,
    "results": stored.read,
    "page of a run": page_of_a_run,
    "sweep": sweep,
    "IDX": lambda path: idx.parse(idx.unpack(path), str(path)),
    "picture": lambda path: store.decode(path.read_bytes(), str(path)),
    "notebook": lessons.code_cells,
    "labels": lambda path: LabelTool(torch.zeros(1, 1, 8, 8, dtype=torch.uint8), CLASSES, path),
    "progress": learners_record,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("writer", WRITERS)
def test_a_file_that_carries_code_is_refused_and_the_code_does_not_run(tmp_path, monkeypatch, figure, reader, writer):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    sprung, path = tmp_path / "sprung", tmp_path / "file"
    WRITERS[writer](Trap(sprung), path)
    with pytest.raises(CourseError, match=str(path)):
        READERS[reader](path)
    assert not sprung.exists()
    figure("hostile files refused unread", 1)


def test_the_trap_would_spring(tmp_path):
    pickle.loads(pickle.dumps(Trap(tmp_path / "sprung")))
    assert (tmp_path / "sprung").exists()


UNPICKLERS = {"pickle", "dill", "marshal", "shelve", "torch.load", "joblib.load"}
UNPICKLERS |= {"pandas.read_pickle", "pd.read_pickle"}


def opened(tree):
    """The names of what a module imports or calls, as it writes them; numpy's only if it lets pickles in."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names))
        elif isinstance(node, ast.Call):
            yield ast.unparse(node.func)
            yield from ("pickle" for word in node.keywords if word.arg == "allow_pickle")


def test_no_module_unpickles_a_file():
    files = sorted([*ROOT.glob("course_utils/**/*.py"), *ROOT.glob("lessons/*/*.py")])
    found = {path: UNPICKLERS & set(opened(ast.parse(path.read_text("utf-8")))) for path in files}
    assert len(files) > 80 and {path: names for path, names in found.items() if names} == {}
    seen = {"pickle", "torch.load", "joblib.load"}
    evil = "import pickle\nfrom joblib import load\ntorch.load(x)\nnp.load(x, allow_pickle=True)"
    assert seen <= set(opened(ast.parse(evil))), "it would be seen"


# ---------------------------------------------------------------------- data sets that are odd


@pytest.fixture
def toy(monkeypatch, tmp_path):
    """A set whose hashes nobody published, in a folder of the user's; gives its files."""
    edition = Edition("Toy", {"train": (File("images"), File("labels"))}, {"train": 4})
    card = Card("toy", "toy", CLASSES, (1, 28, 28), (edition,), "here", "nobody", "none", 1)
    monkeypatch.setitem(CARDS, "toy", card)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "images").write_bytes(packed(np.zeros((4, 28, 28), np.uint8)))
    (folder / "labels").write_bytes(packed(np.array([0, 1, 2, 0], np.uint8)))
    return folder


ODD = {
    "labels out of range": ("labels", packed(np.array([0, 1, 2, 7], np.uint8)), "labels reach from 0 to 7"),
    "fewer labels": ("labels", packed(np.zeros(3, np.uint8)), r"shape \(3,\), expected \(4,\)"),
    "more pictures": ("images", packed(np.zeros((5, 28, 28), np.uint8)), r"\(5, 28, 28\), expected \(4, 28, 28\)"),
    "labels for pictures": ("images", packed(np.zeros(4, np.uint8)), r"\(4,\), expected \(4, 28, 28\)"),
}


@pytest.mark.parametrize("odd", ODD)
def test_an_idx_file_that_does_not_fit_is_named_with_what_was_expected_and_what_to_do(toy, figure, odd):
    assert len(sources.load("toy", "real")["train"]) == 4
    name, content, says = ODD[odd]
    (toy / name).write_bytes(content)
    for source in ("real", "auto"):
        with pytest.raises(DataError, match=rf"{says}.*replace it by a good copy, or unset COURSE_DATA"):
            sources.load("toy", source)
    figure("damaged data sets named", 1)


def png(width, height, data):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def test_a_small_file_that_would_unpack_to_gigabytes_is_refused():
    assert store.decode(png(2, 1, b"\0" + bytes(6)), "good").shape == (1, 2, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow has a limit of its own, which is 2 gigabytes
        for side in (5000, 12_000, 40_000, 2**31 - 1):
            with pytest.raises(DataError, match=r"^bomb: is "):
                store.decode(png(side, side, bytes(100)), "bomb")


# ---------------------------------------------------------------------- classes that are empty, or hold one picture


class Judge(nn.Module):
    def features(self, x):
        return x.flatten(1)[:, :4]


def scored(images):
    said = torch.zeros_like(images.labels)
    table = classification.report(images.labels, said, CLASSES)
    return [*classification.scores(images.labels, said).values(), *table.to_numpy().ravel()]


def rng():
    return torch.Generator().manual_seed(0)


USES = {
    "train on": lambda images: labelled(images, 4, 0)(0)[0],
    "weigh": balanced_weights,
    "subsample_class": lambda images: scaled(images.subsample_class(1, 0.1, rng()).pixels),
    "augment": lambda images: scaled(augmented(images, PAPER_1, rng()).pixels),
    "oversample": lambda images: scaled(experiment.oversample(images, rng()).pixels),
    "top up": lambda images: scaled(experiment.top_up(1, experiment.noise)(images, rng()).pixels),
    "repeat": lambda images: scaled(experiment.repeats(torch.tensor([0, 1, 2]), images, rng())),
    "Gaussians of classes": lambda images: ClassGaussians.fit(
        scaled(images.pixels).flatten(1)[:, :4], images.labels, 3
    ).draw(torch.arange(3), rng()),
    "PCA of classes": lambda images: PPCAGenerator(ClassPCA.fit(images, 2))(torch.zeros(3, 2), torch.arange(3)),
    "score": scored,
    "features": lambda images: samples.features(Judge(), images.pixels),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    "labels", [[0, 2] * 6, [0, 2] * 6 + [1], [1], [0, 1, 2]], ids=["empty", "one", "alone", "each"]
)
def test_a_class_that_is_empty_or_holds_one_picture_gives_numbers_or_is_named(figure, use, labels):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            numbers = torch.as_tensor(USES[use](pictures(labels)))
        except CourseError as error:
            assert 1 not in labels or len(labels) == 1, f"{error}: one picture a class is enough"
            assert "class" in str(error) or "component" in str(error)
        else:
            assert torch.isfinite(numbers).all()
    figure("odd data sets used", 1)
