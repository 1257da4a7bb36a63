"""`course doctor`: checks what the lessons need of this machine, and says what to do about each fault."""

from __future__ import annotations

import importlib
import math
import platform
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from course_utils.core import machine
from course_utils.core.errors import DataError
from course_utils.core.machine import GIB, cores
from course_utils.core.profiles import ROOT, folder, results_folder, runs_folder

PACKAGE_ROOT = Path(__file__).parents[2]
DISTRIBUTION = "gan-augmentation-course"
PLAIN = {"torch", "numpy", "pandas", "scipy", "scikit-learn", "matplotlib", "seaborn", "safetensors"}
"""All that `run --kernel none` needs, beside what these bring with them."""

MODULES = {"scikit-learn": "sklearn", "pillow": "PIL"}
"""Names by which packages are imported, where they are not the packages' own."""

STANDARD = ("bz2", "ctypes", "lzma", "sqlite3", "ssl", "zlib")
"""Modules of Python itself that it lacks where their library was missing when it was built."""

SIGNS = {"ok": "✔", "warning": "▲", "fault": "✘"}


@dataclass(frozen=True)
class Finding:
    """What a check found; `level` is ok, warning or fault, `remedy` what to do about the latter two."""

    level: str
    what: str
    found: str
    remedy: str = ""


def main(kernel: str = "python3") -> int:
    """Print a table of findings; exit code 1 if there is a fault. `kernel` "none": only what plain runs need."""
    findings = _findings(checks(kernel))
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        print(f"{finding.level:7}  {finding.what:{width}}  {finding.found}")
        if finding.remedy:
            print(f"{'':7}  {'':{width}}  → {finding.remedy}")
    faults = sum(finding.level == "fault" for finding in findings)
    warnings = sum(finding.level == "warning" for finding in findings)
    print(f"\nfaults: {faults}, warnings: {warnings}")
    return int(faults > 0)


def panel() -> None:
    """Show the findings in a notebook, as a table: all of them to a person, else only what is wrong."""
    import pandas as pd  # not on a bare machine, where `main` has to work

    from course_utils.teach import show

    kernel = "python3" if show.in_notebook() else "none"
    findings = _findings([check for check in checks(kernel) if check is not jupyter_kernel])  # a kernel runs this
    bad = [finding for finding in findings if finding.level != "ok"]
    rows = findings if show.interactive() else bad  # stored, the others would tell of the machine that built the course
    if rows:
        facts = [(f"{SIGNS[row.level]} {row.level}", row.what, row.found, row.remedy) for row in rows]
        show.table(pd.DataFrame(facts, columns=["", "checked", "found", "what to do"]), "This machine")
    show.markdown(
        f"{len(findings)} things checked: {sum(f.level == 'fault' for f in bad)} faults, "
        f"{sum(f.level == 'warning' for f in bad)} warnings. In a terminal, `course doctor` says the same."
    )


def _findings(chosen: list[Callable[[], Iterator[Finding]]]) -> list[Finding]:
    return [finding for check in chosen for finding in _guarded(check)]


def checks(kernel: str) -> list[Callable[[], Iterator[Finding]]]:
    """List the checks to make, in order."""
    everything = kernel != "none"
    always = [python, lambda: packages(None if everything else PLAIN), lambda: device(everything), memory, disk, data]
    return [*always, jupyter_kernel] if everything else always


