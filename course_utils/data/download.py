"""Download files over HTTP: mirrors in order, retries where they can help, no half-written file under its name.

pooch's HTTPDownloader does the transfer. Its retries and hashes do not serve here: it waits and asks again where a host
cannot be reached or a file is gone, compares the hash of the packed file (ours is of the content, which is the same for
any copy), and starts a file of 562 MB anew. Here what has come stays beside the target, as `<file>.part`, and the next
attempt, or the next run, goes on from there.
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
WINDOW = 30.0  # seconds, in each of which SLOWEST bytes a second have to come
SLOWEST = 1024
LARGEST = 2**30  # bytes; the largest official file (EMNIST's archive) has 562 million
WORTH_RESUMING = 2**20  # bytes; a smaller part is fetched anew
ABANDONED = 3600.0  # seconds without a change after which a part is that of a process that was killed
TEMPORARY = {408, 416, 425, 429, 500, 502, 503, 504}  # HTTP statuses that may be gone a moment later
BUNDLE = "correct or unset REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE"


@dataclass(frozen=True)
class Job:
    """Bring the first of `urls` that works to `target`, once `check(file, url)` has not raised DataError."""

    urls: tuple[str, ...]
    target: Path
    check: Callable[[Path, str], object]


def download(jobs: list[Job], title: str) -> None:
    """Do all jobs, eight at a time, with a progress bar if the standard error stream is a terminal.

    A host that cannot be reached is not asked again. Every wait is bounded, and Ctrl-C ends them all. Raises DataError,
    saying what went wrong at each address, as soon as one job fails, and OSError where a file cannot be written.
    """
    try:
        import pooch  # noqa: F401
        from tqdm import tqdm
    except ImportError as error:
        raise DataError(_missing(error)) from None
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


def _missing(error: ImportError) -> str:
    if (error.name or "").startswith("_"):  # part of Python itself, such as _lzma
        return (
            f"downloading needs Python's own module {error.name[1:]}, which this Python was built without; "
            "install a Python that has it (python.org, conda, or pyenv after installing liblzma's headers)"
        )
    return f"downloading needs the package {error.name}: pip install {error.name}"


def _do(job: Job, bytewise: bool, unreachable: set[str], stop: Event) -> None:
    """Try one address after the other."""
    part = job.target.with_name(f"{job.target.name}.{os.getpid()}.part")  # another process may fetch the same file
    _take_over(part, job.target)
    faults = []
    try:
        for url in job.urls:
            fault = _from_address(url, job, part, bytewise, unreachable, stop)
            if fault is None:
                return
            faults.append(fault)
    except OSError:  # the disk may be full: leave nothing on it
        part.unlink(missing_ok=True)
        raise
    finally:
        if part.exists():
            os.replace(part, _unfinished(job.target))
    message = "; ".join(fault[:500] for fault in dict.fromkeys(faults))
    raise DataError("".join(sign if sign.isprintable() else "?" for sign in message))  # it holds a server's words


def _unfinished(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def _take_over(part: Path, target: Path) -> None:
    """Make the largest unfinished part that no process writes to the beginning of ours; remove the smaller ones."""
    found = []
    for path in (_unfinished(target), *target.parent.glob(f"{target.name}.[0-9]*.part")):
        with contextlib.suppress(FileNotFoundError):  # another process may take it over
            about = path.stat()
            if path == _unfinished(target) or abs(time.time() - about.st_mtime) > ABANDONED:
                found.append((about.st_size, path))
    for _, path in sorted(found):
        with contextlib.suppress(FileNotFoundError):
            os.replace(path, part)


def _from_address(url: str, job: Job, part: Path, bytewise: bool, unreachable: set[str], stop: Event) -> str | None:
    """Bring the file from one address, in several attempts; return None, or what went wrong in the last, in words."""
    import requests
    import urllib3

    host, fault = urlsplit(url).netloc, None
    for attempt in range(ATTEMPTS):
        if host in unreachable:
            return f"{host} cannot be reached"
        if attempt:
            stop.wait(PAUSE * 2 ** (attempt - 1))
        if stop.is_set():
            return "the download was stopped"
        resumed = part.exists()
        try:
            _transfer(url, part, bytewise, stop)
            job.check(part, url)
            os.replace(part, job.target)
            return None
        except DataError as error:
            part.unlink(missing_ok=True)
            # What came is not what was asked for, and would be the same again unless it was joined of two pieces.
            fault, temporary = str(error), resumed
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError, OverflowError) as error:
            # requests raises the last two on a header that holds no number, or a huge one
            fault, temporary = _diagnose(error, host, unreachable)
            status = getattr(getattr(error, "response", None), "status_code", None)
            if status == 416 or (part.exists() and part.stat().st_size < WORTH_RESUMING):
                part.unlink(missing_ok=True)
        if not temporary:
            break
    return fault


def _transfer(url: str, part: Path, bytewise: bool, stop: Event) -> None:
    """Write what comes from `url` to `part`, behind what is there if the server can do that, else anew.

    A thread of its own does the work and is left behind where a server holds it (no answer, a header or a body byte by
    byte, a name that does not resolve). Raises requests.Timeout where too little comes, OSError from the disk.
    """
    import pooch
    import requests

    incoming = _Incoming(part)
    headers = {"Accept-Encoding": "identity"}
    if incoming.start:
        headers["Range"] = f"bytes={incoming.start}-"
    hooks = {"response": incoming.begin}
    http = pooch.HTTPDownloader(progressbar=bytewise, timeout=TIMEOUT, headers=headers, hooks=hooks)
    ended: Future[None] = Future()

    def work() -> None:
        try:
            ended.set_result(http(url, incoming, None))
        except BaseException as error:
            ended.set_exception(error)

    Thread(target=work, daemon=True).start()
    try:
        since, before = time.monotonic(), 0
        while not wait([ended], 0.1).done:
            if stop.is_set():
                raise requests.Timeout("stopped")
            if time.monotonic() - since > WINDOW:
                if incoming.came - before < SLOWEST * WINDOW:
                    raise requests.Timeout(f"less than {SLOWEST} bytes a second")
                since, before = time.monotonic(), incoming.came
        ended.result()
    except OSError as error:
        if incoming.refused or isinstance(error, requests.RequestException):
            raise
        raise requests.RequestException(str(error)) from None  # not the disk's: a certificate bundle that is not there
    finally:
        incoming.close()


class _Incoming:
    """A file that comes piece by piece; pooch writes to it.

    start: bytes that were there before. came: bytes so far, without those. refused: whether the disk took no more.
    """

    def __init__(self, part: Path) -> None:
        part.parent.mkdir(parents=True, exist_ok=True)
        self.file = open(part, "ab")  # noqa: SIM115 (closed by `close`)
        self.start, self.came, self.refused = self.file.tell(), 0, False
        self.lock = Lock()

    def begin(self, response: Response, **_: object) -> None:
        """Drop what is there unless the answer's header says that it goes on from there."""
        there = response.headers.get("Content-Range", "").startswith(f"bytes {self.start}-")
        goes_on = response.status_code == 206 and there
        if self.start and 200 <= response.status_code < 300 and not goes_on:
            with self.lock:
                self.file.truncate(0)
            self.start = 0

    def write(self, piece: bytes) -> None:
        """Append; raises ValueError once closed, which ends a thread that was left behind."""
        with self.lock:
            try:
                self.file.write(piece)
                self.file.flush()
            except OSError:
                self.refused = True
                raise
        self.came += len(piece)
        if self.start + self.came > LARGEST:
            raise DataError(f"more than {LARGEST // 2**20} MiB come, which no file of this course has")

    def flush(self) -> None:
        """Do nothing: pooch asks for it, and `write` has done it."""

    def close(self) -> None:
        """Let nothing be written from now on."""
        with self.lock:
            self.file.close()


def _diagnose(error: Exception, host: str, unreachable: set[str]) -> tuple[str, bool]:
    """Say what happened, and whether it may be temporary; note a host that has no address, route or certificate."""
    import requests
    from urllib3.exceptions import MaxRetryError

    if isinstance(error, requests.exceptions.SSLError):
        unreachable.add(host)
        return f"{host} shows a certificate that is not accepted here ({error}); {BUNDLE}, or the system's clock", False
    if isinstance(error, requests.ConnectionError) and isinstance(error.args[0], MaxRetryError):
        unreachable.add(host)
        return f"{host} cannot be reached", False
    if isinstance(error, requests.HTTPError):
        response = error.response
        return f"{response.url} answers {response.status_code} {response.reason}", response.status_code in TEMPORARY
    if isinstance(error, requests.Timeout):
        return f"{host} sends nothing, or too slowly", True
    if isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError):
        return f"the connection to {host} breaks off", True
    return f"{host}: {error}{f'; {BUNDLE}' if 'certificate' in str(error) else ''}", False
