"""Where data comes from, against a misbehaving server on this machine, damaged files and missing folders.

In tests/reliability/test_downloads.py a server misbehaves in many more ways. The toy sets have the forms of the real
ones: IDX, IDX in an archive, single pictures.
"""

import errno
import gzip
import hashlib
import http.server
import io
import os
import re
import threading
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from test_idx import packed

from course_utils.core.errors import DataError
from course_utils.data import cards, download, idx, sources, standins, store
from course_utils.data.cards import CARDS, Archive, Card, Edition, File
from course_utils.data.images import Images

ROOT = Path(__file__).resolve().parents[2]
REAL = Path(os.environ.get("COURSE_DATA") or ROOT / "../shared/datasets")  # before `sealed_off` takes it away
NOBODY = "http://127.0.0.1:9"  # nobody listens at this port
SPLITS = {"train": 12, "test": 6}
TOY_DIGITS = {
    f"{split}-{kind}": packed(array)
    for split, n in SPLITS.items()
    for kind, array in (
        ("images-idx3", np.random.default_rng(n).integers(0, 256, (n, 28, 28), np.uint8)),
        ("labels-idx1", np.arange(n, dtype=np.uint8) % 3),
    )
}
IMAGES = "train-images-idx3"


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def png(value, width=8):
    """Noise, which a second JPEG encoding would change once more."""
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(value).integers(0, 256, (8, width, 3), np.uint8)).save(out, "PNG")
    return out.getvalue()


TOY_ANIMALS = {
    f"{split}/{kind}/{kind}{number}-0{view}0-000.png": png(20 * number + 5 * view + (kind == "cow"))
    for split, numbers in (("train", [3]), ("test", [8]), ("extra", [1, 2]))
    for kind in ("horse", "cow")
    for number in numbers
    for view in (0, 1)
}


