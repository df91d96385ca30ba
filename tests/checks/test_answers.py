"""What a check answers to facts: one line of answers.yml each, of what no unit of code alone would show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import fields, replace

from sshdoctor import facts, services
from sshdoctor.checks.evaluate import evaluate
from sshdoctor.checks.load import load_checks
from sshdoctor.diagnosis.derive import DERIVED
from sshdoctor.documents.reader import read_yaml
from sshdoctor.documents.resources import shipped
from sshdoctor.model import Unknown

CASES = read_yaml(Path(__file__).parent / "answers.yml")
TYPES = {name: facts.load(name).VALUE for service in services.names() for name in facts.names(service)}
EVERY = {**TYPES, **DERIVED}


def value(name: str, known: dict[str, Any]) -> object:
    """The fact ``name``, of which only ``known`` was seen."""
    given = {key: tuple(each) if isinstance(each, list) else each for key, each in known.items()}
    return EVERY[name](
        **{each.name: Unknown("not seen") for each in fields(EVERY[name])} | {"evidence": ()} | given
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_a_check_answers_facts(case: dict[str, Any]) -> None:
    checks = load_checks((shipped("checks"),), EVERY)
    own = [replace(each, explained_by=()) for each in checks if each.id == case["check"]]
    seen = {name: value(name, case["facts"].get(name, {})) for name in EVERY}
    answer = evaluate(own, seen, {})[case["check"]]
    assert answer.status == case["status"], answer.summary
    assert (answer.obstacle.id if answer.obstacle else None) == case.get("cause")
    for word in case.get("fix", ()):
        assert answer.obstacle is not None
        assert word in answer.obstacle.fix
