"""One match of nft's JSON: a field, an operator, and what stands on the right."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from typing import Any, NamedTuple

from sshdoctor.firewall.kernel import matches as judge
from sshdoctor.firewall.kernel.segment import Segment
from sshdoctor.firewall.model import Doubt, Match, Target, Truth
from sshdoctor.firewall.nft.field import Field
from sshdoctor.firewall.nft.fields import field_of
from sshdoctor.firewall.nft.values import EVERYTHING, Item, Sets, is_in
from sshdoctor.model import Family


class Scope(NamedTuple):
    """What a rule may refer to: its family, and its table's sets and chains."""

    family: Family
    sets: Sets
    chains: Container[str]


class _Comparison(NamedTuple):
    field: Field
    op: str
    items: tuple[Item, ...]


def match_of(value: Any, scope: Scope) -> Match:
    try:
        return _match(value, scope)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return Match(judge.in_doubt, Doubt("unknown", "a match that cannot be read"))


_LOOPBACK: dict[str, Callable[[str, Segment], Truth]] = {
    **dict.fromkeys(("iif", "iifname"), judge.in_interface),
    **dict.fromkeys(("oif", "oifname"), judge.out_interface),
}
"""Whether a packet uses ``lo`` is known even where the name of its interface is not."""


def _match(value: dict[str, Any], scope: Scope) -> Match:
    left = value["left"]
    key = left["meta"]["key"] if isinstance(left, dict) and "meta" in left else None
    if (value["op"], value["right"]) == ("==", "lo") and key in _LOOPBACK:
        return Match(_LOOPBACK[key], "lo")
    field = field_of(value["left"], scope.family)
    if doubt := scope.sets.doubt_of(value["right"]):
        return Match(_if_it_has_any, (field, doubt))
    items = tuple(_item(field, element) for element in scope.sets.of(value["right"]))
    if value["op"] in _ORDERS:
        items = (_ORDERS[value["op"]](*items[0]),)
    if value["op"] == "!=" and len(items) == 1 and _is_inverted(items[0], value["right"]):
        return Match(_between, (field, items[0]))
    return Match(_compare, _Comparison(field, value["op"], items))


def _if_it_has_any(value: tuple[Field, Doubt], segment: Segment) -> Truth:
    """A packet without the field is in no set."""
    field, doubt = value
    return False if field.read(segment) is None else doubt


def _is_inverted(item: Item, right: Any) -> bool:
    if not isinstance(item, tuple) or len(item) != 2 or not isinstance(item[0], int):
        return False
    return item[0] > item[1] or (item[0] == item[1] and isinstance(right, dict) and "range" in right)


def _between(value: tuple[Field, tuple[int, int]], segment: Segment) -> Truth:
    """Measured: nft 1.0.6 lists ``tcp sport < 1024 tcp sport > 22`` as ``tcp sport != 1024-22``. It does not
    tell whether the ends themselves belong to it; nor what ``!= 22-22`` was, this or all but 22."""
    field, (high, low) = value
    seen = field.read(segment)
    if seen is None or (high == low and seen == low):
        return False
    if high == low or seen in (low, high):
        return Doubt("unknown", "a range that nft lists the wrong way round")
    return is_in(seen, [(low, high)])


_NEIGHBOURS = (("sport", "dport"), ("saddr", "daddr"))


def are_joined(before: Any, value: Any) -> bool:
    """Measured: nft 1.0.6 compiles ``tcp sport != 1 tcp dport != 2`` to one comparison of both fields with
    ``!=``, so that it matches where one of them differs; it still lists them as two."""
    try:
        first, second = before["match"], value
        fields = [each["left"]["payload"]["field"] for each in (first, second)]
        single = not any(isinstance(each["right"], dict | list) for each in (first, second))
        return tuple(fields) in _NEIGHBOURS and single and first["op"] == second["op"] == "!="
    except (KeyError, TypeError):
        return False


def both_or_doubt(pair: tuple[Match, Match], segment: Segment) -> Truth:
    first, second = (each.judge(each.value, segment) for each in pair)
    if first is second or isinstance(first, Doubt):
        return first
    return second if isinstance(second, Doubt) else _JOINED


_JOINED = Doubt("unknown", "the version of nft that loaded the rule (it may join two !=)")

_ORDERS: dict[str, Callable[[int, int], tuple[int, int]]] = {
    "<": lambda low, high: (0, low - 1),
    "<=": lambda low, high: (0, high),
    ">": lambda low, high: (high + 1, 2**128),
    ">=": lambda low, high: (low, 2**128),
}


def _compare(comparison: _Comparison, segment: Segment) -> Truth:
    field, op, items = comparison
    seen = field.read(segment)
    if seen is None:
        return False
    if isinstance(seen, Doubt):
        return seen
    if isinstance(seen, tuple) and field.bits:
        return any(item[0] in seen for item in items) is (op == "in" or op == "==")
    if field.bits and op in ("in", "!"):
        bits = items[0][0]
        return isinstance(seen, int) and bool(seen & bits) is (op == "in")
    truth = is_in(seen, items)
    return truth if op != "!=" or isinstance(truth, Doubt) else not truth


Choice = Callable[[Segment], list[tuple[Truth, Target]]]


def choice(field: Field, elements: Iterable[tuple[Any, Target]]) -> Choice:
    """What a map gives for a packet: the targets of the elements that it may be."""
    table = sorted(
        ((_item(field, _bare(key)), target) for key, target in elements),
        key=lambda pair: pair[0] == EVERYTHING,
    )

    def choose(segment: Segment) -> list[tuple[Truth, Target]]:
        seen = field.read(segment)
        if seen is None:
            return []
        chosen: list[tuple[Truth, Target]] = []
        for item, target in table:
            truth = is_in(seen, [item])
            if truth is not False:
                chosen.append((truth, target))
            if truth is True:
                break
        return chosen

    return choose


def _item(field: Field, key: Any) -> Item:
    return EVERYTHING if key == EVERYTHING else field.item(key)


def _bare(key: Any) -> Any:
    return key["elem"]["val"] if isinstance(key, dict) and "elem" in key else key
