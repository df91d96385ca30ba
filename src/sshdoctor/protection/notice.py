"""Whether failures come to the engine, and under whose address: by the host's own lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from sshdoctor.facts.protection.engines import Engines, Jail
from sshdoctor.model import Reply, Unknown

Said = tuple[bool | None, str]
"""What was found, and why it is not true: "" if it is."""

_QUIET = ("QUIET", "FATAL", "ERROR")
_FAILED = re.compile(
    r"^(?:Failed (?:password|keyboard-interactive/pam|none)|maximum authentication attempts|"
    r"error: maximum authentication attempts|Invalid user )"
)
# The last one in a line is sshd's own word; before it stands the name, which a stranger typed.
_FROM = re.compile(r"^(?!Server listening ).*(?<! on) ([\da-fA-F.:]{3,45}) port (\d{1,5})\b")


def notices(engines: Engines, jail: Jail) -> Said:
    """Whether the failures that sshd logs come to ``jail``, and are failures in its eyes."""
    if engines.log_level in _QUIET:
        return False, f"sshd's LogLevel is {engines.log_level}: no failure is logged. LogLevel INFO"
    if isinstance(engines.lines, Unknown):
        return None, f"notices: {engines.lines.reason}"
    if jail.logpath:
        return _by_file(jail, engines.lines)
    reached = [line for line in engines.lines if reaches(line, jail.journalmatch)]
    if _logging(engines.lines) and not _logging(reached):
        match = " ".join(" + ".join(group) for group in jail.journalmatch)
        unit = next((line.get("_SYSTEMD_UNIT") for line in reversed(engines.lines)), "")
        return False, (
            f"journalmatch = {match} of the jail {jail.name} finds none of the lines in which sshd tells of "
            f"logins. journalmatch = _SYSTEMD_UNIT={unit}"
        )
    return _by_hits(jail, reached)


def _logging(lines: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Those about a client: what the daemon says of itself another process may log."""
    return [line for line in lines if _FROM.search(line.get("MESSAGE", ""))]


def _by_hits(jail: Jail, reached: Sequence[Mapping[str, str]]) -> Said:
    failures = [line for line in reached if _FAILED.match(line.get("MESSAGE", ""))]
    if any(line.get("MESSAGE") in jail.hits for line in reached):
        return True, ""
    if len(failures) > 3:
        return False, f"the filter of the jail {jail.name} takes none of this host's own failures for one"
    if _logging(reached) and "ssh" in jail.samples:
        return True, ""
    return None, "notices: sshd has logged no client yet, so that nothing shows whether the jail sees it"


def _by_file(jail: Jail, lines: Sequence[Mapping[str, str]]) -> Said:
    there, missing = jail.in_files
    files = ", ".join(jail.logpath)
    if there:
        return _by_hits(jail, lines)
    if missing:
        return False, (
            f"the jail {jail.name} reads {files}, and of the lines that sshd wrote none stands there. "
            "backend = systemd, or start what writes that file"
        )
    return None, f"notices: sshd has logged nothing yet that could stand in {files}"


def reaches(line: Mapping[str, str], journalmatch: Sequence[Sequence[str]]) -> bool:
    """Whether journalctl would give ``line`` for the matches: groups are "or", in one the fields are "and",
    one field twice "or" (journalctl(1)).

    >>> reaches({"_COMM": "sshd"}, [["_SYSTEMD_UNIT=ssh.service"], ["_COMM=sshd"]])
    True
    """
    if not journalmatch:
        return True
    return any(_all(line, group) for group in journalmatch)


def _all(line: Mapping[str, str], group: Iterable[str]) -> bool:
    wanted: dict[str, set[str]] = {}
    for word in group:
        name, _, value = word.partition("=")
        wanted.setdefault(name, set()).add(value)
    return all(line.get(name) in values for name, values in wanted.items())


def sees_real(engines: Engines, replies: Sequence[Reply], own: Sequence[str]) -> Said:
    """Whether failures are logged under the address that they came from: this dial is looked for first."""
    if engines.log_level in _QUIET:
        return False, f"sshd's LogLevel is {engines.log_level}: no address is logged. LogLevel INFO"
    if isinstance(engines.lines, Unknown):
        return None, f"sees_real_addresses: {engines.lines.reason}"
    seen = [found.groups() for line in engines.lines if (found := _FROM.search(line.get("MESSAGE", "")))]
    dials = {str(reply.source_port): reply.source for reply in replies if reply.source_port}
    met = [(address, dials[port]) for address, port in seen if port in dials]
    if any(address == source for address, source in met):
        return True, ""
    others = {address for address, _ in seen}
    if others and all(address in own for address in others):
        return False, (
            "every client is logged under an address of this host itself: one ban would shut out everybody. "
            "Mend the address translation before it: a MASQUERADE without ! -o, or userland-proxy"
        )
    if len(others - set(own)) > 1:
        return True, ""
    return None, "sees_real_addresses: too few clients are logged, and this dial is not among them"
