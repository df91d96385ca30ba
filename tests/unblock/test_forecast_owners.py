"""What ufw and firewalld make of the rules when they are told to let a client in: see forecast_owners."""

from __future__ import annotations

from typing import Literal

import pytest

from sshdoctor.facts.host.firewall import SavedRules
from sshdoctor.unblock.forecast_owners import firewalld, ufw
from sshdoctor.unblock.opening import Opening
from unblock.test_forecast import host, saved

UFW = "ufw-user-input"
OFFICE = "-A ufw-user-input -s 192.0.2.0/24 -p tcp -m tcp --dport 22"
PORT = "-A ufw-user-input -p tcp -m tcp --dport 22"


def told(
    tool: str,
    source: str | None,
    place: Literal["first", "end"] = "first",
    family: str = "ipv4",
    zone: str = "",
) -> Opening:
    return Opening(
        owner=tool,
        tool="ufw" if tool == "ufw" else "firewall-cmd",
        backend="iptables-nft",
        family="ipv4",
        table="filter",
        chain=UFW,
        number=None,
        place=place,
        port=22,
        source=source,
        outward=False,
        zone=zone,
    )


def rules(text: str, chain: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(f"-A {chain} ")]


@pytest.mark.parametrize(
    ("before", "opening", "after"),
    [
        ((f"{PORT} -j DROP",), told("ufw", None), (f"{PORT} -j ACCEPT",)),
        (("-A ufw-user-input -j LOG",), told("ufw", None), (f"{PORT} -j ACCEPT", "-A ufw-user-input -j LOG")),
        (
            ("-A ufw-user-input -j LOG",),
            told("ufw", None, "end"),
            ("-A ufw-user-input -j LOG", f"{PORT} -j ACCEPT"),
        ),
        ((f"{PORT} -j ACCEPT",), told("ufw", None), (f"{PORT} -j ACCEPT",)),
        (
            (f"{PORT} -m conntrack --ctstate NEW -m recent --set", f"{PORT} -j ufw-user-limit-accept"),
            told("ufw", None),
            (f"{PORT} -j ACCEPT",),
        ),
        (
            (f"{PORT} -j DROP", f"{PORT.replace('tcp', 'udp')} -j DROP"),
            told("ufw", None),
            (f"{PORT} -j ACCEPT", f"{PORT} -j DROP", f"{PORT.replace('tcp', 'udp')} -j DROP"),
        ),
        ((f"{PORT} -j DROP",), told("ufw", "192.0.2.0/24"), (f"{OFFICE} -j ACCEPT", f"{PORT} -j DROP")),
    ],
    ids=[
        "a rule for the port gets another action",
        "a new one is the first",
        "a new one is the last",
        "one that is there stays",
        "a limit, three rules, becomes one",
        "a rule for both protocols is another rule",
        "a network has a rule of its own",
    ],
)
def test_ufw_knows_a_rule_again_whatever_its_action(
    before: tuple[str, ...], opening: Opening, after: tuple[str, ...]
) -> None:
    (dump,) = ufw(host(saved(*before, chains=(UFW,))), opening).dumps
    assert rules(dump.text, UFW) == list(after)


@pytest.mark.parametrize(("source", "six"), [(None, 1), ("192.0.2.1", 0)])
def test_ufw_opens_a_port_for_both_families_and_for_a_client_in_its_own(source: str | None, six: int) -> None:
    four = SavedRules("iptables-nft-save", "ipv4", saved(chains=(UFW,)))
    other = SavedRules("ip6tables-nft-save", "ipv6", saved(chains=("ufw6-user-input",)))
    of_four, of_six = ufw(host(four, other), told("ufw", source)).dumps
    assert (len(rules(of_four.text, UFW)), len(rules(of_six.text, "ufw6-user-input"))) == (1, six)


ZONE = ("INPUT_ZONES", "IN_public_pre", "IN_public_allow")


@pytest.mark.parametrize(
    ("opening", "chain", "order"),
    [
        (
            told("firewalld", None, "end", zone="public"),
            "IN_public_allow",
            ["-j LOG", "--dport 22 -j ACCEPT"],
        ),
        (told("firewalld", "192.0.2.1", zone="public"), "IN_public_pre", ["--dport 22 -j ACCEPT", "-j LOG"]),
    ],
    ids=["the port, behind what the zone allows", "a client, before all of the zone"],
)
def test_firewalld_writes_a_port_behind_and_a_rich_rule_before_the_zones_own(
    opening: Opening, chain: str, order: list[str]
) -> None:
    (dump,) = firewalld(host(saved(f"-A {chain} -j LOG", chains=ZONE)), opening).dumps
    found = rules(dump.text, chain)
    assert [rule.endswith(end) for rule, end in zip(found, order, strict=True)] == [True, True]
