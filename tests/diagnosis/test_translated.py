"""A client whom the host refuses as somebody else: NAT on the way gives it another's address."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sshdoctor.diagnosis.derived.dialled import dialled
from sshdoctor.diagnosis.derived.path import path
from sshdoctor.diagnosis.derived.translated import Translated, translated
from sshdoctor.facts.host.bans import Bans
from sshdoctor.model import Login, Reply, Unknown
from unblock.test_forecast import ADDRESSES, CLIENT, HOST, host, saved

BANNED = Bans(
    running=True, jails=(), evidence=(), banned={"sshd": ("192.0.2.200", "203.0.113.0/24"), "nginx": ()}
)
REJECTS = (
    "-A INPUT -p tcp -m multiport --dports 22 -j f2b-sshd",
    "-A f2b-sshd -s 192.0.2.200/32 -j REJECT --reject-with icmp-port-unreachable",
)
ROUTER = "192.0.2.200"


def found(*rules: str, reply: str, bans: Bans = BANNED, router: str = "", sender: str = HOST) -> Translated:
    answer = Reply(address=HOST, family="ipv4", port=22, word=reply, sender=sender)
    dial = dialled("ssh", Login(address=HOST, port=22), answer, [answer], None, ADDRESSES, False)
    firewall = host(saved(*rules, chains=("f2b-sshd",)))
    way = path(dial, CLIENT, firewall, ADDRESSES, bans)
    fact = translated(dial, way, CLIENT, firewall, ADDRESSES, bans, router)
    assert not isinstance(fact, Unknown), fact
    return fact


def test_the_one_banned_address_that_gets_this_answer_is_named_with_what_lifts_its_ban() -> None:
    fact = found(*REJECTS, reply="icmp-port-unreachable")
    assert fact.banned == ("192.0.2.200 (jail sshd)",)
    assert fact.only
    assert fact.unban == "fail2ban-client set sshd unbanip 192.0.2.200"
    assert "192.0.2.200" in fact.rule


def test_all_are_named_where_several_get_it() -> None:
    also = "-A f2b-sshd -s 203.0.113.0/24 -j REJECT --reject-with icmp-port-unreachable"
    fact = found(*REJECTS, also, reply="icmp-port-unreachable")
    assert fact.banned == ("192.0.2.200 (jail sshd)", "203.0.113.0 (jail sshd)")
    assert not fact.only


@pytest.mark.parametrize("reply", ["silence", "icmp-host-unreachable", "ok"])
def test_another_answer_is_not_theirs(reply: str) -> None:
    assert found(*REJECTS, reply=reply).banned == ()


def test_an_answer_of_somebody_on_the_way_is_not_the_hosts() -> None:
    assert found(*REJECTS, reply="icmp-port-unreachable", sender="198.51.100.77").banned == ()


def test_a_router_that_is_refused_without_being_banned_is_named_too() -> None:
    nobody = replace(BANNED, banned={})
    fact = found(*REJECTS, reply="icmp-port-unreachable", bans=nobody, router=ROUTER)
    assert (fact.banned, fact.refused) == ((), ROUTER)
