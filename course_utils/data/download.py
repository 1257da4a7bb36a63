"""Fetch files over HTTP: mirrors in order, retries only for what a retry can mend, nothing half-written."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from course_utils.errors import DataError

TIMEOUT = (5, 20)  # seconds: to connect, and between two pieces of the answer
ATTEMPTS = 3
PAUSE = 1.0  # seconds before the first retry, twice as long before the next
PASSING = {408, 425, 429, 500, 502, 503, 504}  # HTTP statuses that may be gone a moment later


@dataclass(frozen=True)
class Job:
    """Bring the first of `urls` that works to `target`, once `check(file, url)` has not raised DataError."""

    urls: tuple[str, ...]
    target: Path
    check: Callable[[Path, str], object]


def download(jobs: list[Job], title: str) -> None:
    """Do all jobs, eight at a time, with a progress bar if the standard error stream is a terminal.

    A target appears only when it is whole and accepted. A host that cannot be reached is not asked again.
    Raises DataError, saying what went wrong at each address, as soon as one job fails.
    """
    try:
        import pooch
        from tqdm import tqdm
    except ImportError as error:
        raise DataError(f"downloading needs the package {error.name}: pip install {error.name}") from None
    bytewise = len(jobs) == 1 and sys.stderr.isatty()  # one large archive; otherwise count files
    http = pooch.HTTPDownloader(progressbar=bytewise, timeout=TIMEOUT)
    unreachable: set[str] = set()
    pool = ThreadPoolExecutor(8)
    try:
        done = pool.map(lambda job: _do(job, http, unreachable), jobs)
        for _ in tqdm(done, title, len(jobs), unit="file", disable=True if bytewise else None):
            pass
    finally:
        pool.shutdown(cancel_futures=True)


def _do(job: Job, http: Callable, unreachable: set[str]) -> None:
    import requests

    job.target.parent.mkdir(parents=True, exist_ok=True)
    part = job.target.with_name(f"{job.target.name}.{os.getpid()}.part")  # another process may fetch the same file
    troubles = []
    for url in job.urls:
        host = urlsplit(url).netloc
        for attempt in range(1, ATTEMPTS + 1):
            if host in unreachable:
                troubles.append(f"{host} cannot be reached")
                break
            try:
                http(url, str(part), None)
                job.check(part, url)
                os.replace(part, job.target)
                return
            except DataError as error:  # what came is not what was asked for, and would be the same again
                troubles.append(str(error))
                break
            except requests.RequestException as error:
                trouble, may_pass = _diagnose(error, host, unreachable)
                if not may_pass or attempt == ATTEMPTS:
                    troubles.append(trouble)
                    break
                time.sleep(PAUSE * 2 ** (attempt - 1))
            finally:
                part.unlink(missing_ok=True)
    raise DataError("; ".join(dict.fromkeys(troubles)))


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
    passing = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
    if isinstance(error, passing):
        return f"the connection to {host} breaks off", True
    return f"{host}: {error}", False
