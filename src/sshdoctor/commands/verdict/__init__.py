"""The task ``verdict``: files in, text or JSON out, and the exit code that the verdicts come to."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from msgspec import Struct

from sshdoctor.errors import InputError, UsageError
from sshdoctor.firewall.mailed import ClientVerdict, judge_files
from sshdoctor.reports.layout.printable import printable

_WIDTH = 80
_CODES = {"accept": 0, "drop": 1, "reject": 1, "depends": 3, "unknown": 3}


class VerdictOptions(Struct, frozen=True, kw_only=True):
    """What was asked on the command line, as typed."""

    rules: tuple[str, ...]
    source: str
    destination: str
    port: str
    in_interface: str = ""
    out_interface: str = ""
    family: str = ""
    form: str = "text"


def run(options: VerdictOptions) -> int:
    """Print the verdicts; the exit code: 2 a file is no dump, 3 undecided, 1 stopped, 0 all let in.

    Raises UsageError, and InputError if the only file is no dump.
    """
    _refuse_unfit(options)
    answers = judge_files(
        options.rules,
        source=options.source,
        destination=options.destination,
        port=int(options.port),
        in_interface=options.in_interface or None,
        out_interface=options.out_interface or None,
    )
    if len(answers) == 1 and answers[0].error:
        raise InputError(printable(f"{answers[0].file}: {answers[0].error}"))
    show = _json if options.form == "json" else _text
    sys.stdout.write(show(answers))
    if any(answer.error for answer in answers):
        return 2
    return max(_CODES[answer.verdict] for answer in answers)


def _refuse_unfit(options: VerdictOptions) -> None:
    for flag, value in (("--source", options.source), ("--destination", options.destination)):
        if not value:
            raise UsageError(f"{flag} is missing: an address, as the host with these rules sees it")
    if options.form not in ("text", "json"):
        raise UsageError(f"--format {options.form}: there are json, text")
    if options.family not in ("", "ipv4", "ipv6"):
        raise UsageError(f"--family {options.family}: ipv4 or ipv6")
    for flag, address in (("--source", options.source), ("--destination", options.destination)):
        if options.family and (":" in address) != (options.family == "ipv6"):
            raise UsageError(f"{flag} {address} is no {options.family} address")
    if not (options.port.isascii() and options.port.isdecimal() and len(options.port) < 6):
        raise UsageError(f"--port {options.port}: a number from 1 to 65535")


def _json(answers: Sequence[ClientVerdict]) -> str:
    import json

    return json.dumps([_entry(answer) for answer in answers], indent=2) + "\n"


def _entry(answer: ClientVerdict) -> dict[str, object]:
    rule = answer.rule
    place = (
        {"table": rule.table, "chain": rule.chain, "number": rule.number, "text": rule.text} if rule else None
    )
    return {
        "file": answer.file,
        "reply": answer.reply,
        "verdict": answer.verdict,
        "rule": place,
        "why": answer.why,
        "way": answer.way,
        "owner": answer.owner,
        "redirected_to": answer.redirected_to,
        "error": answer.error,
    }


def _text(answers: Sequence[ClientVerdict]) -> str:
    blocks = ("\n".join(_wrapped(answer)) for answer in answers)
    return "\n\n".join(blocks) + "\n"


def _wrapped(answer: ClientVerdict) -> Iterator[str]:
    import textwrap

    for label, said in _lines(answer):
        wrap = textwrap.TextWrapper(
            _WIDTH, initial_indent=label, subsequent_indent=" " * (len(label) if label[0] == " " else 4)
        )
        yield from wrap.wrap(printable(said)) or [label]


def _lines(answer: ClientVerdict) -> Iterator[tuple[str, str]]:
    """Label and text of each line."""
    if answer.error:
        yield f"{_short(answer.file)}: ", "no dump"
        yield "  why    ", answer.error
        return
    reply = f"; the client gets {answer.reply}" if answer.reply else ""
    yield f"{_short(answer.file)}: ", answer.verdict + reply
    if answer.rule and answer.why == str(answer.rule):
        yield "  rule   ", answer.why
    else:
        yield "  why    ", answer.why
    if answer.way:
        yield "  way    ", ", ".join(answer.way)
    if answer.redirected_to:
        yield "  goes to", f" {answer.redirected_to}"
    if answer.owner:
        yield "  owner  ", answer.owner


def _short(name: str) -> str:
    return printable(name)
