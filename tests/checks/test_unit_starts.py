"""A unit that systemd starts again after failures does not wait for its program: it ends each time."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import fields

from sshdoctor import facts
from sshdoctor.checks.evaluate import evaluate
from sshdoctor.checks.load import load_checks
from sshdoctor.diagnosis.derive import DERIVED
from sshdoctor.diagnosis.derived.listening import Listening
from sshdoctor.diagnosis.derived.start_end import StartEnd
from sshdoctor.documents.resources import shipped
from sshdoctor.facts.ssh.service import Service
from sshdoctor.facts.ssh.start import Start
from sshdoctor.model import Unknown

ASKED = ("unit-commands-run", "sshd-starts")
START = {
    "active": "activating",
    "kind": "notify",
    "result": "success",
    "failed_command": "",
    "began": False,
    "run_as": "",
    "retried": False,
    "retried_after": "",
    "ended": 0,
}
AGAIN = {"retried": True, "retried_after": "exit-code", "restarts": 3}


def only(fact: type[Any], **known: object) -> Any:
    """A fact with only ``known`` fields seen."""
    return fact(**{each.name: Unknown("not seen") for each in fields(fact)} | {"evidence": ()} | known)


def cause(**start: object) -> str | None:
    types = {name: facts.load(name).VALUE for name in facts.names()}
    checks = [c for c in load_checks((shipped("checks"),), {**types, **DERIVED}) if c.id in ASKED]
    seen = {
        "start": only(Start, **START | start),
        "listening": only(Listening, unserved=True),
        "service": only(Service),
        "start_end": only(StartEnd, words="", named=False, helper="", means="", settings=()),
        "words": Unknown("not asked for"),
        "own_client": Unknown("not asked for"),
    }
    answers = evaluate(sorted(checks, key=lambda check: ASKED.index(check.id)), seen, {})
    found = [one.obstacle.id for one in answers.values() if one.obstacle]
    return found[0] if found else None


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ({}, "unit-start-timeout"),
        (AGAIN, "sshd-start-fails"),
        (AGAIN | {"run_as": "deploy"}, "sshd-start-fails"),
        (AGAIN | {"result": "exit-code"}, "sshd-start-fails"),
        (AGAIN | {"retried_after": "timeout"}, "unit-start-timeout"),
        ({"active": "failed", "result": "timeout"}, "unit-start-timeout"),
    ],
)
def test_only_a_first_start_or_one_that_timed_out_is_waited_for(
    start: dict[str, object], expected: str
) -> None:
    assert cause(**start) == expected
