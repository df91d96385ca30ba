"""Who else is let in by an opening: said before, and held against the rules afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sshdoctor.documents.resources import shipped
from sshdoctor.facts.host.firewall import Firewall
from sshdoctor.remedy.others import differing, let_in, unnamed, unplanned, verdicts
from sshdoctor.remedy.plan import Step
from sshdoctor.remedy.playbook.load import load_playbook
from sshdoctor.unblock.forecast import after
from unblock.test_forecast import ADDRESSES, CLIENT, NO_BANS, dial, host, planned, saved

DROPS = host(saved("-A INPUT -p tcp -m tcp --dport 22 -j DROP"))
EVERYBODY = host(saved("-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT"))


def face(firewall: Firewall) -> Mapping[str, Any]:
    facts = {"dialled": dial(), "client_address": CLIENT, "addresses": ADDRESSES, "bans": NO_BANS}
    return {**facts, "firewall": firewall}


@pytest.mark.parametrize(
    ("opened_to", "who"),
    [
        ("", ()),
        ("192.0.2.0/24", ("another client near this one (192.0.2.2)",)),
        ("any", ("another client near this one (192.0.2.2)", "any IPv4 client")),
    ],
)
def test_the_plan_says_who_else_is_let_in(opened_to: str, who: tuple[str, ...]) -> None:
    then = after(DROPS, planned(DROPS, opened_to=opened_to).changes)
    assert let_in(verdicts(face(DROPS), DROPS), verdicts(face(DROPS), then)) == who


def test_what_the_plan_did_not_say_is_found_in_the_rules_afterwards() -> None:
    found = unplanned([face(DROPS)], [face(EVERYBODY)], ())
    assert found[-1] == "any IPv4 client: drop before, accept then"
    assert unplanned([face(DROPS)], [face(EVERYBODY)], found) == ()
    shut = host(saved("-A INPUT -p tcp -m tcp --dport 80 -j DROP"))
    assert unplanned([face(host(saved()))], [face(shut)], ()) == (
        "this client at port 80: accept before, drop then",
    )


def test_rules_that_drop_where_they_refused_let_nobody_in() -> None:
    assert differing({"a stranger": "reject"}, {"a stranger": "drop"}) == ()


def test_what_sshd_does_for_an_account_is_another_only_as_a_playbook_names_it() -> None:
    listen = Step(load_playbook(shipped("playbooks") / "listen-where-dialled.yml"), ())
    named = ["+deploy 198.51.100.2 port 2222"]
    assert unnamed(named, [listen]) == ""
    told = unnamed([*named, "-deploy 198.51.100.2 usepam yes", "+deploy 198.51.100.2 usepam no"], [listen])
    assert told.endswith("-deploy 198.51.100.2 usepam yes; +deploy 198.51.100.2 usepam no")
    assert "ufw.service" in unnamed(["-unit ufw.service active"], [listen])
