"""A method that the client has and sshd does not take; hosts that take no keys are among the scenarios."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import fields

from sshdoctor import facts
from sshdoctor.checks.evaluate import evaluate
from sshdoctor.checks.load import load_checks
from sshdoctor.diagnosis.derive import DERIVED
from sshdoctor.diagnosis.derived.dialled import Dialled
from sshdoctor.documents.resources import shipped
from sshdoctor.facts.ssh.config import Config
from sshdoctor.model import Unknown

DIALLED = {
    "reply": "auth-denied",
    "user": "deploy",
    "detail": "",
    "client_keys": (),
    "methods": ("publickey",),
}
CONFIG = {"pubkey_authentication": True, "password_authentication": False}


def only(kind: type[Any], **known: object) -> Any:
    """A fact with only ``known`` fields seen."""
    return kind(**{each.name: Unknown("not seen") for each in fields(kind)} | {"evidence": ()} | known)


def answer(dialled: dict[str, object], config: dict[str, object]) -> str:
    types = {name: facts.load(name).VALUE for name in facts.names()}
    checks = [c for c in load_checks((shipped("checks"),), {**types, **DERIVED}) if c.id == "method-enabled"]
    seen = {"dialled": only(Dialled, **DIALLED | dialled), "config": only(Config, **CONFIG | config)}
    return evaluate(checks, seen, {})["method-enabled"].status


@pytest.mark.parametrize(
    ("dialled", "config", "status"),
    [
        ({"has_password": True}, {}, "fail"),
        ({"has_password": False}, {}, "pass"),
        ({"has_password": True, "client_keys": ("SHA256:a",)}, {}, "pass"),
        ({"has_password": True}, {"password_authentication": Unknown("a Match block")}, "unknown"),
    ],
)
def test_a_password_that_sshd_does_not_take_is_a_cause_only_where_it_is_all_that_the_client_has(
    dialled: dict[str, object], config: dict[str, object], status: str
) -> None:
    assert answer(dialled, config) == status


@pytest.mark.parametrize(
    ("detail", "status"), [("no key was offered", "fail"), ("the password was refused", "pass")]
)
def test_keys_that_sshd_does_not_take_are_no_cause_where_a_password_was_tried(
    detail: str, status: str
) -> None:
    said = {"methods": ("password",), "detail": detail, "has_password": True}
    assert answer(said, {"pubkey_authentication": False, "password_authentication": True}) == status
