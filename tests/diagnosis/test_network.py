"""The facts about what lies between client and host, from what both say: network.yml."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from facts.test_cases import faults
from sshdoctor.diagnosis.derived.dialled import dialled
from sshdoctor.diagnosis.derived.network import network
from sshdoctor.diagnosis.derived.path import path
from sshdoctor.documents.reader import read_yaml
from sshdoctor.facts import parse_all
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Login, Reply, Unknown

CASES = read_yaml(Path(__file__).with_name("network.yml"))
HOST, CLIENT = "198.51.100.2", "198.51.100.1"
KEPT = "tcp_synack_retries=5\ntcp_syncookies=1"


def sections(said: Mapping[str, Any], client: str, address: str, number: int) -> dict[str, Section]:
    """What a machine prints whose interface eth0 has a hardware address that ends in ``number``."""
    own = said.get("addresses", f"2: eth0    inet {address}/24 brd 198.51.100.255 scope global eth0")
    route, drops = said.get("route", ""), said.get("drops", 0)
    marks = "".join(f"## mark {mark}\n{text}\n" for mark, text in said.get("marks", {}).items())
    neighbours, waiting = said.get("neighbours", ""), said.get("waiting", "")
    gateways = f"default via {said['gateways']} dev eth0" if "gateways" in said else ""
    values = {
        name: f"/proc/conf/all/{name}:0\n/proc/conf/eth0/{name}:{said.get(name, 0)}\n"
        for name in ("rp_filter", "arp_ignore")
    }
    rules = said.get("firewall", "")
    denied = "iptables-save v1.8.9 (nf_tables): Could not fetch rule set generation id: Permission denied\n"
    saved = denied if rules == "denied" else f"*{_table(rules)}\n{CHAINS}{rules}\nCOMMIT\n"
    return {
        "addresses.addresses": Section(
            f"## asked\n{client}|{address}\n## ip\n{own} \n## route\n{route}\n"
            f"## rp_filter\n{values['rp_filter']}",
            0,
        ),
        "links.interfaces": Section(
            "## ip\n1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue\\    link/loopback\n"
            f"2: eth0: <{said.get('flags', 'BROADCAST,UP,LOWER_UP')}> mtu 1500 qdisc noqueue\\    "
            f"link/ether 02:00:00:00:00:0{number} brd ff:ff:ff:ff:ff:ff\n"
            f"## ports\n{said.get('ports', '')}\n"
            f"## arp_ignore\n{values['arp_ignore']}## counters\nIPReversePathFilter={drops}\n",
            0,
        ),
        "way_back.answers": Section(
            f"## rules\n{said.get('rules', '')}\n## gateways\n{gateways}\n## route\n{route}\n{marks}"
            f"## neighbours\n{neighbours}\n## table\n{neighbours}\n"
            f"## half-open\n{waiting}\n## kept\n{said.get('kept', KEPT)}\n",
            0,
        ),
        "firewall.rules": Section(
            f"## kernel\nnf_tables=no\n## iptables-save\n{saved}## managers\n## boot\n", 0
        ),
        "firewall.nft": Section("", 0),
        "firewall.nft_text": Section("", 0),
        "bans.fail2ban": Section("", 0),
        "below.filters": Section("## no-ipsec\n## queues\n", 0),
        "unit_network.settings": Section("## own\n## servers\n", 0),
    }


CHAINS = ":INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
FACTS = ("addresses", "links", "way_back", "firewall", "bans", "below", "unit_network")


def _table(rules: str) -> str:
    return "mangle" if "MARK" in rules else "filter"


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_what_both_sides_say_comes_to_these_facts(case: Mapping[str, Any]) -> None:
    client = case.get("client", CLIENT)
    known: dict[str, Any] = parse_all(FACTS, sections(case["host"], client, HOST, 2))
    login = Login(address=HOST, port=22)
    reply = Reply(
        address=HOST, family="ipv4", port=22, word="silence", source=client, source_port=case.get("port")
    )
    dial = dialled("ssh", login, reply, (reply,), None, known["addresses"], False)
    around: dict[str, Any] | Unknown = Unknown("this machine was not asked")
    said = case.get("here", {"route": f"{HOST} dev eth0 src {client}"})
    around = parse_all(FACTS, sections(said, HOST, client, 1))
    around |= {"source": client, "unsent": said.get("unsent", Unknown("not counted"))}
    way = path(dial, client, known["firewall"], known["addresses"], known["bans"])
    found = network(dial, {**known, "client_address": client}, around, False, way, login)
    assert not (wrong := faults(found, case["fact"], "fact")), "\n".join(wrong)
