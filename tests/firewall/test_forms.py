"""Every form that the manuals document, alone in the kernel, and in the model: the same answer.

``SSHDOCTOR_SHOW=1`` prints what is refused here and what stays open.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import pytest

from firewall.forms import FAMILIES, iptables_questions, lines, nft_question
from firewall.namespaces import Pair, pairs
from firewall.oracle import Answer, Question, ask_all

pytestmark = pytest.mark.containers

MOST_REFUSED = {"nft": 0.1, "iptables": 0.06}
"""Forms that this kernel, or this version of the tool, does not have."""


@pytest.fixture(scope="module")
def hosts() -> Iterator[list[Pair]]:
    with pairs(f"form{os.getpid()}-", 4) as made:
        yield made


def check(hosts: list[Pair], questions: Iterable[Question], tool: str) -> None:
    answers = list(ask_all(hosts, questions))
    if os.environ.get("SSHDOCTOR_SHOW"):
        show(answers)
    wrong = [str(answer) for answer in answers if answer.wrong]
    assert not wrong, "\n\n".join(wrong)
    refused = [answer for answer in answers if answer.refused]
    assert len(refused) <= MOST_REFUSED[tool] * len(answers), [answer.refused for answer in refused]


def show(answers: Iterable[Answer]) -> None:
    for answer in answers:
        if answer.refused:
            print(f"REFUSED {answer.question.family} {answer.question.name}: {answer.refused[:120]!r}")
        elif answer.verdict and answer.verdict.state in ("unknown", "depends"):
            print(
                f"OPEN {answer.question.family} {answer.question.name}: {answer.kernel}: {answer.verdict.why}"
            )


def test_every_form_of_nft_gets_the_kernels_answer(hosts: list[Pair]) -> None:
    check(hosts, (nft_question(line, family) for line in lines("nft.txt") for family in FAMILIES), "nft")


@pytest.mark.parametrize("backend", ["nft", "legacy"])
def test_every_form_of_iptables_gets_the_kernels_answer(hosts: list[Pair], backend: str) -> None:
    check(
        hosts,
        (each for line in lines("iptables.txt") for each in iptables_questions(line, backend)),
        "iptables",
    )
