"""Cards of the five data sets: what each is, by whom, under which terms, where to get it, how to know it is whole.

`contents.sha256` holds the sha256 of the *uncompressed* content of every file whose content is known. It is the same
for the official download and for any local copy, whatever the gzip wrapper. The prose is in data/README.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files

from course_utils.core.errors import DataError


@dataclass(frozen=True)
class File:
    """One file of a data set.

    path: under the set's folder, without `.gz`. sha256: of the uncompressed content, None where nobody publishes it.
    urls: where to get it, in the order to try.
    """

    path: str
    sha256: str | None = None
    urls: tuple[str, ...] = ()


@dataclass(frozen=True)
class Archive:
    """A zip that holds a set's files among others; members: path of a File → its name in the zip, as .gz."""

    urls: tuple[str, ...]
    sha256: str
    members: dict[str, str]


@dataclass(frozen=True)
class Edition:
    """One form in which a data set is found.

    splits: name → files, which are images and labels in IDX, or else the single pictures. counts: name → pictures.
    transposed: the pictures are stored with rows and columns exchanged.
    """

    title: str
    splits: dict[str, tuple[File, ...]]
    counts: dict[str, int]
    archive: Archive | None = None
    transposed: bool = False

    @cached_property
    def files(self) -> tuple[File, ...]:
        """All files, split by split."""
        return tuple(file for split in self.splits.values() for file in split)


@dataclass(frozen=True)
class Card:
    """A data set. The first edition is the official one, which `fetch` downloads; others may lie in a local folder.

    shape: C, H, W of one picture. download_mb: about, in 10⁶ bytes. open_splits: all other splits are sealed.
    per_writer: in train and test, so many consecutive pictures are by one writer, then follows the next. torchvision:
    the folder's name in torchvision's layout, which holds the files in raw/.
    """

    name: str
    folder: str
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    editions: tuple[Edition, ...]
    origin: str
    citation: str
    licence: str
    download_mb: int
    open_splits: frozenset[str] = field(default=frozenset({"train"}))
    per_writer: int | None = None
    torchvision: str | None = None

    @property
    def title(self) -> str:
        """The official name."""
        return self.editions[0].title

    @property
    def idx(self) -> bool:
        """Whether the files are IDX; otherwise each is a picture, `split/class/name.png` or `.jpg`."""
        return self.shape[0] == 1


def _contents() -> dict[str, str]:
    lines = files("course_utils.data").joinpath("contents.sha256").read_text().splitlines()
    return {path: sha256 for sha256, path in (line.split(maxsplit=1) for line in lines)}


CONTENTS = _contents()
DIGITS = tuple("0123456789")
RAW = "https://raw.githubusercontent.com"


