"""From all that may come of a connection to one verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sshdoctor.firewall.kernel.paths import Doubts
from sshdoctor.firewall.model import Branch, Doubt, Rule, State, Verdict


class Outcome(NamedTuple):
    """One thing that may come of it. ``reply`` is None if it all passes, "" if it cannot be said."""

    reply: str | None
    state: State
    rule: Rule | None
    why: str
    way: tuple[str, ...]
    doubts: Doubts
    sure: bool
    redirected_to: tuple[str, int] | None = None
    redirected_by: Rule | None = None


def conclude(outcomes: Sequence[Outcome]) -> Verdict:
    """Certain if all that can happen looks the same to the client, or stops it in any case."""
    looks = tuple(dict.fromkeys((o.reply, o.redirected_to) for o in outcomes))
    replies = tuple(dict.fromkeys(reply for reply, _ in looks if reply != ""))
    branches = _branches(outcomes)
    if len(looks) == 1 and replies:
        best = next((outcome for outcome in outcomes if outcome.sure), outcomes[0])
        return _certain(best, best.reply, best.why, branches)
    if all(outcome.reply for outcome in outcomes):
        first = outcomes[0]
        others = dict.fromkeys(o.why for o in outcomes if o.rule != first.rule)
        return _certain(first, None, ", or ".join([first.why, *others]), branches)
    doubts = [entry for outcome in outcomes for entry in outcome.doubts]
    doubt, rule = next((e for e in doubts if e[0].kind == "unknown"), (doubts or [_NO_DOUBT])[0])
    state: State = "unknown" if doubt.kind == "unknown" or "" in (o.reply for o in outcomes) else "depends"
    verb = "depends on" if state == "depends" else "cannot be told without"
    why = f"{rule}: {verb} {doubt.why}" if rule else f"{verb} {doubt.why}"
    return Verdict(state=state, reply=None, rule=rule, why=why, possible=replies, branches=branches)


_NO_DOUBT: tuple[Doubt, Rule | None] = (Doubt("unknown", "more than the rules say"), None)


def _certain(best: Outcome, reply: str | None, why: str, branches: tuple[Branch, ...]) -> Verdict:
    return Verdict(
        state=best.state,
        reply=reply,
        rule=best.rule,
        why=why,
        way=best.way,
        redirected_to=best.redirected_to,
        redirected_by=best.redirected_by,
        possible=tuple(branch.reply for branch in branches),
        branches=branches,
    )


def _branches(outcomes: Sequence[Outcome]) -> tuple[Branch, ...]:
    """One for each reply and destination: the first that is sure, or else the first. None if anything
    cannot be said."""
    if any(outcome.reply == "" for outcome in outcomes):
        return ()
    found: dict[tuple[str | None, tuple[str, int] | None], Outcome] = {}
    for outcome in sorted(outcomes, key=lambda outcome: not outcome.sure):
        found.setdefault((outcome.reply, outcome.redirected_to), outcome)
    return tuple(
        Branch(o.state, o.reply, o.rule, o.why, o.way, o.redirected_to, o.redirected_by)
        for o in found.values()
    )
