"""The fact ``keys``: whether a key that the client offered is authorized for the user."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from shlex import quote
from typing import Any

from msgspec import Struct

from sshdoctor.facts.ssh.account import Account, AuthFile
from sshdoctor.facts.ssh.config import Config
from sshdoctor.facts.ssh.parsing.key_files import Objection
from sshdoctor.facts.ssh.parsing.key_options import misread, refusing
from sshdoctor.model import Command, Evidence, Unknown


class Keys(Struct, frozen=True, kw_only=True):
    """``authorized``: one of the offered keys' fingerprints is in the user's authorized keys.

    ``distrusted`` is why sshd does not use the files that hold one, "" if it uses one of them, or if there
    are none; ``objections`` are what counts against the first of these files, ``mend`` the commands that put
    it right.
    """

    authorized: bool | Unknown
    file: str
    distrusted: str | Unknown
    mend: Command
    objections: tuple[Objection, ...]
    unreadable: str
    """Why no file holds a key that sshd can read, where there is a file that is to; "" if one does."""
    rewrite: Command
    """What makes such a file readable."""
    stray: str
    """The file in which a line is none that sshd reads as a key, beside others that are; ""."""
    nowhere: bool
    """sshd asks no file and no command for keys (AuthorizedKeysFile none)."""
    refused_by: str
    """The option that leaves the client out on every line that holds an offered key, or ""."""
    misread: str
    """What makes sshd pass over each line that holds an offered key, "" where it takes one."""
    of_root: str
    """The file of root's own that sshd reads for another account (AuthorizedKeysFile with a ~), or ""."""
    sure: bool
    """No command and no certificate would give a key beside those of the files."""
    forced_command: str
    """What takes the place of the shell for the key that sshd took, or ""."""
    evidence: tuple[Evidence, ...]


VALUE = Keys
WRITERS = {"": "account"}
NEEDS = ("account", "config", "dial_log")

_DISTRUST = "authorized-keys-permissions"
_LOOK = (
    "namei -l FILE shows each folder on its way: the user must be able to pass it, nobody else to write there"
)

_ODD = {
    "directory": "is a directory, and no file",
    "ssh2": "holds no line that sshd can read: a key in SSH2 format (RFC 4716)",
    "private": "holds no line that sshd can read: it is a private key, which is to stay with its owner",
    "utf-16": "holds no line that sshd can read: it is written in UTF-16",
    "mark": "holds no line that sshd can read: a byte order mark stands before its first one",
    "line": "holds no line that sshd can read as a whole key",
}


def _rewrite(file: AuthFile) -> Command:
    path, bad = quote(file.path), quote(f"{file.path}.bad")
    owned = f"chmod 600 {path}; and let the user own it"
    cure = {
        "ssh2": f"ssh-keygen -i -f {bad} >{path}; {owned}",
        "mark": f"tail -c +4 {bad} >{path} (without the byte order mark); {owned}",
        "utf-16": f"iconv -f UTF-16 -t UTF-8 {bad} | tr -d '\\r' >{path}; {owned}",
    }.get(file.odd, f"then write the public key into {path}, one key a line, as in a .pub file; {owned}")
    return Command(f"mv {path} {bad}; {cure}")


