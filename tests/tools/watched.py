"""A command and all that it starts, watched from outside: its memory, and what it leaves behind."""

import os
import subprocess
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE = 60  # seconds: a kernel's process is gone a moment after its runner


@dataclass
class Watched:
    """A running command. Its processes are known by a mark in their environment, however they were started.

    peak: bytes that they held at once, at most, pages that they share counted once. folder: for what it prints, and
    for its temporary files, of which none may be left.
    """

    command: list
    folder: Path
    environment: dict = field(default_factory=dict)
    peak: int = 0

    def __post_init__(self):
        self.mark = f"COURSE_WATCHED={uuid.uuid4()}".encode()
        name, _, value = self.mark.decode().partition("=")
        self.output, own = self.folder / "output", [self.folder / part for part in ("temporary", "runtime")]
        for folder in own:
            folder.mkdir(parents=True)
        self.own = own
        more = {name: value, "TMPDIR": str(own[0]), "JUPYTER_RUNTIME_DIR": str(own[1]), **self.environment}
        with self.output.open("w") as out:
            self.process = subprocess.Popen(
                list(map(str, self.command)), env=os.environ | more, stdout=out, stderr=subprocess.STDOUT
            )

    def processes(self):
        """The ids of all its processes that are still there."""
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if self.mark in (folder / "environ").read_bytes():
                    yield int(folder.name)

    def wait(self):
        """Wait for its end, and look at its memory now and then."""
        while self.process.poll() is None:
            self.look()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.5)
        return self

    def look(self):
        """Note the memory that it holds at this moment."""
        self.peak = max(self.peak, sum(map(_held, self.processes())))

    def left(self):
        """What it left behind: processes, of which a listening port would be one's, and files."""
        until = time.monotonic() + PATIENCE
        while (alive := list(self.processes())) and time.monotonic() < until:
            time.sleep(0.1)
        names = [Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode() for pid in alive]
        files = [path for folder in self.own for path in folder.rglob("*")]
        # PyTorch keeps one folder a user there, the same for all runs; what lies in it would count.
        return names + [str(path) for path in files if not path.name.startswith("torchinductor_")]


def _held(pid):
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("Pss:")).split()[1])
    return 0
