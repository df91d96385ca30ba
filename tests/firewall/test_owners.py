"""Whose a rule is by its names, and by the chains beside it."""

import pytest

from sshdoctor.firewall import Rule
from sshdoctor.firewall.owners import marked_owner, named_owner

UFW = "*filter\n:INPUT DROP [0:0]\n:ufw-before-input - [0:0]\nCOMMIT\n"
FIREWALLD = "*filter\n:INPUT ACCEPT [0:0]\n:INPUT_ZONES - [0:0]\n:IN_public_deny - [0:0]\nCOMMIT\n"
SHOREWALL = "*filter\n:INPUT DROP [0:0]\n:net-fw - [0:0]\n:shorewall - [0:0]\n:my-bans - [0:0]\nCOMMIT\n"
POLICY = Rule("filter", "INPUT", None, "policy DROP")


@pytest.mark.parametrize(
    ("rule", "owner"),
    [
        (Rule("filter", "ufw6-user-input", 1, "-j DROP"), "ufw"),
        (Rule("ip docker-bridges", "filter-FORWARD", 1, "drop"), "Docker"),
        (Rule("ip kube-proxy", "services", 1, "drop"), "Kubernetes"),
        (Rule("ip crowdsec", "crowdsec-chain", 1, "ip saddr @crowdsec-blacklists drop"), "CrowdSec"),
        (Rule("inet filter", "input", 1, "ip saddr @crowdsec-blacklists drop"), "CrowdSec"),
        (Rule("filter", "INPUT", 1, "-A INPUT -m set --match-set sshguard4 src -j DROP"), "sshguard"),
        (Rule("filter", "INPUT", 1, "-A INPUT -m set ! --match-set f2b-sshd src -j DROP"), None),
        (Rule("inet mine", "f2b-like", 1, "drop"), None),
        (Rule("filter", "my-ufw-rules", 1, "-j DROP"), None),
        (Rule("filter", "IN_public_deny", 1, "-A IN_public_deny -j DROP"), None),
    ],
)
def test_a_name_is_a_programs_own_or_tells_nothing(rule: Rule, owner: str | None) -> None:
    assert named_owner(rule) == owner


@pytest.mark.parametrize(
    ("rule", "ruleset", "owner"),
    [
        (POLICY, UFW, "ufw"),
        (POLICY, SHOREWALL, "Shorewall"),
        (POLICY, FIREWALLD, None),
        (Rule("mangle", "INPUT", None, "policy DROP"), UFW, None),
        (Rule("filter", "IN_public_deny", 1, "-A IN_public_deny -j DROP"), FIREWALLD, "firewalld"),
        (Rule("filter", "IN_public_deny", 1, "-A IN_public_deny -j DROP"), SHOREWALL, None),
        (
            Rule("filter", "INPUT", 5, "-A INPUT -j REJECT --reject-with icmp-host-prohibited"),
            FIREWALLD,
            "firewalld",
        ),
        (Rule("filter", "INPUT", 1, "-A INPUT -p tcp -m tcp --dport 22 -j DROP"), FIREWALLD, None),
        (Rule("filter", "net-fw", 5, "-A net-fw -j DROP"), SHOREWALL, "Shorewall"),
        (Rule("filter", "net-fw", 5, "-A net-fw -j DROP"), UFW, None),
        (Rule("filter", "my-bans", 1, "-A my-bans -j DROP"), SHOREWALL, None),
        (Rule("filter", "INPUT", 1, "-A INPUT -p tcp -m tcp --dport 22 -j DROP"), SHOREWALL, None),
    ],
)
def test_a_chain_of_one_program_vouches_for_what_is_built_as_it_does(
    rule: Rule, ruleset: str, owner: str | None
) -> None:
    assert marked_owner(rule, [ruleset]) == owner
