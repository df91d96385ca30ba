"""A segment walks a chain: every way that it may take, when some matches cannot be decided.

A match in doubt sends the segment both ways. Ways that meet again in the same state are one again, so the
walk stays linear in rules, and a doubt that changes nothing is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from sshdoctor.errors import RulesError
from sshdoctor.firewall.kernel.matches import all_hold
from sshdoctor.firewall.kernel.paths import ChainPath, Result, Stop, add_stop, join, merge, with_doubt
from sshdoctor.firewall.kernel.segment import Segment
from sshdoctor.firewall.model import UNDECLARED, Body, Chain, Doubt, Rule, Target, Truth

DEEPEST = 150
"""Chains within chains; the kernel's own limit for nft is 16."""


class Walker:
    """Walks the chains of one table. ``nat(segment, target value)`` says what a NAT target makes of it."""

    def __init__(
        self, chains: Mapping[str, Chain], nat: Callable[[Segment, object], ChainPath | Stop]
    ) -> None:
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
            elif chain.policy == UNDECLARED:
                rule = chain.policy_rule()
                why = f"the dump does not declare the chain {chain.name} of the table {chain.table}"
                path = with_doubt(path, Doubt("unknown", why), rule)  # noqa: PLW2901
                ended.accepted.append(path)
                ended.stops = [*ended.stops, Stop("drop", path.segment, rule, path.doubts, False, path.way)]
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
        alive = [ChainPath(segment)]
        for index, head in enumerate(chain.bodies()):
            body, concerned = _concerned(head, alive)
            if concerned:
                rule = chain.rule(index)
                spared = [path for path in alive if not any(path is other for other, _ in concerned)]
                still = (p for path, truth in concerned for p in self._act(path, truth, body, rule, result))
                alive = merge([*spared, *still])
                if not alive:
                    break
        result.returned = merge([*result.returned, *alive])
        if not result.stops and not result.accepted and len(result.returned) == 1:
            result.returned = [result.returned[0]._replace(doubts=())]
        return result

    def _act(
        self, path: ChainPath, truth: Truth, body: Body, rule: Rule, result: Result
    ) -> Iterable[ChainPath]:
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
        elif kind == "continue":
            return [taken, *passed_over]
        elif kind == "return":
            result.returned.append(taken)
        elif kind == "change":
            return [taken._replace(segment=value(taken.segment)), *passed_over]
        elif kind == "nat":
            self._translate(taken, value, rule, result)
        elif kind == "sequence":
            change, rest = value
            segment = change(taken.segment)
            if segment is None:
                return [taken, *passed_over]
            changed = taken._replace(segment=segment)
            held = all_hold(rest.matches, changed.segment)
            still = [changed] if held is False else self._act(changed, held, rest, rule, result)
            return [*still, *passed_over]
        elif kind == "choose":
            return [*self._choose(taken, value(taken.segment), rule, result), *passed_over]
        elif kind in ("jump", "goto"):
            return self._jump(path, taken, passed_over, body, rule, result)
        return passed_over

    def _choose(
        self, taken: ChainPath, choices: list[tuple[Truth, Target]], rule: Rule, result: Result
    ) -> Iterable[ChainPath]:
        """A verdict map: what the packet's own element says, or on to the next rule if it has none."""
        still: list[ChainPath] = []
        for truth, target in choices:
            still.extend(self._act(taken, truth, Body((), target), rule, result))
        return still if any(truth is True for truth, _ in choices) else [*still, taken]

    def _translate(self, taken: ChainPath, value: object, rule: Rule, result: Result) -> None:
        outcome = self._nat(taken.segment, value)
        doubts = join(taken.doubts, tuple((doubt, rule) for doubt, _ in outcome.doubts))
        if isinstance(outcome, Stop):
            add_stop(result, outcome._replace(rule=rule, doubts=doubts, way=taken.way))
        else:
            result.accepted.append(outcome._replace(rule=rule, doubts=doubts, way=taken.way))

    def _jump(
        self,
        path: ChainPath,
        taken: ChainPath,
        passed_over: list[ChainPath],
        body: Body,
        rule: Rule,
        result: Result,
    ) -> list[ChainPath]:
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


def _concerned(body: Body, alive: list[ChainPath]) -> tuple[Body, list[tuple[ChainPath, Truth]]]:
    """The paths on which the rule may do something, and what it does in the end."""
    if body.target.kind == "continue":
        return body, []
    found: list[tuple[ChainPath, Truth]] = []
    for path in alive:
        truth = all_hold(body.matches, path.segment)
        if truth is not False:
            found.append((path, truth))
    if not found or body.target.kind != "then":
        return body, found
    rest, of_rest = _concerned(body.target.value(), [path for path, _ in found])
    first = {id(path): truth for path, truth in found}
    return rest, [(path, _both(first[id(path)], truth)) for path, truth in of_rest]


def _both(left: Truth, right: Truth) -> Truth:
    """Whether both hold, where neither is False."""
    return left if right is True else right
