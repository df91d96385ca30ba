"""Faults that lie between client and host: what tests/hosts/scenarios cannot break, as it knows no router."""

from pathlib import Path

import pytest

from hosts.testbed import Testbed
from score.case import load_cases
from score.judge import Outcome
from score.run import run_case

CHECKOUT = Path(__file__).parents[2]
CASES = {case.name: case for case in load_cases() if case.network == "router"}

pytestmark = pytest.mark.containers


@pytest.mark.parametrize("name", ["upstream-filter-router-drops", "name-family-broken-router-drops"])
def test_what_stops_the_client_on_its_way_is_named(name: str, testbed: Testbed, tmp_path: Path) -> None:
    judgement = run_case(CASES[name], testbed, tmp_path / name, CHECKOUT).judgement
    assert (judgement.outcome, judgement.why) == (Outcome.RIGHT, ())
