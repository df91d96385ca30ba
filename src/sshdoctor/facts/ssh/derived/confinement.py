"""The fact ``confinement``: what the daemon, and with it every session, does not see of the host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from sshdoctor.facts.ssh.account import Account
from sshdoctor.facts.ssh.processes import Processes
from sshdoctor.facts.ssh.start import Start
from sshdoctor.model import Command, Evidence, Unknown


class Confinement(Struct, frozen=True, kw_only=True):
    """``home`` is the user's home, or .ssh in it, where the daemon does not see it, though it is there.
    ``hidden_by`` is the setting of the unit that hides it (NAME=VALUE, in one of ``files``), "" for none."""

    chroot_unsafe: str
    """What is wrong with ChrootDirectory, or a folder above it, ""; ``chroot_mend`` puts it right."""
    chroot_mend: Command
    home: str
    hidden_by: str
    pid: int | None
    unit: str
    files: tuple[str, ...]
    evidence: tuple[Evidence, ...]


VALUE = Confinement
WRITERS = {"": "root"}
NEEDS = ("start", "processes", "account")


def derive(known: Mapping[str, Any]) -> Confinement | Unknown:
    """What the running daemon sees decides; the settings of its unit only explain it."""
    account: Account | Unknown = known["account"]
    processes: Processes | Unknown = known["processes"]
    start: Start | Unknown = known["start"]
    if isinstance(account, Unknown):
        return account
    if isinstance(processes, Unknown):
        return processes
    if isinstance(account.state, Unknown):
        return account.state
    looked = processes.running and account.state == "present" and account.home_exists is True
    if looked and isinstance(processes.sees_home, Unknown):
        return processes.sees_home
    unsafe = account.chroot
    says, mend = "; ".join(one.says for one in unsafe), Command("; ".join(one.mend for one in unsafe))
    shown = tuple(Evidence(f"ls -ld {one.path}", one.says) for one in unsafe)
    if not looked or (processes.sees_home is True and processes.sees_keys is not False):
        return Confinement(
            chroot_unsafe=says,
            chroot_mend=mend,
            home="",
            hidden_by="",
            pid=processes.pid,
            unit="",
            files=(),
            evidence=shown,
        )
    hidden = account.home if processes.sees_home is False else f"{account.home}/.ssh"
    unit = "" if isinstance(start, Unknown) else start.unit
    hides = () if isinstance(start, Unknown) else start.hides
    setting = next((setting for setting, folder in hides if _below(hidden, folder)), "")
    seen = Evidence(f"ls -d /proc/{processes.pid}/root{hidden}", "not the folder of the host")
    shown += (Evidence(f"systemctl show {unit}", setting),) if setting else ()
    return Confinement(
        chroot_unsafe=says,
        chroot_mend=mend,
        home=hidden,
        hidden_by=setting,
        pid=processes.pid,
        unit=unit,
        files=() if isinstance(start, Unknown) else start.files,
        evidence=(seen, *shown),
    )


def _below(path: str, folder: str) -> bool:
    """
    >>> _below("/home/deploy", "/home"), _below("/homes/deploy", "/home"), _below("/srv", "/")
    (True, False, True)
    """
    return bool(path) and f"{path}/".startswith(f"{folder.rstrip('/')}/")
