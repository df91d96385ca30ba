"""The task ``doors``: every account's doors, each with the smallest sets of factors that get in."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sshdoctor.commands.doors.text import told
from sshdoctor.commands.shared.doors.gather import HostDoors, doors_of_host
from sshdoctor.commands.shared.options import Options, hosts_of, jobs_of, probe_options, show_text
from sshdoctor.errors import UsageError
from sshdoctor.reports.layout.printable import printable

_SCHEMA = "sshdoctor/doors/1"


def run(options: Options) -> int:
    """Write the table of each host; the exit code: 3 undecided, 1 a weak door or a locked account, else 0."""
    if options.format not in ("text", "json"):
        raise UsageError(f"--format {options.format}: there are json, text")
    probing, hosts = probe_options(options), hosts_of(options)
    with ThreadPoolExecutor(min(len(hosts), jobs_of(options))) as workers:
        found = list(workers.map(lambda host: doors_of_host(host, probing), hosts))
    text = _json(found) if options.format == "json" else "\n".join(map(told, found))
    _write(text, options.output)
    if any(one.doors is None or one.doors.unknown for one in found):
        return 3
    return int(any(one.doors and (one.doors.one_step or one.doors.locked_out) for one in found))


def _write(text: str, file: str) -> None:
    if not file:
        show_text(text)
        return
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--output {file}: {error.strerror}") from None


def _json(found: Sequence[HostDoors]) -> str:
    document = {"schema": _SCHEMA, "hosts": [_entry(one) for one in found]}
    return json.dumps(document, indent=2, ensure_ascii=not _takes_unicode()) + "\n"


def _takes_unicode() -> bool:
    return (sys.stdout.encoding or "utf-8").lower().startswith("utf")


def _entry(one: HostDoors) -> dict[str, object]:
    if one.doors is None:
        everything = {"account": "*", "door": "*", "why": printable(one.unseen)}
        return {
            "host": one.host,
            "accounts": {},
            "one_step": [],
            "locked_out": [],
            "unknown": [everything],
            "notes": [],
        }
    return {
        "host": one.host,
        "accounts": one.doors.accounts,
        "one_step": one.doors.one_step,
        "locked_out": one.doors.locked_out,
        "unknown": [
            {"account": each.account, "door": each.door, "why": printable(each.why)}
            for each in one.doors.unknown
        ],
        "notes": [printable(note) for note in one.doors.notes],
    }
