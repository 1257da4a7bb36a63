"""`course doctor`: checks what the lessons need of this machine, and says what to do about each fault."""

from __future__ import annotations

import importlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from course_utils.core.errors import DataError
from course_utils.core.profiles import ROOT

PACKAGE_ROOT = Path(__file__).parents[2]
DISTRIBUTION = "gan-augmentation-course"
PLAIN = {"torch", "numpy", "pandas", "scipy", "scikit-learn", "matplotlib", "seaborn"}
"""All that `run --kernel none` needs."""

GIB = 2**30
SIGNS = {"ok": "✔", "warning": "▲", "fault": "✘"}


@dataclass(frozen=True)
class Finding:
    """What a check found; `level` is ok, warning or fault, `remedy` what to do about the latter two."""

    level: str
    what: str
    found: str
    remedy: str = ""


def main(kernel: str = "python3") -> int:
    """Prints a table of findings; exit code 1 if there is a fault. `kernel` "none": only what plain runs need."""
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
    """Shows the findings in a notebook, as a table: all of them to a person, else only what is wrong."""
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
    """The checks to make, in order."""
    everything = kernel != "none"
    always = [python, lambda: packages(None if everything else PLAIN), lambda: device(everything), memory, disk, data]
    return [*always, jupyter_kernel] if everything else always


def _guarded(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """A check that fails is a finding itself: whatever is broken, the others are still made."""
    try:
        yield from check()
    except Exception as error:
        name = getattr(check, "__name__", "check").strip("<>")
        yield Finding("fault", name, _line(error), "mend what the message names, then run `course doctor` again")


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no message'}"


def python() -> Iterator[Finding]:
    """Whether this Python is one the course supports."""
    wanted = _project()["requires-python"]
    version = platform.python_version()
    ok = _satisfies(version, wanted)
    yield Finding("ok" if ok else "fault", "Python", version, "" if ok else f"use a Python {wanted}")


def packages(only: set[str] | None = None) -> Iterator[Finding]:
    """Whether each required package is there, in a version that will do; `only`: of these names."""
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
        if _satisfies(version, wanted):
            found.append(name)
        else:
            bad.append(Finding("fault", name, f"{version}, needs {wanted}", f'pip install --upgrade "{name}{wanted}"'))
    yield Finding("ok", "packages", f"{len(found)} of {len(found) + len(bad)} required are there")
    yield from bad


def _project() -> dict:
    """Our requirements: of the installed package, else (a bare checkout) of pyproject.toml."""
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
    """Whether torch works, with torchvision, and on what it will compute."""
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
            name = getattr(error, "name", None) or ""
            if name.startswith("_"):  # _lzma: no package is at fault, but the Python itself
                reinstall = f"install a Python built with {name[1:]} (python.org, conda), then make clean setup"
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
    yield Finding("ok", "device cpu", f"{_cores()} cores, {torch.get_num_threads()} threads, {bf16}")


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory() -> Iterator[Finding]:
    """Whether there is memory for a lesson: PyTorch and a data set take about 2 GiB, each worker process 1 more."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    except (AttributeError, ValueError, OSError):  # Windows
        yield Finding("ok", "memory", "not known on this system; 4 GiB will do")
        return
    if total >= 4:
        yield Finding("ok", "memory", f"{total:.1f} GiB")
    else:
        yield Finding("warning", "memory", f"{total:.1f} GiB, 4 are wanted", "run lessons one at a time")


def disk() -> Iterator[Finding]:
    """Whether build/ can be written, and holds what runs leave."""
    folder = ROOT / "build"
    try:
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        yield Finding("fault", "build folder", _line(error), "make it writable, or run with --out and another folder")
        return
    free = shutil.disk_usage(folder).free / GIB
    if free >= 1:
        yield Finding("ok", "disk", f"{free:.1f} GiB free, build folder writable")
    else:
        yield Finding("warning", "disk", f"{free:.1f} GiB free, 1 is wanted", "free some space, e.g. `make clean`")


def data() -> Iterator[Finding]:
    """Where each data set would come from now."""
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
    """Whether the kernel named python3 starts, and is this Python with the course in it."""
    remedy = f"{sys.executable} -m ipykernel install --sys-prefix --name python3"
    try:
        from jupyter_client.manager import start_new_kernel

        manager, client = start_new_kernel(kernel_name="python3", startup_timeout=120, stderr=subprocess.DEVNULL)
    except Exception as error:
        yield Finding("fault", "kernel python3", _line(error), remedy)
        return
    said: list[str] = []
    try:
        reply = client.execute_interactive(
            "import sys, course_utils; print(sys.executable)",
            timeout=120,
            output_hook=lambda message: said.append(message["content"].get("text", "")),
        )["content"]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    executable = "".join(said).strip()
    if reply["status"] != "ok":
        yield Finding("fault", "kernel python3", f"{reply['ename']}: {reply['evalue']}", f"pip install -e .; {remedy}")
    elif Path(executable).resolve() != Path(sys.executable).resolve():
        yield Finding("warning", "kernel python3", f"starts, but runs {executable}", remedy)
    else:
        yield Finding("ok", "kernel python3", "starts, and imports the course")
