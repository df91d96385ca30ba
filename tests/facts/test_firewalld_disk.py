"""firewalld's zones on a disk: what they let in after the boot, and what must stay unread."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from sshdoctor import facts
from sshdoctor.disk import Disk
from sshdoctor.facts.host.firewall import Firewall
from sshdoctor.facts.offline.firewalld import table
from sshdoctor.facts.offline.nft_file import ruleset
from sshdoctor.firewall import Dump, Packet, judge
from sshdoctor.model import Unknown

CLIENT, ANOTHER, CLIENT6 = "198.51.100.7", "203.0.113.9", "2001:db8::7"
CODE = "usr/lib/python3/dist-packages/firewall/config/__init__.py"
STOCK = {
    CODE: "VERSION = '1.3.3'\n",
    "etc/firewalld/firewalld.conf": "# what comes with it\nDefaultZone=public\nFirewallBackend=nftables\n",
    "usr/lib/firewalld/zones/public.xml": '<zone><short>Public</short><service name="ssh"/><forward/></zone>',
    "usr/lib/firewalld/zones/block.xml": '<zone target="%%REJECT%%"/>',
    "usr/lib/firewalld/zones/drop.xml": '<zone target="DROP"/>',
    "usr/lib/firewalld/zones/trusted.xml": '<zone target="ACCEPT"/>',
    "usr/lib/firewalld/services/ssh.xml": '<service><port protocol="tcp" port="22"/></service>',
    "usr/lib/firewalld/services/mdns.xml": """<service>
        <port protocol="udp" port="5353"/><destination ipv4="224.0.0.251" ipv6="ff02::fb"/></service>""",
    "usr/lib/firewalld/policies/allow-host-ipv6.xml": """<policy target="CONTINUE" priority="-15000">
        <ingress-zone name="ANY"/><egress-zone name="HOST"/>
        <rule family="ipv6"><icmp-type name="redirect"/><accept/></rule></policy>""",
    "etc/firewalld/direct.xml": "<direct/>",
}
"""The least that firewalld starts with."""
PUBLIC, OWN = "etc/firewalld/zones/public.xml", "etc/firewalld/services/own.xml"


def write(root: Path, files: Mapping[str, str]) -> Disk:
    for path, text in {**STOCK, **files}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return Disk(root)


def answer(disk: Disk, source: str = CLIENT, port: int = 22, interface: str | None = None) -> str:
    """What the client gets: ``accept`` or the word of a refusal; the state where there is neither."""
    text = table(disk)
    assert isinstance(text, str), text
    read = ruleset(text)
    assert read is not None
    here = "2001:db8::2" if ":" in source else "198.51.100.2"
    packet = Packet(
        family="ipv6" if ":" in source else "ipv4",
        source=source,
        destination=here,
        destination_port=port,
        in_interface=interface,
        out_interface=interface,
        local_addresses=(here,),
    )
    found = judge([Dump("nft", "ipv4", read[0]), Dump("nft-text", "ipv4", read[1])], packet)
    return found.state if found.state in ("accept", "unknown", "depends") else str(found.reply)


def rich(rule: str) -> str:
    return f'<zone><service name="ssh"/>{rule}</zone>'


BLOCK = '<zone target="%%REJECT%%">'
ADMIN = "icmp-admin-prohibited"
BODIES = {
    "ssh is a service of the zone": ('<zone><service name="ssh"/></zone>', "accept"),
    "ssh is none": ("<zone/>", ADMIN),
    "the port stands in its place": ('<zone><port port="22" protocol="tcp"/></zone>', "accept"),
    "a range has the port": ('<zone><port port="20-25" protocol="tcp"/></zone>', "accept"),
    "the port is another protocol's": ('<zone><port port="22" protocol="udp"/></zone>', ADMIN),
    "all of TCP is let in": ('<zone><protocol value="tcp"/></zone>', "accept"),
    "the target is DROP": ('<zone target="DROP"/>', "silence"),
    "the target is DROP, and ssh a service": ('<zone target="DROP"><service name="ssh"/></zone>', "accept"),
    "the target is ACCEPT": ('<zone target="ACCEPT"/>', "accept"),
    "the target is REJECT": ('<zone target="%%REJECT%%"/>', ADMIN),
    "the target is spelled out": ('<zone target="default"/>', ADMIN),
    "a service includes ssh": ('<zone><service name="own"/></zone>', "accept"),
    "only ICMP is blocked": (rich('<icmp-block name="echo-request"/><icmp-block-inversion/>'), "accept"),
    "masquerading is for others": (rich("<masquerade/><forward/>"), "accept"),
    "another protocol is sent on": (
        rich('<forward-port port="22" protocol="udp" to-port="2222"/>'),
        "accept",
    ),
    "a rule rejects the client": (
        rich(f'<rule family="ipv4"><source address="{CLIENT}"/><reject/></rule>'),
        "icmp-port-unreachable",
    ),
    "a rule drops the network": (
        rich('<rule family="ipv4"><source address="198.51.100.0/255.255.255.0"/><drop/></rule>'),
        "silence",
    ),
    "a rule drops all but another": (
        rich(f'<rule family="ipv4"><source address="{ANOTHER}" invert="true"/><drop/></rule>'),
        "silence",
    ),
    "a rule drops all but the client": (
        rich(f'<rule family="ipv4"><source address="{CLIENT}" invert="yes"/><drop/></rule>'),
        "accept",
    ),
    "a rule is for the other family": (
        rich('<rule family="ipv6"><service name="ssh"/><drop/></rule>'),
        "accept",
    ),
    "a rule with a type rejects": (
        rich('<rule family="ipv4"><port port="22" protocol="tcp"/><reject type="tcp-reset"/></rule>'),
        "rst",
    ),
    "what denies comes before what allows": (
        rich('<rule><service name="ssh"/><accept/></rule><rule><service name="ssh"/><drop/></rule>'),
        "silence",
    ),
    "a lower priority comes first": (
        rich(
            f'<rule family="ipv4" priority="-5"><source address="{CLIENT}"/><drop/></rule>'
            f'<rule family="ipv4" priority="-9"><source address="{CLIENT}"/><accept/></rule>'
        ),
        "accept",
    ),
    "a high priority comes last": (rich('<rule priority="32767"><drop/></rule>'), "accept"),
    "a rule for the end of the zone": ('<zone><rule priority="9"><drop/></rule></zone>', "silence"),
    "a rule only logs": (
        rich('<rule><service name="ssh"/><log prefix="x"><limit value="1/m"/></log></rule>'),
        "accept",
    ),
    "a rule has a rate": (
        rich('<rule priority="-1"><service name="ssh"/><drop><limit value="3/m"/></drop></rule>'),
        "depends",
    ),
    "a rule denies what else the host has": (
        rich('<rule><service name="mdns"/><drop/></rule><rule><icmp-type name="redirect"/><drop/></rule>'),
        "accept",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_the_default_zone_decides_for_the_client(tmp_path: Path, name: str) -> None:
    body, expected = BODIES[name]
    own = '<service><include service="ssh"/><include service="own"/></service>'
    assert answer(write(tmp_path, {PUBLIC: body, OWN: own})) == expected


def test_what_is_missing_in_the_configuration_is_as_firewalld_has_it(tmp_path: Path) -> None:
    assert answer(write(tmp_path, {"etc/firewalld/firewalld.conf": "DefaultZone=\nnonsense\n"})) == "accept"


def test_the_first_of_two_settings_counts(tmp_path: Path) -> None:
    conf = "DefaultZone=drop\nDefaultZone=public\n"
    assert answer(write(tmp_path, {"etc/firewalld/firewalld.conf": conf})) == "silence"


def test_a_service_of_the_hosts_own_stands_in_for_the_stock_one(tmp_path: Path) -> None:
    own = '<service><port protocol="tcp" port="2222"/></service>'
    disk = write(tmp_path, {"etc/firewalld/services/ssh.xml": own})
    assert (answer(disk), answer(disk, port=2222)) == (ADMIN, "accept")


def test_the_zone_of_a_source_comes_before_that_of_an_interface(tmp_path: Path) -> None:
    files = {
        "etc/firewalld/zones/drop.xml": f'<zone target="DROP"><source address="{CLIENT}"/></zone>',
        "etc/firewalld/zones/trusted.xml": '<zone target="ACCEPT"><interface name="eth0"/></zone>',
        PUBLIC: "<zone/>",
    }
    disk = write(tmp_path, files)
    assert answer(disk, CLIENT, interface="eth0") == "silence"
    assert answer(disk, ANOTHER, interface="eth0") == "accept"
    assert answer(disk, CLIENT6, interface="eth0") == "accept"
    assert answer(disk, ANOTHER, interface="eth1") == ADMIN
    assert answer(disk, ANOTHER) == "unknown"  # a disk does not tell where the client comes in


def test_of_two_zones_with_the_source_the_first_by_name_takes_it(tmp_path: Path) -> None:
    files = {
        "etc/firewalld/zones/drop.xml": f'<zone target="DROP"><source address="{CLIENT}"/></zone>',
        "etc/firewalld/zones/block.xml": f'{BLOCK}<source address="198.51.100.0/24"/></zone>',
    }  # fmt: skip
    assert answer(write(tmp_path, files)) == ADMIN


def test_the_zone_of_the_last_interface_is_asked_first(tmp_path: Path) -> None:
    files = {
        "etc/firewalld/zones/drop.xml": '<zone target="DROP"><interface name="eth+"/></zone>',
        "etc/firewalld/zones/trusted.xml": '<zone target="ACCEPT"><interface name="eth0"/></zone>',
    }
    disk = write(tmp_path, files)
    assert (answer(disk, interface="eth0"), answer(disk, interface="eth1")) == ("accept", "silence")


BIND = '<zone><source address="198.51.100.0/24"/>'
POLICY = '<policy target="REJECT"><ingress-zone name="ANY"/><egress-zone name="HOST"/></policy>'
NETWORK_MANAGER = "etc/NetworkManager/system-connections/home.nmconnection"
CONFIGURATION = "etc/firewalld/firewalld.conf"
UNREAD: Mapping[str, tuple[Mapping[str, str], str]] = {
    "a policy": ({"etc/firewalld/policies/no.xml": POLICY}, "policies are not read"),
    "a stock policy": ({"usr/lib/firewalld/policies/no.xml": POLICY}, "policies are not read"),
    "a direct rule": (
        {"etc/firewalld/direct.xml": "<direct><rule>-j DROP</rule></direct>"},
        "direct rules are not read",
    ),
    "the other back end": ({CONFIGURATION: "FirewallBackend=iptables\n"}, "FirewallBackend is not nftables"),
    "version 0": ({CODE: "VERSION = '0.9.3'\n"}, "version 0.9.3 is not read"),
    "version 2": ({CODE: "VERSION = '2.3.1'\n"}, "version 2.3.1 is not read"),
    "no version": ({CODE: ""}, "version unknown is not read"),
    "a default zone without a file": ({CONFIGURATION: "DefaultZone=none\n"}, "the default zone none has no"),
    "a set as a source": ({PUBLIC: '<zone><source ipset="office"/></zone>'}, "sets and hardware addresses"),
    "a hardware address": (
        {PUBLIC: '<zone><source address="02:5d:0c:00:00:01"/></zone>'},
        "sets and hardware addresses",
    ),
    "a hardware address in a rule": (
        {PUBLIC: rich('<rule><source mac="02:5d:0c:00:00:01"/><drop/></rule>')},
        "sets and hardware addresses",
    ),
    "a set in a rule": ({PUBLIC: rich('<rule><source ipset="bad"/><drop/></rule>')}, "sets and hardware"),
    "a forwarded port": (
        {PUBLIC: rich('<forward-port port="22" protocol="tcp" to-port="2222"/>')},
        "forwarded ports",
    ),
    "a source port": ({PUBLIC: rich('<source-port port="22" protocol="tcp"/>')}, "source ports"),
    "a source port of a service": (
        {
            PUBLIC: '<zone><service name="own"/></zone>',
            OWN: '<service><source-port port="1" protocol="tcp"/></service>',
        },
        "source ports",
    ),
    "a rule that marks": ({PUBLIC: rich('<rule><mark set="1"/></rule>')}, "a rich rule is not understood"),
    "a rule without a family": (
        {PUBLIC: rich(f'<rule><source address="{CLIENT}"/><drop/></rule>')},
        "a rich rule is not understood",
    ),
    "a rule about nothing": ({PUBLIC: rich("<rule><drop/></rule>")}, "a rich rule is not understood"),
    "a reject that is not its family's": (
        {PUBLIC: rich('<rule family="ipv6"><service name="ssh"/><reject type="host-prohib"/></rule>')},
        "a rich rule is not understood",
    ),
    "a service without a file": ({PUBLIC: '<zone><service name="none"/></zone>'}, "a service without a file"),
    "a service outside": ({PUBLIC: '<zone><service name="../zones/drop"/></zone>'}, "a service without"),
    "an element of another time": ({PUBLIC: "<zone><gateway/></zone>"}, "<gateway> in <zone> is not"),
    "an attribute of another time": ({PUBLIC: '<zone ingress-priority="1"/>'}, "<zone> is not understood"),
    "a port by its name": ({PUBLIC: '<zone><port port="ssh" protocol="tcp"/></zone>'}, "<port> is not"),
    "a port that is none": ({PUBLIC: '<zone><port port="65536" protocol="tcp"/></zone>'}, "<port> is not"),
    "an address that is none": ({PUBLIC: '<zone><source address="1.2.3"/></zone>'}, "<source> is not"),
    "a target that is none": ({PUBLIC: '<zone target="CONTINUE"/>'}, "<zone> is not understood"),
    "an interface that breaks out": (
        {PUBLIC: '<zone><interface name="a&quot; accept"/></zone>'},
        "the name of a zone or interface",
    ),
    "a zone twice bound": (
        {"etc/firewalld/zones/work.xml": f"{BIND}</zone>", "etc/firewalld/zones/home.xml": f"{BIND}</zone>"},
        "two zones have the same",
    ),
    "a zone in pieces": ({"etc/firewalld/zones/office/a.xml": "<zone/>"}, "zones of several files"),
    "no XML": ({PUBLIC: "<zone>"}, "/etc/firewalld/zones/public.xml is no valid XML"),
    "no XML in what is unused": ({"etc/firewalld/ipsets/bad.xml": "<ipset"}, "is no valid XML"),
    "a document type": ({PUBLIC: "<!DOCTYPE zone><zone/>"}, "has a document type"),
    "entities": ({PUBLIC: '<!DOCTYPE z [<!ENTITY a "b">]><zone>&a;</zone>'}, "has a document type"),
    "a file beyond measure": ({PUBLIC: f"<zone>{' ' * 2**20}</zone>"}, "is too large"),
    "a zone of NetworkManager's": (
        {NETWORK_MANAGER: "[connection]\nid=home\nzone=trusted\n"},
        f"/{NETWORK_MANAGER} gives an interface its zone",
    ),
    "a zone of an ifcfg file": (
        {"etc/sysconfig/network-scripts/ifcfg-eth0": 'DEVICE=eth0\nZONE="trusted"\n'},
        "gives an interface its zone",
    ),
    "a zone of netplan's": (
        {"etc/netplan/1.yaml": 'passthrough:\n  connection.zone: "trusted"\n'},
        "gives an interface its zone",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNREAD)
def test_what_is_not_understood_is_not_guessed(tmp_path: Path, name: str) -> None:
    files, reason = UNREAD[name]
    found = table(write(tmp_path, files))
    assert isinstance(found, Unknown)
    assert re.match(f"firewalld: .*{re.escape(reason)}", found.reason), found


def test_text_in_another_encoding_hides_nothing(tmp_path: Path) -> None:
    disk = write(tmp_path, {})
    (tmp_path / PUBLIC).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / PUBLIC).write_bytes(
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE z><zone/>'.encode("utf-16")
    )
    assert table(disk) == Unknown("firewalld: /etc/firewalld/zones/public.xml is not UTF-8")


@pytest.mark.parametrize(
    "path", [NETWORK_MANAGER, "etc/sysconfig/network-scripts/ifcfg-eth0"], ids=["connection", "ifcfg"]
)
def test_who_assigns_the_default_zone_changes_nothing(tmp_path: Path, path: str) -> None:
    assert answer(write(tmp_path, {path: "ZONE=public\nzone=public\n"})) == "accept"


def test_the_zone_that_nobody_is_in_is_not_asked_for_what_cannot_be_read(tmp_path: Path) -> None:
    body = rich('<forward-port port="22" protocol="tcp" to-port="2222"/>')
    assert answer(write(tmp_path, {"etc/firewalld/zones/external.xml": body})) == "accept"


def fact(root: Path, *units: str) -> Firewall:
    wants = root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    for unit in units:
        (wants / f"{unit}.service").symlink_to(f"/usr/lib/systemd/system/{unit}.service")
    found = facts.read_disk(["firewall"], Disk(root), "deploy", 60)["firewall"]
    assert isinstance(found, Firewall)
    return found


def test_the_fact_has_the_rules_of_a_firewalld_that_starts_at_the_boot(tmp_path: Path) -> None:
    write(tmp_path, {})
    assert fact(tmp_path).nft_text is None
    found = fact(tmp_path, "firewalld")
    assert found.readable == Unknown("the system on this disk is not running")
    assert "goto filter_IN_public" in (found.nft_text or "")


def test_the_fact_says_why_the_rules_are_not_read(tmp_path: Path) -> None:
    write(tmp_path, {"etc/firewalld/policies/no.xml": POLICY})
    found = fact(tmp_path, "firewalld")
    assert found.readable == Unknown("firewalld: policies are not read from a disk")
    assert found.nft_text is None


@pytest.mark.parametrize("unit", ["nftables", "netfilter-persistent", "docker"])
def test_rules_beside_those_of_another_are_not_read(tmp_path: Path, unit: str) -> None:
    write(tmp_path, {"etc/nftables.conf": "flush ruleset\n"})
    readable = fact(tmp_path, "firewalld", unit).readable
    assert isinstance(readable, Unknown)
    assert "firewalld" in readable.reason
    assert "not read from a disk" in readable.reason
