"""The score's own parts: an answer is judged rightly, and there are hosts of every kind for every cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from score.case import Case, Expect, load_cases
from score.judge import Judgement, Outcome, judge
from score.pairs import load_faults, pairs
from score.run import Result
from score.series import KEPT, Kept, Series
from score.table import choose, page
from sshdoctor.documents.reader import read_yaml

CHECKS = Path(__file__).parents[2] / "checks"


def found(cause: str, confidence: str = "proved", role: str = "root", fix: str = "") -> dict[str, Any]:
    """A cause in a report."""
    evidence = [{"source": "log", "text": "why"}]
    return {
        "id": cause,
        "role": role,
        "confidence": confidence,
        "summary": "",
        "evidence": evidence,
        "fix": fix,
    }


def answer(verdict: str, *causes: Mapping[str, Any]) -> dict[str, Any]:
    return {"verdict": verdict, "causes": list(causes)}


SICK, HEALTHY = Expect(cause="max-startups", fix=("MaxStartups",)), Expect()
RIGHT = found("max-startups", fix="Raise maxstartups")
JUDGED = [
    (SICK, answer("blocked", RIGHT), Outcome.RIGHT),
    (SICK, answer("blocked", found("max-startups", fix="Wait")), Outcome.HALF),
    (SICK, answer("blocked", found("hosts-deny"), RIGHT), Outcome.WRONG_PROVED),
    (SICK, answer("blocked", found("hosts-deny", "likely"), RIGHT), Outcome.WRONG),
    (SICK, answer("undecided"), Outcome.UNDECIDED),
    (SICK, answer("healthy"), Outcome.FALSE_HEALTHY),
    (SICK, answer("healthy", found("sshd-disabled", role="latent")), Outcome.FALSE_HEALTHY),
    (HEALTHY, answer("healthy"), Outcome.RIGHT),
    (HEALTHY, answer("undecided"), Outcome.UNDECIDED),
    (Expect(undecided=True), answer("undecided"), Outcome.RIGHT),
    (HEALTHY, answer("healthy", found("sshd-disabled", role="latent")), Outcome.FALSE_ALARM),
    (Expect(cause="max-startups", confidence=("likely",)), answer("blocked", RIGHT), Outcome.HALF),
    (Expect(cause="max-startups", not_fix=("raise",)), answer("blocked", RIGHT), Outcome.HALF),
    (Expect(cause="max-startups", absent=("a",)), answer("blocked", RIGHT, found("a")), Outcome.HALF),
    (Expect(cause="hosts-deny", also=("max-startups",)), answer("blocked", RIGHT), Outcome.RIGHT),
]


@pytest.mark.parametrize(("expect", "host", "outcome"), JUDGED)
def test_an_answer_is_judged(expect: Expect, host: Mapping[str, Any], outcome: Outcome) -> None:
    assert judge(expect, host).outcome == outcome


def test_all_faults_are_named_only_if_each_of_them_is() -> None:
    expect = Expect(cause="a", behind=("b", "c|d"))
    assert judge(expect, answer("blocked", found("a"), found("b"), found("d"))).all_named is True
    assert judge(expect, answer("blocked", found("a"), found("b"))).all_named is False
    assert judge(Expect(cause="a"), answer("blocked", found("a"))).all_named is None


def test_a_variable_in_an_expectation_is_taken_literally() -> None:
    assert Expect(fix=("from {CLIENT4}$",)).filled({"CLIENT4": "198.51.100.1"}).fix == (
        r"from 198\.51\.100\.1$",
    )


def test_there_are_hosts_enough_of_every_kind() -> None:
    kinds = Counter(case.kind for case in load_cases())
    assert kinds.total() >= 250
    assert kinds["reports"] == 66
    assert min(kinds["pairs"], kinds["healthy"]) >= 60


def test_every_cause_that_a_check_names_has_a_host() -> None:
    cases = load_cases()
    shown = {it for case in cases for it in (*case.expect.ids, *case.expect.behind)}
    files = [read_yaml(path) for path in CHECKS.rglob("*.yml")]
    named = {
        cause["id"] for check in files if check.get("service", "ssh") == "ssh" for cause in check["causes"]
    }
    assert not named - shown


def test_pairs_are_the_same_in_every_run_and_use_every_fault() -> None:
    assert [*pairs()] == [*pairs()]
    used = {name for case in pairs() for name in case.name.split("+")}
    assert used == {fault.name for fault in load_faults()}


def test_cases_are_chosen_by_name_by_kind_and_by_beginning() -> None:
    cases = [
        Case(name=name, kind=kind, expect=Expect()) for name, kind in (("ab", "causes"), ("ac", "pairs"))
    ]
    assert [case.name for case in choose(cases, "a*")] == ["ab", "ac"]
    assert [case.name for case in choose(cases, "pairs")] == ["ac"]
    assert [case.name for case in choose(cases, "")] == ["ab", "ac"]


def test_the_page_has_a_row_for_each_kind_and_says_what_was_not_right() -> None:
    case = Case(name="some-host", kind="causes", expect=SICK)
    judged = Judgement(outcome=Outcome.WRONG_PROVED, why=("first cause a|b",))
    text = page([Result(case=case, judgement=judged, seconds=2.5)], "invoke test --score", date(2026, 1, 2))
    assert "`invoke test --score` on 2026-01-02: 1 hosts" in text
    assert "| some-host | wrong and proved | first cause a\\|b |" in text
    assert "| each cause " in text and "| people's reports " not in text


def test_a_series_goes_on_with_what_the_same_commit_came_to(tmp_path: Path) -> None:
    case = Case(name="some-host", kind="causes", expect=SICK)
    result = Result(case=case, judgement=Judgement(outcome=Outcome.RIGHT), seconds=1)
    (tmp_path / "some-host").mkdir()
    (tmp_path / "some-host" / KEPT).write_bytes(msgspec.json.encode(Kept(commit="abc", result=result)))

    def kept(commit: str, asked: Case) -> list[Result]:
        series = Series(checkout=tmp_path, commit=commit, jobs=1, output=tmp_path, witness=False)
        return series.kept([asked])

    assert kept("abc", case) == [result]
    assert kept("abd", case) == []
    assert kept("abc", msgspec.structs.replace(case, image="debian13")) == []
