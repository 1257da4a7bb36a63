"""Downloads from servers that misbehave on the wire: no damaged file under its name, no endless wait, nothing lost."""

import contextlib
import gzip
import hashlib
import os
import re
import resource
import signal
import socketserver
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from course_utils.core.errors import DataError
from course_utils.data import download
from course_utils.data.download import Job

pytestmark = pytest.mark.reliability("downloads")

CONTENT = hashlib.shake_256(b"a file").digest(3 * 2**20)
LIMIT = 120  # seconds, for what takes a few: none of these tests may hang


class Server:
    """Speaks raw HTTP: `answers` holds path → function(send, headers of the request), which ends the connection."""

    def __init__(self):
        self.answers, self.asked = {}, []
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                path = self.rfile.readline().split()[1].decode()
                lines = iter(self.rfile.readline, b"\r\n")
                headers = {k.decode().lower(): v.strip().decode() for k, v in (line.split(b":", 1) for line in lines)}
                outer.asked.append((path, headers))
                with contextlib.suppress(OSError):  # the client has gone
                    outer.answers[path](self.request.sendall, headers)

        class Listener(socketserver.ThreadingTCPServer):
            daemon_threads, allow_reuse_address, request_queue_size = True, True, 64

        self.tcp = Listener(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.tcp.server_address[1]}"
        threading.Thread(target=self.tcp.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(download, "PAUSE", 0)
    it = Server()
    it.answers["/good"] = whole(CONTENT)
    yield it
    it.tcp.shutdown()
    it.tcp.server_close()


def header(length, status="200 OK", **more):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {length}", "Connection: close"]
    return "\r\n".join([*lines, *(f"{k.replace('_', '-')}: {v}" for k, v in more.items()), "", ""]).encode()


def raw(*pieces):
    return lambda send, _: [send(piece) for piece in pieces]


def whole(content):
    """A server that can send the rest of a file, too."""

    def answer(send, headers):
        if start := int(re.sub(r"bytes=(\d+)-", r"\1", headers.get("range", "0"))):
            span = f"bytes {start}-{len(content) - 1}/{len(content)}"
            send(header(len(content) - start, "206 Partial Content", Content_Range=span) + content[start:])
        else:
            send(header(len(content)) + content)

    return answer


def for_ever(begin, piece, pause=0.0):
    def answer(send, _):
        send(begin)
        while True:  # until the client goes
            send(piece)
            time.sleep(pause)

    return answer


def hold(send, _):
    """Says nothing; how long is the client's choice, because it is the one that closes."""
    time.sleep(2 * LIMIT)


FAULTS = {  # what the server does → what the message says of it
    "trickles the body": (for_ever(header(2**20), b"x", 0.05), "too slowly"),
    "trickles a header": (for_ever(b"HTTP/1.1 200 OK\r\nX: ", b"x", 0.05), "too slowly"),
    "trickles headers": (for_ever(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", 0.5), "too slowly"),
    "says nothing": (hold, "too slowly"),
    "never ends": (for_ever(b"HTTP/1.1 200 OK\r\n\r\n", bytes(2**16)), "more than 4 MiB"),
    "a gzip bomb on the way": (
        raw(header(len(bomb := gzip.compress(bytes(2**25))), Content_Encoding="gzip") + bomb),
        "more than 4 MiB",
    ),
    "a gzip stream that is none": (raw(header(5, Content_Encoding="gzip") + b"12345"), "decode"),
    "closes at once": (raw(), "breaks off"),
    "no HTTP": (raw(b"\0\1\2 220 mail.example ESMTP\r\n\r\n"), "breaks off"),
    "a length that is no number": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\nabc"), "127"),
    "a chunk that is none": (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n"), "breaks off"),
    "empty": (raw(header(0)), "sha256"),
    "a part nobody asked for": (raw(header(3, "206 Partial", Content_Range="bytes 7-9/10") + b"abc"), "sha256"),
    "no such range": (raw(header(0, "416 Range Not Satisfiable")), "answers 416"),
    "403": (raw(header(0, "403 Forbidden")), "answers 403"),
    "redirects in a loop": (raw(header(0, "302 Found", Location="/bad")), "redirects"),
    "redirects to a file": (raw(header(0, "302 Found", Location="file:///etc/passwd")), "file:///etc/passwd"),
    "redirects nowhere": (raw(header(0, "302 Found", Location="http://[")), "127"),
    "a reason that paints the terminal": (raw(header(0, "404 \x1b[2J\x1b[31mgone")), r"answers 404 \?\[2J"),
}


def job(server, folder, *paths, content=CONTENT):
    def check(path, url):
        if (found := path.read_bytes()) != content:
            raise DataError(f"{url}: sha256 of {len(found)} bytes is another")

    return Job(tuple(server.url + path for path in paths), folder / "sub" / "file", check)


def fetch(*jobs):
    """`download`, which has to come to an end."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(download.download, list(jobs), "Test").result(LIMIT)


def lies_in(folder):
    return {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_that_misbehaves_is_named_and_the_next_one_asked(server, tmp_path, monkeypatch, figure, fault):
    for name, value in {"WINDOW": 2.0, "ATTEMPTS": 2, "LARGEST": 2**22}.items():
        monkeypatch.setattr(download, name, value)
    answer, says = FAULTS[fault]
    server.answers["/bad"] = answer
    with pytest.raises(DataError, match=says) as caught:
        fetch(job(server, tmp_path, "/bad"))
    assert str(caught.value).isprintable() and len(str(caught.value)) < 600
    assert lies_in(tmp_path) == {}
    fetch(job(server, tmp_path, "/bad", "/good"))
    assert lies_in(tmp_path) == {"sub/file": len(CONTENT)}
    figure("faults of a server survived", 2)


def test_a_slow_server_that_goes_on_is_waited_for(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "WINDOW", 1.5)
    monkeypatch.setattr(download, "SLOWEST", 1)

    def slowly(send, _):
        send(header(40 * 1024))
        for _ in range(40):
            send(bytes(1024))
            time.sleep(0.1)

    server.answers["/slow"] = slowly
    fetch(job(server, tmp_path, "/slow", content=bytes(40 * 1024)))
    assert lies_in(tmp_path) == {"sub/file": 40 * 1024} and len(server.asked) == 1


# ---------------------------------------------------------------------- resumed


def breaks_off(send, headers, at=2 * 2**20):
    send(header(len(CONTENT)) + CONTENT[:at])


def ranges(server):
    return [headers.get("range") for _, headers in server.asked]


def in_turn(*answers):
    left = list(answers)
    return lambda send, headers: (left.pop(0) if len(left) > 1 else left[0])(send, headers)


REST = f"bytes={2 * 2**20}-"
SECOND = {  # what the server does when it is asked for the rest → the ranges asked for
    "sends the rest": (whole(CONTENT), [None, REST]),
    "sends all of it": (raw(header(len(CONTENT)) + CONTENT), [None, REST]),
    "has another file by now": (whole(CONTENT[::-1]), [None, REST, None]),
    "sends another part": (
        in_turn(raw(header(9, "206 Partial Content", Content_Range="bytes 0-8/9") + bytes(9)), whole(CONTENT)),
        [None, REST, None],
    ),
    "has no such part": (in_turn(raw(header(0, "416 Range Not Satisfiable")), whole(CONTENT)), [None, REST, None]),
    "is gone": (raw(header(0, "404 Gone")), [None, REST, REST]),  # and the next mirror goes on
    "is down": (in_turn(raw(header(0, "503 Busy")), whole(CONTENT)), [None, REST, REST]),
}


@pytest.mark.parametrize("second", SECOND)
def test_a_download_that_breaks_off_goes_on_where_it_stopped_or_begins_anew(server, tmp_path, second):
    answer, asked = SECOND[second]
    server.answers["/file"] = in_turn(breaks_off, answer)
    other = second == "has another file by now"
    with pytest.raises(DataError, match="sha256") if other else contextlib.nullcontext():
        fetch(job(server, tmp_path, "/file", "/good") if second == "is gone" else job(server, tmp_path, "/file"))
    assert lies_in(tmp_path) == ({} if other else {"sub/file": len(CONTENT)})
    assert ranges(server) == asked


def test_what_has_come_is_kept_for_the_next_call_unless_it_is_little(server, tmp_path):
    server.answers["/file"] = in_turn(breaks_off, raw(header(0, "404 Gone")))
    with pytest.raises(DataError, match="404"):
        fetch(job(server, tmp_path, "/file"))
    assert lies_in(tmp_path) == {"sub/file.part": 2 * 2**20}
    server.answers["/file"] = whole(CONTENT)
    fetch(job(server, tmp_path, "/file"))
    assert ranges(server)[-1] == REST and lies_in(tmp_path) == {"sub/file": len(CONTENT)}
    server.answers["/little"] = lambda send, headers: breaks_off(send, headers, 1000)
    with pytest.raises(DataError, match="breaks off"):
        fetch(job(server, tmp_path / "other", "/little"))
    assert lies_in(tmp_path / "other") == {}


SCRIPT = """
import hashlib, sys
from pathlib import Path
from course_utils.data import download
from course_utils.core.errors import DataError
def check(path, url):
    if hashlib.sha256(path.read_bytes()).hexdigest() != sys.argv[3]:
        raise DataError(f"{url}: another sha256")
download.download([download.Job((sys.argv[1],), Path(sys.argv[2]), check)], "Test")
"""


def start(server, path, target):
    command = [sys.executable, "-c", SCRIPT, server.url + path, str(target), hashlib.sha256(CONTENT).hexdigest()]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "killed"])
def test_what_had_come_when_a_process_ended_is_gone_on_with(server, tmp_path, amount, figure, how):
    for k in range(amount(1, 10)):
        folder, came, at = tmp_path / str(k), threading.Event(), (k + 2) * 2**18
        target = folder / "sub" / "file"

        def hold_back(send, _, at=at, came=came):
            send(header(len(CONTENT)) + CONTENT[:at])
            came.set()
            time.sleep(LIMIT)

        server.answers["/file"] = hold_back
        process = start(server, "/file", target)
        assert came.wait(LIMIT)
        while sum(lies_in(folder).values()) < at:  # it comes in the pieces of the network
            time.sleep(0.01)
        process.send_signal(how)
        process.communicate(timeout=LIMIT)
        assert process.returncode != 0 and not target.exists()
        for left in folder.rglob("*.part"):
            os.utime(left, (0, 0))  # long ago: nobody writes to it any more
        server.asked.clear()
        server.answers["/file"] = whole(CONTENT)
        fetch(job(server, folder, "/file"))
        asked = f"bytes={at}-" if how == signal.SIGKILL or at >= download.WORTH_RESUMING else None
        assert lies_in(folder) == {"sub/file": len(CONTENT)} and ranges(server) == [asked]
        figure(f"downloads gone on with after {how.name}", 1)


def test_a_part_that_another_process_writes_to_is_left_alone(server, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "file.1.part").write_bytes(b"?" * 2**21)
    fetch(job(server, tmp_path, "/good"))
    assert lies_in(tmp_path) == {"sub/file": len(CONTENT), "sub/file.1.part": 2**21} and ranges(server) == [None]


def test_processes_that_fetch_at_once_do_not_disturb_each_other(server, tmp_path, amount, figure):
    n = amount(2, 16)
    together = threading.Barrier(n)

    def at_once(send, headers):
        together.wait(LIMIT)  # nobody gets an answer before all have asked
        whole(CONTENT)(send, headers)

    server.answers["/file"] = at_once
    target = tmp_path / "sub" / "file"
    processes = [start(server, "/file", target) for _ in range(n)]
    errors = [process.communicate(timeout=LIMIT)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * n, errors
    assert target.read_bytes() == CONTENT and lies_in(tmp_path) == {"sub/file": len(CONTENT)}
    figure("processes that fetched one file at once", n)


def test_a_full_disk_ends_the_download_and_leaves_nothing(server, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**21, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            fetch(job(server, tmp_path, "/good"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert lies_in(tmp_path) == {}
    part = tmp_path / "sub" / f"file.{os.getpid()}.part"
    part.symlink_to("/dev/full")  # on which there is no space left
    with pytest.raises(OSError, match="No space left on device"):
        fetch(job(server, tmp_path, "/good"))
    assert list(part.parent.iterdir()) == []


# ---------------------------------------------------------------------- whatever a server may answer

SMALL = CONTENT[:3000]
VALUES = {
    "Location": ["/bad", "/good", "file:///etc/passwd", "http://[", "//", "http://127.0.0.1:9/", "ftp://127.0.0.1"],
    "Content-Length": ["0", "3000", "2999", "3001", "-1", "x", "3000, 3000", "9" * 30, "１"],
    "Content-Encoding": ["gzip", "deflate", "br", "zstd", "identity", "gzip, gzip", "?"],
    "Transfer-Encoding": ["chunked", "gzip", "chunked, chunked", "?"],
    "Content-Range": ["bytes 0-2999/3000", "bytes 7-9/10", "bytes */3000", "?"],
    "Content-Type": ['text/html; charset="', "image/png"],
    "Set-Cookie": ["a=b; expires=never", "=", "a" * 5000],
    "Retry-After": ["0", "-1", "for ever"],
}
LINES = st.sampled_from(sorted(VALUES)).flatmap(
    lambda name: st.sampled_from(VALUES[name]).map(lambda value: f"{name}: {value}".encode())
)
STATUSES = st.sampled_from([100, 200, 200, 200, 204, 206, 301, 302, 304, 308, 401, 404, 416, 418, 429, 503, 999])
BODIES = st.one_of(
    st.sampled_from([SMALL, SMALL[:-1], SMALL + b"x", gzip.compress(SMALL), b"bb8\r\n" + SMALL + b"\r\n0\r\n\r\n"]),
    st.binary(max_size=100),
)
ANSWERS = st.one_of(
    st.builds(
        lambda status, lines, body: b"\r\n".join([f"HTTP/1.1 {status} So".encode(), *lines, b"", body]),
        *(STATUSES, st.lists(LINES, max_size=4), BODIES),
    ),
    st.binary(max_size=200),
    st.binary(max_size=40).map(lambda rest: b"HTTP/1.1 200 OK\r\n" + rest + b"\r\n\r\n" + SMALL),
)


HUGE = b"Content-Length: " + b"9" * 30
OVERFLOWING = b"\r\n".join([b"HTTP/1.1 301 So", b"Location: /good", b"Content-Encoding: gzip", HUGE, b"", b"no gzip"])
"""Once found by this test: neither packed nor as long as it says."""


def test_whatever_a_server_answers_the_file_is_whole_or_the_error_is_one_line(
    server, tmp_path_factory, monkeypatch, amount, figure
):
    monkeypatch.setattr(download, "ATTEMPTS", 2)
    n = amount(30, 3000)
    server.answers["/good"] = raw(header(0, "404 Gone"))
    tried = []

    @settings(max_examples=n, deadline=None, suppress_health_check=list(HealthCheck))
    @given(ANSWERS)
    @example(OVERFLOWING)
    def holds(answer):
        folder = tmp_path_factory.mktemp("answer")
        server.answers["/bad"] = raw(answer)
        tried.append(1)
        try:
            fetch(job(server, folder, "/bad", content=SMALL))
        except DataError as error:
            assert str(error) and str(error).isprintable() and lies_in(folder) == {}
        else:
            assert (folder / "sub" / "file").read_bytes() == SMALL

    holds()
    figure("answers of a server fuzzed", len(tried))
    assert len(tried) >= n
