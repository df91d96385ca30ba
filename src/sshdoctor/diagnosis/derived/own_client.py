"""The fact ``own_client``: what the person's own client, its key files and its options do on this dial."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path
from shlex import quote

from msgspec import Struct

from sshdoctor.access import forced_command, key_fault, wants_passphrase
from sshdoctor.checks.said import Said
from sshdoctor.model import Command, Evidence, Login
from sshdoctor.reasons import classify
from sshdoctor.services import load


class OwnClient(Struct, frozen=True, kw_only=True):
    """``said`` are the client's own lines that name a cause, () where it was not asked.

    ``key_cause`` is the cause that a key file gives by itself ("" for none), ``key_says`` and ``key_mend``
    what to say of it; ``overrides`` are the options, as NAME=VALUE, that the inventory gives and that choose
    what it may agree to.
    """

    said: tuple[Said, ...]
    key_cause: str
    key_says: str
    key_mend: Command
    locked: tuple[str, ...]
    """The key files of the login that need a passphrase."""
    overrides: tuple[str, ...]
    disabled: tuple[str, ...]
    """Those, the person's own configuration's too, that keep it from offering a key."""
    certificate: str
    """The file of a certificate that the client offers, "" for none."""
    forced: str
    """What that certificate has the server run in place of the shell (force-command), "" for nothing."""
    alias: str
    """HostKeyAlias: the name under which it looks for the host's key, "" where that is the host's own."""
    family: str
    """AddressFamily, where the inventory has an address of the other family; else ""."""
    fault: str
    """What the client says against the person's own configuration, "" where it takes it."""
    fault_mend: Command
    """The command that mends it, where it is the owner or mode of a file; else ""."""
    meant: str
    """The address in the inventory, where the person's own configuration dials another one; else ""."""
    meant_port: int | None
    """The same for the port."""
    shared: str
    """What the client came to with the shared connection of its own configuration (ControlPath), where it
    ended or waits there; else ""."""
    instead: str
    """What its own configuration has it do in place of a command or a shell, "" for nothing."""
    other_key: str
    """Where the key stands that the client holds for the host's, as FILE line NUMBER, as it says; ""."""
    other_key_mend: Command
    """What takes that line out."""
    evidence: tuple[Evidence, ...]


_INSTEAD = {
    "remotecommand": "RemoteCommand {}: a command of its own, beside which it takes no other",
    "forkafterauthentication": "ForkAfterAuthentication {}: it wants a command, and goes into the background",
    "sessiontype": "SessionType {}: it asks the host for no shell",
}
_SHARED = ("unix_listener: ", "muxclient: ", "auto-mux: Trying existing master", "mux_client_")
_LEAVES_A_KEY_OUT = ("client-config-override", "authentication")
_OTHER_KEY = re.compile(r"Offending (?:\S+ key|key for IP) in (/[^\0-\x1f\x7f]{1,999}):(\d{1,9})")
_CHOOSING = ("ciphers", "kexalgorithms", "macs", "hostkeyalgorithms", "pubkeyacceptedalgorithms")


def own_client(service: str, login: Login, lines: Sequence[str]) -> OwnClient:
    """The fact; ``lines`` are what the client said, where it was asked."""
    program = load(service).client
    fault = next((found for path in login.key_files if (found := key_fault(path))), None)
    said = tuple(_said(program, lines))
    shown = [one.text for one in said] or [line.removeprefix("debug1: ") for line in lines[-3:]]
    certificate = _certificate(login)
    other = next((match for line in lines if (match := _OTHER_KEY.match(line))), None)
    return OwnClient(
        said=said,
        key_cause=fault.cause if fault else "",
        key_says=fault.says if fault else "",
        key_mend=fault.mend if fault else Command(),
        locked=tuple(path for path in login.key_files if wants_passphrase(path)),
        overrides=tuple(f"{name}={login.options[name]}" for name in _CHOOSING if name in login.options),
        disabled=tuple(_disabled(login)),
        certificate=certificate,
        forced=forced_command(certificate) if certificate else "",
        alias=login.host_key_alias or login.options.get("hostkeyalias", ""),
        family=_other_family(login),
        fault=login.fault,
        fault_mend=_mode_mended(login.fault),
        meant=login.meant,
        meant_port=login.meant_port,
        shared=_shared(login, lines),
        instead="; ".join(
            says.format(login.extras[name]) for name, says in _INSTEAD.items() if name in login.extras
        ),
        other_key=f"{other[1]} line {other[2]}" if other else "",
        other_key_mend=Command(f"sed -i.old {other[2]}d {quote(other[1])}") if other else Command(),
        evidence=tuple(_evidence(program, login, shown)),
    )


def _evidence(program: str, login: Login, shown: Sequence[str]) -> Iterator[Evidence]:
    asked = f"{program} -G {quote(login.meant or login.address)}"
    holds = [f"hostname {login.address}"] if login.meant else []
    holds += [f"port {login.port}"] if login.meant_port else []
    if login.fault or holds:
        yield Evidence(asked, login.fault or "\n".join(holds))
    if shown:
        yield Evidence(f"{program} -v", "\n".join(shown))


def _shared(login: Login, lines: Sequence[str]) -> str:
    last = lines[-1].removeprefix("debug1: ") if lines else ""
    return f"ControlPath {login.extras.get('controlpath', '')}: {last}" if last.startswith(_SHARED) else ""


def _other_family(login: Login) -> str:
    family = login.options.get("addressfamily", "any").lower()
    try:
        version = ip_address(login.address).version
    except ValueError:
        return ""
    return family if family == {4: "inet6", 6: "inet"}[version] else ""


def _mode_mended(fault: str) -> Command:
    """
    >>> _mode_mended("ssh -G web1: Bad owner or permissions on /home/me/.ssh/config")
    'chown "$(id -un)" /home/me/.ssh/config && chmod 600 /home/me/.ssh/config'
    """
    found = re.search(r"Bad owner or permissions on (/.+)$", fault)
    if found is None:
        return Command()
    file = quote(found[1])
    return Command(f'chown "$(id -un)" {file} && chmod 600 {file}')


def _certificate(login: Login) -> str:
    named = login.options.get("certificatefile", "none")
    beside = (f"{path}-cert.pub" for path in login.key_files)
    return named if named != "none" else next((path for path in beside if Path(path).is_file()), "")


def _disabled(login: Login) -> Iterator[str]:
    if login.options.get("pubkeyauthentication", "yes").lower() in ("no", "false"):
        yield f"PubkeyAuthentication={login.options['pubkeyauthentication']}"
    if login.options.get("identityagent", "").lower() == "none":
        yield "IdentityAgent=none"
    preferred = login.options.get("preferredauthentications", "publickey")
    if "publickey" not in preferred.lower().split(","):
        yield f"PreferredAuthentications={preferred}"


def _said(program: str, lines: Sequence[str]) -> Iterator[Said]:
    offers = any("Offering public key: " in line for line in lines)
    for text in lines:
        reason = classify(program, text)
        if reason and offers and (reason.entry.cause, reason.entry.stage) == _LEAVES_A_KEY_OUT:
            continue  # that one was left out explains nothing where the host was asked about another
        if reason and reason.entry.cause and reason.entry.ends:
            yield Said(
                cause=reason.entry.cause, of="client", text=text, parts=reason.parts, trusted=reason.certain
            )