class Server:
    """Serves `answers`: path → (status, headers, body), or a list of such, one a request, the last one for good."""

    def __init__(self):
        self.answers, self.asked = {}, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                answer = outer.answers.get(self.path, (404, {}, b"nothing here"))
                if isinstance(answer, list):
                    answer = answer.pop(0) if len(answer) > 1 else answer[0]
                status, headers, body = answer
                self.send_response(status)
                for key, value in ({"Content-Length": str(len(body))} | headers).items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        class Listener(http.server.ThreadingHTTPServer):
            request_queue_size = 64  # the default of 5 makes some of eight clients wait a second

        self.http = Listener(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


@pytest.fixture
def server():
    it = Server()
    yield it
    it.http.shutdown()
    it.http.server_close()


@pytest.fixture(autouse=True)
def sealed_off(monkeypatch, tmp_path):
    """No COURSE_DATA, an empty cache, no pauses, and no network."""
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(download, "PAUSE", 0)
    for card in CARDS.values():  # no test may download the real data
        monkeypatch.setitem(CARDS, card.name, with_urls(card, lambda urls: (f"{NOBODY}/x",)))


def with_urls(card, change):
    """The same card with all addresses changed."""
    editions = tuple(
        replace(
            edition,
            splits={
                split: tuple(replace(file, urls=change(file.urls)) for file in files)
                for split, files in edition.splits.items()
            },
            archive=edition.archive and replace(edition.archive, urls=change(edition.archive.urls)),
        )
        for edition in card.editions
    )
    return replace(card, editions=editions)


def add_card(monkeypatch, name, shape, classes, editions, **more):
    card = Card(name, f"{name}-folder", classes, shape, editions, "here", "nobody", "none", 1, **more)
    monkeypatch.setitem(CARDS, name, card)
    return card


@pytest.fixture
def digits(monkeypatch, server):
    """An IDX set on the server, each file with two addresses: /a/… and /b/…."""
    splits = {
        split: tuple(
            File(path, sha256(TOY_DIGITS[path]), tuple(f"{server.url}/{mirror}/{path}.gz" for mirror in "ab"))
            for path in (f"{split}-images-idx3", f"{split}-labels-idx1")
        )
        for split in SPLITS
    }
    for path, content in TOY_DIGITS.items():
        for mirror in "ab":
            server.answers[f"/{mirror}/{path}.gz"] = (200, {}, gzip.compress(content))
    return add_card(
        monkeypatch, "toy", (1, 28, 28), tuple("abc"), (Edition("Toy digits", splits, SPLITS),), torchvision="Toy"
    )


@pytest.fixture
def animals(monkeypatch, server):
    """A set of single pictures on the server; the sha256 of the extra ones is not published."""
    splits = dict.fromkeys(("train", "test", "extra"), ())
    for path, content in TOY_ANIMALS.items():
        split = path.split("/")[0]
        splits[split] += (File(path, None if split == "extra" else sha256(content), (f"{server.url}/{path}",)),)
        server.answers[f"/{path}"] = (200, {}, content)
    edition = Edition("Toy animals", splits, {split: len(files) for split, files in splits.items()})
    return add_card(
        monkeypatch, "toy-animals", (3, 8, 8), ("horse", "cow"), (edition,), open_splits=cards.cows_horses.open_splits
    )


@pytest.fixture
def archived(monkeypatch, server):
    """An IDX set within an archive, its pictures transposed, the sha256 of the files not published."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in ("../../evil", "/evil", "gzip/../../evil", "C:\\evil", "gzip/evil"):
            archive.writestr(name, b"outside")
        for path, content in TOY_DIGITS.items():
            archive.writestr(f"gzip/{path}.gz", gzip.compress(content))
    splits = {split: (File(f"{split}-images-idx3"), File(f"{split}-labels-idx1")) for split in SPLITS}
    members = {path: f"gzip/{path}.gz" for path in TOY_DIGITS}
    server.answers["/all.zip"] = (200, {}, out.getvalue())
    edition = Edition(
        "Toy archive", splits, SPLITS, Archive((f"{server.url}/all.zip",), sha256(out.getvalue()), members), True
    )
    return add_card(monkeypatch, "toy-archive", (1, 28, 28), tuple("abc"), (edition,))


@pytest.fixture
def drawn(monkeypatch):
    """A stand-in for the toy sets, and the scales that were asked for."""
    scales = []

    def draw(name, scale=1.0):
        scales.append(scale)
        return {
            split: Images(torch.zeros(3, 1, 28, 28, dtype=torch.uint8), torch.arange(3), tuple("abc"), split)
            for split in SPLITS
        }

    monkeypatch.setattr(standins, "draw", draw)
    return scales


def put_local(monkeypatch, tmp_path, folder, files, pack=bytes, suffix=""):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "mine"))
    for path, content in files.items():
        target = tmp_path / "mine" / folder / f"{path}{suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(pack(content))
    return tmp_path / "mine" / folder


def lies_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# ---------------------------------------------------------------------- the local folder


def dotted(path):
    """As 7-Zip and Kaggle write it."""
    return path.replace("-idx", ".idx")


LAYOUTS = {  # folder, how a file is named, how it is packed
    "ours": ("toy-folder", str, bytes),
    "packed": ("toy-folder", lambda path: f"{path}.gz", gzip.compress),
    "7-Zip": ("toy-folder", dotted, bytes),
    "torchvision": ("Toy/raw", str, bytes),
    "torchvision, packed": ("Toy/raw", lambda path: f"{path}.gz", gzip.compress),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_local_folder_comes_first_in_whatever_layout(monkeypatch, tmp_path, digits, server, layout):
    folder, named, pack = LAYOUTS[layout]
    put_local(monkeypatch, tmp_path, folder, {named(path): pack(content) for path, content in TOY_DIGITS.items()})
    data = sources.load("toy")
    assert (data.source, data.title, server.asked) == ("local", "Toy digits", [])
    assert data.sha256 == {path: sha256(content) for path, content in TOY_DIGITS.items()}
    assert data["train"].pixels.numpy().tobytes() == TOY_DIGITS[IMAGES][16:]
    assert data["train"].labels.tolist() == list(TOY_DIGITS["train-labels-idx1"][8:])
    assert (data["train"].name, data["train"].sealed, data["test"].sealed) == ("Toy digits train", False, True)
    assert data.announce() == "Toy digits, from the local folder $COURSE_DATA/toy-folder; pictures: train 12, test 6."
    assert sources.place("toy").lacking == ()
    with pytest.raises(DataError, match="Toy digits has no split 'dig'; it has train, test"):
        data["dig"]


DAMAGES = {
    "another file": lambda content: content[:-1] + bytes([content[-1] ^ 1]),
    "trailing bytes": lambda content: content + b"\0",
    "web page": lambda content: b"<!DOCTYPE html>",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.reliability("damaged inputs")
def test_a_damaged_local_file_is_an_error_and_stays_as_it_is(monkeypatch, tmp_path, digits, server, damage):
    bad = damage(TOY_DIGITS["test-images-idx3"])
    folder = put_local(monkeypatch, tmp_path, digits.folder, TOY_DIGITS | {"test-images-idx3": bad})
    for source in ("auto", "real"):
        with pytest.raises(DataError) as caught:
            sources.load("toy", source)
        message = str(caught.value)
        assert str(folder / "test-images-idx3") in message and "\n" not in message
        assert f"sha256 {sha256(bad)} found" in message and "`course data fetch toy`" in message
    assert (folder / "test-images-idx3").read_bytes() == bad and server.asked == []


LACKING = {
    "empty folder": None,
    "empty files": lambda content: b"",
    "cut off": lambda content: content[:-1],
    "packed and cut off": lambda content: gzip.compress(content)[:-3],
}


@pytest.mark.parametrize("fault", LACKING)
def test_a_local_folder_that_lacks_files_is_listed_as_such_and_not_loaded(monkeypatch, tmp_path, digits, fault):
    folder = put_local(monkeypatch, tmp_path, digits.folder, TOY_DIGITS)
    for path in folder.iterdir():
        path.write_bytes(LACKING[fault](path.read_bytes())) if LACKING[fault] else path.unlink()
    assert len(sources.place("toy").lacking) == 4
    assert "local, but 4 files missing or incomplete" in sources.table(["toy"])
    with pytest.raises(DataError, match="replace it by a good copy"):
        sources.load("toy")


@pytest.mark.parametrize("place", ["local", "cache"])
@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_may_not_be_read_gets_advice_on_reading(monkeypatch, tmp_path, digits, server, place, what):
    local = place == "local"
    folder = put_local(monkeypatch, tmp_path, digits.folder, TOY_DIGITS) if local else sources.fetch("toy")
    before, asked = lies_in(folder), len(server.asked)

    def refuse(path, *_):  # as the system refuses anybody but root
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    with monkeypatch.context() as patch, pytest.raises(DataError, match=r"denied; make it readable") as caught:
        patch.setattr(*{"file": (idx, "open"), "folder": (Path, "is_file")}[what], refuse, raising=False)
        sources.load("toy", "real")
    assert "replace" not in str(caught.value) and "writable" not in str(caught.value)
    assert lies_in(folder) == before and len(server.asked) == asked, "moved aside, or fetched again"


@pytest.mark.parametrize("variable", ["COURSE_DATA", "COURSE_CACHE"])
def test_a_tilde_is_the_home_folder(monkeypatch, tmp_path, digits, variable):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "mine"))
    sources.fetch("toy")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "empty"))
    monkeypatch.setenv(variable, "~/mine")
    assert sources.load("toy").source == {"COURSE_DATA": "local", "COURSE_CACHE": "cache"}[variable]
    monkeypatch.setenv(variable, "~nobody.at.all/mine")
    with pytest.raises(DataError, match=f"^{variable} is '~nobody.at.all/mine': .*without ~"):
        sources.load("toy")


def test_course_data_without_this_set_goes_on_and_a_missing_folder_does_not(monkeypatch, tmp_path, digits):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    assert sources.load("toy").source == "download"
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "nowhere"))
    for verb in (sources.load, sources.verify, lambda name: sources.table([name])):
        with pytest.raises(
            DataError, match=r"COURSE_DATA is '.*nowhere', which is no folder; set it to one that holds"
        ):
            verb("toy")


def test_a_relative_course_data_is_found_from_a_notebooks_folder(monkeypatch, tmp_path, digits):
    put_local(monkeypatch, tmp_path, digits.folder, TOY_DIGITS)
    monkeypatch.setattr(sources, "ROOT", tmp_path / "repository")
    (tmp_path / "repository" / "notebooks").mkdir(parents=True)
    monkeypatch.setenv("COURSE_DATA", "../mine")
    for folder in ("repository", "repository/notebooks"):
        monkeypatch.chdir(tmp_path / folder)
        assert sources.load("toy").source == "local"


@pytest.mark.parametrize("call", [sources.load, sources.fetch, sources.verify, lambda name: sources.table([name])])
def test_an_unknown_name_or_source_lists_the_known_ones(call):
    with pytest.raises(DataError, match=r"'mnits'; known are kannada, emnist, .*`course data list`"):
        call("mnits")
    with pytest.raises(DataError, match="'reel'; known are auto, real, standin"):
        sources.load("mnist", "reel")


# ---------------------------------------------------------------------- downloading


def test_download_is_kept_and_used_from_the_cache_afterwards(digits, server, tmp_path):
    first = sources.load("toy", "real")
    assert first.source == "download" and "official source" in first.announce()
    assert lies_in(tmp_path / "cache") == sorted(f"toy-folder/{path}.gz" for path in TOY_DIGITS)
    asked = len(server.asked)
    second = sources.load("toy", "real")
    assert second.source == "cache" and len(server.asked) == asked == 4
    assert second.sha256 == first.sha256 and second["test"].digest() == first["test"].digest()


def gone(status):
    return status, {}, b"<html>sorry</html>"


TRUNCATED = (200, {"Content-Length": "999999"}, gzip.compress(TOY_DIGITS["train-images-idx3"])[:400])
FAULTS = {  # answer of the first mirror → how often it is asked
    "404": (gone(404), 1),
    "503": (gone(503), download.ATTEMPTS),
    "truncated": (TRUNCATED, download.ATTEMPTS),
    "wrong hash": ((200, {}, gzip.compress(TOY_DIGITS[IMAGES][:-1] + b"?")), 1),
    "html": ((200, {}, b"<!DOCTYPE html><p>please log in"), 1),
}


@pytest.mark.parametrize(("answer", "times"), FAULTS.values(), ids=FAULTS)
@pytest.mark.reliability("downloads")
def test_a_bad_mirror_is_retried_only_if_that_can_help_then_the_next_is_asked(
    digits, server, tmp_path, drawn, answer, times
):
    good = server.answers[f"/b/{IMAGES}.gz"]
    server.answers[f"/a/{IMAGES}.gz"] = server.answers[f"/b/{IMAGES}.gz"] = answer
    with pytest.raises(DataError, match=r"^Toy digits cannot be downloaded: "):
        sources.load("toy", "real")
    assert not [name for name in lies_in(tmp_path / "cache") if IMAGES in name or "part" in name]
    assert sources.load("toy").source == "standin"
    server.answers[f"/b/{IMAGES}.gz"] = good
    server.asked.clear()
    assert sources.load("toy", "real").source == "download"
    assert [server.asked.count(f"/{mirror}/{IMAGES}.gz") for mirror in "ab"] == [times, 1]
    assert lies_in(tmp_path / "cache") == sorted(f"toy-folder/{path}.gz" for path in TOY_DIGITS)


@pytest.mark.reliability("downloads")
def test_a_passing_fault_is_mended_by_a_retry(digits, server):
    server.answers["/a/test-labels-idx1.gz"] = [gone(503), TRUNCATED, server.answers["/a/test-labels-idx1.gz"]]
    assert sources.load("toy", "real").source == "download"
    assert server.asked.count("/a/test-labels-idx1.gz") == 3 and "/b/test-labels-idx1.gz" not in server.asked


@pytest.mark.reliability("downloads")
def test_a_host_that_is_down_is_not_asked_for_every_file(monkeypatch, animals):
    import pooch

    asked, ask = [], pooch.HTTPDownloader.__call__
    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", lambda *args: (asked.append(args[1]), ask(*args)))
    monkeypatch.setitem(CARDS, "toy-animals", with_urls(animals, lambda urls: (f"{NOBODY}/x", *urls)))
    assert sources.load("toy-animals", "real").source == "download"
    in_vain = [url for url in asked if url.startswith(NOBODY)]
    assert 1 <= len(in_vain) <= 8 < len(asked) - len(in_vain) == len(TOY_ANIMALS)  # eight ask at the same time


@pytest.mark.reliability("downloads")
def test_offline_the_stand_in_is_announced_without_waiting(monkeypatch, tmp_path, digits, server, drawn):
    monkeypatch.setattr(download, "PAUSE", 600)  # a host that cannot be reached is not worth a second try
    server.http.shutdown()
    server.http.server_close()
    start = time.perf_counter()
    data = sources.load("toy", scale=0.25)
    assert time.perf_counter() - start < download.TIMEOUT[0] and drawn == [0.25]
    assert data.source == "standin" and data["test"].sealed and not data["train"].sealed
    assert data.sha256 == {split: images.digest() for split, images in data.splits.items()}
    said = data.announce()
    assert "STAND-IN for Toy digits" in said and "`course data fetch toy`" in said and "\n" not in said
    for verb in (sources.fetch, lambda name: sources.load(name, "real")):
        with pytest.raises(DataError, match=r"127\.0\.0\.1:\d+ cannot be reached; try "):
            verb("toy")
    assert list(tmp_path.glob("cache/*")) == []  # not even an empty folder is left


@pytest.mark.reliability("downloads")
def test_a_cache_that_cannot_be_written_is_one_line(monkeypatch, tmp_path, digits):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"file/toy-folder cannot be kept: Not a directory; remove the file"):
        sources.fetch("toy")


@pytest.mark.parametrize(
    ("lost", "remedy"), [("pooch", "pip install pooch"), ("_lzma", "module lzma, .* install a Python that has it")]
)
def test_what_downloading_lacks_is_named_with_its_remedy(monkeypatch, digits, lost, remedy):
    modules = __import__("sys").modules
    for name in [name for name in modules if name.split(".")[0] in ("pooch", "lzma", "_lzma")]:
        monkeypatch.delitem(modules, name)
    monkeypatch.setitem(modules, lost, None)
    with pytest.raises(DataError, match=f"downloading needs .*{remedy}"):
        sources.fetch("toy")


def test_a_certificate_bundle_that_is_not_there_is_not_the_disk(monkeypatch, digits, drawn):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    monkeypatch.setitem(CARDS, "toy", with_urls(digits, lambda urls: ("https://127.0.0.1:9/x",)))
    with pytest.raises(DataError, match=r"cannot be downloaded: .*/nowhere\.pem.*REQUESTS_CA_BUNDLE") as caught:
        sources.load("toy", "real")
    assert "space" not in str(caught.value)
    assert sources.load("toy").source == "standin"


# ---------------------------------------------------------------------- the cache


@pytest.mark.reliability("damaged inputs")
def test_a_damaged_cache_file_is_moved_aside_and_fetched_again(digits, server, tmp_path):
    folder = sources.fetch("toy")
    good = (folder / "train-images-idx3.gz").read_bytes()
    bad = good[:-40] + bytes(40)
    (folder / "train-images-idx3.gz").write_bytes(bad)
    (folder / "test-labels-idx1.gz").unlink()
    server.asked.clear()
    data = sources.load("toy", "real")
    assert data.source == "download" and sorted(server.asked) == ["/a/test-labels-idx1.gz", "/a/train-images-idx3.gz"]
    assert (folder / "train-images-idx3.gz.damaged").read_bytes() == bad
    assert gzip.decompress((folder / "train-images-idx3.gz").read_bytes()) == TOY_DIGITS["train-images-idx3"]
    assert sources.load("toy", "real").source == "cache"


@pytest.mark.reliability("damaged inputs")
def test_single_pictures_are_downloaded_checked_and_remembered(animals, server):
    data = sources.load("toy-animals", "real")
    folder = sources.cache_folder(animals)
    extra = {path: sha256(content) for path, content in TOY_ANIMALS.items() if path.startswith("extra")}
    assert (folder / store.SUMS).read_text() == "".join(f"{digest}  {path}\n" for path, digest in extra.items())
    # A whole picture, but not the one that was downloaded: only the record can tell.
    changed = folder / next(iter(extra))
    changed.write_bytes(png(99))
    assert [c.path for c in sources.verify("toy-animals") if c.state == "damaged"] == [changed]
    again = sources.load("toy-animals", "real")
    assert again.source == "download" and again.sha256 == data.sha256
    assert changed.read_bytes() == TOY_ANIMALS[changed.relative_to(folder).as_posix()]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (TOY_ANIMALS["extra/cow/cow1-000-000.png"][:-30], "is not a whole picture"),
        (b"<html>", "is not a whole picture"),
        (png(1, width=9), r"shape \(8, 9, 3\), expected \(8, 8, 3\)"),
    ],
    ids=["cut off", "web page", "another size"],
)
@pytest.mark.reliability("damaged inputs")
def test_a_picture_nobody_published_a_hash_of_must_at_least_be_whole_and_of_its_size(animals, server, body, says):
    server.answers["/extra/cow/cow1-000-000.png"] = (200, {}, body)
    with pytest.raises(DataError, match=says) as caught:
        sources.load("toy-animals", "real")
    assert "BytesIO" not in str(caught.value)


@pytest.mark.reliability("downloads")
def test_an_archive_gives_only_its_named_members_upright_and_recorded(archived, server, tmp_path):
    data = sources.load("toy-archive", "real")
    folder = sources.cache_folder(archived)
    assert lies_in(tmp_path) == sorted(f"cache/{archived.folder}/{name}" for name in [*TOY_DIGITS, store.SUMS])
    stored = np.frombuffer(TOY_DIGITS["train-images-idx3"][16:], np.uint8).reshape(-1, 28, 28)
    np.testing.assert_array_equal(data["train"].pixels[:, 0].numpy(), stored.transpose(0, 2, 1))
    bad = bytearray(TOY_DIGITS["test-images-idx3"])
    bad[100] ^= 1  # as long and well-formed as before: only the record can tell
    (folder / "test-images-idx3").write_bytes(bytes(bad))
    assert sources.load("toy-archive", "real").source == "download"
    assert (folder / "test-images-idx3.damaged").read_bytes() == bytes(bad)
    assert server.asked == ["/all.zip"] * 2
    assert sources.load("toy-archive", "real").source == "cache"


def zipped(member, name="gzip/train-images-idx3.gz", encrypted=False):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, member)
    content = bytearray(out.getvalue())
    for header, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(header) + flags] |= encrypted
    return bytes(content)


ARCHIVES = {
    "lacks a member": (zipped(gzip.compress(b""), "gzip/renamed.gz"), "does not hold what it should: .*train-images"),
    "a bomb": (zipped(gzip.compress(bytes(2**24))), "unpacks to more than 1 MiB"),
    "no gzip": (zipped(b"plain"), "does not hold what it should"),
    "a cut gzip": (zipped(gzip.compress(bytes(999))[:-9]), "does not hold what it should"),
    "a web page": (zipped(gzip.compress(b"<html>")), "is a web page"),
    "encrypted": (zipped(gzip.compress(b""), encrypted=True), "does not hold what it should: .*encrypted"),
    "a cut zip": (zipped(b"?" * 999)[:-30], "does not hold what it should"),
    "another hash": (None, "sha256 .* found, .* expected"),
}


@pytest.mark.parametrize(("content", "says"), ARCHIVES.values(), ids=ARCHIVES)
@pytest.mark.reliability("downloads")
def test_an_archive_of_which_nothing_can_be_made_is_named_and_leaves_nothing(
    monkeypatch, archived, server, tmp_path, content, says
):
    monkeypatch.setattr(idx, "LIMIT", 2**20)
    (edition,) = archived.editions
    if content is None:
        content = server.answers["/all.zip"][2] + b"?"
    else:  # the one that is published
        archive = replace(edition.archive, sha256=sha256(content))
        monkeypatch.setitem(CARDS, "toy-archive", replace(archived, editions=(replace(edition, archive=archive),)))
    server.answers["/all.zip"] = (200, {}, content)
    with pytest.raises(DataError, match=f"^Toy archive cannot be downloaded: .*{says}"):
        sources.load("toy-archive", "real")
    assert lies_in(tmp_path) == []


@pytest.mark.reliability("downloads")
def test_a_full_disk_is_told_with_what_to_do(digits, tmp_path):
    folder = sources.cache_folder(digits)
    folder.mkdir(parents=True)
    for path in TOY_DIGITS:
        (folder / f"{path}.gz.{os.getpid()}.part").symlink_to("/dev/full")  # on which there is no space left
    with pytest.raises(DataError, match=r"toy-folder cannot be kept: No space left on device; free some space"):
        sources.load("toy", "real")
    assert lies_in(tmp_path) == []


# ---------------------------------------------------------------------- what the splits are


def test_objects_holds_every_animal_encoded_alike(animals):
    data = sources.load("toy-animals", "real")
    everything = data["objects"]
    assert len(everything) == len(TOY_ANIMALS) and not everything.sealed and data["test"].sealed
    assert not data["extra"].sealed
    assert everything.classes == ("horse", "cow")
    # cow k is group k − 1, horse k is group 9 + k; train and test hold number 3 and 8, extra 1 and 2
    assert sorted(set(everything.groups.tolist())) == [0, 1, 2, 7, 10, 11, 12, 17]
    assert torch.equal(everything.labels, (everything.groups < 10).long())
    sources_ = torch.cat([data[split].pixels for split in ("train", "test", "extra")])
    for picture, original in zip(everything.pixels, sources_, strict=True):
        encoded = io.BytesIO()
        Image.fromarray(original.permute(1, 2, 0).numpy()).save(encoded, "JPEG", quality=90, subsampling=0)
        assert torch.equal(picture.permute(1, 2, 0), torch.from_numpy(np.array(Image.open(encoded))))


def test_jpeg_files_are_not_encoded_a_second_time(monkeypatch, tmp_path, animals):
    edition = animals.editions[0]
    files = {}
    for path, content in TOY_ANIMALS.items():
        if path.startswith("extra"):
            out = io.BytesIO()
            Image.open(io.BytesIO(content)).save(out, "JPEG", **store.JPEG)
            path, content = path.replace(".png", ".jpg"), out.getvalue()
        files[path] = content
    splits = {
        split: tuple(File(path, sha256(files[path])) for path in files if path.startswith(split))
        for split in edition.splits
    }
    local = Edition("Toy animals (extra as JPEG)", splits, edition.counts)
    monkeypatch.setitem(CARDS, "toy-animals", replace(animals, editions=(edition, local)))
    png_objects = sources.load("toy-animals", "real")["objects"]
    put_local(monkeypatch, tmp_path, animals.folder, files)
    data = sources.load("toy-animals", "real")
    assert (data.source, data.title) == ("local", local.title)
    assert data["objects"].digest() == png_objects.digest()  # from PNG or JPEG, what comes out is the same


def test_writers_are_counted_on_through_train_and_test(monkeypatch, tmp_path, digits):
    monkeypatch.setitem(CARDS, "toy", replace(digits, per_writer=5))
    data = sources.load("toy", "real")
    assert data["train"].groups.tolist() == [0] * 5 + [1] * 5 + [2] * 2
    assert data["test"].groups.tolist() == [3] * 5 + [4]


# ---------------------------------------------------------------------- verify and table


def test_verify_tells_ok_damaged_and_missing_apart_in_both_places(monkeypatch, tmp_path, digits):
    assert {checked.state for checked in sources.verify("toy")} == {"missing"}
    cache = sources.fetch("toy")
    local = put_local(monkeypatch, tmp_path, digits.folder, TOY_DIGITS | {"test-images-idx3": b"?"})
    (local / "train-labels-idx1").unlink()
    found = {checked.path: checked for checked in sources.verify("toy")}
    assert found.pop(local / "test-images-idx3").state == "damaged"
    assert found.pop(local / "train-labels-idx1").state == "missing"
    assert {checked.state for checked in found.values()} == {"ok"}
    assert set(found) == {
        local / "train-images-idx3",
        local / "test-labels-idx1",
        *(cache / f"{p}.gz" for p in TOY_DIGITS),
    }


def test_table_says_where_each_set_would_come_from(monkeypatch, tmp_path, digits):
    assert len(sources.table().splitlines()) == 1 + len(CARDS)
    assert "download, or stand-in" in sources.table(["toy"]) and "about 1 MB" in sources.table(["toy"])
    sources.fetch("toy")
    assert "  cache  " in sources.table(["toy"])
    put_local(monkeypatch, tmp_path, digits.folder, TOY_DIGITS)
    header, line = sources.table(["toy"]).splitlines()
    assert line.split() == ["toy", "Toy", "digits", "local", "under", "1", "MB", "none"]
    assert header.index("licence") == line.index("none")


# ---------------------------------------------------------------------- the five cards


def test_our_addresses_are_torchvisions():
    from torchvision.datasets import EMNIST, MNIST, FashionMNIST

    for card, theirs in ((cards.mnist, MNIST), (cards.fashion, FashionMNIST)):
        first = {file.urls[0] for file in card.editions[0].files}
        assert first == {f"{theirs.mirrors[0]}{name}" for name, _ in theirs.resources}
    assert cards.fashion.classes == tuple(FashionMNIST.classes)
    assert cards.emnist.editions[0].archive.urls == (EMNIST.url,)


def test_cards_are_complete():
    for name, card in CARDS.items():
        assert name == card.name and all((card.origin, card.citation, card.licence, card.download_mb))
        for edition in card.editions:
            assert set(edition.splits) == set(edition.counts)
            assert len(set(edition.files)) == len(edition.files)
            for files in edition.splits.values():
                assert len(files) == 2 or not card.idx
        official = card.editions[0]
        assert official.archive or all(file.urls for file in official.files)
        assert not official.archive or set(official.archive.members) == {file.path for file in official.files}
    named = {f"{card.folder}/{f.path}" for card in CARDS.values() for e in card.editions for f in e.files if f.sha256}
    assert named == set(cards.CONTENTS)


def test_the_readme_tells_what_the_cards_say():
    readme = (ROOT / "data" / "README.md").read_text()
    for name in CARDS:
        card = getattr(cards, name.replace("-", "_"))  # as it is, with its real addresses
        (row,) = [line for line in readme.splitlines() if line.startswith(f"| `{name}` |")]
        counts = [f"{n:,}" for n in card.editions[0].counts.values()]
        assert all(words in row for words in (f"`{card.folder}/`", "×".join(map(str, card.shape)), *counts))
        (section,) = [part for part in readme.split("\n### ") if part.startswith(f"{name}:")]
        (title,) = re.findall(r"^- Paper: .*\"(.+)\"", section, re.MULTILINE)
        assert title in card.citation
    urls = {url for card in (cards.kannada, cards.cows_horses) for f in card.editions[0].files for url in f.urls}
    for commit in re.findall(r"commit `(\w{8})`", readme):
        assert any(f"/{commit}" in url for url in urls)


@pytest.mark.parametrize("name", list(CARDS))
def test_the_real_sets(name, monkeypatch):
    card = CARDS[name]
    if not (REAL / card.folder).is_dir():  # the only skip: these data are not part of the project
        pytest.skip(f"no real {card.title} here: set COURSE_DATA to a folder that holds {card.folder}/")
    monkeypatch.setenv("COURSE_DATA", str(REAL))
    data = sources.load(name, "real")
    edition = next(edition for edition in card.editions if edition.title == data.title)
    for split, count in edition.counts.items():
        images = data[split]
        assert len(images) == count and images.shape == card.shape
        assert images.sealed == (split not in card.open_splits)
        if name != "mnist":  # all others have equally many pictures of each class
            assert images.counts().tolist() == [count // len(card.classes)] * len(card.classes)
    if name == "kannada":
        writers = [data[split].groups.unique().tolist() for split in ("train", "test")]
        assert writers == [list(range(47)), list(range(47, 55))] and data["dig"].groups is None
    if name == "cows-horses":
        assert torch.bincount(data["objects"].groups).tolist() == [41] * 20
        tables = {
            tuple(map(tuple, Image.open(path).quantization.values())) for path in (REAL / card.folder).rglob("*.jpg")
        }
        ours = io.BytesIO()
        Image.new("RGB", (8, 8)).save(ours, "JPEG", **store.JPEG)
        assert tables <= {tuple(map(tuple, Image.open(ours).quantization.values()))}
