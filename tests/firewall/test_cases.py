"""Every case file gets the verdict that it names."""

from __future__ import annotations

import pytest

from firewall.cases import Case, read_cases
from sshdoctor.firewall import Verdict, judge


def said(verdict: Verdict) -> tuple[str, ...]:
    """The verdict in the words of a case file."""
    rule = verdict.rule
    place = (rule.table, rule.chain, str(rule.number or "policy")) if rule else ("-", "-", "-")
    to = verdict.redirected_to
    return (verdict.state, verdict.reply or "-", *place, f"{to[0]}:{to[1]}" if to else "-")


@pytest.mark.parametrize("case", read_cases(), ids=lambda case: case.name)
def test_the_verdict_is_the_one_that_the_case_names(case: Case) -> None:
    verdict = judge([case.dump], case.packet)
    named = tuple(zip(case.expect, said(verdict), strict=False))
    assert all(expected in ("-", found) for expected, found in named), verdict
