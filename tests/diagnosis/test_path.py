"""The verdict of the host's firewall on the one who dialled, where the rules alone leave it open."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sshdoctor.diagnosis.derived.dialled import dialled
from sshdoctor.diagnosis.derived.path import Path, path
from sshdoctor.facts.host.addresses import Address, Addresses
from sshdoctor.facts.host.bans import Bans
from sshdoctor.model import Login, Reply, Unknown
from unblock.test_forecast import ADDRESSES, CLIENT, HOST, NO_BANS, host, saved

TWO_UPLINKS = replace(
    ADDRESSES,
    all=(Address("eth0", "203.0.113.9", 24), Address("eth1", HOST, 24), Address("docker0", "172.17.0.1", 16)),
    all_addresses=("203.0.113.9", HOST, "172.17.0.1"),
    dialled_interface="eth1",
    return_interface="eth0",
)
SSH = "-A INPUT -p tcp -m tcp --dport 22"


def judged(
    *rules: str,
    reply: str = "silence",
    addresses: Addresses = ADDRESSES,
    queues: tuple[int, ...] | None = (),
    bans: Bans | Unknown = NO_BANS,
) -> Path:
    answer = Reply(address=HOST, family="ipv4", port=22, word=reply)
    dial = dialled("ssh", Login(address=HOST, port=22), answer, [answer], None, addresses, False)
    firewall = replace(host(saved(*rules)), queues=queues)
    found = path(dial, CLIENT, firewall, addresses, bans)
    assert isinstance(found, Path)
    return found


TIME = (
    f"{SSH} -m time --timestart 01:00 --timestop 02:00 -j ACCEPT",
    f"{SSH} -j REJECT --reject-with icmp-port-unreachable",
)
CARD = (f"{SSH} -m mac --mac-source 02:00:00:00:00:01 -j DROP",)


@pytest.mark.parametrize(
    ("rules", "reply", "state"),
    [
        (TIME, "icmp-port-unreachable", "reject"),
        (TIME, "ok", "accept"),
        (TIME, "silence", None),
        (CARD, "silence", "drop"),
        (CARD, "auth-denied", "accept"),
        ((f"{SSH} -m mac --mac-source 02:00:00:00:00:01 -j REJECT --reject-with tcp-reset",), "rst", None),
        ((f"{SSH} -m limit --limit 3/min -j REJECT", f"{SSH} -j DROP"), "silence", "drop"),
    ],
)
def test_it_was_the_branch_that_gives_the_reply_which_came(
    rules: tuple[str, ...], reply: str, state: str | None
) -> None:
    found = judged(*rules, reply=reply)
    assert (None if isinstance(found.state, Unknown) else found.state) == state, found.state
    assert state in (None, "accept") or found.reply == reply


def test_the_packet_comes_in_by_the_interface_that_has_the_address_not_by_the_one_that_answers() -> None:
    assert judged("-A INPUT -i eth1 -p tcp -m tcp --dport 22 -j DROP", addresses=TWO_UPLINKS).state == "drop"
    assert (
        judged("-A INPUT -i eth1 -p tcp -m tcp --dport 22 -j DROP", addresses=TWO_UPLINKS, reply="ok").state
        == "drop"
    )


def test_another_interface_is_taken_where_only_that_one_explains_the_reply() -> None:
    rule = "-A INPUT -i eth0 -p tcp -m tcp --dport 22 -j DROP"
    assert judged(rule, addresses=TWO_UPLINKS).state == "drop"
    assert judged(rule, addresses=TWO_UPLINKS, reply="ok").state == "accept"
    assert judged(rule.replace("eth0", "docker0"), addresses=TWO_UPLINKS).state == "accept"


@pytest.mark.parametrize("bans", [Unknown("timed out"), replace(NO_BANS, jails=Unknown("timed out"))])
def test_a_rule_for_just_this_client_may_be_a_ban_where_those_were_not_seen(bans: Bans | Unknown) -> None:
    alone = f"-A INPUT -s {CLIENT}/32 -p tcp -m tcp --dport 22 -j REJECT"
    assert judged(alone, bans=bans).inferred
    assert not judged(alone).inferred
    assert not judged(f"{SSH} -j REJECT", bans=bans).inferred


@pytest.mark.parametrize(("queues", "state"), [((), "drop"), ((7,), "accept"), (None, "accept")])
def test_a_queue_that_nobody_listens_to_drops_and_otherwise_the_reply_tells(
    queues: tuple[int, ...] | None, state: str | None
) -> None:
    found = judged(f"{SSH} -j NFQUEUE --queue-num 7", queues=queues, reply="rst")
    assert (None if isinstance(found.state, Unknown) else found.state) == state
