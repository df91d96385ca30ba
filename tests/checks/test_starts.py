"""Why a start failed comes before that it failed often: recorded starts, each with what is found of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.test_shipped import TYPES, value
from sshdoctor import facts
from sshdoctor.checks.evaluate import Obstacle, evaluate
from sshdoctor.checks.load import load_checks
from sshdoctor.diagnosis.derive import DERIVED
from sshdoctor.diagnosis.derived.start_end import start_end
from sshdoctor.documents.reader import read_yaml
from sshdoctor.documents.resources import shipped
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Unknown

RECORDED = Path(__file__).parents[1] / "facts" / "start"
ASKED = ("unit-commands-run", "sshd-starts", "sshd-running")


def first_cause(case: str) -> Obstacle:
    """Of a unit that systemd gave up after the start that ``case`` recorded."""
    sections = read_yaml(RECORDED / f"{case}.yml")["sections"]
    start = facts.parse_all(["start"], {f"start.{key}": Section(**each) for key, each in sections.items()})
    seen = start | {
        "service": value(
            "service", {"unit": "ssh.service", "state": "failed", "result": "exit-code", "manager": "systemd"}
        ),
        "log": value("log", {"start_limited": True}),
        "listening": value("listening", {"unserved": True}),
        "processes": value("processes", {"running": False}),
        "start_end": start_end(start["start"]),
        "own_client": Unknown("not asked"),
        "words": value("words", {"said": (), "causes": ()}),
    }
    checks = load_checks((shipped("checks"),), {**TYPES, **DERIVED})
    own = {check.id: check for check in checks if check.id in ASKED}
    judged = evaluate([own[name] for name in ASKED], seen, {})
    return next(one.obstacle for one in judged.values() if one.obstacle)


@pytest.mark.parametrize(
    ("case", "cause", "confidence", "named"),
    [
        ("helper-directory", "unit-command-failed", "proved", "WorkingDirectory=/srv/sshd"),
        ("helper-files", "unit-command-failed", "proved", "LimitNOFILE=4"),
        (
            "own-words",
            "sshd-start-fails",
            "proved",
            "any address. RestrictAddressFamilies=AF_UNIX",
        ),
        ("wrote-nothing", "sshd-start-fails", "likely", "status 1"),
        ("named-option", "sshd-start-limit", "proved", "failed too often"),
    ],
)
def test_the_reason_of_the_last_start_comes_before_the_limit(
    case: str, cause: str, confidence: str, named: str
) -> None:
    found = first_cause(case)
    assert (found.id, found.confidence) == (cause, confidence)
    assert named in found.summary
