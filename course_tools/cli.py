"""The command `course`: run lessons, build their notebooks, look after the data, check the machine."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from course_tools import output
from course_utils import __version__
from course_utils.core import files
from course_utils.core.errors import CourseError
from course_utils.core.profiles import PROFILES, ROOT, resolve


class Parser(argparse.ArgumentParser):
    """argparse, saying what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Exit code 2."""
        self.exit(2, f"course: {message}; see: {self.prog} --help\n")


def _folder(text: str) -> Path:
    """Read a path, `~` expanded: in --out=~/x no shell does."""
    return Path(os.path.expanduser(text))


def parser() -> argparse.ArgumentParser:
    """Give the parser of all commands and options."""
    top = Parser(prog="course", description="GAN-based data augmentation, rebuilt and put to the test.")
    top.add_argument("--version", action="version", version=f"course {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (_add_lab, _add_run, _add_verdict, _add_sweep, _add_author, _add_data, _add_doctor):
        add(commands)
    return top


def _add_lessons(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="number or slug; all lessons if none is named")


def _add_lab(commands: Any) -> None:
    lab = commands.add_parser("lab", help="open your own copies of the notebooks, without outputs, in JupyterLab")
    lab.add_argument(
        "--fresh", nargs="*", metavar="LESSON", help="a new copy of these lessons, or of all; yours is renamed and kept"
    )
    lab.add_argument("options", nargs="*", metavar="-- OPTION", help="JupyterLab's own options")
    lab.set_defaults(act=_lab)


def _add_run(commands: Any) -> None:
    run = commands.add_parser("run", help="execute lessons and report their results")
    _add_lessons(run)
    run.add_argument("--profile", help=f"{', '.join(PROFILES)}; default: $COURSE_PROFILE, else quick")
    time_limit = run.add_mutually_exclusive_group()
    time_limit.add_argument("--hours", type=float, metavar="H", help="of a full run, which the next call continues")
    time_limit.add_argument("--minutes", type=float, metavar="M", help="of a full run, as --hours")
    run.add_argument("--device", help="of a full run: cpu or cuda (default: a GPU where there is one)")
    _add_where(run)
    run.add_argument("--jobs", type=int, default=1, metavar="N", help="lessons side by side (default 1)")
    run.add_argument("--out", type=_folder, default=ROOT / "build", help="folder for what it leaves (default build)")
    run.add_argument("--kernel", default="python3", help="python3, or none for a plain Python process without Jupyter")
    run.add_argument("-p", action="append", default=[], metavar="NAME=VALUE", help="a notebook parameter; repeatable")
    run.add_argument("--again", action="store_true", help="run also what is finished: same parameters, code and data")
    run.add_argument("--timeout", type=float, metavar="S", help="seconds that a lesson may take (default: no limit)")
    run.set_defaults(act=_run)

    status = commands.add_parser("status", help="what the full run of each lesson has, and what it lacks")
    _add_lessons(status)
    status.add_argument("--out", type=_folder, default=ROOT / "build", help="folder of full/ (default build)")
    status.set_defaults(act=_status)


def _add_where(parser: argparse.ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--scheduler", metavar="ADDRESS", help="a running Dask cluster's; default: processes here")
    where.add_argument(
        "--slurm", type=_folder, metavar="FILE", help="TOML with the settings of dask-jobqueue's SLURMCluster"
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="processes, or SLURM jobs (default: one a core; one job)"
    )


def _add_verdict(commands: Any) -> None:
    verdict = commands.add_parser("verdict", help="would generated pictures help a classifier of *your* pictures?")
    verdict.add_argument("folder", type=_folder, help="class folders, perhaps in train/ and test/; an .npz; IDX files")
    verdict.add_argument("--size", type=int, default=32, metavar="PIXELS", help="side, 28 to 128 (default 32)")
    verdict.add_argument("--labels", type=_folder, metavar="CSV", help="file, label and perhaps group of each picture")
    verdict.add_argument("--groups", metavar="REGEX", help="what a picture comes from, in its name: '(patient\\d+)'")
    verdict.add_argument("--synthetic", type=_folder, metavar="FOLDER", help="pictures by a generator of yours")
    verdict.add_argument("--no-train", action="store_true", help="train no generators: judge --synthetic only")
    verdict.add_argument("--hours", type=float, default=0.5, metavar="H", help="time limit (default 0.5)")
    verdict.add_argument("--seeds", type=int, default=5, metavar="N", help="default 5")
    verdict.add_argument("--classifier", choices=["auto", "small", "resnet18"], default="auto")
    verdict.add_argument("--weights", default="", metavar="WEIGHTS", help="of the resnet18: imagenet, or .safetensors")
    verdict.add_argument("--flip", choices=["auto", "yes", "no"], default="auto", help="mirror pictures (default auto)")
    verdict.add_argument(
        "--matters", type=float, default=1.0, metavar="POINTS", help="smallest difference that matters (default 1)"
    )
    _add_where(verdict)
    verdict.add_argument("--out", type=_folder, help="folder of the report (default build/verdict/FOLDER)")
    verdict.set_defaults(act=_verdict)


def _add_sweep(commands: Any) -> None:
    sweep = commands.add_parser("sweep", help="a lesson at every point of a grid and with every seed, on Dask")
    sweep.add_argument("lesson", metavar="LESSON", help="number or slug")
    sweep.add_argument("--grid", nargs="+", default=[], metavar="NAME=V,V", help="values of parameters: F=1,2,3 D=1,2")
    sweep.add_argument("--seeds", type=int, default=5, metavar="N", help="seeds 0 to N - 1 at each point (default 5)")
    sweep.add_argument("--profile", help=f"{', '.join(PROFILES)}; default: $COURSE_PROFILE, else quick")
    _add_where(sweep)
    sweep.add_argument("--out", type=_folder, help="folder of sweep.csv (default build/PROFILE/sweeps/LESSON)")
    sweep.set_defaults(act=_sweep)


def _add_author(commands: Any) -> None:
    notebooks = commands.add_parser("notebooks", help="build notebooks/ from lessons/, executed, profile quick")
    _add_lessons(notebooks)
    notebooks.add_argument("--check", action="store_true", help="build nothing; say whether what is stored is in order")
    notebooks.set_defaults(act=_notebooks)

    new = commands.add_parser("new-lesson", help="write the files of a new lesson, which runs, to be filled in")
    new.add_argument("name", metavar="NAME", help="small letters, digits and _; the next free number goes before it")
    new.set_defaults(act=_new_lesson)

    student = commands.add_parser("student", help="write the lessons for a class: build/student and build/teacher")
    _add_lessons(student)
    student.add_argument("--out", type=_folder, default=ROOT / "build", help="folder for the two (default build)")
    student.set_defaults(act=_student)

    ledger = commands.add_parser("ledger", help="every claim and number of the papers beside ours, with a status")
    _add_lessons(ledger)
    what = ledger.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="say what numbers and sentences nothing bears out")
    what.add_argument("--write", action="store_true", help="renew results/LEDGER.md and README.md's block")
    ledger.set_defaults(act=_ledger)

    results = commands.add_parser("results", help="where the committed results come from")
    _add_lessons(results)
    results.add_argument("--verify", action="store_true", help="compute a part of each anew, and compare (minutes)")
    results.set_defaults(act=_results)

    site = commands.add_parser("site", help="lessons, ledger, teaching notes and API as pages that need no network")
    site.add_argument("--out", type=_folder, default=ROOT / "build" / "site", help="folder (default build/site)")
    site.set_defaults(act=_site)


def _add_data(commands: Any) -> None:
    data = commands.add_parser("data", help="list, fetch or verify the data sets")
    data.add_argument("what", choices=("list", "fetch", "verify"))
    data.add_argument("names", nargs="*", metavar="NAME", help="a data set; all of them if none is named")
    data.set_defaults(act=_data)


def _add_doctor(commands: Any) -> None:
    doctor = commands.add_parser("doctor", help="check this machine, and say what to do about each fault")
    doctor.add_argument("--kernel", default="python3", help="none: check only what `run --kernel none` needs")
    doctor.set_defaults(act=_doctor)


def _at_least(args: argparse.Namespace, **least: int) -> None:
    for name, n in least.items():
        if (number := getattr(args, name)) is not None and number < n:
            raise CourseError(f"--{name} is {number}, expected {n} or more")


def _above_0(args: argparse.Namespace, *names: str) -> None:
    for name in names:
        if (number := getattr(args, name)) is not None and number <= 0:
            raise CourseError(f"--{name} is {number:g}, expected more than 0")


FULL_ONLY = ("hours", "minutes", "device", "scheduler", "slurm", "workers")


def _lab(args: argparse.Namespace) -> int:
    from course_tools.run import lab, lessons

    lab.main(args.options, None if args.fresh is None else lessons.resolve(args.fresh))
    return 0


def _run(args: argparse.Namespace) -> int:
    if args.profile == "full":
        return _full(args)
    if given := [name for name in FULL_ONLY if getattr(args, name) is not None]:
        raise CourseError(f"--{given[0]} is an option of full runs; add --profile full")
    from course_tools.run import lessons, run

    _at_least(args, jobs=1)
    _above_0(args, "timeout")
    outcomes = run.run(
        lessons.resolve(args.lessons),
        resolve(args.profile),
        args.out,
        args.jobs,
        args.kernel,
        lessons.parse_parameters(args.p),
        args.again,
        args.timeout,
    )
    failed = [outcome for outcome in outcomes if outcome.error]
    return 0 if not failed else 2 if all(outcome.mistake for outcome in failed) else 1


def _full(args: argparse.Namespace) -> int:
    """`course run --profile full`: the lessons that have a full run, one after the other, until the hours are over."""
    from course_tools.full import run as full
    from course_tools.run import lessons

    _above_0(args, "hours", "minutes", "workers")
    usual = {"jobs": 1, "kernel": "python3", "p": [], "again": False, "timeout": None}
    if given := [name for name, value in usual.items() if getattr(args, name) != value]:
        raise CourseError(f"--profile full takes no {'-p' if given[0] == 'p' else f'--{given[0]}'}; leave it out")
    chosen = [lesson for lesson in lessons.resolve(args.lessons) if args.lessons or full.has(lesson)]
    seconds = 3600 * args.hours if args.hours else 60 * args.minutes if args.minutes else None
    deadline = seconds and time.time() + seconds
    where = (args.scheduler, args.slurm, args.workers)
    well = [full.run(lesson, args.out, deadline, *where, device=args.device) for lesson in chosen]
    return int(not all(well))


def _status(args: argparse.Namespace) -> int:
    from course_tools.full import run as full
    from course_tools.run import lessons

    for lesson in lessons.resolve(args.lessons):
        if lesson.study:
            there = full.has(lesson)
            print(full.FullRun(lesson, args.out).status() if there else f"{lesson.slug}: has no full run yet")
    return 0


def _verdict(args: argparse.Namespace) -> int:
    from course_tools import verdict

    _above_0(args, "hours", "matters")
    _at_least(args, seeds=2, workers=1)
    reading = {name: getattr(args, name) for name in ("size", "labels", "groups", "synthetic")}
    options = {name: getattr(args, name) for name in ("seeds", "classifier", "weights", "flip", "matters")}
    out = args.out or ROOT / "build" / "verdict" / args.folder.name
    where = verdict.Where(args.scheduler, args.slurm, args.workers)
    return int(not verdict.run(args.folder, out, args.hours, where, **reading, train=not args.no_train, **options))


def _sweep(args: argparse.Namespace) -> int:
    from course_tools.run import lessons
    from course_tools.sweep import sweep

    _at_least(args, seeds=1, workers=1)
    (lesson,) = lessons.resolve([args.lesson])
    profile = resolve(args.profile)
    out = args.out or ROOT / "build" / profile / "sweeps" / lesson.slug
    grid = sweep.parse_grid(args.grid)
    return int(bool(sweep.run(lesson, grid, args.seeds, profile, out, args.scheduler, args.slurm, args.workers)))


def _notebooks(args: argparse.Namespace) -> int:
    from course_tools.run import lessons

    chosen = lessons.resolve(args.lessons)
    from course_tools.author import build, ledger_page, readme  # after the cheap check: they take seconds to import

    if args.check:
        faults = [f"{lesson.slug}: {fault}" for lesson in chosen for fault in build.check(lesson)] + readme.check()
        print("\n".join(faults) or f"{len(chosen)} notebooks are in order")
        return int(bool(faults))
    chosen.sort(key=lambda lesson: not lesson.study)  # the start notebook last: its map shows the others' results
    built = [build.build(lesson) for lesson in chosen]
    readme.update()
    ledger_page.write()
    return int(not all(built))


def _new_lesson(args: argparse.Namespace) -> int:
    from course_tools.author import new_lesson

    written = new_lesson.write(args.name)
    number = written[-1].name[:2].lstrip("0")
    print("\n".join(str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path) for path in written))
    print(f"run it: make run LESSON={number} PROFILE=smoke; build it, when it is yours: make notebooks LESSON={number}")
    return 0


def _student(args: argparse.Namespace) -> int:
    from course_tools.run import lessons

    chosen = lessons.resolve(args.lessons)
    from course_tools.author import student  # after the cheap check, as above

    student.write(chosen, args.out)
    print(f"for students: {args.out / 'student'}\nfor teachers: {args.out / 'teacher'}")
    return 0


def _ledger(args: argparse.Namespace) -> int:
    from course_tools.run import lessons

    chosen = lessons.resolve(args.lessons)
    from course_tools.author import ledger_page, prose, readme

    if args.write:
        readme.update()
        ledger_page.write()
        return 0
    ledgers = [ledger for ledger in ledger_page.ledgers() if ledger.lesson in chosen]
    total = f"{sum(len(ledger.paper) for ledger in ledgers)} numbers of {len(ledgers)} papers"
    if not args.check:
        for ledger in ledgers:
            print("\n".join(ledger_page.lines(ledger)))
        print(total)
        return 0
    faults = [
        f"{ledger.lesson.slug}: {fault}" for ledger in ledgers for fault in ledger.faults() + prose.faults(ledger)
    ]
    faults += prose.readme_faults(ledgers) + readme.check() + ledger_page.check()
    print("\n".join(faults) or f"{total} have a row each, and the results bear out what the text says")
    return int(bool(faults))


def _results(args: argparse.Namespace) -> int:
    from course_tools.author import verify
    from course_tools.run import lessons

    parts = [(lesson, path) for lesson in lessons.resolve(args.lessons) for path in verify.committed(lesson)]
    well = [verify.report_on(lesson, path, args.verify) for lesson, path in parts]
    return int(not all(well))


def _site(args: argparse.Namespace) -> int:
    from course_tools.author import site

    faults = site.build(args.out)
    print("\n".join([*faults, f"{args.out / 'index.html'}: {len(faults) or 'no'} faults"]))
    return int(bool(faults))


def _data(args: argparse.Namespace) -> int:
    from course_utils.data import cards, sources

    if args.what == "list":
        print(sources.table(args.names))
        return 0
    bad = {"local": 0, "cache": 0}
    for card in [cards.card_of(name) for name in args.names] or cards.CARDS.values():
        if args.what == "fetch":
            print(f"{card.name}: {sources.fetch(card.name)}", flush=True)
            continue
        files = sources.verify(card.name)
        faults = [file for file in files if file.state != "ok"]
        print(f"{card.name}: {len(files) - len(faults)} of {len(files)} files are whole", flush=True)
        for file in faults:
            print(f"  {file.state}: {file.path}  {file.detail}".rstrip())
        local = sources.local_folder(card)
        for file in faults:
            bad["local" if local and file.path.is_relative_to(local) else "cache"] += 1
    if bad["local"]:
        print(f"{bad['local']} files in $COURSE_DATA are missing or damaged; for each, {sources.REPLACE}")
    if bad["cache"]:
        print(f"{bad['cache']} files are missing or damaged; get them with: course data fetch")
    return int(any(bad.values()))


def _doctor(args: argparse.Namespace) -> int:
    from course_utils.teach import doctor

    return doctor.main(args.kernel)


def main(argv: list[str] | None = None) -> int:
    """Run a command; exit code 0 if all is well, 1 if a lesson or a check failed, 2 on a user's mistake, 130 when
    stopped."""
    output.prepare()
    try:
        Path.home()
    except RuntimeError:  # a container's user of whom nobody knows: Jupyter needs a name, though not the folder
        os.environ["HOME"] = "/nonexistent"
    code = _act(parser().parse_args(argv))
    if error := output.lost():
        print(f"course: not all that was printed could be written: {error.strerror}", file=sys.stderr)
        return code or 1
    return code


def _act(args: argparse.Namespace) -> int:
    try:
        return args.act(args)
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno not in files.REMEDIES:
            raise
        print(f"course: {files.refused(error, error.filename or 'a file', use='read or written')}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("course: stopped", file=sys.stderr)
        return 130
