"""Hosts whose protection people have really had: made, attacked, and asked by the real command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hosts.testbed import Testbed, open_testbed
from protection.case import (
    GIVEN,
    KINDS,
    LATER,
    REPORTS,
    Case,
    Truth,
    answers,
    attacked,
    cases,
    compared,
    made,
    told,
)

pytestmark = pytest.mark.containers

CASES = cases(GIVEN, KINDS, REPORTS, LATER)
OURS = cases(REPORTS, LATER)
SHORT = ("port-moved", "journalmatch-unit", "ok-allports")
"""Asked before anybody was banned, on an image that other tests use as well."""


@pytest.mark.parametrize("name", SHORT)
def test_a_host_is_judged_before_anybody_was_banned(name: str, testbed: Testbed, tmp_path: Path) -> None:
    with made(CASES[name], testbed, image="firewalls") as host:
        report = told(CASES[name], host, testbed, tmp_path)
    assert not _wrong(CASES[name], report, unknown=False)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    """Hosts with every engine."""
    with open_testbed(tmp_path_factory.mktemp("guarded"), ("guarded12", "guarded13")) as opened:
        yield opened


@pytest.mark.long
@pytest.mark.xdist_group("guarded")
@pytest.mark.parametrize("name", CASES)
def test_a_host_that_was_attacked_is_judged_as_its_kernel_did(
    name: str, guarded: Testbed, tmp_path: Path
) -> None:
    with made(CASES[name], guarded) as host:
        noticed = attacked(CASES[name], host)
        answered = answers(CASES[name], host)
        report = told(CASES[name], host, guarded, tmp_path)
    if name in OURS:
        assert _real(CASES[name], noticed, answered) == CASES[name].truth
    assert not _wrong(CASES[name], report, unknown=True)


def _real(case: Case, noticed: bool, answered: bool) -> Truth:
    """What the engines and the kernel did, in place of what the case says of it."""
    did = {"on": noticed, "bans_stop_packets": not answered}
    return {field: did.get(field, right) for field, right in case.truth.items()}


def _wrong(case: Case, report: object, *, unknown: bool) -> list[str]:
    """What differs; ``unknown``: what is not told is not wrong."""
    assert isinstance(report, dict)
    rows = compared(case, report)
    return [
        f"{name} is {said}: {report['why']}"
        for name, right, said in rows
        if said is not right and not (unknown and said is None)
    ]
