"""The fact ``grace``: whether LoginGraceTime ended the login, which an sshd busy in PAM does in silence.

Source: sshd.c, grace_alarm_handler(): where logging is not safe in a handler of a signal, nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from sshdoctor.facts.ssh.config import Config
from sshdoctor.model import Evidence, Unknown

_EARLY, _LATE = 0.5, 2.0
"""Seconds by which the end of a login may be off the time of the settings: the client counts from its own."""


class Grace(Struct, frozen=True, kw_only=True):
    """``ran_out``: the connection was closed in the login just when ``limit`` was over. Both in seconds."""

    ran_out: bool
    limit: int | Unknown
    seconds: int
    evidence: tuple[Evidence, ...]


VALUE = Grace
WRITERS = {"": "root"}
NEEDS = ("config",)


def derive(known: Mapping[str, Any]) -> Grace | Unknown:
    """The fact; a login that was not cut off, or that no limit stands for, did not run out of time."""
    config: Config | Unknown = known["config"]
    dial = known["dialled"]
    if isinstance(config, Unknown):
        return config
    limit, took = config.login_grace, dial.login_seconds
    cut = dial.reply == "auth-denied" and dial.cut_off
    if not cut or isinstance(limit, Unknown):
        return Grace(ran_out=False, limit=limit, seconds=round(took), evidence=())
    return Grace(
        ran_out=limit > 0 and limit - _EARLY <= took <= limit + _LATE,
        limit=limit,
        seconds=round(took),
        evidence=(Evidence("sshd -T | grep -i logingracetime", f"logingracetime {limit}"),),
    )
