"""The person's own ssh, asked once: where Fabric's library may do otherwise, its answer counts.

Source: ssh(1), ssh_config(5). Nothing is asked of a person (BatchMode), no key is added to known_hosts, and
what runs on the host, if it lets us in, is ``true``.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping

from msgspec import Struct

from sshdoctor.access.ssh.key_file import key_fault
from sshdoctor.access.ssh.login import user_of
from sshdoctor.model import Login

HONOURED = frozenset(
    {
        "addressfamily", "batchmode", "bindaddress", "connecttimeout", "identitiesonly",
        "port", "proxycommand", "proxyjump", "proxyusefdpass", "pubkeyauthentication",
        "stricthostkeychecking", "userknownhostsfile", "globalknownhostsfile",
        "hostkeyalias", "user", "hostname",
    }
)  # fmt: skip
"""The options that the library does as ssh does; any other is asked of ssh."""

ORDINARY = {
    "ipqos": ("lowdelay throughput", "af21 cs1", "ef none", "ef cs0", "ef cs1"),
    "identityagent": ("SSH_AUTH_SOCK",),
}
"""What ssh does unasked: Debian's, and upstream's before 10.1 and since (ssh_config(5))."""

_FORWARDS = ("dynamicforward", "localforward", "remoteforward", "tunnel")
_ASKED_FOR = ("checkhostip", "controlpath", "knownhostscommand", "revokedhostkeys", "sessiontype")
"""By these ssh can end, or wait for ever, where the library logs in; by a forward, if it must succeed."""

_DIFFERENT = ("auth-denied", "kex-failed", "host-key-unknown")
_SLOW = 4
_MOST_LINES = 200
_WORDS = (
    ("Permission denied (", "auth-denied"),
    ("Too many authentication failures", "auth-denied"),
    ("Unable to negotiate with", "kex-failed"),
    ("no matching ", "kex-failed"),
    ("REMOTE HOST IDENTIFICATION HAS CHANGED", "host-key-changed"),
    ("REVOKED HOST KEY DETECTED", "host-key-changed"),
    ("differs from the key for the IP address", "host-key-changed"),
    ("Host key verification failed", "host-key-unknown"),
    ("getifaddrs: ", "local-unreachable"),
)


class OpensshAnswer(Struct, frozen=True, kw_only=True):
    """``word`` is a reply word, "" where ssh's end has none; ``lines`` are its own, as they stand;
    ``seconds`` is how long it took."""

    word: str
    lines: tuple[str, ...]
    seconds: float = 0.0


def differs(login: Login, word: str) -> bool:
    """Whether ssh may come to something else than the library, which came to ``word``."""
    if login.password is not None:
        return False
    if word in _DIFFERENT:
        return True
    asked = {name for name, value in login.options.items() if value not in ORDINARY.get(name, ())}
    if asked - HONOURED or any(name in login.extras for name in _ASKED_FOR):
        return True
    forwards = "exitonforwardfailure" in login.extras and any(name in login.extras for name in _FORWARDS)
    return forwards or any(key_fault(path) for path in login.key_files)


def ask_openssh(
    login: Login, timeout: float, more: Mapping[str, str] | None = None, *, shared: bool = False
) -> OpensshAnswer | None:
    """What ``ssh -v`` came to, within ``timeout`` seconds for each of its steps; None without an ssh here.

    ``more``: options that hold over those of the login. ``shared``: by the shared connection of the person's
    own configuration (ControlPath), which is not to hide what a new one meets.
    """
    began = time.monotonic()
    try:
        done = subprocess.run(
            command_of(login, timeout, more, shared=shared),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_SLOW * timeout,
            check=False,
        )
        said, status = done.stderr, done.returncode
    except FileNotFoundError:
        return None
    except subprocess.TimeoutExpired as late:
        said, status = late.stderr or b"", None
    lines = _lines(said)
    word = _word(lines, status)
    if status is None and not word:
        word = _waited_for(lines, login)
    return OpensshAnswer(word=word, lines=_own(lines), seconds=time.monotonic() - began)


def command_of(
    login: Login, timeout: float, more: Mapping[str, str] | None = None, *, shared: bool = False
) -> list[str]:
    """The command line by which ssh logs in and runs ``true``; ``more`` are options that come first."""
    command = ["ssh", "-v", "-T", "-p", str(login.port), "-l", user_of(login)]
    for path in login.key_files:
        command += ["-i", path]
    if login.known_hosts:
        command += ["-o", f"UserKnownHostsFile={' '.join(login.known_hosts)}"]
    if login.host_key_alias:
        command += ["-o", f"HostKeyAlias={login.host_key_alias}"]
    if login.jumps:
        command += ["-J", ",".join(login.jumps)]
    own = {"ControlPersist": "no"} if shared and "controlpath" in login.extras else _ALONE
    ours = {**_OURS, **own, "ConnectTimeout": str(max(1, round(timeout))), **(more or {})}
    if "remotecommand" in login.extras:
        ours["RemoteCommand"] = "none"  # it takes no other beside it
    for name, value in ours.items():
        command += ["-o", f"{name}={value}"]
    for name, value in login.options.items():
        command += ["-o", f"{name}={value}"]
    return [*command, "--", login.address, "true"]


def word_of(said: bytes, status: int) -> str:
    """The reply word of what ``ssh -v`` wrote to standard error, "" where its end has none."""
    return _word(_lines(said), status)


def _lines(said: bytes) -> list[str]:
    return [line.strip() for line in said.decode("utf-8", "backslashreplace").splitlines() if line.strip()]


_OURS = {
    "BatchMode": "yes",
    "NumberOfPasswordPrompts": "0",
    "StrictHostKeyChecking": "yes",
    "UpdateHostKeys": "no",
    "PermitLocalCommand": "no",
}
_ALONE = {"ControlMaster": "no", "ControlPath": "none"}
"""A connection of its own."""


def _word(lines: list[str], status: int | None) -> str:
    if any(line.startswith(("Authenticated to ", "debug1: Authentication succeeded")) for line in lines):
        return "ok" if status == 0 else "session-closed" if status is not None else ""
    return next((word for said, word in _WORDS for line in lines if said in line), "")


def _waited_for(lines: list[str], login: Login) -> str:
    """The word of an ssh that did not end, where its own configuration is why; else ""."""
    if lines and "auto-mux: Trying existing master" in lines[-1]:
        return "no-banner"
    authenticated = any(line.startswith("Authenticated to ") for line in lines)
    return "session-closed" if authenticated and login.extras.get("sessiontype") == "none" else ""


def _own(lines: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line[:500] for line in lines[-_MOST_LINES:]))
