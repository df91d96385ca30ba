"""Sites that refuse, each a real nginx or Apache in a container, are diagnosed as they were by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from hosts.testbed import Testbed
from sites.case import FILE, FURTHER, HEALTHY, HOPS, MORE, REFUSALS, REPORTED, Case, load_cases
from sites.run import run_case

FILES = (FILE, MORE, REFUSALS, HOPS, REPORTED, FURTHER, HEALTHY)
CASES = [case for file in FILES for case in load_cases(file)]
FEW = (
    "xmlrpc-protected-path",
    "home-closed-404",
    "plugins-php-off",
    "renewed-not-loaded",
    "hop-inner-return",
    "ok-satisfy-any",
)
"""One of each kind; the others take too long for every run."""


@pytest.mark.containers
@pytest.mark.parametrize("case", [one for one in CASES if one.name in FEW], ids=lambda one: one.name)
def test_a_site_is_diagnosed(case: Case, testbed: Testbed, tmp_path: Path) -> None:
    result = run_case(case, testbed, tmp_path)
    assert result.outcome == "right", result.why


@pytest.mark.containers
@pytest.mark.long
@pytest.mark.parametrize("case", [one for one in CASES if one.name not in FEW], ids=lambda one: one.name)
def test_every_other_site_is_diagnosed(case: Case, testbed: Testbed, tmp_path: Path) -> None:
    result = run_case(case, testbed, tmp_path)
    assert result.outcome == "right", result.why
