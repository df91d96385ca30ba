"""What is found on hosts that were recorded, held against what is right: in milliseconds."""

from __future__ import annotations

from typing import Any

import pytest

from examination.host import cases
from examination.judge import faults
from examination.record import recorded
from examination.table import found_in

NAMES = sorted(recorded())


@pytest.fixture(scope="module")
def every() -> dict[str, dict[str, Any]]:
    return {name: found_in(name) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_found_is_what_is_right(name: str, every: dict[str, dict[str, Any]]) -> None:
    assert not (wrong := faults(every[name], cases()[name]["truth"])), "\n".join(wrong)


def test_every_case_is_recorded() -> None:
    assert sorted(cases()) == NAMES


def test_a_foreign_library_before_all_programs_is_said(every: dict[str, dict[str, Any]]) -> None:
    assert any("nothing that a program" in text for text in every["ld-preload"]["doubts"])


def test_an_immutable_file_is_said(every: dict[str, dict[str, Any]]) -> None:
    assert "immutable" in every["cron-d-daemon-name"]["stop"][0]["how"]


def test_two_incidents_are_kept_apart(every: dict[str, dict[str, Any]]) -> None:
    old, new = every["mail-two-incidents"]["incidents"]
    assert (old["ended"], new["ended"]) == (True, False)
    assert old["what"].startswith("300 letters by login info@shop.example from 203.0.113.8")


def test_what_the_provider_did_is_told_and_not_undone(every: dict[str, dict[str, Any]]) -> None:
    found = every["provider-locked"]
    assert any("ticket 4711" in text for text in found["provider_did"])
    assert not any(".htaccess" in one["what"] for one in found["stop"])


def test_a_program_that_an_upgrade_replaced_is_innocent_with_the_reason(
    every: dict[str, dict[str, Any]],
) -> None:
    whys = [one["why"] for one in every["ok-upgraded-exe"]["innocent"]]
    assert any("the package cron replaced its program" in why for why in whys)
