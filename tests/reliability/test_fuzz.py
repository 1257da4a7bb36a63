"""Whatever the readers are given, they read what is right, and answer anything else with an error that names it."""

import copy
import gzip
import io
import json
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from faults import packed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from course_tools.author import ledger, verify
from course_tools.run import finished, report, run
from course_tools.run.lessons import Lesson
from course_tools.sweep import table
from course_utils.core import checkpoint
from course_utils.core import results as stored
from course_utils.core.errors import CourseError, DataError
from course_utils.data import idx, store
from course_utils.data.images import Images
from course_utils.gan.batches import unlabelled
from course_utils.gan.networks import FCDiscriminator, FCGenerator
from course_utils.gan.steps import gan_step
from course_utils.gan.train import TrainingFailed, fit, training
from course_utils.teach import course_map
from course_utils.teach import lesson as lessons

pytestmark = pytest.mark.reliability("damaged inputs")

HERE = Path(__file__).parent
ROOT = Path(__file__).resolve().parents[2]
SLUG = "05_fashion_acgan"


def tried(n, strategy, holds):
    """Call `holds` with `n` things that are drawn from a strategy; how many that were."""
    calls = 0

    @settings(max_examples=n, deadline=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def one(thing):
        nonlocal calls
        calls += 1
        holds(thing)

    one()
    return calls


# ---------------------------------------------------------------------- damage

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def changed(draw, value):
    """The value with something in it, at any depth, replaced, or left out."""
    if isinstance(value, dict | list) and value and draw(st.integers(0, 9)):
        place = draw(st.sampled_from(list(value) if isinstance(value, dict) else range(len(value))))
        value = copy.copy(value)
        if draw(st.integers(0, 4)):
            value[place] = draw(changed(value[place]))
        else:
            del value[place]
        return value
    return draw(JSON)


@st.composite
def damaged(draw, content):
    """Bytes cut off, changed, put in or appended."""
    start, end = sorted(draw(st.tuples(*[st.integers(0, len(content))] * 2)))
    return draw(
        st.sampled_from([content[:start], content[start:], content[:start] + content[end:]])
        | st.binary(max_size=9).map(lambda new: content[:start] + new + content[start + len(new) :])
        | st.binary(max_size=9).map(lambda new: content[:start] + new + content[end:])
        | st.binary(max_size=40)
    )


# ---------------------------------------------------------------------- IDX


FILES = [packed(np.arange(n, dtype=np.uint8).reshape(shape)) for n, shape in ((7, (7,)), (6, (2, 3)), (12, (3, 2, 2)))]
FILES += [gzip.compress(content) for content in FILES]
BIG = np.array([0, 1, 2, 0x08, 0x0D, 2**16, 2**31, 2**32 - 1], ">u4")
HEADERS = st.builds(
    lambda kind, sizes, rest: bytes([0, 0, kind, len(sizes)]) + np.array(sizes, ">u4").tobytes() + rest,
    *(st.sampled_from([0x08, 0x09, 0x0D]), st.lists(st.sampled_from(BIG.tolist()), max_size=5), st.binary(max_size=9)),
)


def test_a_damaged_idx_file_is_read_as_it_is_described_or_named(tmp_path, amount, figure):
    path = tmp_path / "file"

    def holds(content):
        path.write_bytes(content)
        try:
            array = idx.parse(idx.unpack(path), str(path))
        except DataError as error:
            assert str(error).startswith(f"{path}: ") and str(error).isprintable()
        else:
            assert packed(array) == (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)

    n = tried(amount(400, 20_000), st.sampled_from(FILES).flatmap(damaged) | HEADERS, holds)
    figure("inputs fuzzed: IDX", n)


def test_a_fuzzer_that_watches_which_lines_it_reaches_finds_no_fault_in_the_idx_reader(tmp_path, amount, figure):
    pytest.importorskip("atheris", reason="libFuzzer for Python has no package for this machine")
    n = amount(20_000, 1_000_000)
    command = [sys.executable, str(HERE / "fuzz_idx.py"), f"-runs={n}", "-seed=1", "-max_len=64"]
    command += ["-malloc_limit_mb=64", "-rss_limit_mb=0", f"-artifact_prefix={tmp_path}/"]
    for number, content in enumerate((*FILES[:3], b"\0\0\x08\x03" + bytes(4) + b"\xff" * 8)):  # what it begins with
        (tmp_path / str(number)).write_bytes(content)
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, timeout=900)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-3000:]
    (done_runs,) = re.findall(r"Done (\d+) runs", said)
    assert int(done_runs) >= n
    figure("inputs fuzzed, guided by coverage: IDX", int(done_runs))


