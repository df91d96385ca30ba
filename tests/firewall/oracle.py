"""Asks the kernel and the model the same question, and makes a disagreement small."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

from msgspec import Struct
from msgspec.structs import replace

from firewall.cases import client_packet, mailed_packet
from firewall.generator import CHAINS
from firewall.namespaces import SERVER, Pair
from firewall.vocabulary import sets
from sshdoctor.firewall import Dump, Verdict, judge
from sshdoctor.model import Family

TOOLS = ("iptables-nft", "iptables-legacy", "ip6tables-nft", "ip6tables-legacy")
PATIENCE = (0.2, 1.5)
"""Seconds for a reply; the second if the first looks wrong, since a busy machine is slow."""


class Question(Struct, frozen=True):
    """Rulesets by tool, all for packets of one family, loaded in this order."""

    name: str
    rules: Mapping[str, str]
    family: Family
    mailed: bool = False
    """Nothing is known of the host but its rules."""

    def __str__(self) -> str:
        return "\n".join(f"{self.name}: {tool}-restore\n{text}" for tool, text in self.rules.items())


class Answer(Struct, frozen=True):
    """``kernel`` is the reply that the client got; ``refused`` is why the tool did not load the rules."""

    question: Question
    verdict: Verdict | None = None
    kernel: str = ""
    refused: str = ""

    @property
    def wrong(self) -> bool:
        return self.verdict is not None and not _agree(self.verdict, self.kernel)

    def __str__(self) -> str:
        v = self.verdict
        said = f"{v.state}, {v.reply} (possible: {v.possible}): {v.why}" if v else self.refused
        return f"the kernel says {self.kernel}, the model {said}\n{self.question}"


def _agree(verdict: Verdict, kernel: str) -> bool:
    if verdict.state == "unknown":
        return True
    return kernel in {reply or "ok" for reply in verdict.possible}


def ask(pair: Pair, question: Question) -> Answer:
    """Load the rules (and nothing else), dial, and compare."""
    if not pair.sets:
        pair.fill("".join(map(sets, SERVER)))
    if any("-seen " in text for text in question.rules.values()):
        pair.empty(f"{question.family}-seen")
    pair.load("nft", "flush ruleset")
    for tool in TOOLS:
        if "legacy" in tool and tool not in question.rules and ("6" in tool) == (question.family == "ipv6"):
            pair.load(tool, _empty())
    for tool, text in question.rules.items():
        refused = pair.load(tool, text if tool == "nft" else _whole(text))
        if refused:
            return Answer(question, refused=f"{tool}: {refused}")
    dumps = [_dump(pair, question, tool) for tool in question.rules]
    dumps.append(Dump("ipset", question.family, pair.sets))
    packet = mailed_packet(question.family) if question.mailed else client_packet(question.family)
    if sum(map(len, question.rules.values())) % 4 == 0:
        packet = replace(packet, redirect_address=None)
    verdict, in_text = judge(dumps, packet), judge(_in_text(pair, dumps), packet)
    for wait in PATIENCE:
        kernel = pair.dial(question.family, wait)
        if _agree(verdict, kernel) and _agree(in_text, kernel):
            break
    return Answer(question, verdict if _agree(in_text, kernel) else in_text, kernel)


def _in_text(pair: Pair, dumps: list[Dump]) -> list[Dump]:
    """The same dumps, with nft's own language in place of its JSON."""
    listed = pair.listed_text() if any(dump.tool == "nft" for dump in dumps) else ""
    return [Dump("nft-text", dump.family, listed) if dump.tool == "nft" else dump for dump in dumps]


def _dump(pair: Pair, question: Question, tool: str) -> Dump:
    """What the host prints of the rules. iptables-legacy is read as it was written, as people do write."""
    if tool == "nft":
        return Dump("nft", question.family, pair.listed())
    if "nft" in tool:
        return Dump(f"{tool}-save", question.family, pair.saved(tool))
    return Dump(f"{tool}-save", question.family, question.rules[tool])


def _empty() -> str:
    return "".join(f"*{table}\n{_policies(table)}COMMIT\n" for table in CHAINS)


def _policies(table: str) -> str:
    return "".join(f":{chain} ACCEPT [0:0]\n" for chain in CHAINS[table])


def _whole(text: str) -> str:
    """The rules, and the tables that they leave out empty, so that nothing of an earlier question is left."""
    absent = [table for table in CHAINS if f"*{table}\n" not in text]
    return text + "".join(f"*{table}\n{_policies(table)}COMMIT\n" for table in absent)


def ask_all(pairs: list[Pair], questions: Iterable[Question]) -> Iterator[Answer]:
    """Every question, on whichever pair is free."""
    free: SimpleQueue[Pair] = SimpleQueue()
    for pair in pairs:
        free.put(pair)

    def one(question: Question) -> Answer:
        pair = free.get()
        try:
            return ask(pair, question)
        finally:
            free.put(pair)

    with ThreadPoolExecutor(len(pairs)) as pool:
        yield from pool.map(one, questions)


def summary(answers: Sequence[Answer]) -> str:
    """How many rulesets the kernel took, by tools, and how many verdicts are wrong and unknown."""
    loaded = [answer for answer in answers if answer.verdict]
    by_tools = Counter("+".join(answer.question.rules) for answer in loaded)
    wrong = sum(answer.wrong for answer in loaded)
    unknown = sum(answer.verdict is not None and answer.verdict.state == "unknown" for answer in loaded)
    counted = ", ".join(f"{tools} {number}" for tools, number in sorted(by_tools.items()))
    return (
        f"oracle: {len(loaded)} of {len(answers)} rulesets loaded ({counted}); {wrong} wrong, "
        f"{100 * unknown / max(1, len(loaded)):.1f}% unknown"
    )


def shrink(pair: Pair, answer: Answer) -> Answer:
    """The same disagreement with as few rules as possible."""
    smallest = answer
    for tool in answer.question.rules:
        place = 0
        while place < len(lines := smallest.question.rules[tool].split("\n")):
            if lines[place].startswith("-A") or (tool == "nft" and not lines[place].startswith("}")):
                fewer = {tool: "\n".join(lines[:place] + lines[place + 1 :])}
                rules = {**smallest.question.rules, **fewer}
                tried = ask(pair, replace(answer.question, rules=rules))
                if tried.wrong:
                    smallest = tried
                    continue
            place += 1
    return smallest