def derive(known: Mapping[str, Any]) -> Keys | Unknown:
    account: Account | Unknown = known["account"]
    config: Config | Unknown = known["config"]
    accepted = getattr(known["words"], "accepted_key", "")  # sshd says that it took this one
    if isinstance(account, Unknown):
        return account
    files = tuple(file for file in account.authorized_files if not _is_roots(file, account))
    other = next((file.path for file in account.authorized_files if _is_roots(file, account)), "")
    authorized, ours = _of(files, account.authorized), known["dialled"].client_keys
    marks = () if isinstance(ours, Unknown) else ours
    found = authorized if isinstance(authorized, Unknown) else bool(set(authorized) & set(marks))
    spoken = next((one.text for one in _said(known["words"]) if one.cause == _DISTRUST), "")
    holding = [file for file in files if set(file.keys) & set(marks)]
    strict = config if isinstance(config, Unknown) else config.strict_modes
    against = _against(holding[0], strict) if holding else ()
    odd = [file for file in files if file.odd]
    none_read = bool(odd) and not any(file.keys or file.authorities for file in files)
    would = "would offer" if known["dialled"].untried is True else "offered"
    offered = Evidence(f"keys that the client {would}", "\n".join(marks) or "none")
    return Keys(
        authorized=ours if isinstance(ours, Unknown) else found,
        file=files[0].path if files else "~/.ssh/authorized_keys",
        distrusted=authorized if isinstance(authorized, Unknown) else _distrusted(holding, strict, spoken),
        mend=Command("; ".join(dict.fromkeys(one.mend for one in against)) or _LOOK),
        objections=against,
        unreadable=f"{odd[0].path} {_ODD[odd[0].odd]}" if none_read else "",
        rewrite=_rewrite(odd[0]) if none_read else Command(),
        stray=odd[0].path if odd and not none_read else "",
        nowhere=_nowhere(config) and not account.keys_command,
        refused_by=_refused_by(holding, marks, known.get("client_address") or "", config),
        misread=_misread(holding, marks) or _authority(files, marks, holding),
        of_root=other,
        sure=_sure(account, config),
        forced_command=next(
            (file.commands[accepted] or '""' for file in files if accepted in file.commands), ""
        ),
        evidence=(offered, *account.evidence),
    )


def _is_roots(file: AuthFile, account: Account) -> bool:
    """Of root's home, which is not to be opened for another account."""
    return account.uid != 0 and file.path.startswith("/root/")


def _of(files: tuple[AuthFile, ...], authorized: tuple[str, ...] | Unknown) -> tuple[str, ...] | Unknown:
    held = {key for file in files for key in file.keys}
    return authorized if isinstance(authorized, Unknown) else tuple(key for key in authorized if key in held)


def _nowhere(config: Config | Unknown) -> bool:
    return isinstance(config, Config) and config.authorized_keys_files == ("none",)


def _sure(account: Account, config: Config | Unknown) -> bool:
    """Every key that sshd would take stands in the files that were read."""
    if isinstance(config, Unknown) or isinstance(config.authorized_keys_files, Unknown):
        return False
    return account.keys_command == "" and config.user_ca_keys == "none"


def _refused_by(
    holding: list[AuthFile], marks: tuple[str, ...], client: str, config: Config | Unknown
) -> str:
    by_name = getattr(config, "use_dns", None) is not False
    against = [
        refusing(options, client, datetime.now(), by_name=by_name)
        for file in holding
        for mark, options in file.options
        if mark in marks
    ]
    return against[0] if against and all(against) else ""


def _misread(holding: list[AuthFile], marks: tuple[str, ...]) -> str:
    found = [misread(options) for file in holding for mark, options in file.options if mark in marks]
    return found[0] if found and all(found) else ""


def _authority(files: tuple[AuthFile, ...], marks: tuple[str, ...], holding: list[AuthFile]) -> str:
    found = not holding and any(set(file.authorities) & set(marks) for file in files)
    return "cert-authority, by which the key signs certificates and logs nobody in itself" if found else ""


def _said(words: Any) -> tuple[Any, ...]:
    """What the host said about this dial, as far as it was heard."""
    return tuple(getattr(words, "said", ()))


def _against(file: AuthFile, strict: bool | Unknown) -> tuple[Objection, ...]:
    return file.unread if strict is False else file.unsafe + file.unread


def _distrusted(holding: list[AuthFile], strict: bool | Unknown, spoken: str) -> str | Unknown:
    """``spoken`` is what sshd said of it, where nothing that is seen tells."""
    said: list[str] = []
    for file in holding:
        if file.hidden:
            said.append(file.hidden)
        elif not file.problem or strict is False:
            return spoken
        elif isinstance(strict, Unknown):
            return strict
        else:
            said.append(file.problem)
    return said[0] if said else spoken
