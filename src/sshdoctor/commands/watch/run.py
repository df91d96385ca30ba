"""Watching hosts: what the options ask for is put together, and set going."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from msgspec import Struct

from sshdoctor.commands.shared import exit_codes
from sshdoctor.commands.shared.options import Options, hosts_of, number, show_text
from sshdoctor.commands.watch import TOO_FEW
from sshdoctor.errors import UsageError
from sshdoctor.inventory import complete, load_hosts
from sshdoctor.model import Host
from sshdoctor.reports.layout.printable import printable
from sshdoctor.watch.clock import WallClock
from sshdoctor.watch.line import line_is_up
from sshdoctor.watch.lines import change_line
from sshdoctor.watch.look import Look, look_at
from sshdoctor.watch.monitor import Monitor
from sshdoctor.watch.post import Post
from sshdoctor.watch.rules import Change
from sshdoctor.watch.senses import Found, Senses
from sshdoctor.watch.store import Store
from sshdoctor.watch.target import Target, address_book, target_of
from sshdoctor.watch.windows import Window, parse_window
from sshdoctor.watch.witness.panel import Panel
from sshdoctor.watch.words import LANGUAGES, moment

if TYPE_CHECKING:
    from sshdoctor.commands.watch.workers import Workers

_LIMIT = 20.0
"""Seconds that a witness has for each look."""
FORMATS = ("text", "json", "jsonl")
_STATES = {"up": 0, "suspected": 1, "down": 1, "unknown": exit_codes.UNDECIDED}


class WatchOptions(Struct, frozen=True, kw_only=True):
    """What ``watch`` was asked beside what every command about hosts is."""

    every: str = "300"
    state: str = ""
    once: bool = False
    maintenance: tuple[str, ...] = ()


def run(options: Options, wish: WatchOptions) -> int:
    """Watch until it is ended; with ``--once`` the exit code tells how it is. Raises InputError."""
    if options.format not in FORMATS:
        raise UsageError(f"--format {options.format}: watch prints {', '.join(FORMATS)}")
    if options.lang not in LANGUAGES:
        raise UsageError(f"--lang {options.lang}: there are {', '.join(LANGUAGES)}")
    every = number("--every", wish.every, 1, 86400)
    windows = [parse_window(text) for text in wish.maintenance]
    if not wish.once and not wish.state:
        raise UsageError(
            "--state FILE is missing: in it what was told is remembered, over a restart too (or --once)"
        )
    targets = _targets(hosts_of(options))
    witnesses = _witnesses(options)
    workers = _workers(options)
    panel = _panel(witnesses, workers)
    if len(panel.witnesses) < 2:
        print(f"sshdoctor: {TOO_FEW}", file=sys.stderr)
    store = Store(Path(wish.state) if wish.state else None)
    try:
        monitor = _monitor(options, targets, witnesses, panel, store, every, windows)
        if wish.once:
            asyncio.run(monitor.once())
            return _code(monitor)
        _say(
            f"targets: {len(targets)}, every {every:g} s; witnesses: {len(panel.witnesses)}; Ctrl-C ends it",
            options,
        )
        gc.freeze()  # what is there now stays: it need not be looked through again and again
        with suppress(asyncio.CancelledError):
            asyncio.run(_until_ended(monitor))
        _say(f"ended; the latest look came {monitor.late:.1f} s late", options)
        return 0
    finally:
        store.close()
        if workers is not None:
            workers.close()


def run_exporter(options: Options, listen: str) -> int:
    """Look when Prometheus asks, until it is ended. Raises InputError."""
    from sshdoctor.watch.causes import Causes
    from sshdoctor.watch.exporter import Exporter
    from sshdoctor.watch.server import serve

    targets = _targets(hosts_of(options))
    find = _cause_finder(options)
    serve(listen, Exporter(targets, _looker(targets), Causes(find) if find else None).respond)
    return 0


def _cause_finder(options: Options) -> Callable[[Target], Found | None] | None:
    if options.outside_only:
        return None
    from sshdoctor.commands.watch.cause import CauseFinder

    return CauseFinder(options).find


def _looker(targets: Sequence[Target]) -> Callable[[Host], Look]:
    """A look at a host, with what the person's own client adds, which is asked once."""
    by_number = {id(target.host): target.host for target in targets}
    completed = lru_cache(maxsize=None)(lambda number: complete(by_number[number]))
    return lambda host: look_at(host if host.site else completed(id(host)))


