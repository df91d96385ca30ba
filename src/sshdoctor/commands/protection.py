"""The command ``protection``: what guards each host, as text or JSON, and the exit code that it comes to."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import msgspec
from msgspec.structs import replace

from sshdoctor.commands.shared import exit_codes
from sshdoctor.commands.shared.doors.guessable import ALONE, guessable
from sshdoctor.commands.shared.options import Options, hosts_of, jobs_of, probe_options, show_text
from sshdoctor.commands.shared.program import internal_error
from sshdoctor.diagnosis.outside import ProbeOptions
from sshdoctor.errors import SshdoctorError, UsageError
from sshdoctor.inventory import complete
from sshdoctor.model import Host
from sshdoctor.protection.audit import protection
from sshdoctor.protection.state import Protection
from sshdoctor.reports.layout.printable import printable

SCHEMA = "sshdoctor/protection/1"
_NORMAL = "Thousands are normal: every address on the Internet is tried all the time. Use strong passwords."


def run(options: Options) -> int:
    """Audit the hosts of ``options``, write what was found, give the exit code. Raises UsageError."""
    if options.format not in ("text", "json"):
        raise UsageError(f"--format {options.format}: protection has text and json")
    if options.only or options.mask:
        raise UsageError("protection knows neither --only nor --mask")
    probing = probe_options(options)
    hosts = hosts_of(options)
    if not options.quiet:
        print(f"looking at {', '.join(printable(host.name) for host in hosts[:9])} ...", file=sys.stderr)
    with ThreadPoolExecutor(min(len(hosts), jobs_of(options)) or 1) as pool:
        audits = list(pool.map(partial(_audited, probing=probing), hosts))
    text = as_json(audits) if options.format == "json" else as_text(audits)
    if not options.output:
        show_text(text)
    else:
        try:
            Path(options.output).write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"--output {options.output}: {error.strerror}") from None
    return max((exit_code(audit) for audit in audits), default=0)


def _audited(host: Host, probing: ProbeOptions) -> Protection:
    """The audit of one host; what fails of it has no say in the others."""
    try:
        audit = protection(complete(host), probing)
        return audit if probing.outside_only else replace(audit, why=(*audit.why, *guessable(host, probing)))
    except SshdoctorError:
        raise
    except Exception as error:  # what a host says is hostile until proved otherwise
        return Protection(host=host.name, why=(internal_error(error),))


def _weakest(audits: Sequence[Protection]) -> str:
    """Of a group, where a guess is worth most: root's door before others'."""
    found = [f"{audit.host}: {text}" for audit in audits for text in audit.why if ALONE in text]
    return min(found, key=lambda text: f": root {ALONE}" not in text, default="")


def exit_code(audit: Protection) -> int:
    """0 if it works, 1 if something is wrong, 3 if that could not be decided."""
    return {True: 0, False: 1, None: exit_codes.UNDECIDED}[audit.works]


def as_json(audits: Sequence[Protection]) -> str:
    told = msgspec.json.encode({"schema": SCHEMA, "hosts": audits})
    return msgspec.json.format(told, indent=2).decode() + "\n"


def as_text(audits: Sequence[Protection]) -> str:
    """For a person; of a group that is protected on some hosts only, it says so."""
    parts = ["\n".join(_lines(audit)) for audit in audits]
    good = sum(audit.works is True for audit in audits)
    if 0 < good < len(audits):
        parts.append(f"Protected on {good} of {len(audits)} hosts: that is not protected. Mend the others.")
    if len(audits) > 1 and (worst := _weakest(audits)):
        parts.append(f"The weakest door: {printable(worst)}")
    return "\n\n".join(parts) + "\n"


_WORDS = {True: "yes", False: "NO", None: "not known"}
_HEADS = {
    True: "protected",
    False: "NOT PROTECTED",
    None: "whether it is protected is not known",
}


def _lines(audit: Protection) -> list[str]:
    blocked = "not known" if audit.attacks_blocked is None else f"{audit.attacks_blocked:,}"
    lines = [
        f"{printable(audit.host)}: {_HEADS[audit.works]}",
        f"  attacks blocked       {blocked}" + (f" ({_NORMAL})" if audit.attacks_blocked else ""),
        f"  engines               {', '.join(audit.engines) or 'none'}",
        f"  failures are noticed  {_WORDS[audit.on]}",
        f"  real addresses seen   {_WORDS[audit.sees_real_addresses]}",
        f"  bans stop packets     {_WORDS[audit.bans_stop_packets]}{_open_doors(audit)}",
        f"  your addresses        {', '.join(audit.your_addresses) or 'not known'}",
        f"  you are allowed       {', '.join(f'{f}: {_WORDS[v]}' for f, v in audit.owner_allowed.items())}",
        f"  allow-list            {printable(', '.join(audit.allowed)) or 'empty'}",
    ]
    if audit.allowed_unresolved:
        lines.append(f"  by name or program    {printable(', '.join(audit.allowed_unresolved))}")
    if audit.logins_it_would_have_banned is not None:
        lines.append(f"  logins it would ban   {audit.logins_it_would_have_banned} in three weeks")
    if audit.shared is not None:
        held = ", ".join(f"{service}: {count}" for service, count in audit.shared.items())
        lines.append(f"  dropped for others    {held}")
    if audit.after_next_failure is not None:
        lines.append(f"  after next failure    bans stop packets: {_WORDS[audit.after_next_failure]}")
    for text in audit.why:
        words = printable(text)
        lines += textwrap.wrap(words, 80, initial_indent="  - ", subsequent_indent=" " * 4)
    return lines


def _open_doors(audit: Protection) -> str:
    """The doors past which a ban is not seen, where it holds at others."""
    found = [f"{door.service} {door.port} {door.family}" for door in audit.doors if door.closes is False]
    return f", but not at {', '.join(found)}" if found and len(found) < len(audit.doors) else ""
