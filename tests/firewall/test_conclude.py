"""Many ways that a connection may go come to one verdict."""

from __future__ import annotations

from typing import Any

from sshdoctor.firewall.kernel.conclude import Outcome, conclude
from sshdoctor.firewall.model import Doubt, Rule

DROP = Rule("filter", "INPUT", 2, "-A INPUT -j DROP")
REJECT = Rule("filter", "INPUT", 3, "-A INPUT -j REJECT")
RATE: Any = ((Doubt("depends", "how often the client came"), DROP),)
UNREAD: Any = ((Doubt("unknown", "a set that was not read"), DROP),)


def outcome(reply: str | None, rule: Rule | None = None, *, sure: bool = True, doubts: Any = ()) -> Outcome:
    state: Any = "accept" if reply is None else "drop" if reply == "silence" else "reject"
    return Outcome(reply, state, rule, f"by {rule}", (), doubts, sure)


def test_one_way_is_the_verdict() -> None:
    verdict = conclude([outcome("silence", DROP)])
    assert (verdict.state, verdict.reply, verdict.rule) == ("drop", "silence", DROP)


def test_ways_that_look_the_same_to_the_client_are_certain_and_the_sure_one_is_named() -> None:
    unsure = outcome("silence", REJECT, sure=False, doubts=RATE)
    verdict = conclude([unsure, outcome("silence", DROP)])
    assert (verdict.state, verdict.reply, verdict.rule) == ("drop", "silence", DROP)


def test_whoever_is_stopped_in_any_case_is_stopped_though_the_reply_is_open() -> None:
    verdict = conclude([outcome("silence", DROP, doubts=RATE), outcome("icmp-port-unreachable", REJECT)])
    assert (verdict.state, verdict.reply, verdict.rule) == ("drop", None, DROP)
    assert verdict.why == f"by {DROP}, or by {REJECT}"
    assert verdict.possible == ("silence", "icmp-port-unreachable")


def test_in_or_out_by_something_known_to_change_depends_on_it() -> None:
    verdict = conclude([outcome("silence", DROP, doubts=RATE), outcome(None)])
    assert (verdict.state, verdict.reply) == ("depends", None)
    assert verdict.why.endswith("depends on how often the client came")


def test_what_could_not_be_read_leaves_it_unknown() -> None:
    verdict = conclude([outcome("silence", DROP, doubts=UNREAD), outcome(None)])
    assert verdict.state == "unknown"
    assert verdict.why.endswith("cannot be told without a set that was not read")


def test_a_way_that_leads_nowhere_known_leaves_no_branches() -> None:
    verdict = conclude([outcome("", DROP, doubts=RATE), outcome(None)])
    assert (verdict.state, verdict.branches) == ("unknown", ())
