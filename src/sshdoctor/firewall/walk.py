"""A segment walks a chain: every way that it may take, when some matches cannot be decided.

A match in doubt sends the segment both ways. Ways that meet again in the same state are one again, so the
walk stays linear in rules, and a doubt that changes nothing is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from sshdoctor.errors import RulesError
from sshdoctor.firewall.matches import all_hold
from sshdoctor.firewall.model import Body, Chain, Doubt, Rule, Truth
from sshdoctor.firewall.segment import Segment

DEEPEST = 150
"""Chains within chains; the kernel's own limit for nft is 16."""

_MOST_PATHS = 16
_MOST_DOUBTS = 4

Doubts = tuple[tuple[Doubt, Rule | None], ...]


class Path(NamedTuple):
    """A segment that is still on its way, the doubts it is subject to, and the rule that let it pass."""

    segment: Segment
    doubts: Doubts = ()
    rule: Rule | None = None
    way: tuple[str, ...] = ()


class Stop(NamedTuple):
    """The end of a segment. ``word`` is "drop", a reply word for REJECT, or "" if that cannot be said.

    ``sure`` means that the matches of the rule itself hold.
    """

    word: str
    segment: Segment
    rule: Rule | None
    doubts: Doubts
    sure: bool
    way: tuple[str, ...] = ()


@dataclass(slots=True)
class Result:
    """What can come of a walk: ends, segments that a rule accepted, and those that came to the end."""

    stops: list[Stop] = field(default_factory=list)
    accepted: list[Path] = field(default_factory=list)
    returned: list[Path] = field(default_factory=list)


class Walker:
    """Walks the chains of one table. ``nat(segment, target value)`` says what a NAT target makes of it."""

    def __init__(self, chains: Mapping[str, Chain], nat: Callable[[Segment, object], Path | Stop]) -> None:
        self._chains = chains
        self._nat = nat
        self._results: dict[tuple[str, Segment], Result] = {}
        self._open: list[str] = []

    def base(self, chain: Chain, segment: Segment) -> Result:
        """The walk through a base chain: whoever comes to its end gets the policy."""
        result = self._walk(chain, segment)
        ended = Result(result.stops, list(result.accepted))
        for path in result.returned:
            if chain.policy == "accept":
                ended.accepted.append(path)
            else:
                word, rule = "drop", chain.policy_rule()
                ended.stops = [*ended.stops, Stop(word, path.segment, rule, path.doubts, True, path.way)]
        ended.accepted = merge(ended.accepted)
        if not ended.stops and len(ended.accepted) == 1:
            ended.accepted = [ended.accepted[0]._replace(doubts=())]
        return ended

    def _walk(self, chain: Chain, segment: Segment) -> Result:
        key = (chain.name, segment)
        known = self._results.get(key)
        if known is None:
            if chain.name in self._open:
                raise RulesError(f"the chain {chain.name!r} of table {chain.table} leads back to itself")
            if len(self._open) >= DEEPEST:
                raise RulesError(f"table {chain.table} has chains in chains more than {DEEPEST} deep")
            self._open.append(chain.name)
            known = self._results[key] = self._through(chain, segment)
            self._open.pop()
        return known

    def _through(self, chain: Chain, segment: Segment) -> Result:
        result = Result()
        alive = [Path(segment)]
        for index, body in enumerate(chain.bodies()):
            if body.target.kind == "continue":
                continue
            concerned = [(path, truth) for path in alive if (truth := all_hold(body.matches, path.segment))]
            if concerned:
                rule = chain.rule(index)
                spared = [path for path in alive if not any(path is other for other, _ in concerned)]
                alive = spared + [
                    p for path, truth in concerned for p in self._act(path, truth, body, rule, result)
                ]
                alive = merge(alive) if len(alive) > 1 else alive
                if not alive:
                    break
        result.returned = merge([*result.returned, *alive])
        if not result.stops and not result.accepted and len(result.returned) == 1:
            result.returned = [result.returned[0]._replace(doubts=())]
        return result

    def _act(self, path: Path, truth: Truth, body: Body, rule: Rule, result: Result) -> Iterable[Path]:
        """Does what the rule says; what is still on its way in this chain comes back."""
        kind, value = body.target
        taken = path if truth is True else with_doubt(path, truth, rule)
        passed_over = [] if truth is True else [taken]
        if kind == "open":
            taken = with_doubt(path, value, rule)
            passed_over = [taken]
        if kind in ("accept", "open"):
            result.accepted.append(taken._replace(rule=rule))
        if kind in ("drop", "open"):
            add_stop(result, Stop("drop", taken.segment, rule, taken.doubts, truth is True, taken.way))
        elif kind == "reject":
            add_stop(result, Stop(value, taken.segment, rule, taken.doubts, truth is True, taken.way))
        elif kind == "lost":
            doubts = with_doubt(taken, value, rule).doubts
            add_stop(result, Stop("", taken.segment, rule, doubts, truth is True, taken.way))
        elif kind == "return":
            result.returned.append(taken)
        elif kind == "change":
            return [taken._replace(segment=value(taken.segment)), *passed_over]
        elif kind == "nat":
            self._translate(taken, value, rule, result)
        elif kind in ("jump", "goto"):
            return self._jump(path, taken, passed_over, body, rule, result)
        return passed_over

    def _translate(self, taken: Path, value: object, rule: Rule, result: Result) -> None:
        outcome = self._nat(taken.segment, value)
        doubts = join(taken.doubts, tuple((doubt, rule) for doubt, _ in outcome.doubts))
        if isinstance(outcome, Stop):
            add_stop(result, outcome._replace(rule=rule, doubts=doubts, way=taken.way))
        else:
            result.accepted.append(outcome._replace(rule=rule, doubts=doubts, way=taken.way))

    def _jump(
        self, path: Path, taken: Path, passed_over: list[Path], body: Body, rule: Rule, result: Result
    ) -> list[Path]:
        inner = self._walk(self._chains[body.target.value], taken.segment)
        here = f"{rule.table} {rule.chain} rule {rule.number}"
        for stop in inner.stops:
            add_stop(result, stop._replace(doubts=join(taken.doubts, stop.doubts), way=(here, *stop.way)))
        for other in inner.accepted:
            result.accepted.append(
                other._replace(doubts=join(taken.doubts, other.doubts), way=(here, *other.way))
            )
        back = [other._replace(doubts=join(taken.doubts, other.doubts)) for other in inner.returned]
        if body.target.kind == "goto":
            result.returned.extend(back)
            return passed_over
        if not inner.stops and not inner.accepted and [p.segment for p in back] == [path.segment]:
            return [path]
        return [*back, *passed_over]


