"""What was asked on the command line, and how the answer is written: the same for every task about hosts."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.diagnosis.outside import Manner
from sshdoctor.errors import UsageError
from sshdoctor.inventory import load_hosts
from sshdoctor.model import Host, HostReport, Login
from sshdoctor.reports import render


class Request(Struct, frozen=True, kw_only=True):
    """What was asked on the command line, as typed."""

    pattern: str
    inventories: tuple[str, ...]
    format: str
    output: str
    jobs: str
    timeout: str
    outside_only: bool
    only: tuple[str, ...]
    known_hosts: str
    accept_new_host_key: bool
    lang: str = "en"
    mask: bool = False
    deep: bool = False

    @property
    def sources(self) -> tuple[Path, ...]:
        """The inventories that were named."""
        return tuple(Path(name) for name in self.inventories)


def manner_of(request: Request) -> Manner:
    """How to go about it. Raises UsageError."""
    return Manner(
        timeout=number("--timeout", request.timeout, 0.1, 600),
        outside_only=request.outside_only,
        accept_new_host_key=request.accept_new_host_key,
        deep=request.deep,
    )


def jobs_of(request: Request) -> int:
    """How many hosts at a time. Raises UsageError."""
    return int(number("--jobs", request.jobs, 1, 512))


def hosts_of(request: Request) -> list[Host]:
    """The hosts that the pattern means. Raises InventoryError, UsageError."""
    found = load_hosts(request.pattern, list(request.sources) or None, os.environ)
    return [_with_known_hosts(host, request.known_hosts) for host in found]


def number(flag: str, text: str, least: float, most: float) -> float:
    """The number that a flag gives. Raises UsageError."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise UsageError(f"{flag} {text}: a number from {least:g} to {most:g}")
    return value


def _with_known_hosts(host: Host, file: str) -> Host:
    if not file:
        return host
    if not Path(file).is_file():
        raise UsageError(f"--known-hosts {file}: there is no such file")

    def told(login: Login) -> Login:
        return replace(login, known_hosts=(file,))

    ways = tuple(replace(way, login=told(way.login)) if way.login else way for way in host.ways)
    return replace(host, login=told(host.login), ways=ways)


def told_in_order(hosts: Sequence[Host], reports: Iterable[HostReport]) -> list[HostReport]:
    """All reports in the order of ``hosts``; with several, a line of progress for each that ends."""
    done: dict[str, HostReport] = {}
    for report in reports:
        done[report.host] = report
        if len(hosts) > 1:
            first = report.causes[0].id if report.causes else report.outside[0].word
            print(f"[{len(done)}/{len(hosts)}] {report.host}: {report.verdict} ({first})", file=sys.stderr)
    return [done[host.name] for host in hosts]


def write(reports: Sequence[HostReport], request: Request) -> None:
    """The reports, to where the person wants them. Raises UsageError."""
    told = partial(render, reports, request.format, lang=request.lang, mask=request.mask)
    if not request.output:
        show_text(told(**terminal()))
        return
    try:
        Path(request.output).write_text(told(), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--output {request.output}: {error.strerror}") from None


def write_program(file: str, text: str, flag: str) -> None:
    """``text`` as a program that may be run. Raises UsageError, which names ``flag``, that gave ``file``."""
    path = Path(file)
    try:
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
        path.chmod(path.stat().st_mode | 0o111)
    except OSError as error:
        raise UsageError(f"{flag} {file}: {error.strerror}") from None


def show_text(text: str) -> None:
    """To standard output, at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def terminal() -> dict[str, Any]:
    """How wide the report may be, in columns, and whether coloured: only on a terminal that takes colours."""
    if not sys.stdout.isatty():
        return {"colour": False, "width": 80}
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return {"colour": not plain, "width": max(40, min(shutil.get_terminal_size().columns, 100))}
