"""What an expression of nft gives for a packet, and whether it gives anything.

Where it does not (a header that the packet does not have, a map without this key), the rule ends (NFT_BREAK).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sshdoctor.firewall.kernel.segment import Segment
from sshdoctor.firewall.kernel.spans import Span
from sshdoctor.firewall.model import Doubt, Match, Target, Truth
from sshdoctor.firewall.nft.fields import OPERATORS, field_of, is_field
from sshdoctor.firewall.nft.match import Scope, choice

Present = Callable[[Segment], Truth]
Number = Callable[[Segment], int | None]


def guard(expression: Any, scope: Scope) -> tuple[Match, ...]:
    """The match that fails where the expression gives nothing; none for a constant."""
    present = _present(expression, scope)
    return () if present is None else (Match(lambda ask, segment: ask(segment), present),)


def _present(expression: Any, scope: Scope) -> Present | None:
    if isinstance(expression, list):
        return _all([_present(part, scope) for part in expression])
    if not isinstance(expression, dict) or len(expression) != 1:
        return None
    [(kind, value)] = expression.items()
    if kind == "map":
        return _key_is_in(value, scope)
    if kind in OPERATORS or kind == "concat":
        return _all([_present(part, scope) for part in value])
    if kind == "elem" and isinstance(value, dict):
        return _present(value.get("val"), scope)
    if not is_field(kind):
        return None
    field = field_of(expression, scope.family)
    return lambda segment: field.read(segment) is not None


def _all(parts: list[Present | None]) -> Present | None:
    asked = [part for part in parts if part is not None]
    if not asked:
        return None

    def every(segment: Segment) -> Truth:
        truths = [ask(segment) for ask in asked]
        if False in truths:
            return False
        return next((truth for truth in truths if truth is not True), True)

    return every


def _key_is_in(value: dict[str, Any], scope: Scope) -> Present:
    if doubt := scope.sets.doubt_of(value["data"]):
        return lambda segment: doubt
    here = choice(
        field_of(value["key"], scope.family), ((key, _HERE) for key, _ in scope.sets.of(value["data"]))
    )

    def ask(segment: Segment) -> Truth:
        truths = [truth for truth, _ in here(segment)]
        return True if True in truths else (truths[0] if truths else False)

    return ask


_HERE = Target("continue")


def number_of(expression: Any, scope: Scope) -> Number:
    """What it gives as a number, None where that is not known."""
    if isinstance(expression, int):
        return lambda segment: expression
    if not isinstance(expression, dict) or len(expression) != 1:
        return lambda segment: None
    [(kind, value)] = expression.items()
    if kind == "map":
        return _looked_up(value, scope)
    if kind in OPERATORS and isinstance(value, list) and len(value) == 2:
        left, right = (number_of(part, scope) for part in value)
        return lambda segment: _combine(kind, left(segment), right(segment))
    if not is_field(kind):
        return lambda segment: None
    field = field_of(expression, scope.family)
    return lambda segment: _as_number(field.read(segment))


def _as_number(seen: object) -> int | None:
    if isinstance(seen, Span):
        return seen.low if seen.low == seen.high else None
    return seen if isinstance(seen, int) and not isinstance(seen, Doubt) else None


def _looked_up(value: dict[str, Any], scope: Scope) -> Number:
    if scope.sets.doubt_of(value["data"]):
        return lambda segment: None
    pairs = ((key, Target("number", number_of(given, scope))) for key, given in scope.sets.of(value["data"]))
    found = choice(field_of(value["key"], scope.family), pairs)

    def number(segment: Segment) -> int | None:
        numbers = {target.value(segment) for _, target in found(segment)}
        return numbers.pop() if len(numbers) == 1 else None

    return number


def _combine(operator: str, left: int | None, right: int | None) -> int | None:
    if left is None or right is None:
        return None
    return _COMBINE[operator](left, right) & (2**32 - 1)


_COMBINE: dict[str, Callable[[int, int], int]] = {
    "&": lambda left, right: left & right,
    "|": lambda left, right: left | right,
    "^": lambda left, right: left ^ right,
    "<<": lambda left, right: left << right if right < 32 else 0,
    ">>": lambda left, right: left >> right,
}
