"""What hosts said after they were attacked, judged again; ``python -m protection --keep`` records it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from protection.case import GIVEN, KINDS, LATER, REPORTS, cases, compared
from protection.recorded import held_again, judged_again

RECORDED = {file.stem: file for file in sorted((Path(__file__).parent / "recorded").glob("*.json"))}
CASES = cases(GIVEN, KINDS, REPORTS, LATER)
NOT_TOLD = {
    ("masqueraded-in", "bans_stop_packets"): "it is banned in another network's rules",
    ("ok-ignorecommand-says-no", "owner_allowed"): "a program says whom it lets pass, and is not run",
    **dict.fromkeys(
        (
            (name, "sees_real_addresses")
            for name in (
                "established-stays",
                "wp-answers-200",
                "success-counts",
                "xmlrpc-uncovered",
                "proxy-one-address",
                "ok-haproxy-proxy-protocol",
                "wp-own-log",
            )
        ),
        "all requests but ours came from one address: who guesses, or a proxy",
    ),
}
"""Values that are null, and why."""


@pytest.mark.parametrize("name", RECORDED)
def test_a_host_is_judged_as_its_kernel_did(name: str) -> None:
    report = msgspec.to_builtins(judged_again(RECORDED[name]))
    for field, right, said in compared(CASES[name], report):
        assert said is (None if (name, field) in NOT_TOLD else right), (field, report["why"])


@pytest.mark.parametrize("name", RECORDED)
def test_nobody_who_was_banned_stands_in_the_report(name: str) -> None:
    report = judged_again(RECORDED[name])
    own = {*report.your_addresses, *report.allowed}
    text = msgspec.json.encode(report).decode()
    for address in held_again(RECORDED[name]) - own:
        assert address not in text


@pytest.mark.parametrize("name", RECORDED)
def test_what_is_wrong_or_not_known_is_said(name: str) -> None:
    report = judged_again(RECORDED[name])
    assert report.works is True or report.why


def test_a_server_that_went_away_while_it_was_asked_is_not_known() -> None:
    report = judged_again(RECORDED["ok-allports"], lambda said: said.replace(b'{"jails": ', b'{"jailz": '))
    assert (report.running, report.works) == (None, None)
    why, *_ = report.why  # and that nobody asked what is shared
    assert why.endswith("fail2ban's server does not answer as it is asked")
