"""What is found on hosts that were recorded, held against what is right: in milliseconds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import validate

from examination.host import cases
from examination.judge import faults
from examination.record import recorded
from examination.table import examined, found_in
from sshdoctor.commands.shared.letter import LANGUAGES, letter
from sshdoctor.examination.notice import read_notice

NAMES = sorted(recorded())


@pytest.fixture(scope="module")
def every() -> dict[str, dict[str, Any]]:
    return {name: found_in(name) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_found_is_what_is_right(name: str, every: dict[str, dict[str, Any]]) -> None:
    assert not (wrong := faults(every[name], cases()[name]["truth"])), "\n".join(wrong)


@pytest.mark.parametrize("name", NAMES)
def test_the_report_is_as_its_schema_has_it(name: str, every: dict[str, dict[str, Any]]) -> None:
    schema = json.loads((Path(__file__).parents[2] / "docs" / "examination.schema.json").read_text())
    validate({"schema": "sshdoctor/examination/1", "hosts": [every[name]]}, schema)


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


def letter_about(name: str, lang: str, notice: str = "") -> str:
    return letter("web1", examined(name), read_notice(notice), lang)


def test_the_letter_says_that_the_date_which_is_cited_is_of_the_other_incident() -> None:
    found = examined("mail-two-incidents")
    day = datetime.fromtimestamp(found.incidents[0].last, UTC).date().isoformat()
    text = letter_about("mail-two-incidents", "en", f"Ticket #4711: masses of mail on {day}")
    assert "answer to your notice (4711)" in text
    assert f"The date that you cite, {day}, is of the earlier incident" in text
    assert "options.php" not in text and "img.php" in text


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_a_letter_promises_nothing_done(name: str, lang: str) -> None:
    text = letter_about(name, lang)
    assert "web1" in text
    assert ("not done yet" in text or "未実施" in text) == bool(examined(name).stop)
