"""What a reply alone leaves possible, and how a closer look from outside changes the order."""

from __future__ import annotations

import pytest

from sshdoctor.diagnosis.possible import MOST, possible_causes
from sshdoctor.diagnosis.setup import load_checks
from sshdoctor.model import Hop, Login, Neighbour, Reply
from sshdoctor.resources import shipped
from sshdoctor.services import Service, load, works
from sshdoctor.services.base import NETWORK_WORDS

SSH, WEB = load("ssh"), load("web")
CHECKS = load_checks([shipped("checks")])
WORKING = [word for word in SSH.words if works(word)]
LOGIN = Login(address="198.51.100.2", port=22)
SETTLED = ("name-not-found", "host-key-unknown", "host-key-changed")
"""What the reply itself proves, or names the next step for."""


def reply(word: str, nearby: dict[int, str] | None = None, family: str = "ipv4") -> Reply:
    neighbours = None if nearby is None else tuple(Neighbour(port=p, reply=w) for p, w in nearby.items())
    address = "198.51.100.2" if family == "ipv4" else "fd00::2"
    path = None if nearby is None else (Hop(number=1, sender="198.51.100.254", reply="expired"),)
    return Reply(
        address=address,
        family="ipv4" if family == "ipv4" else "ipv6",
        port=22,
        word=word,
        neighbours=neighbours,
        path=path,
    )


def ids(*replies: Reply) -> list[str]:
    return [cause.id for cause in possible_causes(CHECKS, SSH, LOGIN, replies)]


OF_SSH = sorted({*NETWORK_WORDS, *SSH.words} - {*WORKING, *SETTLED})
OF_WEB = sorted({*NETWORK_WORDS, *WEB.words} - {*WEB.working, "name-not-found", "unknown"})


@pytest.mark.parametrize(
    ("service", "word"), [*((SSH, word) for word in OF_SSH), *((WEB, word) for word in OF_WEB)]
)
def test_each_reply_leaves_something_possible_and_says_what_would_settle_it(
    service: Service, word: str
) -> None:
    causes = possible_causes(CHECKS, service, LOGIN, [reply(word)])
    assert 1 < len(causes) <= MOST
    assert {cause.confidence for cause in causes} == {"possible"}
    assert all(cause.fix.startswith("To settle it: ") and cause.fix.endswith(".") for cause in causes)
    assert not any("{" in cause.fix + cause.summary for cause in causes)
    assert word in causes[0].evidence[0].text


def test_a_reply_that_works_or_speaks_for_itself_leaves_nothing_to_guess() -> None:
    assert [ids(reply(word)) for word in (*WORKING, *SETTLED)] == [[]] * 5


def test_silence_alone_may_be_a_host_that_is_down() -> None:
    assert "host-down" in ids(reply("silence"))


def test_a_host_that_answers_on_another_port_is_up() -> None:
    assert ids(reply("silence", {80: "silence", 443: "no-banner"}))[0] == "firewall-drops"
    assert "host-down" not in ids(reply("silence", {80: "silence", 443: "rst"}))


def test_a_host_that_answers_nowhere_is_down_before_anything_else() -> None:
    assert ids(reply("silence", {80: "silence", 443: "silence"}))[0] == "host-down"


def test_an_ssh_server_on_another_port_is_the_first_to_try() -> None:
    first = possible_causes(CHECKS, SSH, LOGIN, [reply("rst", {443: "rst", 2222: "banner"})])[0]
    assert (first.id, "2222" in first.summary, "2222" in first.fix) == ("ssh-port-mismatch", True, True)


def test_what_was_asked_already_is_not_asked_for_again() -> None:
    said = [cause.fix for cause in possible_causes(CHECKS, SSH, LOGIN, [reply("silence", {443: "silence"})])]
    assert not any("--deep" in text for text in said)


def test_the_evidence_has_the_last_router_that_spoke() -> None:
    evidence = possible_causes(CHECKS, SSH, LOGIN, [reply("silence", {443: "silence"})])[0].evidence
    assert "198.51.100.254, hop 1" in evidence[-1].text


def test_both_families_are_guessed_about_each_cause_once() -> None:
    both = ids(reply("rst"), reply("silence", family="ipv6"))
    assert both[:2] == ["sshd-stopped", "firewall-drops"]
    assert len(both) == len({*both}) == MOST
