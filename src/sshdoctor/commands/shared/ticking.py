"""A line on a terminal that says what is being done, and for how long already."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sshdoctor.reports.layout.printable import printable

_WIDTH = 79


@contextmanager
def ticking(doing: Callable[[], str], *, quiet: bool = False) -> Iterator[None]:
    """On standard error, where that is a terminal: what ``doing`` gives, each second; gone at the end."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    over, began = threading.Event(), time.monotonic()

    def tick() -> None:
        while not over.wait(1):
            line = printable(f"{doing()}, {time.monotonic() - began:.0f} s")[:_WIDTH]
            sys.stderr.write(f"\r{line:{_WIDTH}}")
            sys.stderr.flush()

    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    try:
        yield
    finally:
        over.set()
        ticker.join()
        sys.stderr.write(f"\r{'':{_WIDTH}}\r")
        sys.stderr.flush()
