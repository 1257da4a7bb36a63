"""Fetch files over HTTP: mirrors in order, retries only for what a retry can mend, nothing half-written.

What has come of a large file is kept beside its place, as `<file>.part`, and the next attempt goes on where it ends.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from course_utils.core.errors import DataError

if TYPE_CHECKING:
    from requests import Response

TIMEOUT = (5, 20)  # seconds: to connect, and between two pieces of the answer
ATTEMPTS = 3
PAUSE = 1.0  # seconds before the first retry, twice as long before the next
WINDOW = 30.0  # seconds, in each of which SLOWEST bytes a second have to come: a server may trickle for ever
SLOWEST = 1024
LARGEST = 2**30  # bytes; the largest official file (EMNIST's archive) has 562 million
WORTH_KEEPING = 2**20  # bytes; a smaller part is fetched anew, which is safer than to go on with it
ABANDONED = 3600.0  # seconds after which a part that nobody writes to is that of a process that was killed
_HEADERS = (ValueError, OverflowError)  # what requests raises on a header that holds no number, or a huge one
PASSING = {408, 416, 425, 429, 500, 502, 503, 504}  # HTTP statuses that may be gone a moment later


@dataclass(frozen=True)
class Job:
    """Bring the first of `urls` that works to `target`, once `check(file, url)` has not raised DataError."""

    urls: tuple[str, ...]
    target: Path
    check: Callable[[Path, str], object]


def download(jobs: list[Job], title: str) -> None:
    """Do all jobs, eight at a time, with a progress bar if the standard error stream is a terminal.

    A target appears only when it is whole and accepted. A host that cannot be reached is not asked again. Every wait
    is bounded, and Ctrl-C ends them all at once. Raises DataError, saying what went wrong at each address, as soon as
    one job fails, and OSError where a file cannot be written.
    """
    try:
        import pooch  # noqa: F401
        from tqdm import tqdm
    except ImportError as error:
        raise DataError(f"downloading needs the package {error.name}: pip install {error.name}") from None
    bytewise = len(jobs) == 1 and sys.stderr.isatty()  # one large archive; otherwise count files
    unreachable: set[str] = set()
    stop = Event()
    pool = ThreadPoolExecutor(8)
    try:
        done = pool.map(lambda job: _do(job, bytewise, unreachable, stop), jobs)
        for _ in tqdm(done, title, len(jobs), unit="file", disable=True if bytewise else None):
            pass
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def _do(job: Job, bytewise: bool, unreachable: set[str], stop: Event) -> None:
    part = job.target.with_name(f"{job.target.name}.{os.getpid()}.part")  # another process may fetch the same file
    _adopt(part, job.target)
    troubles = []
    try:
        for url in job.urls:
            trouble = _from_address(url, job, part, bytewise, unreachable, stop)
            if trouble is None:
                return
            troubles.append(trouble)
    except OSError:  # the disk may be full: leave nothing on it
        part.unlink(missing_ok=True)
        raise
    finally:
        if part.exists():
            os.replace(part, _left(job.target))
    said = "; ".join(trouble[:500] for trouble in dict.fromkeys(troubles))
    raise DataError("".join(sign if sign.isprintable() else "?" for sign in said))  # a server may have put them there


def _left(target: Path) -> Path:
    """Where what has come of a file lies while nobody fetches it."""
    return target.with_name(f"{target.name}.part")


def _adopt(part: Path, target: Path) -> None:
    """Make the largest part that others left the beginning of ours, and remove the smaller ones."""
    found = []
    for path in (_left(target), *target.parent.glob(f"{target.name}.[0-9]*.part")):
        with contextlib.suppress(FileNotFoundError):  # another process may adopt it as well
            about = path.stat()
            if path == _left(target) or abs(time.time() - about.st_mtime) > ABANDONED:
                found.append((about.st_size, path))
    for _, path in sorted(found):
        with contextlib.suppress(FileNotFoundError):
            os.replace(path, part)


def _from_address(url: str, job: Job, part: Path, bytewise: bool, unreachable: set[str], stop: Event) -> str | None:
    """Bring the file from one address, in several attempts; what went wrong in the last, in words, else None."""
    import requests
    import urllib3

    host, trouble = urlsplit(url).netloc, None
    for attempt in range(ATTEMPTS):
        if host in unreachable:
            return f"{host} cannot be reached"
        if attempt:
            stop.wait(PAUSE * 2 ** (attempt - 1))
        if stop.is_set():
            return "the download was stopped"
        joined = part.exists()
        try:
            _transfer(url, part, bytewise, stop)
            job.check(part, url)
            os.replace(part, job.target)
            return None
        except DataError as error:
            part.unlink(missing_ok=True)
            # What came is not what was asked for, and would be the same again unless it was joined of two pieces.
            trouble, may_pass = str(error), joined
        except (requests.RequestException, urllib3.exceptions.HTTPError, *_HEADERS) as error:
            trouble, may_pass = _diagnose(error, host, unreachable)
            if _status(error) == 416 or (part.exists() and part.stat().st_size < WORTH_KEEPING):
                part.unlink(missing_ok=True)
        if not may_pass:
            break
    return trouble


def _transfer(url: str, part: Path, bytewise: bool, stop: Event) -> None:
    """Write what comes from `url` to `part`, behind what is there if the server can do that, else anew.

    The work is done by a thread that may be left behind, since a server can hold it in many ways: no answer, a header
    or a body that trickles, a name that does not resolve. Raises requests.Timeout where too little comes.
    """
    import pooch
    import requests

    arrival = _Arrival(part)
    headers = {"Accept-Encoding": "identity"}
    if arrival.start:
        headers["Range"] = f"bytes={arrival.start}-"
    hooks = {"response": arrival.begin}
    http = pooch.HTTPDownloader(progressbar=bytewise, timeout=TIMEOUT, headers=headers, hooks=hooks)
    ended: Future[None] = Future()

    def work() -> None:
        try:
            ended.set_result(http(url, arrival, None))
        except BaseException as error:
            ended.set_exception(error)

    Thread(target=work, daemon=True).start()
    try:
        since, before = time.monotonic(), 0
        while not wait([ended], 0.1).done:
            if stop.is_set():
                raise requests.Timeout("stopped")
            if time.monotonic() - since > WINDOW:
                if arrival.came - before < SLOWEST * WINDOW:
                    raise requests.Timeout(f"less than {SLOWEST} bytes a second")
                since, before = time.monotonic(), arrival.came
        ended.result()
    finally:
        arrival.close()


class _Arrival:
    """A file that comes piece by piece; pooch writes to it. came: bytes so far, without what was there before."""

    def __init__(self, part: Path) -> None:
        part.parent.mkdir(parents=True, exist_ok=True)
        self.file = open(part, "ab")  # noqa: SIM115 (closed by `close`)
        self.start, self.came = self.file.tell(), 0
        self.lock = Lock()

    def begin(self, response: Response, **_: object) -> None:
        """Called with the answer's header: keep what is there only if the answer says that it goes on from there."""
        there = response.headers.get("Content-Range", "").startswith(f"bytes {self.start}-")
        goes_on = response.status_code == 206 and there
        if self.start and 200 <= response.status_code < 300 and not goes_on:
            with self.lock:
                self.file.truncate(0)
            self.start = 0

    def write(self, piece: bytes) -> None:
        """Append; raises ValueError once closed, which ends a thread that was left behind."""
        with self.lock:
            self.file.write(piece)
            self.file.flush()
        self.came += len(piece)
        if self.start + self.came > LARGEST:
            raise DataError(f"more than {LARGEST // 2**20} MiB come, which no file of this course has")

    def flush(self) -> None:
        """Pooch asks for it; `write` has done it."""

    def close(self) -> None:
        """Nothing is written from now on."""
        with self.lock:
            self.file.close()


def _status(error: Exception) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)


def _diagnose(error: Exception, host: str, unreachable: set[str]) -> tuple[str, bool]:
    """What happened, in words, and whether it may pass; notes a host that has no address, route or certificate."""
    import requests
    from urllib3.exceptions import MaxRetryError

    if isinstance(error, requests.ConnectionError) and isinstance(error.args[0], MaxRetryError):
        unreachable.add(host)
        return f"{host} cannot be reached", False
    if isinstance(error, requests.HTTPError):
        response = error.response
        return f"{response.url} answers {response.status_code} {response.reason}", response.status_code in PASSING
    if isinstance(error, requests.Timeout):
        return f"{host} sends nothing, or too slowly", True
    if isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError):
        return f"the connection to {host} breaks off", True
    return f"{host}: {error}", False
