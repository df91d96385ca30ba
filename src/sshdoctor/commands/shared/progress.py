"""What is shown on standard error while many hosts are examined: one line that changes on a terminal, a line
for each host elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
from types import TracebackType

from sshdoctor.model import HostReport
from sshdoctor.reports.layout.printable import printable


class Progress:
    """Nothing is shown: of one host, or where that is not wanted."""

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
    """One line, written over again and again: how many are done, sick, and left, and the last sick one."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.sick, self.last = total, 0, 0, ""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write("")

    def ended(self, report: HostReport) -> None:
        self.done += 1
        if report.verdict != "healthy":
            self.sick, self.last = self.sick + 1, f"; {in_brief(report)}"
        left = self.total - self.done
        self._write(f"{self.done} of {self.total} hosts: {self.sick} sick, {left} left{self.last}")

    def _write(self, text: str) -> None:
        room = shutil.get_terminal_size().columns - 1
        sys.stderr.write(f"\r\x1b[K{text[:room]}")
        sys.stderr.flush()


def in_brief(report: HostReport) -> str:
    """A host's name, verdict, and first cause or reply."""
    replies = [reply.word for reply in report.outside]
    first = [cause.id for cause in report.causes[:1]] or replies[:1] or list(report.notes[:1])
    return printable(f"{report.host}: {report.verdict}" + (f" ({first[0]})" if first else ""))


def progress_of(total: int, *, quiet: bool) -> Progress:
    """What is shown of ``total`` hosts."""
    if quiet or total < 2:
        return Progress()
    is_bar = sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    return Bar(total) if is_bar else Lines(total)
