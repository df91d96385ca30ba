"""Which opening is chosen, from a verdict and what is on the host: direction, owner, the place in a file."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from sshdoctor.facts.host.firewall import Firewall, SavedRules
from sshdoctor.firewall import Packet, Rule, Verdict
from sshdoctor.unblock.opening import Opening
from sshdoctor.unblock.owner import Owner
from sshdoctor.unblock.selection import opening

PACKET = Packet(family="ipv4", source="192.0.2.1", destination="198.51.100.2", destination_port=22)


def host(text: str = "", dump: str = "", saved: Mapping[str, tuple[str, ...]] | None = None) -> Firewall:
    return Firewall(
        readable="yes",
        dumps=(SavedRules("iptables-nft-save", "ipv4", dump),) if dump else (),
        nft_json=None,
        nft_text=text or None,
        ipset=None,
        managers=(),
        boot=(),
        saved=saved or {},
        default={},
        evidence=(),
    )


def chosen(rule: Rule, owner: Owner, firewall: Firewall | None = None, way: tuple[str, ...] = ()) -> Opening:
    verdict = Verdict(state="drop", reply="silence", rule=rule, why="", way=way)
    found = opening(verdict, owner, PACKET, "iptables", firewall or host())
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("chain", "way", "outward"),
    [
        ("PREROUTING", (), False),
        ("POSTROUTING", (), True),
        ("OUTPUT", (), True),
        ("lockout", ("filter INPUT rule 3", "filter lockout rule 1"), False),
        ("guard", ("filter OUTPUT rule 3",), True),
    ],
)
def test_the_kernels_own_chain_tells_the_direction_not_the_name_of_a_persons(
    chain: str, way: tuple[str, ...], outward: bool
) -> None:
    rule = Rule("filter", chain, 1, f"-A {chain} -j DROP")
    found = chosen(rule, Owner("iptables", False), way=way)
    assert found.outward is outward
    assert found.words.startswith(f"-A {chain} -{'d' if outward else 's'} 192.0.2.1/32 -p tcp -m tcp")


def test_in_nftables_the_hook_of_the_base_chain_tells_the_direction() -> None:
    text = (
        "table inet mine { # handle 1\n\tchain lockout {\n\t\ttype filter hook input priority 0;\n\t}\n"
        "\tchain back { # handle 2\n\t\ttype filter hook output priority 0; policy drop;\n\t}\n}\n"
    )
    for chain, outward in (("lockout", False), ("back", True)):
        rule = Rule("inet mine", chain, None, "policy DROP")
        assert chosen(rule, Owner("nftables", False), host(text)).outward is outward


def test_a_policy_object_of_firewalld_is_told_by_its_own_name() -> None:
    rule = Rule("inet firewalld", "filter_IN_policy_guests_deny", 1, "drop")
    found = chosen(rule, Owner("firewalld", True))
    assert (found.policy, found.zone, found.tool) == ("guests", "", "firewall-cmd")
    assert found.command.startswith(
        "firewall-cmd --permanent --policy=guests --add-rich-rule='rule priority=-32768 "
    )


def test_what_no_zone_takes_is_allowed_in_the_zone_for_all_the_rest() -> None:
    text = (
        'table inet firewalld {\n\tchain filter_INPUT_ZONES {\n\t\tiifname "eth1" goto filter_IN_trusted\n'
        "\t\tgoto filter_IN_dmz\n\t}\n}\n"
    )
    rule = Rule("inet firewalld", "filter_INPUT", 6, "reject with icmpx admin-prohibited")
    found = chosen(rule, Owner("firewalld", True), host(text))
    assert found.command == "firewall-cmd --permanent --zone=dmz --add-service=ssh && firewall-cmd --reload"


def test_a_rule_of_iptables_goes_before_its_line_of_the_file_and_a_policy_after_the_chains_last() -> None:
    lines = (
        "*filter",
        ":INPUT DROP [0:0]",
        "-A INPUT -i lo -j ACCEPT",
        "-A INPUT -p tcp -j DROP",
        "-A OUTPUT -j LOG",
    )
    firewall = host(saved={"/etc/iptables/rules.v4": lines})
    owner = Owner("iptables-persistent", True)
    rule = chosen(Rule("filter", "INPUT", 2, "-A INPUT -p tcp -j DROP"), owner, firewall)
    assert (rule.saved.line, rule.saved.after) == ("-A INPUT -p tcp -j DROP", False)
    policy = chosen(Rule("filter", "INPUT", None, "policy DROP"), owner, firewall)
    assert (policy.saved.line, policy.saved.after) == ("-A INPUT -p tcp -j DROP", True)
    bare = chosen(Rule("filter", "INPUT", 2, "-A INPUT -p tcp -j DROP"), Owner("iptables", False), firewall)
    assert bare.note.endswith("is gone after a reboot, and so is the one that stopped the client.")


def test_nftables_file_takes_the_rule_only_if_it_has_the_chain() -> None:
    rule, owner = Rule("inet filter", "input", 1, "drop"), Owner("nftables.service", True)
    has = host(saved={"/etc/nftables.conf": ("table inet filter {", "\tchain input {")})
    assert chosen(rule, owner, has).saved.file == "/etc/nftables.conf"
    assert (
        chosen(rule, owner, host(saved={"/etc/nftables.conf": ('include "/etc/rules.nft"',)})).saved.file
        == ""
    )
