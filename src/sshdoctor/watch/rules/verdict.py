"""What a round of looks comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from sshdoctor.watch.rules.memory import HERE, LOST, Rules, State, Vote

ELSEWHERE = 2
"""So many others have to see it bad before it is called down."""


class Verdict(Struct, frozen=True):
    """The state, the word that says it best, and what a person is told beside it."""

    state: State
    word: str
    note: str


def judge(votes: Sequence[Vote], rules: Rules, *, line_up: bool) -> Verdict:
    """What all of them come to; who has not answered is lost.

    >>> rules = Rules(witnesses=("w1", "w2"))
    >>> judge([Vote("here", "rst"), Vote("w1", "rst"), Vote("w2", "lost")], rules, line_up=True).state
    'unknown'
    >>> judge([Vote("here", "rst"), Vote("w1", "rst"), Vote("w2", "banner")], rules, line_up=True).state
    'up'
    """
    words = {vote.who: vote.word for vote in votes}
    good = [who for who, word in words.items() if word in rules.working]
    bad = [who for who, word in words.items() if who not in good and word not in LOST]
    silent = [who for who in (HERE, *rules.witnesses) if words.get(who, "lost") in LOST]
    if not line_up and HERE not in good:
        return Verdict("unknown", "unknown", "this machine's own line is down")
    if good:
        return Verdict("up", words[good[0]], _seen(bad, words, silent))
    if sum(who != HERE for who in bad) >= ELSEWHERE:
        return Verdict("down", _most(bad, words), _lost(silent))
    return Verdict("unknown", words.get(HERE, "unknown"), _too_few(bad, silent, rules))


def _most(bad: Sequence[str], words: dict[str, str]) -> str:
    """This machine's word, else that of most."""
    if HERE in bad:
        return words[HERE]
    return Counter(words[who] for who in bad).most_common(1)[0][0]


def _seen(bad: Sequence[str], words: dict[str, str], silent: Sequence[str]) -> str:
    others = ", ".join(f"{who}: {words[who]}" for who in bad)
    return "; ".join(filter(None, (f"not seen up by {others}" if others else "", _lost(silent))))


def _lost(silent: Sequence[str]) -> str:
    return f"could not be asked: {', '.join(silent)}" if silent else ""


def _too_few(bad: Sequence[str], silent: Sequence[str], rules: Rules) -> str:
    if len(rules.witnesses) < ELSEWHERE:
        return "fewer than two witnesses are set up, so nothing can be called down"
    who = f"bad from {', '.join(bad)} alone; " if bad else ""
    return f"{who}{_lost(silent)}"
