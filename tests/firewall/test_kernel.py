"""The kernel is the oracle: the same rules, a real connection, the same answer.

``SSHDOCTOR_ORACLE`` is the number of random rulesets of each generator (500 if it is not set),
``SSHDOCTOR_ORACLE_SEED`` where their numbers start. Run as root; it makes network
namespaces, and takes them down again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import pytest
from msgspec.structs import replace

from firewall.cases import read_cases
from firewall.generator import Generator
from firewall.namespaces import Pair, pairs
from firewall.nft_generator import NftGenerator
from firewall.oracle import TOOLS, Question, ask, ask_all, shrink, summary
from sshdoctor.model import Family

pytestmark = pytest.mark.containers

MOST_UNKNOWN = 0.03


@pytest.fixture(scope="module")
def hosts() -> Iterator[list[Pair]]:
    with pairs(f"fw{os.getpid()}-", 6) as made:
        yield made


def _iptables_question(number: int) -> Question:
    """One tool, or in every fifth question both of a family, in either order: the kernel runs both."""
    tool = TOOLS[number % len(TOOLS)]
    other = tool.replace("nft", "legacy") if "nft" in tool else tool.replace("legacy", "nft")
    tools = (tool, other) if number % 5 == 0 else (tool,)
    family: Family = "ipv6" if "6" in tool else "ipv4"
    generator = Generator(number, family)
    return Question(str(number), {tool: generator.ruleset() for tool in tools}, family)


def _nft_question(number: int) -> Question:
    """nft alone, or in every tenth question beside iptables-legacy, and in another beside iptables-nft."""
    family: Family = "ipv6" if number % 2 else "ipv4"
    rules = {"nft": NftGenerator(number, family).ruleset()}
    if number % 20 < 4:
        tool = f"{'iptables' if family == 'ipv4' else 'ip6tables'}-{'legacy' if number % 20 < 2 else 'nft'}"
        rules[tool] = Generator(number, family).ruleset()
    return Question(str(number), rules, family)


@pytest.mark.parametrize("question", [_iptables_question, _nft_question])
def test_the_model_never_disagrees_with_the_kernel_on_random_rules(
    hosts: list[Pair], question: Callable[[int], Question], record_property: Callable[[str, object], None]
) -> None:
    first = int(os.environ.get("SSHDOCTOR_ORACLE_SEED", "0"))
    count = int(os.environ.get("SSHDOCTOR_ORACLE", "500"))
    started = time.monotonic()
    answers = list(ask_all(hosts, map(question, range(first, first + count))))
    record_property("measured", f"{summary(answers)}, {time.monotonic() - started:.0f} s")

    wrong = [shrink(hosts[0], answer) for answer in answers if answer.wrong]
    assert not wrong, "\n\n".join(map(str, wrong[:5]))
    loaded = [answer.verdict for answer in answers if answer.verdict]
    assert len(loaded) > 0.9 * count
    unknown = [verdict for verdict in loaded if verdict.state == "unknown"]
    assert len(unknown) <= MOST_UNKNOWN * len(loaded) + 1


@pytest.mark.parametrize("question", [_iptables_question, _nft_question])
def test_what_is_not_known_of_a_host_never_makes_the_model_wrong(
    hosts: list[Pair], question: Callable[[int], Question]
) -> None:
    first = int(os.environ.get("SSHDOCTOR_ORACLE_SEED", "0"))
    count = int(os.environ.get("SSHDOCTOR_ORACLE", "500")) // 5
    asked = (replace(question(number), mailed=True) for number in range(first, first + count))
    wrong = [shrink(hosts[0], answer) for answer in ask_all(hosts, asked) if answer.wrong]
    assert not wrong, "\n\n".join(map(str, wrong[:5]))


@pytest.mark.parametrize("tool", TOOLS)
def test_the_kernel_gives_the_replies_that_the_case_files_name(hosts: list[Pair], tool: str) -> None:
    family = "ipv6" if "6" in tool else "ipv4"
    cases = [case for case in read_cases() if case.kernel and case.family == family]
    assert cases
    for case in cases:
        answer = ask(hosts[0], Question(case.name, {tool: case.text}, case.family))
        assert not answer.refused, answer
        assert not answer.wrong, answer
