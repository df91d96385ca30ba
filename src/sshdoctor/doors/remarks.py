"""What is odd about a host's doors, and easily missed: each thing by its file, its account, its words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from sshdoctor.doors.model import Account, Certificate, Setup
from sshdoctor.doors.pam.codes import refusal, secret_path
from sshdoctor.doors.pam.stack import Handler, handlers
from sshdoctor.doors.undecided import Undecided

_PHASES = ("auth", "account")
_LOCAL = ("su", "sudo", "login")
_BORNE = 5
"""Seconds by which two clocks may differ without a word."""
_CODES = "pam_google_authenticator"


def remarks(setup: Setup) -> Iterator[str]:
    """A sentence for each."""
    if not setup.servers:
        yield "No SSH server runs here: nobody gets in by SSH"
    if abs(setup.behind) > _BORNE:
        way = "behind" if setup.behind > 0 else "ahead of"
        yield f"The host's clock is {abs(setup.behind):.0f} s {way} this machine's"
    stacks = [
        line for service in _services(setup) for phase in _PHASES for line in _stack(setup, service, phase)
    ]
    yield from dict.fromkeys(text for line in stacks if (text := _about(setup, line)))
    yield from dict.fromkeys(_about_secrets(setup, stacks))
    if _trusts_some(setup):
        yield from (text for one in setup.certificates for text in _about_certificate(setup, one))


def _services(setup: Setup) -> list[str]:
    named = ("pamservicename", ("sshd",))
    every = [one.settings for one in setup.servers if isinstance(one.settings, Mapping)]
    used = [settings for each in every for settings in each.values() if settings.get("usepam") == ("yes",)]
    return list(dict.fromkeys([*(settings.get(*named)[0] for settings in used), *_LOCAL]))


def _stack(setup: Setup, service: str, phase: str) -> Sequence[Handler]:
    if service in _LOCAL and service not in setup.programs:
        return ()
    try:
        return handlers(setup.services, service, phase)
    except Undecided:  # it stands under its doors
        return ()


def _about(setup: Setup, line: Handler) -> str:
    """What keeps a line of PAM from doing what it says."""
    if line.fault:
        return f"{line.place}: {line.text}: {line.fault}, so it refuses whoever comes there"
    silent = line.text.startswith("-") or not line.module or line.module == "substack"
    if silent or setup.modules is None or line.module in setup.modules:
        return ""
    return f"{line.place}: {line.text}: {line.module} is not installed"


def _about_secrets(setup: Setup, stacks: Sequence[Handler]) -> Iterator[str]:
    for line in stacks:
        if line.module != _CODES:
            continue
        for account in setup.accounts:
            if account.has_shell and (
                why := refusal(setup, account, line.arguments) or _borne(setup, account, line)
            ):
                yield f"{account.name}: {why}"


def _borne(setup: Setup, account: Account, line: Handler) -> str:
    path = secret_path(line.arguments, account)
    place = setup.places.get(path)
    return f"{path} has line ends of Windows, which are borne" if place and "CR" in place.words else ""


def _trusts_some(setup: Setup) -> bool:
    lines = (
        file
        for server in setup.servers
        for files in server.key_files.values()
        if isinstance(files, tuple)
        for file in files
    )
    return any(setup.blobs.values()) or any(file.authorities for file in lines)


def _about_certificate(setup: Setup, one: Certificate) -> Iterator[str]:
    """What sshd holds against the client's own, by the host's clock."""
    if setup.now < one.after:
        yield f"Your certificate {one.file} is of the future: it is valid from {_date(one.after)}"
    if setup.now >= one.before:
        yield f"Your certificate {one.file} has expired on {_date(one.before)}"
    if not one.principals:
        yield f"Your certificate {one.file} names nobody: no account takes it by a CA of sshd_config"
    if one.revoked:
        yield f"Your certificate {one.file} is revoked by {', '.join(one.revoked)}"
    if one.unsupported:
        yield f"Your certificate {one.file} has a critical option that sshd does not know"


def _date(when: float) -> str:
    return f"{datetime.fromtimestamp(min(when, _LAST), UTC):%Y-%m-%d %H:%M} UTC"


_LAST = 253402300799.0
"""The end of the year 9999."""