def _guarded(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Make a check; one that fails is a finding itself: whatever is broken, the others are still made."""
    try:
        yield from check()
    except Exception as error:
        name = getattr(check, "__name__", "check").strip("<>")
        yield Finding("fault", name, _line(error), "mend what the message names, then run `course doctor` again")


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no message'}"


def python() -> Iterator[Finding]:
    """Check that this Python is one the course supports, and whole."""
    wanted = _project()["requires-python"]
    version = platform.python_version()
    ok = _satisfies(version, wanted)
    yield Finding("ok" if ok else "fault", "Python", version, "" if ok else f"use a Python {wanted}")
    for name in STANDARD:
        try:
            importlib.import_module(name)
        except ImportError as error:
            remedy = f"use a Python that has {name} (python.org, conda): remove .venv, then make setup PYTHON=path"
            yield Finding("fault", f"Python's {name}", _line(error), remedy)


def packages(only: set[str] | None = None) -> Iterator[Finding]:
    """Check that each required package is there, in a version that will do, and can be imported; `only`: of these."""
    requirements = [re.fullmatch(r"([\w.-]+)\s*(.*)", text).groups() for text in _project()["dependencies"]]
    found, bad = [], []
    for name, wanted in requirements:
        if only and name not in only:
            continue
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            bad.append(Finding("fault", name, "not installed", f'pip install "{name}{wanted}"'))
            continue
        if not _satisfies(version, wanted):
            bad.append(Finding("fault", name, f"{version}, needs {wanted}", f'pip install --upgrade "{name}{wanted}"'))
        elif error := _import(name):
            bad.append(Finding("fault", name, error, f'pip install --force-reinstall "{name}{wanted}"'))
        else:
            found.append(name)
    yield Finding("ok", "packages", f"{len(found)} of {len(found) + len(bad)} required are there")
    yield from bad


def _import(name: str) -> str | None:
    """Import a package; say what is wrong where that fails. Those that belong together are left to `device`."""
    if name in ("torch", "torchvision"):
        return None
    try:
        importlib.import_module(MODULES.get(name, name))
    except Exception as error:  # whatever a broken package raises
        return f"cannot be imported: {_line(error)}"
    return None


def _project() -> dict:
    """Read our requirements: of the installed package, else (a bare checkout) of pyproject.toml."""
    try:
        info = metadata.metadata(DISTRIBUTION)
        needed = [text for text in info.get_all("Requires-Dist", []) if "extra ==" not in text]
        return {"requires-python": info["Requires-Python"], "dependencies": needed}
    except metadata.PackageNotFoundError:
        return tomllib.loads((PACKAGE_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _satisfies(version: str, wanted: str) -> bool:
    try:
        from packaging.specifiers import SpecifierSet
    except ImportError:  # not on a bare machine; our own requirements use >= and < only
        numbers = tuple(map(int, re.findall(r"\d+", version.split("+")[0])[:3]))
        bounds = re.findall(r"(>=|<)\s*([\d.]+)", wanted)
        return all(
            (numbers >= bound) if sign == ">=" else (numbers < bound)
            for sign, text in bounds
            for bound in [tuple(map(int, text.split(".")))]
        )
    return SpecifierSet(wanted).contains(version, prereleases=True)


def device(with_torchvision: bool = True) -> Iterator[Finding]:
    """Check that torch computes, imports torchvision, and on what it will compute."""
    reinstall = "pip install --force-reinstall torch torchvision (together, so that their versions match)"
    try:
        torch = importlib.import_module("torch")
    except Exception as error:
        yield Finding("fault", "torch", _line(error), reinstall)
        return
    if with_torchvision:
        try:
            importlib.import_module("torchvision")
            yield Finding("ok", "torchvision", "imports together with torch")
        except Exception as error:  # operator torchvision::nms does not exist: built for another torch
            yield Finding("fault", "torchvision", f"{_line(error)} (torch {torch.__version__})", reinstall)
    if torch.cuda.is_available():
        for i in range(torch.cuda.device_count()):
            card = torch.cuda.get_device_properties(i)
            bf16 = "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "no bfloat16"
            yield Finding("ok", f"device cuda:{i}", f"{card.name}, {card.total_memory / GIB:.0f} GiB, {bf16}")
        float((torch.ones(8, 8, device="cuda") @ torch.ones(8, 8, device="cuda")).sum())
    elif torch.backends.mps.is_available():
        yield Finding("ok", "device mps", f"Apple GPU, {platform.machine()}")
    native = getattr(torch.cpu, "_is_avx512_bf16_supported", bool)()  # elsewhere bfloat16 is emulated, and slow
    bf16 = "bfloat16" if native else "no fast bfloat16"
    yield Finding("ok", "device cpu", f"{cores()} cores, {torch.get_num_threads()} threads, {bf16}")


def memory() -> Iterator[Finding]:
    """Check for the memory of a lesson: PyTorch and a data set take about 2 GiB, each worker process 1 more."""
    total = machine.memory() / GIB
    if math.isinf(total):  # Windows
        yield Finding("ok", "memory", "not known on this system; 4 GiB will do")
    elif total >= 4:
        yield Finding("ok", "memory", f"{total:.1f} GiB")
    else:
        remedy = "run lessons one at a time, and with fewer worker processes: OMP_NUM_THREADS=1"
        yield Finding("warning", "memory", f"{total:.1f} GiB that this process may use, 4 are wanted", remedy)


def disk() -> Iterator[Finding]:
    """Check that the folders that a lesson writes to take a file, and hold what it leaves."""
    least = math.inf
    for what, variable, path in (
        ("results", "COURSE_RESULTS", results_folder("quick")),
        ("finished trainings", "COURSE_RUNS", runs_folder("quick")),
        ("the learner's record", "COURSE_HOME", folder("COURSE_HOME") or ROOT / ".course"),
    ):
        if path is None:  # COURSE_RUNS=off
            continue
        there = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
        try:
            with tempfile.TemporaryFile(dir=there) as file:
                file.write(bytes(2**20))  # an empty file fits on a full disk, and into a quota that is used up
        except OSError as error:
            remedy = f"make it writable and free some space, or set {variable} to a folder of yours"
            yield Finding("fault", f"folder of {what}", f"{path}: {_line(error)}", remedy)
        else:
            least = min(least, shutil.disk_usage(there).free / GIB)
    if least < 1:
        yield Finding("warning", "disk", f"{least:.1f} GiB free, 1 is wanted", "free some space, e.g. `make clean`")
    elif least < math.inf:
        yield Finding("ok", "disk", f"{least:.1f} GiB free, folders writable")


def data() -> Iterator[Finding]:
    """Say where each data set would come from now."""
    from course_utils.data import cards, sources

    for name in cards.CARDS:
        try:
            found = sources.place(name)
        except DataError as error:
            yield Finding("fault", f"data {name}", str(error), "set COURSE_DATA to a folder of data sets, or unset it")
            return
        if found.source == "download":
            remedy = f"course data fetch {name}; without a network a {found.substitute} takes its place, and says so"
            yield Finding("warning", f"data {name}", f"{found.title}: not here ({found.size} to fetch)", remedy)
        elif found.lacking:
            what = f"{len(found.lacking)} files missing or incomplete, such as {found.lacking[0]}"
            yield Finding("fault", f"data {name}", f"{found.title}: {what}", "put them there, or unset COURSE_DATA")
        else:
            yield Finding("ok", f"data {name}", f"{found.title}: {found.source}, {found.size}")


def jupyter_kernel() -> Iterator[Finding]:
    """Check that the kernel named python3, which JupyterLab starts, is this Python with this course in it.

    It is started in an empty folder: in that of the course any Python could import it.
    """
    remedy = f"{sys.executable} -m ipykernel install --sys-prefix --name python3"
    with tempfile.TemporaryDirectory() as elsewhere, tempfile.TemporaryFile("w+", errors="replace") as printed:
        try:
            from jupyter_client.manager import start_new_kernel

            manager, client = start_new_kernel(
                kernel_name="python3", startup_timeout=120, cwd=elsewhere, stdout=printed, stderr=printed
            )
        except Exception as error:
            printed.seek(0)
            last = printed.read().strip().splitlines()[-1:]
            where = _kernel_folder()
            if where and not where.is_relative_to(sys.prefix):
                remedy = f"remove {where}, or take its folder out of JUPYTER_PATH"
            found = [_line(error), *(f"it printed: {line}" for line in last), f"its folder is {where}"]
            yield Finding("fault", "kernel python3", "; ".join(found), remedy)
            return
        said: list[str] = []
        try:
            reply = client.execute_interactive(
                "import sys; print(sys.prefix); import course_utils; print(course_utils.__file__)",
                timeout=120,
                output_hook=lambda message: said.append(message["content"].get("text", "")),
            )["content"]
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
    prefix, *course = "".join(said).split("\n")
    if Path(prefix) != Path(sys.prefix):
        yield Finding("warning", "kernel python3", f"starts, but runs the Python in {prefix}", remedy)
    elif reply["status"] != "ok" or Path(course[0]).parents[1] != PACKAGE_ROOT:
        found = course[0] if reply["status"] == "ok" else f"{reply['ename']}: {reply['evalue']}"
        install = f"{sys.executable} -m pip install --no-deps --no-build-isolation -e {PACKAGE_ROOT}"
        yield Finding("fault", "kernel python3", f"imports another course, or none ({found})", install)
    else:
        yield Finding("ok", "kernel python3", "starts, and imports the course")


def _kernel_folder() -> Path | None:
    """Find the folder that describes the kernel named python3."""
    from jupyter_client.kernelspec import KernelSpecManager

    try:
        return Path(KernelSpecManager().get_kernel_spec("python3").resource_dir)
    except Exception:  # there is none, or it cannot be read
        return None