def with_doubt(path: Path, doubt: Truth, rule: Rule | None) -> Path:
    if isinstance(doubt, bool):
        return path
    return path._replace(doubts=join(path.doubts, ((doubt, rule),)))


def join(left: Doubts, right: Doubts) -> Doubts:
    """Both, the first few of them; an unknown is never the one that is left out."""
    joined = left
    for entry in right:
        full = len(joined) >= _MOST_DOUBTS
        if entry in joined or (full and (entry[0].kind == "depends" or _any_unknown(joined))):
            continue
        joined = (*joined, entry)
    return joined


def _any_unknown(doubts: Doubts) -> bool:
    return any(doubt.kind == "unknown" for doubt, _ in doubts)


def add_stop(result: Result, stop: Stop) -> None:
    """Keep one end for each way that it can look from outside: the first that is sure, or else the first."""
    for index, other in enumerate(result.stops):
        if other.word == stop.word and other.segment == stop.segment:
            if stop.sure and not other.sure:
                result.stops[index] = stop
            return
    result.stops.append(stop)


def merge(paths: Iterable[Path]) -> list[Path]:
    """One path for each segment, the one with the fewest doubts."""
    merged: dict[Segment, Path] = {}
    for path in paths:
        other = merged.get(path.segment)
        if other is None or len(path.doubts) < len(other.doubts):
            merged[path.segment] = path
    if len(merged) > _MOST_PATHS:
        blurred = {
            (fuzzy := _blurred(path.segment)): path._replace(segment=fuzzy) for path in merged.values()
        }
        return list(blurred.values())
    return list(merged.values())


def _blurred(segment: Segment) -> Segment:
    """So many marks are possible that the mark is best called unknown."""
    return replace(segment, mark=None, connection=replace(segment.connection, mark=None))
