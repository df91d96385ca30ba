"""What is a dump, what is none, and that nothing at all ends in a traceback."""

from __future__ import annotations

import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firewall.cases import read_cases
from sshdoctor.errors import RulesError, UsageError
from sshdoctor.firewall import Dump, Packet, judge, read_tables

PACKET = Packet(
    family="ipv4", source="198.51.100.1", destination="198.51.100.2", destination_port=22, in_interface="eth0"
)
SHELL = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n{}COMMIT\n"


def _dump(text: str) -> Dump:
    return Dump("iptables-save", "ipv4", text)


@pytest.mark.parametrize(
    "text", ["", "\n\n", "# Warning: iptables-legacy tables present, use iptables-legacy-save\n"]
)
def test_a_host_without_tables_accepts(text: str) -> None:
    assert judge([_dump(text)], PACKET).state == "accept"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sh: 1: iptables-save: not found\n", "no iptables-save dump"),
        (
            "iptables-save v1.8.9 (nf_tables): Could not fetch rule set generation id\n",
            "no iptables-save dump",
        ),
        ("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j DROP\n", "cut off"),
        ("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp\n-j DROP\nCOMMIT\n", "line 4"),
        ("*filter\n:INPUT ACCEPT [0:0]\n-A nobody -j DROP\nCOMMIT\n", "'nobody' is not declared"),
        ("*filter\n*nat\nCOMMIT\n", "line 2"),
        ("*flter\nCOMMIT\n", "'flter' is no table"),
        (
            "*filter\n:INQUT DROP [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n",
            "line 2: 'INQUT' is no built-in chain",
        ),
        ("*nat\nCOMMIT\n*fimter\n:INPUT DROP [0:0]\nCOMMIT\n", "line 4: ':INPUT DROP .* stands in no table"),
    ],
)
def test_text_that_is_no_whole_dump_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(RulesError, match=said):
        judge([_dump(text)], PACKET)


def test_a_chain_that_the_dump_does_not_declare_has_an_unknown_policy() -> None:
    verdict = judge([_dump("*filter\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n")], PACKET)
    assert verdict.state == "unknown"
    assert "does not declare the chain INPUT of the table filter" in verdict.why
    decided = "*filter\n:OUTPUT ACCEPT [0:0]\n-A INPUT -j DROP\nCOMMIT\n"
    assert judge([_dump(decided)], PACKET).state == "drop"


@pytest.mark.parametrize("depth", [1, 3])
def test_chains_that_lead_back_to_themselves_are_refused(depth: int) -> None:
    names = [f"c{i}" for i in range(depth)]
    rules = "-A INPUT -j c0\n" + "".join(
        f"-A {name} -j {names[(i + 1) % depth]}\n" for i, name in enumerate(names)
    )
    chains = "".join(f":{name} - [0:0]\n" for name in names)
    with pytest.raises(RulesError, match="leads back to itself"):
        judge([_dump(SHELL.format(chains + rules))], PACKET)


def test_chains_that_fork_at_every_step_are_walked_in_linear_time() -> None:
    names = [f"c{i}" for i in range(60)]
    rules = "-A INPUT -j c0\n" + "".join(
        f"-A {name} -m limit --limit 1/sec -j {after}\n" * 3 for name, after in itertools.pairwise(names)
    )
    chains = "".join(f":{name} - [0:0]\n" for name in names)
    assert judge([_dump(SHELL.format(chains + rules + "-A c59 -j DROP\n"))], PACKET).state == "depends"


def test_the_rule_of_an_answer_is_the_line_of_the_dump() -> None:
    rule = "-A INPUT -p tcp -m tcp --dport 22 -j DROP"
    verdict = judge([_dump(SHELL.format(f"-A INPUT -i lo -j ACCEPT\n{rule}\n"))], PACKET)
    assert verdict.rule is not None
    assert (verdict.rule.number, verdict.rule.text) == (2, rule)
    assert verdict.why == f"filter INPUT rule 2: {rule}"


def test_the_way_names_every_jump() -> None:
    chains = ":a - [0:0]\n:b - [0:0]\n"
    verdict = judge([_dump(SHELL.format(f"{chains}-A INPUT -j a\n-A a -j b\n-A b -j DROP\n"))], PACKET)
    assert verdict.way == ("filter INPUT rule 1", "filter a rule 1")


def test_the_security_table_of_iptables_nft_runs_after_nat() -> None:
    """Measured: it is registered at priority 150, that of iptables-legacy at 50."""
    for tool, priority in (("iptables-nft-save", 150), ("iptables-legacy-save", 50)):
        [table] = read_tables([Dump(tool, "ipv4", "*security\n:INPUT ACCEPT [0:0]\nCOMMIT\n")])
        base = table.chains["INPUT"].base
        assert base is not None
        assert base.priority == priority


def test_an_address_that_is_none_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"'198\.51\.100' is no ipv4 address"):
        judge([], Packet(family="ipv4", source="198.51.100", destination="198.51.100.2", destination_port=22))


WORDS = sorted(
    {word for case in read_cases() for word in case.text.split()} | {"!", '"', "-", "--", "0x", "1:2:3"}
)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_verdict_or_a_rules_error(data: bytes) -> None:
    with contextlib.suppress(RulesError):
        judge([_dump(data.decode("utf-8", "backslashreplace"))], PACKET)


@given(st.lists(st.lists(st.sampled_from(WORDS) | st.text(max_size=6), max_size=10), max_size=8))
def test_any_words_of_the_language_give_a_verdict_or_a_rules_error(lines: list[list[str]]) -> None:
    rules = "".join("-A INPUT " + " ".join(words).replace("\n", " ") + "\n" for words in lines)
    for text in (SHELL.format(rules), "\n".join(" ".join(words) for words in lines)):
        with contextlib.suppress(RulesError):
            judge([_dump(text)], PACKET)
