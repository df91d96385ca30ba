"""The shipped checks: each cause has a host that is broken that way, or a case here."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import fields, replace

from sshdoctor import facts, services
from sshdoctor.checks.evaluate import evaluate
from sshdoctor.checks.load import Check, load_checks
from sshdoctor.diagnosis.derive import DERIVED, facts_of
from sshdoctor.documents.resources import shipped
from sshdoctor.model import Unknown

SCENARIOS = Path(__file__).parents[1] / "hosts" / "scenarios"
SCORED = Path(__file__).parents[1] / "score" / "cases"
TYPES = {name: facts.load(name).VALUE for service in services.names() for name in facts.names(service)}

# What cannot be made in a container here: SELinux, a penalty for this very client, a machine without routes,
# a full connection table (its size is one for all containers).
NOT_ON_A_HOST: dict[str, dict[str, dict[str, Any]]] = {
    "port-label-denied": {"log": {"label_denied": True}, "listening": {"unserved": True}},
    "refused-by-host": {
        "words": {"unexplained": ("no such list",), "causes": ()},
        "dialled": {"reply": "session-closed"},
    },
    "source-penalized": {
        "dialled": {"reply": "closed-before-banner", "detail": "Not allowed at this time"},
    },
    "no-route-from-client": {
        "dialled": {"no_route": True, "other_works": False, "connected": False, "reply": "local-unreachable"}
    },
}


TOLD = {"changes"}
"""What the report tells, and no check judges."""


@pytest.fixture(scope="module")
def checks() -> tuple[Check, ...]:
    return load_checks((shipped("checks"),), {**TYPES, **DERIVED})


def value(name: str, known: dict[str, Any]) -> object:
    """The fact ``name`` with only ``known`` fields seen."""
    kind = {**TYPES, **DERIVED}[name]
    given = {field.name: Unknown("not seen") for field in fields(kind)} | {"evidence": ()} | known
    return kind(**given)


def test_every_cause_has_a_host_broken_that_way_or_a_case_here(checks: tuple[Check, ...]) -> None:
    wanted = {rule.id for check in checks if check.is_of(services.default()) for rule in check.causes}
    broken = {yaml.safe_load(path.read_text())["expect"].get("cause") for path in SCENARIOS.glob("*.yml")}
    broken |= {yaml.safe_load(path.read_text())["expect"].get("cause") for path in SCORED.rglob("*.yml")}
    assert wanted - broken <= set(NOT_ON_A_HOST)


@pytest.mark.parametrize("cause", NOT_ON_A_HOST)
def test_a_cause_that_no_test_host_can_have_is_found_in_its_facts(
    cause: str, checks: tuple[Check, ...]
) -> None:
    seen = {name: value(name, NOT_ON_A_HOST[cause].get(name, {})) for name in {**TYPES, **DERIVED}}
    own = [check for check in checks if cause in {rule.id for rule in check.causes}]
    judged = evaluate([replace(check, explained_by=()) for check in own], seen, {})
    assert cause in {one.obstacle.id for one in judged.values() if one.obstacle}


def test_with_nothing_seen_no_check_finds_a_cause_and_none_passes(checks: tuple[Check, ...]) -> None:
    nothing = {name: Unknown("no way in") for name in {**TYPES, **DERIVED}}
    assert {one.status for one in evaluate(checks, nothing, {}).values()} == {"unknown"}


@pytest.mark.parametrize("name", services.names())
def test_every_fact_of_the_host_is_asked_for_by_some_check(name: str, checks: tuple[Check, ...]) -> None:
    asked = facts_of(check for check in checks if check.is_of(services.load(name)))
    own = set(facts.names(name)) - (set(facts.names()) if name != services.default().name else set())
    assert own - TOLD <= set(asked)


def test_every_title_fits_on_a_line(checks: tuple[Check, ...]) -> None:
    for check in checks:
        assert len(check.title) <= 60, check.id


def test_a_host_that_lets_the_client_in_is_not_asked_what_no_check_makes_anything_of(
    checks: tuple[Check, ...],
) -> None:
    let_in = value("dialled", {"reply": "ok", "connected": True, "looked_inside": True, "user": "deploy"})
    unseen = {**dict.fromkeys({**TYPES, **DERIVED}, Unknown("not asked")), "dialled": let_in}
    own = [check for check in checks if check.is_of(services.default())]
    asked = [check for check in own if check.asked is None or check.asked.value(unseen) is not False]
    assert set(facts.left_out(facts.names())) - TOLD == set(facts_of(own)) - set(facts_of(asked))
