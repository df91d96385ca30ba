"""A secret for an account: made on the host, shown once, and kept there only after one code was right.

The host's google-authenticator(1) makes it, as the account itself, beside the place where the module looks.
It passes through this process to the terminal, and to nothing else: no log, no report, no journal.
"""

from __future__ import annotations

import re
import shlex
import sys

from msgspec import Struct

from sshdoctor.access.base import Access
from sshdoctor.commands.shared.doors.codes import ask_code, seconds_off
from sshdoctor.doors.model import Account
from sshdoctor.doors.second_step import SECRET
from sshdoctor.errors import RemedyError
from sshdoctor.remedy.consent import is_terminal

_SECONDS = 30
_TRIES = 3
_BORNE = 30
"""Seconds by which a code's clock may be off: WINDOW_SIZE 3."""
_SIGNS = 64
"""So many signs of a host's name are drawn, that it fits into a terminal of 80 columns."""
_MAKE = ("google-authenticator", "-t", "-d", "-f", "-C", "-w", "3", "-r", "3", "-R", "30", "-Q", "UTF8")
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
_DRAWN = re.compile(r"[ \u2580\u2584\u2588]{20,}")


class _Made(Struct, frozen=True):
    key: str
    scratch: tuple[str, ...]
    drawing: tuple[str, ...]
    now: float
    """The host's clock."""


def enrol(access: Access, host: str, account: Account) -> str:
    """Have the person take over a new secret of ``account``; the code that confirmed it.

    Raises RemedyError where that did not come about; then there is no secret, as before.
    """
    if not is_terminal():
        raise RemedyError(f"{account.name} has no secret yet, and nobody is at a terminal to be shown one")
    made = _made(access, host, account)
    try:
        _show(host, account, made)
        code = _confirmed(access, host, made)
        _run_as(access, account, f"mv -f {SECRET}.new {SECRET}")
    except BaseException:
        _run_as(access, account, f"rm -f {SECRET}.new")
        raise
    return code


def forget(access: Access, account: Account) -> None:
    """Take away the secret that ``enrol`` made."""
    _run_as(access, account, f"rm -f {SECRET}")


def _run_as(access: Access, account: Account, command: str) -> str:
    """What a command in the account's home, run as the account, prints. Raises RemedyError."""
    inner = f"umask 077; cd {shlex.quote(account.home)} && {command}"
    output = access.run(
        f"date +%s\nrunuser -u {shlex.quote(account.name)} -- sh -c {shlex.quote(inner)}\n", timeout=_SECONDS
    )
    if output.status != 0:
        raise RemedyError(
            f"{account.name}: no secret could be made: {output.error or 'the host did not say why'}"
        )
    return output.stdout.decode("utf-8", "replace")


def _made(access: Access, host: str, account: Account) -> _Made:
    named, place = host[:_SIGNS], f"{account.home}/{SECRET}.new"
    made = shlex.join([*_MAKE, "-l", f"{account.name}@{named}", "-i", named, "-s", place])
    # It draws only on a terminal, which script(1) gives it.
    drawn = f"SHELL=/bin/sh script -qec {shlex.quote(made)} /dev/null"
    have = f"if command -v script >/dev/null; then {drawn}; else {made}; fi </dev/null"
    text = _run_as(access, account, f"[ ! -e {SECRET} ] && rm -f {SECRET}.new && {have}")
    key = re.search(r"secret key is: ([A-Z2-7]{16,64})\s", text)
    if key is None:
        raise RemedyError(f"{account.name}: google-authenticator on {host} told no key")
    plain = [_ESCAPES.sub("", line).rstrip("\r") for line in text.splitlines()]
    return _Made(
        key=key[1],
        scratch=tuple(re.findall(r"^[ \t]{1,20}(\d{8})[ \t\r]{0,20}$", text, re.M)),
        drawing=tuple(line for line in plain if _DRAWN.fullmatch(line)),
        now=float(plain[0]),
    )


def _show(host: str, account: Account, made: _Made) -> None:
    """On the terminal, and nowhere else."""
    spaced = " ".join(re.findall(".{1,4}", made.key))
    lines = [f"{account.name}@{host}: take this into an authenticator's app.", *map(_drawn, made.drawing)]
    lines += [f"  Key: {spaced}"]
    lines += ["  Scratch codes, each for one login; they are shown this once, so write them down:"]
    lines += [f"    {code}" for code in made.scratch]
    sys.stderr.write("\n".join(lines) + "\n")
    sys.stderr.flush()


def _drawn(line: str) -> str:
    """Dark on light, whatever the terminal's own colours are."""
    return f"\x1b[30;47m{line}\x1b[0m"


def _confirmed(access: Access, host: str, made: _Made) -> str:
    for _ in range(_TRIES):
        code = ask_code("The code that the app shows now")
        if not code:
            break
        said = access.run("date +%s\n", timeout=_SECONDS).stdout.decode("ascii", "replace").strip()
        off = seconds_off(made.key, code, float(said) if said.isdecimal() else made.now)
        if off is not None and abs(off) <= _BORNE:
            return code
        sys.stderr.write(_wrong(host, off) + "\n")
    raise RemedyError("no code was right, so nothing is required, and the new secret is gone again")


def _wrong(host: str, off: int | None) -> str:
    if off is None:
        return "That is not a code of this key."
    way = "ahead of" if off > 0 else "behind"
    return f"That code is of a clock {abs(off)} s {way} {host}'s: it would be refused. Mend the clocks first."
