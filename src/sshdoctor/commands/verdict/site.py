"""The task ``verdict --url``: a web server's rules in, text or JSON out, and the exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

from msgspec import Struct

from sshdoctor.access_rules.mailed import Row, judge
from sshdoctor.errors import InputError, UsageError
from sshdoctor.reports.layout.printable import printable

_CODES = {"accept": 0, "reject": 1, "depends": 3, "unknown": 3}


class SiteVerdictOptions(Struct, frozen=True, kw_only=True):
    """What was asked on the command line, as typed."""

    rules: tuple[str, ...]
    urls: tuple[str, ...]
    sources: tuple[str, ...]
    method: str = "GET"
    headers: tuple[str, ...] = ()
    root: str = ""
    form: str = "text"


def run(options: SiteVerdictOptions) -> int:
    """Print a row for each pair of URL and source; the exit code. Raises UsageError, InputError."""
    _refuse_unfit(options)
    headers = dict(_header(line) for line in options.headers)
    try:
        rows = judge(options.rules[0], options.urls, options.sources, options.method, headers, options.root)
    except (ValueError, OSError) as error:
        raise InputError(printable(str(error))) from None
    sys.stdout.write(_json(rows) if options.form == "json" else _text(rows))
    return max(_CODES[row.verdict.verdict] for row in rows)


def _refuse_unfit(options: SiteVerdictOptions) -> None:
    if len(options.rules) != 1 or not Path(options.rules[0]).exists():
        raise UsageError("--rules: one file (nginx -T, .htaccess) or folder (/etc/nginx) that is there")
    if not options.sources:
        raise UsageError("--source is missing: an address, as the server sees it")
    for source in options.sources:
        try:
            ip_address(source)
        except ValueError:
            raise UsageError(f"--source {source} is no address") from None
    if options.form not in ("text", "json"):
        raise UsageError(f"--format {options.form}: there are json, text")


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise UsageError(f"--header {line!r}: NAME: VALUE")
    return name.strip(), value.strip()


def _json(rows: Sequence[Row]) -> str:
    return json.dumps([_entry(row) for row in rows], indent=2) + "\n"


def _entry(row: Row) -> dict[str, object]:
    verdict, rule = row.verdict, row.verdict.rule
    return {
        "url": row.url,
        "source": row.source,
        "method": row.method,
        "verdict": verdict.verdict,
        "status": verdict.status,
        "rule": {"file": rule.file, "line": rule.line, "text": rule.text} if rule else None,
        "why": verdict.why,
    }


def _text(rows: Sequence[Row]) -> str:
    return "".join(_row(row) for row in rows)


def _row(row: Row) -> str:
    verdict = row.verdict
    status = f" {verdict.status}" if verdict.status else ""
    return printable(f"{row.method} {row.url} from {row.source}: {verdict.verdict}{status}") + (
        f"\n  why    {printable(verdict.why)}\n" if verdict.why else "\n"
    )