async def _until_ended(monitor: Monitor) -> None:
    """A unit that is stopped is no fault (SIGTERM)."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 -- it is run as one
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await monitor.run()


def _targets(hosts: Sequence[Host]) -> list[Target]:
    if not hosts:
        raise UsageError("no host is meant, or none has sites (sshdoctor_sites)")
    for host in hosts:
        if host.login.jumps:
            print(printable(f"sshdoctor: {host.name} is behind a jump host: not dialled"), file=sys.stderr)
    return list({target.name: target for target in map(target_of, hosts)}.values())


def _witnesses(options: Options) -> list[Host]:
    """The inventory's, each with what the person's own client adds."""
    if not options.sources:
        return []
    found = [host for host in load_hosts("all", options.sources, os.environ) if host.vantage]
    usable = [host for host in found if host.ways_elsewhere]
    for host in found:
        if host not in usable:
            print(printable(f"sshdoctor: {host.name} is this machine: no witness"), file=sys.stderr)
    return [complete(host) for host in usable]


def _workers(options: Options) -> Workers | None:
    """A scheduler's, who stand beside the inventory's. Raises UsageError."""
    if not options.scheduler:
        return None
    from sshdoctor.commands.watch.workers import Workers  # which takes Dask

    workers = Workers(options.scheduler)
    for name in workers.here:
        print(printable(f"sshdoctor: the worker {name} is on this machine: no witness"), file=sys.stderr)
    return workers


def _panel(witnesses: Sequence[Host], workers: Workers | None) -> Panel:
    if workers is None:
        return Panel(witnesses, _LIMIT)
    return Panel([*witnesses, *workers.witnesses], _LIMIT, workers.ask)


def _monitor(
    options: Options,
    targets: Sequence[Target],
    references: Sequence[Host],
    panel: Panel,
    store: Store,
    every: float,
    windows: Sequence[Window],
) -> Monitor:
    from datetime import datetime

    clock = WallClock()
    send = _sender(options, targets, clock.now)
    senses = Senses(
        look=_looker(targets),
        line=lambda: line_is_up(references),
        emit=_printer(options),
        cause=_cause_finder(options),
        maintenance=lambda now: any(one.holds(datetime.fromtimestamp(now).astimezone()) for one in windows),
    )
    return Monitor(
        targets,
        every,
        senses,
        panel,
        store,
        Post(store, send, clock),
        clock,
    )


def _sender(options: Options, targets: Sequence[Target], now: Callable[[], float]) -> Callable[..., bool]:
    """Who is to be told is checked before anything is watched."""
    book = address_book({target.name: target.host for target in targets})
    if not book:
        return lambda person, batch: True
    from sshdoctor.watch.notify import Teller, check, require

    require()
    check(book)
    hosts = {target.name: target.host.name for target in targets}
    zones = {target.name: ZoneInfo(target.host.timezone) for target in targets if target.host.timezone}
    return Teller(book, LANGUAGES[options.lang], zones, hosts, now).send


def _printer(options: Options) -> Callable[[Target, Change, Found | None], None]:
    def as_json(target: Target, change: Change, found: Found | None) -> None:
        cause = (
            {"id": found.id, "confidence": found.confidence, "summary": found.summary, "next": [*found.next]}
            if found
            else None
        )
        show_text(change_line(target.name, target.service, change, cause) + "\n")

    def as_text(target: Target, change: Change, found: Found | None) -> None:
        more = f": {change.note}" if change.note else ""
        line = f"{moment(change.at, None)}  {target.name}: {change.state} ({change.word}){more}"
        show_text(printable(line) + "\n")
        if found:
            show_text(indent(printable(f"Cause: {found}", lines=True), "  ") + "\n")

    return as_text if options.format == "text" else as_json


def _code(monitor: Monitor) -> int:
    """As a diagnosis has it: 0 all are up, 1 one is not, 3 it is not known."""
    codes = []
    for memory in monitor.memories.values():
        lost = memory.state == "suspected" and memory.word == "unknown"
        codes.append(exit_codes.UNDECIDED if lost else _STATES[memory.state])
    return max(codes, default=0)


def _say(what: str, options: Options) -> None:
    if not options.quiet:
        print(f"sshdoctor: {what}", file=sys.stderr, flush=True)