# ---------------------------------------------------------------------- pictures


def test_a_damaged_picture_is_decoded_or_named(amount, figure):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8))
    whole = {}
    for kind in ("PNG", "JPEG"):
        noise.save(out := io.BytesIO(), kind)
        whole[kind] = out.getvalue()

    def holds(content):
        try:
            picture = store.decode(content, "the.png")
        except DataError as error:
            assert str(error).startswith("the.png: ") and "\n" not in str(error)
        else:
            assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3

    n = tried(amount(100, 5000), st.sampled_from(sorted(whole.values())).flatmap(damaged), holds)
    figure("inputs fuzzed: pictures", n)


# ---------------------------------------------------------------------- results


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A copy of one lesson's ledger with its committed results, of which two arms are kept."""
    root = tmp_path_factory.mktemp("course")
    shutil.copytree(ROOT / "lessons" / SLUG, root / "lessons" / SLUG)
    good = json.loads((ROOT / "results" / SLUG / "quick.json").read_text("utf-8"))
    good["arms"] = dict(list(good["arms"].items())[:2])
    good["differences"] = dict(list(good["differences"].items())[:1])
    for folder in (root / "results" / SLUG, root / "out" / "results"):
        folder.mkdir(parents=True)
    return root, good


def test_damaged_results_are_refused_by_name_by_all_that_read_them(course, monkeypatch, amount, figure):
    root, good = course
    lesson = Lesson(SLUG, root)
    committed, made = root / "results" / SLUG / "quick.json", root / "out" / "results" / f"{SLUG}.json"
    monkeypatch.setattr(lessons, "ROOT", root)
    monkeypatch.setattr(finished, "mark", lambda *_: {})  # what it is made of is not what is damaged here
    monkeypatch.setattr(finished, "_sha256", lambda *_: None)
    readers = {
        "read": lambda: stored.read(committed, "arms"),
        "ledger": lambda: ledger.load(lesson).faults(),
        "readme": lambda: course_map.table(root),
        "origin": lambda: verify.origin(committed),
        "time": lambda: lessons._minutes(SLUG, "quick", torch.device("cpu")),
    }

    def holds(content):
        committed.write_bytes(content)
        made.write_bytes(content)
        for name, reader in readers.items():
            try:
                assert reader() is not None, name
            except CourseError as error:
                assert str(committed) in str(error) and "git checkout -- " in str(error), name
        report.write(root / "out", "quick", [])
        assert SLUG in (root / "out" / "index.html").read_text("utf-8")
        finished.find(lesson, root / "out", "none", {"PROFILE": "quick"})
        found, failure = run._read(made, SLUG, "quick")
        assert (found is None) != (failure is None)

    holds(json.dumps(good).encode())
    whole = json.dumps(good).encode()
    n = tried(amount(20, 2000), changed(good).map(lambda value: json.dumps(value).encode()) | damaged(whole), holds)
    figure("inputs fuzzed: results", n)


@pytest.mark.parametrize(
    "content",
    [b"[" * 100_000, b'{"wall_s": NaN}', b'{"wall_s": 1e999}', b"\xff\xfe", b"", b"9" * 10_000, b'{"arms": {"a": 1}}'],
    ids=["brackets", "NaN", "infinite", "no UTF-8", "empty", "a long number", "no arms"],
)
def test_results_that_break_a_json_reader_are_refused(tmp_path, content):
    (tmp_path / "quick.json").write_bytes(content)
    with pytest.raises(CourseError, match=r"quick\.json: is damaged, or holds no results .*git checkout -- "):
        stored.read(tmp_path / "quick.json")


SWEEP = "lesson,profile,a,seed,arm,test_set,metric,value,seconds,device,data_source,data,code,task\n" + "".join(
    f"04_x,quick,{a},{seed},real,test,accuracy,0.{a}{seed},1.5,cpu,standin,d1,c1,{a}{seed}\n"
    for a in "12"
    for seed in "01"
)
ABOUT = {"code": {"c1": {"commit": "abc"}}, "data": {"d1": {"name": "mnist", "sha256": {}}}}


