"""The SSH servers that run, what each would do with each account, and which keys they read for it.

Sources: sshd(8) -T -C, sshd_config(5), dropbear(8), proc(5). sshd's own words are asked for every account and
every address that a rule names, but only where a Match block could tell them apart.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from msgspec import Struct

from sshdoctor.doors.model import Key, KeyFile, Server
from sshdoctor.facts.doors.parsing.listing import LISTING, unbarred
from sshdoctor.facts.parsing.output import NOT_PERMITTED, evidence, number, parts, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.ssh import account
from sshdoctor.model import Evidence, Unknown, is_address
from sshdoctor.services import find_servers
from sshdoctor.services.ssh.programs import OTHER_SERVERS, SERVERS

ELSEWHERE = "192.0.2.1"
"""Stands for every address that no rule names (RFC 5737)."""

COMMANDS = {
    "servers": LISTING
    + find_servers()
    + f"""
of_account() (
{account.COMMANDS["account"]}
)
programs_of_servers='{" ".join(SERVERS)}' elsewhere={ELSEWHERE}
"""
    + (Path(__file__).parent / "door_servers.sh").read_text(encoding="utf-8")
}


class DoorServers(Struct, frozen=True, kw_only=True):
    """``addresses`` are those that rules name; ``blobs``, ``lines`` and ``revoked`` the files that the
    servers read beside keys, by path, as ``doors.model.Setup`` has them."""

    servers: tuple[Server, ...]
    addresses: tuple[str, ...]
    blobs: Mapping[str, tuple[str, ...] | None]
    lines: Mapping[str, tuple[str, ...] | None]
    revoked: Mapping[str, str]
    lists: Mapping[str, str]
    """What stands in the revocation lists, in base64, by path; but for long ones."""
    hidden: str
    """Why there may be other servers, "" where there are none."""
    evidence: tuple[Evidence, ...]


VALUE = DoorServers
WRITERS = {"": "root"}


def parse(sections: Mapping[str, Section]) -> DoorServers | Unknown:
    if cut := unseen(sections["servers"]):
        return cut
    said = parts(sections["servers"].output)
    if said.get("uid", "").strip() != "0":
        return NOT_PERMITTED
    found = [name.split(" ", 2)[1:] for name in said if name.startswith("server ")]
    return DoorServers(
        servers=tuple(_server(pid, program, said) for pid, program in found),
        addresses=tuple(dict.fromkeys(_addresses(said))),
        blobs={path: _lines(text) for path, text in _under(said, "blobs ")},
        lines={
            path: _lines(text if text.strip() == "absent" else unbarred(text))
            for path, text in _under(said, "lines ")
        },
        revoked={path: text.split()[0] for path, text in _under(said, "revoked ")},
        lists={path: "".join(text.split()[1:]) for path, text in _under(said, "revoked ")},
        hidden="not permitted to see which programs run" if {"hidden", "unseen"} & {*said} else "",
        evidence=evidence("sshd -T", [said[f"server {pid} {program}"] for pid, program in found]),
    )


def _under(said: Mapping[str, str], heading: str) -> Iterator[tuple[str, str]]:
    return ((name.removeprefix(heading), text) for name, text in said.items() if name.startswith(heading))


def _lines(text: str) -> tuple[str, ...] | None:
    return None if text.strip() == "absent" else tuple(line for line in text.splitlines() if line.strip())


def _addresses(said: Mapping[str, str]) -> Iterator[str]:
    for _, text in _under(said, "addresses "):
        yield from (one for one in text.split() if is_address(one.partition("/")[0]))


def _server(pid: str, program: str, said: Mapping[str, str]) -> Server:
    arguments = tuple(said[f"server {pid} {program}"].split()[1:])
    named = next((one for one in OTHER_SERVERS if program.startswith(one)), "sshd")
    ports = said.get(f"ports {pid}", "").split()
    if named != "sshd":
        ports = [word.rpartition(":")[2] for word in _after(arguments, "-p")] or ["22"]
    fault = said.get(f"fault {pid}")
    whole = settings(said.get(f"settings {pid}", ""))
    views = {
        " ".join(reversed(name.split(" "))): settings(text) for name, text in _under(said, f"view {pid} ")
    }
    alone = {name.partition(" ")[0]: one for name, one in views.items()}
    by_name = alone if len(alone) == len(views) else {}
    keys = [(name, text) for name, text in _under(said, f"keys {pid} ")]
    return Server(
        program=named,
        ports=tuple(found for port in ports if (found := number(port)) is not None),
        arguments=arguments,
        settings=Unknown(fault.strip()[:200]) if fault else {"": whole, **by_name, **views},
        key_files={name: _key_files(pid, name, unbarred(text), said) for name, text in keys},
        commanded={
            name: tuple(_key(*line.partition(" ")[::2], set()) for line in unbarred(text).splitlines())
            for name, text in _under(said, f"command {pid} ")
        },
        principal_files={
            name: files[0]
            for name, text in _under(said, f"principals {pid} ")
            if isinstance(files := _key_files(pid, name, unbarred(text), said), tuple) and files
        },
        chroots={name: _chroot(unbarred(text)) for name, text in keys},
    )


def _after(words: tuple[str, ...], flag: str) -> Iterator[str]:
    yield from (after for word, after in pairwise(words) if word == flag)
    yield from (word[2:] for word in words if word.startswith(flag) and len(word) > 2)


def settings(text: str) -> Mapping[str, tuple[str, ...]]:
    """The lines of ``sshd -T``, by keyword in lower case, each with its values; lists have one a line.

    >>> settings("usepam yes\\nallowusers a\\nallowusers b\\n")
    {'usepam': ('yes',), 'allowusers': ('a', 'b')}
    """
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if value:
            found.setdefault(name.lower(), []).append(value)
    return {name: tuple(values) for name, values in found.items()}


def _chroot(text: str) -> str:
    found = account.parse({"account": Section(text, 0)})
    return found.chroot[0].says if isinstance(found, account.Account) and found.chroot else ""


def _key_files(pid: str, name: str, text: str, said: Mapping[str, str]) -> tuple[KeyFile, ...] | Unknown:
    found = account.parse({"account": Section(text, 0)})
    if isinstance(found, Unknown):
        return found
    return tuple(_key_file(pid, name, file, said, text) for file in found.authorized_files if file.exists)


def _key_file(pid: str, name: str, file: account.AuthFile, said: Mapping[str, str], text: str) -> KeyFile:
    block = text.partition(f"## file {file.path}\n")[2].partition("\n## ")[0]
    gone = f"gone {pid} {name} {file.path} "
    revoked = {each.removeprefix(gone) for each in said if each.startswith(gone)}
    found = re.findall(r"^key=(\S+) ?(.*)$", block, re.M)
    authorities = unbarred(said.get(f"authorities {pid} {name} {file.path}", ""))
    return KeyFile(
        file.path,
        keys=tuple(_key(blob, options, revoked) for blob, options in found if are_options(options.strip()))
        if file.readable
        else Unknown("not permitted"),
        authorities=tuple(_key(*line.partition(" ")[::2], revoked) for line in authorities.splitlines()),
        unsafe=file.problem,
        hidden=file.hidden,
    )


_OPTIONS = {
    f"{sign}{name}"
    for name in ("agent-forwarding", "port-forwarding", "pty", "user-rc", "x11-forwarding")
    for sign in ("", "no-")
} | {
    *("cert-authority", "command", "environment", "expiry-time", "from", "no-touch-required", "permitlisten"),
    *("permitopen", "principals", "restrict", "tunnel", "verify-required"),
}
_ONE = re.compile(r'([A-Za-z0-9-]+)(?:="(?:[^"\\]|\\.)*")?(?:,|$)')


def are_options(text: str) -> bool:
    """Whether sshd takes what stands before a key for its options: one that it does not know spoils the line.

    >>> are_options('from="10.0.0.0/8",no-pty'), are_options('no-pty from="*"'), are_options("no-such")
    (True, False, False)
    """
    at = 0
    while at < len(text):
        found = _ONE.match(text, at)
        if found is None or found[1].lower() not in _OPTIONS:
            return False
        at = found.end()
    return True


def _key(blob: str, options: str, revoked: set[str]) -> Key:
    return Key(_kind(blob), blob, options.strip(), blob in revoked)


def _kind(blob: str) -> str:
    """The kind of a public key, as it stands at its beginning; "" where it is none.

    >>> _kind("AAAAC3NzaC1lZDI1NTE5AAAAIA==")
    'ssh-ed25519'
    """
    try:
        data = base64.b64decode(blob, validate=True)
    except ValueError:
        return ""
    return data[4 : 4 + int.from_bytes(data[:4], "big")].decode("ascii", "replace")
