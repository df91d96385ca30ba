"""Openings and unbans, made to rules as text: which are planned, and what the packet meets afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from msgspec.structs import replace

from sshdoctor.diagnosis.derived.dialled import Dialled, dialled
from sshdoctor.diagnosis.derived.path import Path, path
from sshdoctor.facts.host.addresses import Address, Addresses
from sshdoctor.facts.host.bans import Bans
from sshdoctor.facts.host.firewall import Firewall, SavedRules
from sshdoctor.model import Login, Reply, Unknown
from sshdoctor.unblock.forecast import Forecast, after, plan
from sshdoctor.unblock.opening import Opening
from sshdoctor.unblock.unban import Unban

CLIENT, HOST = "192.0.2.1", "198.51.100.2"
ADDRESSES = Addresses(
    all=(Address("eth0", HOST, 24),),
    all_addresses=(HOST,),
    dialled_interface="eth0",
    return_interface="eth0",
    return_text="",
    rp_filter=0,
    evidence=(),
)
NO_BANS = Bans(running=False, jails=(), evidence=())


def saved(*rules: str, table: str = "filter", policy: str = "ACCEPT", chains: tuple[str, ...] = ()) -> str:
    declared = [f":INPUT {policy} [0:0]", ":OUTPUT ACCEPT [0:0]", *(f":{chain} - [0:0]" for chain in chains)]
    return "\n".join([f"*{table}", *declared, *rules, "COMMIT", ""])


def host(
    *dumps: str | SavedRules,
    ipset: str | None = None,
    managers: tuple[str, ...] = (),
    kept: Mapping[str, str] = {},
) -> Firewall:
    return Firewall(
        readable="yes",
        dumps=tuple(SavedRules("iptables-nft-save", "ipv4", d) if isinstance(d, str) else d for d in dumps),
        nft_json=None,
        nft_text=None,
        ipset=ipset,
        managers=managers,
        boot=("netfilter-persistent",) if kept else (),
        saved={path: tuple(text.splitlines()) for path, text in kept.items()},
        default={"ipv4": "nft", "ipv6": "nft"},
        evidence=(),
    )


def dial(port: int = 22) -> Dialled:
    reply = Reply(address=HOST, family="ipv4", port=port, word="silence")
    return dialled("ssh", Login(address=HOST, port=port), reply, [reply], None, ADDRESSES, False)


def planned(firewall: Firewall, port: int = 22, *, opened_to: str = "") -> Forecast:
    judged = partial(path, dial(port), CLIENT, addresses=ADDRESSES, bans=NO_BANS)
    return plan(judged, CLIENT, firewall, opened_to=opened_to)


def opened(made: Forecast) -> list[str]:
    return [change.words if isinstance(change, Opening) else change.address for change in made.changes]


def test_a_host_that_lets_the_client_in_needs_no_change() -> None:
    assert planned(host(saved())) == replace(planned(host(saved())), changes=())
    assert planned(host(saved())).lets_in


def test_a_rule_is_opened_just_before_it_and_the_path_names_the_new_rule() -> None:
    rules = saved("-A INPUT -i lo -j ACCEPT", "-A INPUT -p tcp -m tcp --dport 22 -j DROP")
    made = planned(host(rules))
    ours = f"-A INPUT -s {CLIENT}/32 -p tcp -m tcp --dport 22 -m comment --comment sshdoctor -j ACCEPT"
    assert opened(made) == [ours]
    assert made.lets_in
    assert isinstance(made.afterwards, Path)
    assert made.afterwards.why == f"filter INPUT rule 2: {ours}"


def test_what_stops_the_answer_behind_what_stops_the_question_is_opened_too() -> None:
    rules = saved("-A INPUT -p tcp -m tcp --dport 22 -j DROP", "-A OUTPUT -p tcp -m tcp --sport 22 -j DROP")
    made = planned(host(rules))
    assert [(c.chain, c.outward) for c in made.changes if isinstance(c, Opening)] == [
        ("INPUT", False),
        ("OUTPUT", True),
    ]
    assert made.lets_in


def test_behind_a_redirection_the_rule_is_opened_for_the_port_inside() -> None:
    nat = saved("-A PREROUTING -p tcp -m tcp --dport 2222 -j REDIRECT --to-ports 22", table="nat").replace(
        ":INPUT", ":PREROUTING ACCEPT [0:0]\n:INPUT"
    )
    made = planned(host(nat + saved("-A INPUT -p tcp -m tcp --dport 22 -j DROP")), port=2222)
    assert [c.port for c in made.changes if isinstance(c, Opening)] == [22]
    assert made.lets_in


def test_a_chain_that_is_left_before_its_end_is_opened_at_its_head() -> None:
    made = planned(host(saved("-A INPUT -p tcp -j RETURN", policy="DROP")))
    assert [c.place for c in made.changes if isinstance(c, Opening)] == ["first"]
    assert made.lets_in


def test_the_rules_of_the_other_back_end_are_not_touched() -> None:
    drop = saved("-A INPUT -p tcp -m tcp --dport 22 -j DROP")
    both = host(
        drop, SavedRules("iptables-legacy-save", "ipv4", drop.replace("22 -j", "22 -m ttl --ttl-gt 0 -j"))
    )
    first, second = planned(both).changes
    assert isinstance(first, Opening)
    assert isinstance(second, Opening)
    assert {first.tool, second.tool} == {"iptables", "iptables-legacy"}
    then = after(both, [first])
    marks = {dump.tool: dump.text.count("sshdoctor") for dump in then.dumps}
    holds = "iptables-nft-save" if first.tool == "iptables" else "iptables-legacy-save"
    assert marks == {"iptables-nft-save": 0, "iptables-legacy-save": 0} | {holds: 1}
    assert planned(both).lets_in


def test_a_set_that_holds_a_network_with_the_client_keeps_it_and_the_client_alone_is_let_in() -> None:
    rule = "-A INPUT -m set --match-set blocklist src -j DROP"
    create = "create blocklist hash:net family inet hashsize 1024 maxelem 65536\n"
    wide = planned(host(saved(rule), ipset=f"{create}add blocklist 192.0.2.0/24\n"))
    assert wide.lets_in
    assert opened(wide) == [
        f"-A INPUT -s {CLIENT}/32 -p tcp -m tcp --dport 22 -m comment --comment sshdoctor -j ACCEPT"
    ]
    narrow = planned(host(saved(rule), ipset=f"{create}add blocklist 192.0.2.1\nadd blocklist 192.0.2.10\n"))
    assert narrow.lets_in
    assert [c.set_name for c in narrow.changes if isinstance(c, Unban)] == ["blocklist"]


def test_taking_one_client_out_of_a_set_leaves_those_whose_address_begins_alike() -> None:
    rule = "-A INPUT -m set --match-set blocklist src -j DROP"
    create = "create blocklist hash:ip family inet hashsize 1024 maxelem 65536\n"
    before = host(
        saved(rule), ipset=f"{create}add blocklist 192.0.2.1 timeout 60\nadd blocklist 192.0.2.10\n"
    )
    assert after(before, planned(before).changes).ipset == f"{create}add blocklist 192.0.2.10\n"


def test_ufw_that_was_told_of_the_port_for_both_protocols_keeps_that_rule() -> None:
    rules = saved(
        "-A INPUT -j ufw-user-input",
        "-A ufw-user-input -p tcp -m tcp --dport 22 -j DROP",
        "-A ufw-user-input -p udp -m udp --dport 22 -j DROP",
        chains=("ufw-user-input", "ufw-before-input"),
    )
    made = planned(host(rules, managers=("ufw",)))
    assert opened(made) == [f"prepend allow from {CLIENT} to any port 22 proto tcp"]
    assert made.lets_in


def test_only_this_client_is_let_in_unless_more_is_asked() -> None:
    rules = saved(
        "-A INPUT -j ufw-user-input",
        "-A ufw-user-input -p tcp -m tcp --dport 22 -j DROP",
        chains=("ufw-user-input", "ufw-before-input"),
    )
    firewall = host(rules, managers=("ufw",))
    assert opened(planned(firewall, opened_to="any")) == ["allow 22/tcp"]
    around = planned(firewall, opened_to="192.0.2.0/24")
    assert opened(around) == ["prepend allow from 192.0.2.0/24 to any port 22 proto tcp"]
    assert around.lets_in
    assert opened(planned(firewall, opened_to="2001:db8::/32")) == opened(planned(firewall))
    assert opened(planned(firewall)) == [f"prepend allow from {CLIENT} to any port 22 proto tcp"]


def test_rules_that_cannot_be_read_give_no_plan() -> None:
    unread = replace(host(), readable=Unknown("not permitted"))
    assert planned(unread).afterwards == Unknown("not permitted")
    assert not planned(unread).lets_in


def test_a_saved_rule_has_its_place_in_the_file_only_if_its_line_stands_there_once() -> None:
    rule = "-A INPUT -s 192.0.2.0/24 -p tcp -m tcp --dport 22 -j DROP"
    file = "/etc/iptables/rules.v4"
    (once,) = planned(host(saved(rule), kept={file: saved(rule)})).changes
    twice = saved(rule, table="mangle") + saved(rule)
    (unsure,) = planned(host(saved(rule), kept={file: twice})).changes
    assert isinstance(once, Opening)
    assert isinstance(unsure, Opening)
    assert (once.saved.file, once.saved.pattern) == (
        file,
        f"^{rule.replace('.', '[.]')} *$".replace("[.]", r"\."),
    )
    assert unsure.saved.file == ""
    assert "is gone after a reboot" in unsure.note
