"""Every sequence of up to eight looks and answers (up, bad, lost), against the rules as one says them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, permutations, product

import pytest

from sshdoctor.watch.rules import Event, Memory, Rules, Step, advance

WITNESSES = ("w1", "w2", "w3")
RULES = Rules(witnesses=WITNESSES, people=("ann",))
WORDS = {"up": "success", "bad": "server", "lost": "lost"}
LONGEST = 8


def specified(words: Sequence[str], line_up: bool) -> list[str]:
    """The states that the words come to, each where it begins, by the rules as a person would say them.

    The words belong, in this order, to: a look from here; where that begins a round, this machine again, and
    the three witnesses; and so on.
    """
    states, now, rest = [], "unknown", list(words)
    while rest:
        look = rest.pop(0)
        if look == "up":
            after = "up"
        elif now == "down":
            after = "down"
        else:
            states.append("suspected")
            now = "suspected"
            if len(rest) < 1 + len(WITNESSES):
                break
            again, elsewhere = rest[0], rest[1 : 1 + len(WITNESSES)]
            del rest[: 1 + len(WITNESSES)]
            after = judged(again, elsewhere, line_up)
        if after != now:
            states.append(after)
        now = after
    return states


def judged(again: str, elsewhere: Sequence[str], line_up: bool) -> str:
    if not line_up:
        return "up" if again == "up" else "unknown"
    if "up" in (again, *elsewhere):
        return "up"
    return "down" if elsewhere.count("bad") >= 2 else "unknown"


def stepped(words: Sequence[str], line_up: bool) -> Iterator[tuple[Event, Step]]:
    """The same words as looks of whoever is due, each with what it came to."""
    at, due, memory = 0.0, list[str](), Memory(line_up=line_up)
    for word in words:
        if due:
            who, at = due.pop(0), at + 1
        else:
            who, at = "here", (at // 300 + 1) * 300
        event, began = Event(at, who, WORDS[word]), memory.round is not None
        step = advance(RULES, memory, event)
        memory = step.memory
        if memory.round is not None and not began:
            due = ["here", *WITNESSES]
        yield event, step


@pytest.mark.parametrize("line_up", [True, False])
@pytest.mark.parametrize("length", range(1, LONGEST + 1))
def test_every_sequence_comes_to_the_states_that_are_specified(length: int, line_up: bool) -> None:
    for words in product(WORDS, repeat=length):
        states, told = list[str](), list[str]()
        for event, step in stepped(words, line_up):
            told += [message.kind for message in step.messages]
            for change in step.changes:
                states.append(change.state)
                seen = [event.word, *(vote.word for vote in change.witnesses)]
                assert change.state != "up" or "success" in seen, words
                assert change.state != "down" or seen.count("server") >= 2, words
        assert states == specified(words, line_up), words
        assert all(first != second for first, second in pairwise(told)), words
        assert told.count("down") - told.count("back") in (0, 1), words


def test_a_round_comes_to_the_same_in_whatever_order_they_answer() -> None:
    for words in product(WORDS.values(), repeat=4):
        ends = set()
        for order in permutations(zip(("here", *WITNESSES), words, strict=True)):
            memory = advance(RULES, Memory(), Event(0, "here", "rst")).memory
            for at, (who, word) in enumerate(order, 1):
                memory = advance(RULES, memory, Event(at, who, word)).memory
            ends.add(memory.state)
        assert len(ends) == 1, words
