"""A lesson's process ends when nobody is left who would read what it prints."""

from __future__ import annotations

import os
import threading
import time


def end_with_parent(every: float = 1.0) -> None:
    """From now on this process ends, within `every` seconds and without a word, once the one that started it is gone.

    A runner that is killed cannot end its lessons. On Windows a process does not notice, and goes on to its end.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(every)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