def _idx_splits(folder: str, bases: tuple[str, ...], **published: tuple[str, str]) -> dict[str, tuple[File, ...]]:
    """List images and labels of each split under MNIST's names; published: split → their names under `bases`."""
    splits = {}
    for split, names in published.items():
        prefix = "t10k" if split == "test" else split
        splits[split] = tuple(
            File(path, CONTENTS[f"{folder}/{path}"], tuple(f"{base}/{name}.gz" for base in bases))
            for path, name in zip((f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte"), names, strict=True)
        )
    return splits


MNIST_NAMES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}

kannada = Card(
    name="kannada",
    folder="kannada-mnist",
    classes=DIGITS,
    shape=(1, 28, 28),
    editions=(
        Edition(
            "Kannada-MNIST",
            _idx_splits(
                "kannada-mnist",
                tuple(
                    f"{repository}/f8390ece0c6990551e6f35189ccc42757bb29c43/data/output_tensors/MNIST_format"
                    for repository in (
                        f"{RAW}/vinayprabhu/Kannada_MNIST",
                        "https://github.com/vinayprabhu/Kannada_MNIST/raw",
                    )
                ),
                train=("X_kannada_MNIST_train-idx3-ubyte", "y_kannada_MNIST_train-idx1-ubyte"),
                test=("X_kannada_MNIST_test-idx3-ubyte", "y_kannada_MNIST_test-idx1-ubyte"),
                dig=("X_dig_MNIST-idx3-ubyte", "y_dig_MNIST-idx1-ubyte"),
            ),
            {"train": 60_000, "test": 10_000, "dig": 10_240},
        ),
    ),
    origin="github.com/vinayprabhu/Kannada_MNIST",
    citation="V. U. Prabhu: Kannada-MNIST: A new handwritten digits dataset for the Kannada language. "
    "arXiv:1908.01242, 2019",
    licence="none stated; cite the paper",
    download_mb=10,
    per_writer=1280,
)

EMNIST_NAMES = {
    split: (f"emnist-digits-{split}-images-idx3-ubyte", f"emnist-digits-{split}-labels-idx1-ubyte")
    for split in ("train", "test")
}

emnist = Card(
    name="emnist",
    folder="emnist-digits",
    classes=DIGITS,
    shape=(1, 28, 28),
    editions=(
        Edition(
            "EMNIST Digits",
            {split: tuple(map(File, names)) for split, names in EMNIST_NAMES.items()},
            {"train": 240_000, "test": 40_000},
            # The address is torchvision's; the sha256 is what several independent projects record for this archive.
            archive=Archive(
                ("https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",),
                "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
                {name: f"gzip/{name}.gz" for names in EMNIST_NAMES.values() for name in names},
            ),
            transposed=True,
        ),
        Edition(
            "EMNIST Digits (subset)",
            _idx_splits("emnist-digits", (), **MNIST_NAMES),
            {"train": 100_000, "test": 15_000},
        ),
    ),
    origin="NIST, from Special Database 19",
    citation="G. Cohen, S. Afshar, J. Tapson, A. van Schaik: EMNIST: an extension of MNIST to handwritten letters. "
    "arXiv:1702.05373, 2017",
    licence="none stated; from NIST Special Database 19",
    download_mb=562,
    torchvision="EMNIST",
)


def animal(path: str) -> tuple[str, int]:
    """Read class and number of the animal off an ETH-80 picture's path: `extra/cow/cow10-000-000.jpg` → ("cow", 10)."""
    kind, name = path.split("/")[-2:]
    return kind, int(name.split("-")[0].removeprefix(kind))


def _eth80(title: str, lossless: bool) -> Edition:
    """List horses (label 0), then cows, animal by animal; the extra ones as the published PNG, or our copy's JPEG."""
    eth80 = f"{RAW}/chenchkx/ETH-80/9243466b9ca5f15765c88fdaf17c4f10c15a8574"
    project = f"{RAW}/charbel-a-hC/ups-mv-gans/1b139bb38334a0e23cfd997b84a0aadca474f81d/dataset/Newdata"
    category = {"cow": 3, "horse": 6}  # the numbers of ETH-80's folders
    project_folder = {
        "train/cow": "Train/Cow",
        "train/horse": "Train/Horse",
        "test/cow": "Test/Shape1",
        "test/horse": "Test/Shape2",
    }
    known = {
        path.removeprefix("cows-horses/"): sha256
        for path, sha256 in CONTENTS.items()
        if path.startswith("cows-horses/")
    }
    splits: dict[str, tuple[File, ...]] = {"train": (), "test": (), "extra": ()}
    for path in sorted(known, key=lambda path: (animal(path)[0] == "cow", animal(path)[1], path)):
        split, kind, name = path.split("/")
        png = name.replace(".jpg", ".png")
        urls = [f"{eth80}/{category[kind]}/{animal(path)[1]}/{png}"]
        if split != "extra":
            urls.append(f"{project}/{project_folder[f'{split}/{kind}']}/{png}")
        if split == "extra" and lossless:
            file = File(f"{split}/{kind}/{png}", None, tuple(urls))
        else:
            file = File(path, known[path], tuple(urls))
        splits[split] += (file,)
    return Edition(title, splits, {split: len(pictures) for split, pictures in splits.items()})


cows_horses = Card(
    name="cows-horses",
    folder="cows-horses",
    classes=("horse", "cow"),
    shape=(3, 256, 256),
    editions=(
        _eth80("ETH-80 cows and horses", lossless=True),
        _eth80("ETH-80 cows and horses (extra as JPEG)", lossless=False),
    ),
    origin="github.com/chenchkx/ETH-80; train and test as chosen in github.com/charbel-a-hC/ups-mv-gans",
    citation="B. Leibe, B. Schiele: Analyzing Appearance and Contour Based Methods for Object Categorization. "
    "CVPR 2003",
    licence="none stated for the images; cite the paper",
    download_mb=80,
    open_splits=frozenset({"train", "extra", "objects"}),
)

mnist = Card(
    name="mnist",
    folder="mnist",
    classes=DIGITS,
    shape=(1, 28, 28),
    editions=(
        Edition(
            "MNIST",
            _idx_splits(
                "mnist",
                ("https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist"),
                **MNIST_NAMES,
            ),
            {"train": 60_000, "test": 10_000},
        ),
    ),
    origin="Y. LeCun, C. Cortes, C. J. C. Burges; torchvision's mirror",
    citation="Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-based learning applied to document recognition. "
    "Proc. IEEE 86(11), 1998",
    licence="none stated for the images",
    download_mb=12,
    torchvision="MNIST",
)

fashion = Card(
    name="fashion",
    folder="fashion-mnist",
    classes=("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    shape=(1, 28, 28),
    editions=(
        Edition(
            "Fashion-MNIST",
            _idx_splits(
                "fashion-mnist",
                (
                    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
                    f"{RAW}/zalandoresearch/fashion-mnist/b2617bb6d3ffa2e429640350f613e3291e10b141/data/fashion",
                ),
                **MNIST_NAMES,
            ),
            {"train": 60_000, "test": 10_000},
        ),
    ),
    origin="Zalando Research, github.com/zalandoresearch/fashion-mnist",
    citation="H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning "
    "Algorithms. arXiv:1708.07747, 2017",
    licence="MIT, © 2017 Zalando SE",
    download_mb=31,
    torchvision="FashionMNIST",
)

CARDS = {card.name: card for card in (kannada, emnist, cows_horses, mnist, fashion)}


def card_of(name: str) -> Card:
    """Look up the card of a data set. Raises DataError, listing the known names, for any other."""
    if name not in CARDS:
        raise DataError(f"unknown data set {name!r}; known are {', '.join(CARDS)} (see `course data list`)")
    return CARDS[name]
