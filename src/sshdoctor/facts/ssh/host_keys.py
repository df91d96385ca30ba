"""The host keys that sshd is to use, whether it accepts them, and their fingerprints.

Sources: sshd_config(5) HostKey; sshd's own rule (authfile.c, sshkey_perm_ok): a key owned by the user who
runs sshd and open to group or others is ignored; Fedora's patch allows group ssh_keys to read. A
fingerprint is the SHA-256 of the public key (ssh-keygen(1)), worked out here, so that nothing runs there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from stat import S_IMODE
from typing import TYPE_CHECKING

from msgspec import Struct

from sshdoctor.facts.offline.accounts_and_paths import group, owner, printed
from sshdoctor.facts.parsing.output import evidence, parts
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.parsing.words import path
from sshdoctor.facts.ssh.parsing import sshd_config as _sshd_config
from sshdoctor.model import Evidence, Unknown
from sshdoctor.services.ssh.fingerprints import fingerprint

if TYPE_CHECKING:
    from sshdoctor.disk import Disk

COMMANDS = {
    "keys": """
cd /etc/ssh 2>/dev/null || { echo '## none'; exit 0; }
keys=$(sed -n -e 's/"//g' -e 's/^[[:space:]]*[Hh][Oo][Ss][Tt][Kk][Ee][Yy][[:space:]=]*[[:space:]=]//p' \\
  sshd_config.d/*.conf sshd_config 2>/dev/null)
[ -z "$keys" ] || echo '## configured'
listed=
for key in ${keys:-/etc/ssh/ssh_host_rsa_key /etc/ssh/ssh_host_ecdsa_key /etc/ssh/ssh_host_ed25519_key}; do
  case $listed in *"|$key|"*) continue ;; esac
  listed="$listed|$key|"
  echo "## key $key"
  [ -f "$key" ] || continue
  if [ ! -r "$key" ]; then echo head=unread
  else
    { read -r head; read -r next; } <"$key"
    case $head,$next in
      -----BEGIN*,b3BlbnNzaC1rZXktdjEAAAAABG5vbmU*) echo head=key ;;
      -----BEGIN*,b3BlbnNzaC1rZXktdjEA* | -----BEGIN*,Proc-Type:* | -----BEGIN?ENCRYPTED*) echo head=locked ;;
      -----BEGIN*) echo head=key ;;
      *) echo head=other ;;
    esac
  fi
  if [ -r "$key.pub" ]; then read -r type blob rest <"$key.pub"; echo "public=$type $blob"
  elif [ -r "$key" ]; then ssh-keygen -lf "$key" 2>&1 | sed 's/^/listed=/'; fi
  [ ! -L "$key" ] || echo link=
  stat -L -c 'stat=%a %u %U %G %s' "$key"
done
true
"""
}


class HostKey(Struct, frozen=True):
    """``mode`` is octal such as "0600"; ``type`` the algorithm's name, "" where it is not known.

    ``exposed``: others can read it, and it is no link: what a link leads to is not this key's alone.
    """

    path: str
    type: str
    fingerprint: str | Unknown
    mode: str
    owner: str
    usable: bool | Unknown
    exposed: bool = False


class HostKeys(Struct, frozen=True, kw_only=True):
    """``state``: present (sshd has one that it accepts), missing (no file), unsafe (those that are there are
    open to others), empty (those that are there hold no key). ``absent`` are paths without a file."""

    state: str
    keys: tuple[HostKey, ...]
    absent: tuple[str, ...]
    fingerprints: tuple[str, ...]
    configured: bool
    """HostKey lines of sshd_config name them; else they are the usual ones."""
    unreadable: tuple[str, ...]
    """Files that are there, and hold no key that sshd can read."""
    locked: tuple[str, ...]
    """Those of them that need a passphrase, which nobody gives at a start."""
    evidence: tuple[Evidence, ...]


VALUE = HostKeys
WRITERS = {"": "root"}
_DEFAULT = tuple(f"/etc/ssh/ssh_host_{kind}_key" for kind in ("rsa", "ecdsa", "ed25519"))


def on_disk(disk: Disk, user: str) -> HostKeys | Unknown:
    configured = _sshd_config.Keywords(_sshd_config.of_disk(disk), None, matched=False).every("hostkey")
    if isinstance(configured, Unknown):
        return configured
    said = [line for path in dict.fromkeys(configured or _DEFAULT) for line in _shown(path, disk)]
    return parse({"keys": printed("\n".join(said))})


def _shown(path: str, disk: Disk) -> list[str]:
    """Of the private key no more than its first words leave the disk, and they only as one of ours."""
    if not disk.is_file(path):
        return [f"## key {path}"]
    try:
        head = _head(disk.read(path, most=200))
    except PermissionError:
        head = "unread"
    public = (disk.text_if_any(f"{path}.pub") or "").split()[:2]
    of = disk.stat(path)
    whose = f"{of.st_uid} {owner(of.st_uid, disk=disk)} {group(of.st_gid, disk=disk)}"
    shown = [f"## key {path}", f"head={head}", f"stat={S_IMODE(of.st_mode):o} {whose} {of.st_size}"]
    return [*shown, f"public={' '.join(public)}"] if len(public) == 2 else shown


_PLAIN = b"b3BlbnNzaC1rZXktdjEAAAAABG5vbmU"
"""A key of OpenSSH's own format that no cipher ("none") keeps, in base64 (PROTOCOL.key)."""


def _head(begin: bytes) -> str:
    """
    >>> _head(b"-----BEGIN OPENSSH PRIVATE KEY-----\\nb3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHI"), _head(b"")
    ('locked', 'other')
    """
    first, _, rest = begin.partition(b"\n")
    if not first.startswith(b"-----BEGIN"):
        return "other"
    sealed = rest.startswith(_PLAIN[:17]) and not rest.startswith(_PLAIN)
    marked = b"ENCRYPTED" in first or rest.startswith(b"Proc-Type:")
    return "locked" if sealed or marked else "key"


def parse(sections: Mapping[str, Section]) -> HostKeys | Unknown:
    said = parts(sections["keys"].output)
    named = {path(name[4:]): text for name, text in said.items() if name.startswith("key ")}
    keys = tuple(key for where, text in named.items() if (key := _key(where, text)))
    present = {key.path for key in keys}
    prints = [key.fingerprint for key in keys if isinstance(key.fingerprint, str)]
    return HostKeys(
        state=_state(keys, named),
        keys=keys,
        absent=tuple(where for where in named if where not in present),
        fingerprints=tuple(prints),
        configured="configured" in said,
        unreadable=tuple(key.path for key in keys if key.usable is False),
        locked=tuple(key.path for key in keys if "head=locked" in named[key.path].splitlines()),
        evidence=evidence(
            "ls -l /etc/ssh/ssh_host_*_key",
            [f"{key.mode} {key.owner} {key.path}" for key in keys] or ["No such file or directory"],
        ),
    )


def _key(path: str, text: str) -> HostKey | None:
    found = re.search(r"^stat=([0-7]+) (\d+) (\S+) (\S+) (\d+)$", text, re.M)
    if not found:
        return None
    mode, uid, size = int(found[1], 8), int(found[2]), int(found[5])
    public = re.search(r"^public=(\S+) (\S+)$", text, re.M)
    listed = re.search(r"^listed=\d+ (SHA256:\S+) .*\(([^\s()]+)\)$", text, re.M)
    mark: str | Unknown = Unknown("there is no public key file")
    if public:
        mark = fingerprint(public[2])
    elif listed:
        mark = listed[1]
    return HostKey(
        path=path,
        type=public[1] if public else listed[2].lower() if listed else "",
        fingerprint=mark,
        mode=f"{mode:04o}",
        owner=found[3],
        usable=_usable(text, size, safe=_safe(mode, uid, found[4])),
        exposed=not _safe(mode, uid, found[4]) and "link=" not in text.splitlines(),
    )


def _safe(mode: int, uid: int, group: str) -> bool:
    if uid != 0 or not mode & 0o077:
        return True
    return group == "ssh_keys" and not mode & 0o037


def _usable(text: str, size: int, *, safe: bool) -> bool | Unknown:
    if not safe or not size:
        return False
    return Unknown("not permitted") if "head=unread" in text else "head=key" in text


def _state(keys: tuple[HostKey, ...], named: Mapping[str, str]) -> str:
    if not keys:
        return "missing"
    if any(isinstance(key.usable, Unknown) or key.usable for key in keys):
        return "present"
    stats = [re.search(r"^stat=([0-7]+) (\d+) \S+ (\S+)", named[key.path], re.M) for key in keys]
    unsafe = [found for found in stats if found and not _safe(int(found[1], 8), int(found[2]), found[3])]
    return "unsafe" if unsafe else "empty"
