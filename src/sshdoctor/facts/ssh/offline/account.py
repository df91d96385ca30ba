"""The account of a user as a disk has it, printed as the fact account's command prints it on a live host."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from sshdoctor.disk import Disk
from sshdoctor.facts.offline.accounts_and_paths import rows
from sshdoctor.facts.ssh.parsing import sshd_config as _sshd_config
from sshdoctor.model import Unknown

_NOT_A_KEY = re.compile(r"\s*(?:#|$)|(?>.*?cert-authority).*\s(?:ssh|ecdsa|sk)-")
_KEY = re.compile(r"(?:.*\s)?(?:ssh|ecdsa|sk)-[\w@.-]+\s+(AAAA[A-Za-z0-9+/=]+)")
_LOCAL = {"files", "compat", "systemd", "db"}


def account_text(disk: Disk, user: str) -> str | Unknown:
    """Of a key only its public part, as on a live host; Unknown where another machine keeps the accounts."""
    entry = _entry(disk, user)
    if entry is None:
        elsewhere = set(_sources(disk)) - _LOCAL
        if elsewhere:
            return Unknown(f"its accounts are kept by {', '.join(sorted(elsewhere))} as well")
        return "## passwd\nstatus=2"
    name, _, uid, gid, _, home, shell = entry
    groups = list(_groups(disk, name, gid))
    said = ["## passwd", f"name={name}", f"uid={uid}", f"gid={gid}", f"home={home}", f"shell={shell}"]
    said.append(f"groups={' '.join(fields[0] for fields in groups)}")
    said += ["executable=yes"] if disk.is_program(shell or "/bin/sh") else []
    shells = disk.text_if_any("/etc/shells")
    if shells is not None:
        said.append(f"listed={'yes' if (shell or '/bin/sh') in shells.splitlines() else 'no'}")
    own = next((fields for fields in groups if fields[2] == gid), None)
    said += [f"group={':'.join(own)}"] if own and disk.is_there("/etc/debian_version") else []
    real_home = _real(disk, home)
    said += [f"real={real_home}"] if real_home != home else []
    return "\n".join([*said, rows(disk, _chain(real_home, "/")), *_keys(disk, name, uid, home)])


def _entry(disk: Disk, user: str) -> list[str] | None:
    lines = [line.split(":") for line in disk.text("/etc/passwd").splitlines()]
    return next((fields for fields in lines if fields[0] == user and len(fields) == 7), None)


def _groups(disk: Disk, name: str, gid: str) -> Iterator[list[str]]:
    """The user's groups, its own first."""
    lines = [line.split(":") for line in (disk.text_if_any("/etc/group") or "").splitlines()]
    whole = [fields for fields in lines if len(fields) == 4]
    yield from (fields for fields in whole if fields[2] == gid)
    yield from (fields for fields in whole if fields[2] != gid and name in fields[3].split(","))


def _sources(disk: Disk) -> Sequence[str]:
    """Who keeps the accounts, by nsswitch.conf(5)."""
    found = re.search(r"^[ \t]*passwd:(.*)$", disk.text_if_any("/etc/nsswitch.conf") or "", re.M)
    return re.findall(r"[a-z]\w*", re.sub(r"\[[^\]]*\]?|#.*", "", found[1])) if found else ()


def _keys(disk: Disk, name: str, uid: str, home: str) -> Iterator[str]:
    values = _sshd_config.Keywords(_sshd_config.of_disk(disk), None, matched=False)
    patterns = values.words("authorizedkeysfile", _sshd_config.KEY_FILES)
    if isinstance(patterns, Unknown):
        yield "unread=yes"
        return
    signs = {"%h": home, "%u": name, "%U": uid, "%%": "%"}
    paths = [_expanded(pattern, signs) for pattern in patterns if pattern != "none"]
    for path in dict.fromkeys(path if path.startswith("/") else f"{home}/{path}" for path in paths):
        yield from _file(disk, path, home)


def _expanded(pattern: str, signs: Mapping[str, str]) -> str:
    return re.sub("%[huU%]", lambda sign: signs[sign[0]], pattern)


def _file(disk: Disk, path: str, home: str) -> Iterator[str]:
    yield f"## file {path}"
    real = _real(disk, path)
    if real != path:
        yield f"real={real}"
    yield rows(disk, _chain(real, _real(disk, home)))
    text = disk.text_if_any(path)
    if text is None:
        return
    yield "readable=yes"
    for line in text.splitlines():
        if not _NOT_A_KEY.match(line):
            found = _KEY.match(line)
            yield f"key={found[1]}" if found else f"odd={_odd(line)}"


_ODD: Mapping[str, str | tuple[str, ...]] = {
    "ssh2": "---- BEGIN SSH2 PUBLIC KEY",
    "private": "-----BEGIN ",
    "mark": "\ufeff",
    "utf-16": ("\\xff\\xfe", "\\xfe\\xff"),
}
"""How a line begins that is no key; bytes that are no UTF-8 are shown by their numbers."""


def _odd(line: str) -> str:
    """
    >>> _odd("\ufeffssh-ed25519 AAAA"), _odd("anything")
    ('mark', 'line')
    """
    return next((kind for kind, beginning in _ODD.items() if line.startswith(beginning)), "line")


def _real(disk: Disk, path: str) -> str:
    """Where links lead; the path itself where that cannot be told, or is none that can be shown."""
    try:
        real = disk.real(path)
    except OSError:
        return path
    return real if real.isprintable() else path


def _chain(path: str, home: str) -> list[str]:
    """The file, and each directory from it up to the home, or to the root."""
    found = [path]
    while found[-1] not in (home, "/"):
        found.append(found[-1].rpartition("/")[0] or "/")
    return found
