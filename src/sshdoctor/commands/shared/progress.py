"""What is shown on standard error while hosts are examined: one line that changes on a terminal, elsewhere
a line for each of several hosts."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import time
from collections.abc import Sequence
from threading import Event, Thread
from types import TracebackType

from sshdoctor.model import HostReport
from sshdoctor.reports.layout.printable import printable

PATIENCE = 1.0
"""Seconds in which nothing is said of one host: most are known by then."""


class Progress:
    """Nothing is shown: where that is not wanted."""

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The last of it is taken away."""

    def ended(self, report: HostReport) -> None:
        """One more host is done."""


class Lines(Progress):
    """A line for each host: for a log."""

    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0

    def ended(self, report: HostReport) -> None:
        self.done += 1
        print(f"[{self.done}/{self.total}] {in_brief(report)}", file=sys.stderr, flush=True)


class Bar(Progress):
    """One line, written over and over: how many are done, sick, silent and left, and who is waited for."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names, self.total, self.sick, self.silent = dict.fromkeys(names), len(names), 0, 0

    def __enter__(self) -> Progress:
        self._show()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _write("")

    def ended(self, report: HostReport) -> None:
        self.names.pop(report.host, None)
        self.sick += report.verdict != "healthy"
        self.silent += all(reply.word == "silence" for reply in report.outside)
        self._show()

    def _show(self) -> None:
        left = len(self.names)
        counted = (
            f"{self.total - left} of {self.total} hosts: {self.sick} sick ({self.silent} silent), {left} left"
        )
        first = next(iter(self.names), "")
        _write(printable(counted + (f"; waiting for {first}" if first else "")))


class Stages(Progress, logging.Handler):
    """Of one host: what is being done and for how long, until that is over: then there may be questions."""

    def __init__(self, name: str) -> None:
        logging.Handler.__init__(self, logging.INFO)
        self.host, self.stage, self.began = name, "dialling it", time.monotonic()
        self.known = Event()
        self.ticking = Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Progress:
        logger = logging.getLogger("sshdoctor")
        logger.setLevel(logging.INFO)
        logger.addHandler(self)
        self.ticking.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        logging.getLogger("sshdoctor").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.stage = getattr(record, "next_stage", self.stage)
        if not self.stage:
            self._stop()

    def ended(self, report: HostReport) -> None:
        self._stop()

    def _stop(self) -> None:
        self.known.set()
        self.ticking.join()

    def _tick(self) -> None:
        if self.known.wait(PATIENCE):
            return
        while not self.known.wait(0.5):
            _write(printable(f"{self.host}: {self.stage} ({time.monotonic() - self.began:.0f} s)"))
        _write("")


def _write(text: str) -> None:
    room = shutil.get_terminal_size().columns - 1
    sys.stderr.write(f"\r\x1b[K{text[:room]}")
    sys.stderr.flush()


def in_brief(report: HostReport) -> str:
    """A host's name, verdict, and first cause or reply."""
    replies = [reply.word for reply in report.outside]
    first = [cause.id for cause in report.causes[:1]] or replies[:1] or list(report.notes[:1])
    return printable(f"{report.host}: {report.verdict}" + (f" ({first[0]})" if first else ""))


def progress_of(names: Sequence[str], *, quiet: bool, asks: bool, told: bool) -> Progress:
    """What is shown of the hosts of these names.

    ``asks``: the terminal is needed for questions between them. ``told``: each stage is said anyway (``-v``).
    """
    changes = sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    if quiet or not names:
        return Progress()
    if len(names) > 1:
        return Bar(names) if changes and not asks else Lines(len(names))
    return Stages(names[0]) if changes and not told else Progress()