def test_a_damaged_table_of_a_sweep_is_refused_by_name(tmp_path, amount, figure):
    csv, about = tmp_path / "sweep.csv", tmp_path / "sweep.json"

    def holds(contents):
        csv.write_bytes(contents[0])
        about.write_bytes(contents[1])
        try:
            found = table.Table(tmp_path)
            verify.origin(csv)
            [found.point(row) for rows in found.rows.values() for row in rows]
        except CourseError as error:
            assert str(csv) in str(error) and "move it away" in str(error)

    good, explained = SWEEP.encode(), json.dumps(ABOUT).encode()
    holds((good, explained))
    tables = st.tuples(damaged(good), st.just(explained))
    tables |= st.tuples(st.just(good), changed(ABOUT).map(lambda value: json.dumps(value).encode()))
    figure("inputs fuzzed: sweep tables", tried(amount(40, 2000), tables, holds))


# ---------------------------------------------------------------------- checkpoints

STEPS = 4
DTYPES = [torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.bool, torch.uint8, torch.float8_e4m3fn]
SHAPES = [lambda t: t.flatten(), lambda t: t[None], lambda t: t[:0], lambda t: t.reshape(-1)[:1], lambda t: t.T]
NAMES = ["", "G.", "opt_G.x.step", "opt_D.99.step", "fixed.z", "ü"]
VALUES = [float("nan"), float("inf"), 3e38, -1.0, 0.0]


def a_training(path, **more):
    torch.manual_seed(0)
    G = FCGenerator(1, latent=2, pixels=16, hidden=(4,))
    D = FCDiscriminator(1, pixels=16, hidden=(4,))
    images = Images(torch.arange(16 * 8).byte().reshape(8, 1, 4, 4), torch.zeros(8, dtype=torch.int64), ("a",))
    one = unlabelled(images, 4, 0)
    more = {"steps": STEPS, "seed": 0, "reports": 2, "stop_on_collapse": False, "checkpoint": path, **more}
    return gan_step, G, D, lambda n: tuple(x.flatten(1)[None] for x in one(n)), more


@pytest.fixture(scope="module")
def halfway(tmp_path_factory):
    """The tensors and facts of a training that was left in the middle."""
    path = tmp_path_factory.mktemp("halfway") / "run.safetensors"
    *what, more = a_training(path)
    running = training(*what, **more)
    next(running)
    running.close()
    return checkpoint.load(path)


@st.composite
def tampered(draw, tensors):
    tensors = dict(tensors)
    name = draw(st.sampled_from(sorted(tensors)))
    tensor = tensors[name]
    match draw(st.sampled_from(["gone", "renamed", "other", "dtype", "shape", "value"])):
        case "gone":
            del tensors[name]
        case "renamed":
            tensors[draw(st.sampled_from(NAMES))] = tensors.pop(name)
        case "other":
            tensors[name] = tensors[draw(st.sampled_from(sorted(tensors)))].clone()
        case "dtype":
            tensors[name] = tensor.to(draw(st.sampled_from(DTYPES)))
        case "shape":
            tensors[name] = draw(st.sampled_from(SHAPES))(tensor if tensor.ndim else tensor[None])
        case "value":
            tensors[name] = torch.full_like(tensor, 0) + torch.tensor(draw(st.sampled_from(VALUES))).to(tensor.dtype)
    return tensors


def test_a_training_goes_on_from_a_checkpoint_that_fits_and_refuses_all_others(tmp_path, halfway, amount, figure):
    path = tmp_path / "run.safetensors"
    tensors, facts = halfway
    checkpoint.save(path, tensors, facts)
    whole = path.read_bytes()
    refused = gone_on = 0

    def holds(content):
        nonlocal refused, gone_on
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            checkpoint.save(path, *content)  # with the right hash: as a hostile or an older program would
        *what, more = a_training(path)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                assert fit(*what, **more).step == STEPS
            gone_on += 1
        except CourseError as error:
            if not isinstance(error, TrainingFailed):  # numbers may fit and yet be such that the losses overflow
                assert isinstance(error, checkpoint.CheckpointError)
                assert str(path) in str(error) and "delete it" in str(error)
            refused += 1

    holds((tensors, facts))
    assert (gone_on, refused) == (1, 0)
    other = tampered(tensors).map(lambda tensors: (tensors, facts)) | changed(facts).map(lambda facts: (tensors, facts))
    figure("inputs fuzzed: checkpoints", tried(amount(60, 1500), other | damaged(whole), holds))
    assert refused > gone_on > 0
