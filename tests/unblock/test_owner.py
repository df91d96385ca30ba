"""Whose a rule is, and whether it comes back: what real hosts in tests/hosts do not show, by its names."""

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from sshdoctor.facts.host.bans import Bans, Jail
from sshdoctor.facts.host.firewall import Firewall, SavedRules
from sshdoctor.firewall import Rule
from sshdoctor.model import Family, Unknown
from sshdoctor.unblock.ban import ban
from sshdoctor.unblock.owner import command_for, owner_of
from sshdoctor.unblock.unban import unban

NO_BANS = Bans(running=False, jails=(), evidence=())
REJECT = "-A INPUT -p tcp -m tcp --dport 22 -j REJECT --reject-with icmp-port-unreachable"
RULE = Rule("filter", "INPUT", 1, REJECT)


def host(
    *boot: str, managers: tuple[str, ...] = (), saved: Mapping[str, tuple[str, ...] | Unknown] | None = None
) -> Firewall:
    return Firewall(
        readable="yes", dumps=(), nft_json=None, nft_text=None, ipset=None, managers=managers, boot=boot,
        saved=saved or {}, default={}, evidence=(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("table", "chain", "name"),
    [
        ("filter", "DOCKER-USER", "Docker"),
        ("filter", "KUBE-FIREWALL", "Kubernetes"),
        ("filter", "NETAVARK_INPUT", "Podman"),
        ("filter", "sshguard", "sshguard"),
        ("filter", "CROWDSEC_CHAIN", "CrowdSec"),
        ("ip6 crowdsec6", "crowdsec6-chain-input", "CrowdSec"),
        ("ip sshguard", "blacklist", "sshguard"),
        ("filter", "ufw6-user-input", "ufw"),
        ("filter", "IN_public_deny", "iptables"),
        ("inet mine", "ufw-like", "nftables"),
    ],
)
def test_the_names_of_chains_and_tables_tell_the_owner(table: str, chain: str, name: str) -> None:
    assert owner_of(Rule(table, chain, 1, ""), "ipv4", host()).name == name


def test_a_rule_in_the_file_of_iptables_persistent_comes_back() -> None:
    owner = owner_of(
        RULE, "ipv4", host("netfilter-persistent", saved={"/etc/iptables/rules.v4": ("*filter", REJECT)})
    )
    assert (owner.name, owner.saved) == ("iptables-persistent", True)


def test_a_rule_that_the_file_does_not_have_is_somebodys_own_and_is_gone() -> None:
    owner = owner_of(
        RULE, "ipv4", host("netfilter-persistent", saved={"/etc/iptables/rules.v4": ("*filter",)})
    )
    assert (owner.name, owner.saved) == ("iptables", False)


def test_the_same_rule_saved_for_another_family_or_table_is_not_this_one() -> None:
    family = host("netfilter-persistent", saved={"/etc/iptables/rules.v6": ("*filter", REJECT)})
    table = host("netfilter-persistent", saved={"/etc/iptables/rules.v4": ("*filter", "*mangle", REJECT)})
    assert owner_of(RULE, "ipv4", family).saved is False
    assert owner_of(RULE, "ipv4", table).saved is False


def test_a_file_that_nobody_loads_saves_nothing() -> None:
    assert owner_of(RULE, "ipv4", host(saved={"/etc/iptables/rules.v4": ("*filter", REJECT)})).saved is False


def test_a_file_that_may_not_be_read_leaves_it_unknown() -> None:
    unread = {"/etc/iptables/rules.v4": Unknown("not permitted")}
    assert owner_of(RULE, "ipv4", host("netfilter-persistent", saved=unread)).saved == Unknown(
        "not permitted"
    )


def test_a_policy_in_the_file_comes_back() -> None:
    policy = Rule("filter", "INPUT", None, "policy DROP")
    saved = {"/etc/iptables/rules.v4": ("*filter", ":INPUT DROP [0:0]")}
    assert owner_of(policy, "ipv4", host("netfilter-persistent", saved=saved)).saved is True
    saved = {"/etc/iptables/rules.v4": ("*filter", ":INPUT ACCEPT [0:0]")}
    assert owner_of(policy, "ipv4", host("netfilter-persistent", saved=saved)).saved is False


def test_nftables_own_file_may_say_it_in_other_words() -> None:
    rule = Rule("inet filter", "input", 1, "tcp dport 22 drop")
    saved = {"/etc/nftables.conf": ("define ssh = 22", "tcp dport $ssh drop")}
    assert isinstance(owner_of(rule, "ipv4", host("nftables", saved=saved)).saved, Unknown)


def test_the_policy_of_another_chain_in_nftables_file_does_not_count() -> None:
    policy = Rule("inet filter", "input", None, "policy DROP")
    forward = ("table inet filter {", " chain forward {", "  policy drop;", " }", " chain input {", " }", "}")
    own = ("table inet filter {", " chain input {", "  policy drop;", " }", "}")
    saved = owner_of(policy, "ipv4", host("nftables", saved={"/etc/nftables.conf": forward})).saved
    assert isinstance(saved, Unknown)
    assert owner_of(policy, "ipv4", host("nftables", saved={"/etc/nftables.conf": own})).saved is True


def test_what_firewalld_holds_may_be_of_this_run_only() -> None:
    rule = Rule("inet firewalld", "filter_IN_drop", 8, "drop")
    assert isinstance(owner_of(rule, "ipv4", host("firewalld")).saved, Unknown)
    assert owner_of(rule, "ipv4", host()).saved is False


DIRECT = "/etc/firewalld/direct.xml"


def direct(family: str, rule: str) -> Firewall:
    line = f'  <rule ipv="{family}" table="filter" chain="INPUT" priority="0">{rule}</rule>'
    return host("firewalld", saved={DIRECT: (line,)})


def test_a_direct_rule_of_firewalld_is_told_by_its_file() -> None:
    owner = owner_of(RULE, "ipv4", direct("ipv4", "-p tcp --dport 22 -j REJECT"))
    assert (owner.name, owner.saved) == ("firewalld (direct)", True)


@pytest.mark.parametrize(
    "firewall",
    [
        direct("ipv6", "-p tcp --dport 22 -j REJECT"),
        direct("ipv4", "-p tcp --dport 2222 -j REJECT"),
        direct("ipv4", "-j REJECT"),
        direct("ipv4", "-s 192.0.2.1 -p tcp --dport 22 -j REJECT"),
    ],
)
def test_another_direct_rule_of_firewalld_is_not_this_one(firewall: Firewall) -> None:
    assert owner_of(RULE, "ipv4", firewall).name == "iptables"


@pytest.mark.parametrize(
    ("unit", "loader"), [("ferm", "ferm"), ("shorewall", "Shorewall"), ("script", "a script")]
)
def test_what_may_load_a_rule_without_a_name_leaves_it_open(unit: str, loader: str) -> None:
    owner = owner_of(RULE, "ipv4", host(unit))
    assert (owner.name, owner.loader) == ("iptables", loader)
    assert isinstance(owner.saved, Unknown)
    assert str(owner) == f"a rule of iptables or {loader}"


def test_what_stands_in_dockers_chain_for_its_user_is_not_loaded_by_docker() -> None:
    drop = "-A DOCKER-USER -j DROP"
    rule = Rule("filter", "DOCKER-USER", 1, drop)
    restored = host("docker", "netfilter-persistent", saved={"/etc/iptables/rules.v4": ("*filter", drop)})
    assert (owner_of(rule, "ipv4", host("docker")).name, owner_of(rule, "ipv4", host("docker")).saved) == (
        "Docker",
        False,
    )
    assert owner_of(rule, "ipv4", restored).saved is True


def save(tool: str, family: Family, *rules: str) -> SavedRules:
    return SavedRules(tool, family, "\n".join(("*filter", ":INPUT ACCEPT [0:0]", *rules, "COMMIT", "")))


NFT, LEGACY = "iptables-nft-save", "iptables-legacy-save"


@pytest.mark.parametrize(
    ("dumps", "default", "command"),
    [
        ((save(NFT, "ipv4", REJECT), save(LEGACY, "ipv4")), "nft", "iptables"),
        ((save(NFT, "ipv4"), save(LEGACY, "ipv4", REJECT)), "nft", "iptables-legacy"),
        ((save(NFT, "ipv4", REJECT), save(LEGACY, "ipv4")), "legacy", "iptables-nft"),
        ((save(NFT, "ipv4"), save(LEGACY, "ipv4", REJECT)), "legacy", "iptables"),
        ((save(LEGACY, "ipv4", REJECT),), "nft", "iptables-legacy"),
        ((save("iptables-save", "ipv4", REJECT),), "nft", "iptables"),
        ((save("ip6tables-legacy-save", "ipv6", REJECT), save(NFT, "ipv4", REJECT)), "nft", "iptables"),
    ],
)
def test_the_command_speaks_to_the_back_end_that_has_the_rule(
    dumps: tuple[SavedRules, ...], default: str, command: str
) -> None:
    firewall = replace(host(), dumps=dumps, default={"ipv4": default})
    assert command_for(RULE, "ipv4", firewall) == command


def test_the_policy_of_the_old_back_end_is_changed_there() -> None:
    dropping = save(LEGACY, "ipv4").text.replace("ACCEPT", "DROP")
    firewall = replace(
        host(), dumps=(save(NFT, "ipv4"), SavedRules(LEGACY, "ipv4", dropping)), default={"ipv4": "nft"}
    )
    assert command_for(Rule("filter", "INPUT", None, "policy DROP"), "ipv4", firewall) == "iptables-legacy"


def test_a_client_on_shorewalls_dynamic_blacklist_is_banned() -> None:
    rule = Rule("filter", "dynamic", 1, "-A dynamic -s 192.0.2.1/32 -j DROP")
    held = ban(rule, "Shorewall", "192.0.2.1", NO_BANS)
    assert held is not None
    assert held.fix == "shorewall allow 192.0.2.1"
    assert ban(rule, "iptables", "192.0.2.1", NO_BANS) is None


def test_a_set_that_the_client_must_be_in_is_no_ban() -> None:
    text = "-A INPUT -m set ! --match-set not-banned src -j DROP"
    assert ban(Rule("filter", "INPUT", 1, text), "iptables", "192.0.2.1", NO_BANS) is None


def test_a_set_of_countries_is_no_ban() -> None:
    rule = Rule("filter", "INPUT", 1, "-A INPUT -m set --match-set country-xx src -j DROP")
    assert ban(rule, "iptables", "192.0.2.1", NO_BANS) is None


def test_a_rule_of_another_tool_is_a_ban_only_if_it_names_just_the_client_that_a_jail_holds() -> None:
    jailed = Bans(running=True, jails=(Jail("sshd", "", ""),), evidence=())
    own = Rule("filter", "ufw-user-input", 1, "-A ufw-user-input -s 192.0.2.1/32 -j REJECT")
    wide = Rule("filter", "ufw-user-input", 1, "-A ufw-user-input -s 192.0.2.0/24 -j REJECT")
    held = ban(own, "ufw", "192.0.2.1", jailed)
    assert held is not None
    assert (held.where, held.times) == ("fail2ban's jail sshd", "")
    assert ban(wide, "ufw", "192.0.2.1", jailed) is None
    assert ban(own, "ufw", "192.0.2.1", NO_BANS) is None


def test_the_name_of_a_set_is_quoted_for_the_shell() -> None:
    rule = Rule("filter", "INPUT", 1, "-A INPUT -m set --match-set ban;reboot src -j DROP")
    held = ban(rule, "iptables", "192.0.2.1", NO_BANS)
    assert held is not None
    assert held.fix.startswith("ipset del 'ban;reboot' 192.0.2.1")


def test_a_jail_that_holds_a_network_is_told_to_unban_that_network() -> None:
    jailed = Bans(running=True, jails=(Jail("sshd", "", "", "192.0.2.0/24"),), evidence=())
    rule = Rule("filter", "f2b-sshd", 1, "-A f2b-sshd -s 192.0.2.0/24 -j REJECT")
    held = ban(rule, "fail2ban", "192.0.2.1", jailed)
    assert held is not None
    assert held.fix == "fail2ban-client set sshd unbanip 192.0.2.0/24"


def test_a_set_that_was_asked_on_the_way_to_the_rule_is_the_ban() -> None:
    asking = Rule("inet mine", "input", 3, "ip saddr @blacklist goto closed")
    rule = Rule("inet mine", "closed", 1, "drop")
    listed = (
        '{"nftables": [{"set": {"family": "inet", "table": "mine", "name": "blacklist", "elem":'
        ' [{"prefix": {"addr": "192.0.2.0", "len": 24}}]}}]}'
    )
    firewall = replace(host(), nft_json=listed)
    held = ban(rule, "nftables", "192.0.2.1", NO_BANS, firewall, [asking])
    assert held is not None
    assert held.where == "the set blacklist"
    assert held.fix == "nft delete element inet mine blacklist '{ 192.0.2.0/24 }'"
    assert ban(rule, "nftables", "192.0.2.1", NO_BANS, firewall, []) is None


def test_an_ipset_of_firewalld_is_mended_by_firewalld() -> None:
    asking = Rule("filter", "INPUT_ZONES", 1, "-A INPUT_ZONES -m set --match-set blacklist src -g IN_drop")
    rule = Rule("filter", "IN_drop", 5, "-A IN_drop -j DROP")
    listed = "create blacklist hash:net family inet\nadd blacklist 192.0.2.0/24\n"
    firewall = replace(host(), ipset=listed)
    held = ban(rule, "firewalld", "192.0.2.1", NO_BANS, firewall, [asking])
    assert held is not None
    assert held.where == "firewalld's ipset blacklist"
    assert "--ipset=blacklist --remove-entry=192.0.2.0/24" in held.fix


def test_what_a_stopped_fail2ban_has_left_is_taken_out_of_the_rules_themselves() -> None:
    rule = Rule("filter", "f2b-sshd", 1, "-A f2b-sshd -s 192.0.2.1/32 -j REJECT")
    held = ban(rule, "fail2ban", "192.0.2.1", NO_BANS)
    assert held is not None
    assert held.fix == "iptables -t filter -D f2b-sshd -s 192.0.2.1/32 -j REJECT"
    assert unban(held, rule, "192.0.2.1", "ipv4") is None, "no server is there to be asked"
    asking = Rule("filter", "INPUT", 1, "-A INPUT -m set --match-set f2b-sshd src -j DROP")
    held = ban(asking, "fail2ban", "192.0.2.1", NO_BANS)
    assert held is not None
    assert held.fix.startswith("ipset del f2b-sshd 192.0.2.1")
