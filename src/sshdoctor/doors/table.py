"""All doors of a host in one table, and what stands out in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from sshdoctor.doors.dropbear import dropbear_door
from sshdoctor.doors.factors import Sets, least, listed
from sshdoctor.doors.local import console_door, su_door, sudo_door
from sshdoctor.doors.model import Account, Server, Setup
from sshdoctor.doors.remarks import remarks
from sshdoctor.doors.sshd import sshd_door
from sshdoctor.doors.undecided import Guesses, Undecided, settle
from sshdoctor.model import Unknown

_Door = Callable[[Guesses], Sets | None]


class UnknownDoor(Struct, frozen=True):
    account: str
    door: str
    why: str


class Doors(Struct, frozen=True, kw_only=True):
    """``accounts``: each account's doors, each with the smallest sets of factors that get in.

    ``one_step``: who gets in by SSH with one factor, or by a key beside a certificate, where two steps, or
    certificates, were meant. ``locked_out``: who has something to log in with, and no way in by SSH.
    """

    accounts: Mapping[str, Mapping[str, list[list[str]]]]
    one_step: list[str]
    locked_out: list[str]
    unknown: list[UnknownDoor]
    notes: list[str] = field(default_factory=list)
    """What a person may not think of: that no server runs; a door that is weaker still for who types a code
    where a password is asked for."""


def doors_of(setup: Setup) -> Doors:
    """The table of a host."""
    found, loose = _table(setup), _table(replace(setup, code_as_password=True))
    return replace(found, notes=[*remarks(setup), *_weaker(found, loose)])


def _weaker(found: Doors, loose: Doors) -> Iterator[str]:
    for account, own in found.accounts.items():
        for door, sets in own.items():
            more = [one for one in loose.accounts[account].get(door, ()) if one not in sets]
            if more:
                ways = ", or ".join(" + ".join(one) for one in more)
                yield f"{account}, {door}: also {ways}: a code typed where the client asks for the password"


def _table(setup: Setup) -> Doors:
    accounts: dict[str, dict[str, list[list[str]]]] = {}
    unknown: list[UnknownDoor] = []
    for account in setup.accounts:
        own = accounts[account.name] = {}
        for name, door in _doors(setup, account):
            try:
                found = settle(_whole(door))
            except Undecided as error:
                unknown.append(UnknownDoor(account.name, name, error.why))
            else:
                if found is not None:
                    own[name] = listed(found)
        _forget_the_same(own, setup)
    hidden = {one.account for one in unknown if one.door.startswith("ssh:")}
    return Doors(
        accounts=accounts,
        one_step=[name for name, own in accounts.items() if _is_weak(setup, own)],
        locked_out=[
            one.name
            for one in setup.accounts
            if one.name not in hidden and _has_means(setup, one) and _is_out(accounts[one.name])
        ],
        unknown=[*unknown, *_unseen(setup)],
    )


def _unseen(setup: Setup) -> Iterator[UnknownDoor]:
    if setup.hidden:
        yield UnknownDoor("*", "ssh", f"there may be other SSH servers: {setup.hidden}")
    for name in setup.left_out:
        why = (
            "there are more accounts than were asked about" if name == "*" else "its name was not asked about"
        )
        yield UnknownDoor(name, "*", why)


def _doors(setup: Setup, account: Account) -> Iterator[tuple[str, _Door]]:
    for server in setup.servers:
        for port in server.ports:
            yield f"ssh:{port}", _by_ssh(setup, server, account, setup.client, port)
            for address in setup.addresses:
                yield f"ssh:{port}@{address}", _by_ssh(setup, server, account, address, port)
    yield "su", lambda guesses: su_door(setup, account, guesses)
    yield "sudo", lambda guesses: sudo_door(setup, account, guesses)
    yield "console", lambda guesses: console_door(setup, account, guesses)


def _whole(door: _Door) -> _Door:
    def found(guesses: Guesses) -> Sets | None:
        sets = door(guesses)
        return None if sets is None else least(sets)

    return found


def _by_ssh(setup: Setup, server: Server, account: Account, address: str, port: int) -> _Door:
    def door(guesses: Guesses) -> Sets:
        if server.program == "sshd":
            return sshd_door(setup, server, account, address, guesses, port)
        if server.program == "dropbear":
            return dropbear_door(setup, server, account, address, guesses)
        raise Undecided(server.program, f"{server.program}: how it lets in is not known here")

    return door


def _forget_the_same(own: dict[str, list[list[str]]], setup: Setup) -> None:
    """The doors from other addresses that are as the one from the client's own."""
    for name in [name for name in own if "@" in name]:
        if own.get(name.partition("@")[0]) == own[name]:
            del own[name]


def _is_weak(setup: Setup, own: Mapping[str, list[list[str]]]) -> bool:
    sets = [one for name, found in own.items() if name.startswith("ssh:") for one in found]
    single = [one for one in sets if len(one) < 2]
    if _means_two_steps(setup):
        return any(one != ["passcode"] for one in single)
    return _means_certificates(setup) and any(one != ["cert"] for one in single)


def _means_two_steps(setup: Setup) -> bool:
    """A module for codes stands in a stack, or a list of methods has more than one."""
    asked = ("pam_google_authenticator", "pam_oath", "pam_u2f", "pam_duo", "pam_yubico")
    lines = [text for each in setup.services.values() for _, text in each]
    if any(name in text.partition("#")[0] for text in lines for name in asked):
        return True
    return any("," in value for value in _said(setup, "authenticationmethods"))


def _means_certificates(setup: Setup) -> bool:
    return any(value != "none" for value in _said(setup, "trustedusercakeys"))


def _said(setup: Setup, name: str) -> Iterator[str]:
    for server in setup.servers:
        if isinstance(server.settings, Mapping):
            for settings in server.settings.values():
                yield from settings.get(name, ())


def _has_means(setup: Setup, account: Account) -> bool:
    if not account.has_shell:
        return False
    files = [server.key_files.get(account.name) for server in setup.servers]
    files_read = (file for each in files if isinstance(each, tuple) for file in each)
    keys = any(isinstance(file.keys, Unknown) or file.keys for file in files_read)
    return keys or account.credential in ("set", "empty")


def _is_out(own: Mapping[str, list[list[str]]]) -> bool:
    by_ssh = [found for name, found in own.items() if name.startswith("ssh:")]
    return bool(by_ssh) and not any(by_ssh)
