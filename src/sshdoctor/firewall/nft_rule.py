"""One rule of nft's JSON, compiled to matches and a target."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any, NamedTuple

from sshdoctor.firewall import matches as judge
from sshdoctor.firewall import nft_names, values
from sshdoctor.firewall.model import Body, Doubt, Match, Target, Truth
from sshdoctor.firewall.nft_change import change_of
from sshdoctor.firewall.nft_fields import Field, field_of
from sshdoctor.firewall.nft_values import ANY_PORT, Item, Sets, is_in
from sshdoctor.firewall.segment import TCP, Segment
from sshdoctor.model import Family

PASSING = frozenset(
    ("counter", "log", "comment", "last", "dup", "secmark", "flow", "ct helper", "ct timeout")
)
_COUNTING = {
    "limit": "the rate of packets (limit)",
    "quota": "how much has passed before (quota)",
    "ct count": "how many connections there are (ct count)",
    "meter": "the rate of packets (meter)",
}
_VERDICTS = frozenset(("accept", "drop", "return", "continue", "jump", "goto"))

Statements = list[dict[str, Any]]


class Scope(NamedTuple):
    """What a rule may refer to: its family, and its table's sets and chains."""

    family: Family
    sets: Sets
    chains: Container[str]


def compile_nft(statements: Statements, scope: Scope) -> Body:
    """What the statements of a rule do. It never fails: what is not understood is a Doubt that names it."""
    matches: list[Match] = []
    for place, statement in enumerate(statements):
        kind, value = _name(statement)
        if kind == "match":
            match = _guarded(value, scope)
            if place and _are_joined(statements[place - 1], value):
                match = Match(_both_or_doubt, (matches.pop(), match))
            matches.append(match)
        elif kind in PASSING:
            continue
        elif kind in _COUNTING:
            matches.append(_doubt(Doubt("depends", _COUNTING[kind])))
        elif kind == "set":
            if value.get("stmt"):
                matches.append(_doubt(Doubt("depends", f"what the set {value.get('set')} has counted")))
        elif kind in ("mangle", "notrack"):
            change = change_of(kind, value)
            rest = compile_nft(statements[place + 1 :], scope)
            return Body(tuple(matches), Target("sequence", (change, rest)))
        else:
            return _end(kind, value, matches, scope)
    return Body(tuple(matches), Target("continue"))


def _name(statement: Any) -> tuple[str, Any]:
    if isinstance(statement, dict) and len(statement) == 1:
        [(kind, value)] = statement.items()
        return kind, value
    return "a statement", statement


def _doubt(doubt: Doubt) -> Match:
    return Match(judge.in_doubt, doubt)


def _end(kind: str, value: Any, matches: list[Match], scope: Scope) -> Body:
    """The statement that decides."""
    if kind == "xt" and isinstance(value, dict) and value.get("type") == "match":
        matches.append(_doubt(Doubt("unknown", f"the iptables match {value.get('name')}")))
        return Body(tuple(matches), Target("open", Doubt("unknown", "an iptables rule that nft cannot show")))
    try:
        guard, target = _target(kind, value, scope)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        guard, target = None, Target("open", Doubt("unknown", f"{kind}: {error}"))
    return Body((*matches, guard) if guard else tuple(matches), target)


def _target(kind: str, value: Any, scope: Scope) -> tuple[Match | None, Target]:
    if kind in _VERDICTS:
        return None, _verdict(kind, value, scope)
    if kind == "reject":
        return _reject(value or {}, scope.family)
    if kind == "vmap":
        return None, Target("choose", _choice(value, scope))
    if kind in ("redirect", "dnat"):
        return _translate(kind, value or {}, scope.family)
    if kind == "queue":
        return None, Target("open", Doubt("depends", "a program on the host that is asked (queue)"))
    if kind in ("snat", "masquerade", "tproxy", "fwd", "synproxy"):
        return None, Target("lost", Doubt("unknown", f"what {kind} makes of it"))
    return None, Target("open", Doubt("unknown", f"the statement {kind}"))


def _verdict(kind: str, value: Any, scope: Scope) -> Target:
    if kind not in ("jump", "goto"):
        return Target(kind)
    if value["target"] not in scope.chains:
        raise ValueError(f"no chain {value['target']}")
    return Target(kind, value["target"])


def _reject(value: dict[str, Any], family: Family) -> tuple[Match | None, Target]:
    """``reject`` alone is port-unreachable; a refusal of the other family is for the other's packets."""
    kind, code = value.get("type", "icmpx"), value.get("expr", "port-unreachable")
    if kind == "tcp reset":
        return Match(judge.protocol, TCP), Target("reject", "rst")
    four = family == "ipv4"
    if kind == "icmpx":
        return None, Target("reject", nft_names.EITHER_FAMILY[code][0 if four else 1])
    if kind != ("icmp" if four else "icmpv6"):
        return Match(judge.always, False), Target("drop")
    return None, Target("reject", nft_names.REFUSALS[kind][code])


def _translate(kind: str, value: dict[str, Any], family: Family) -> tuple[Match | None, Target]:
    if value.get("family", "") not in ("", "ip" if family == "ipv4" else "ip6"):
        return Match(judge.always, False), Target("drop")
    address, port = value.get("addr"), value.get("port")
    if not isinstance(port, int | None) or not isinstance(address, str | None):
        return None, Target("lost", Doubt("depends", f"the destination chosen from several ({kind})"))
    return None, Target("nat", (None if address is None else values.address(address, family), port))


class _Comparison(NamedTuple):
    field: Field
    op: str
    items: tuple[Item, ...]


def _guarded(value: Any, scope: Scope) -> Match:
    try:
        return _match(value, scope)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return _doubt(Doubt("unknown", "a match that cannot be read"))


def _match(value: dict[str, Any], scope: Scope) -> Match:
    field = field_of(value["left"], scope.family)
    items = tuple(field.item(element) for element in scope.sets.of(value["right"]))
    if value["op"] in _ORDERS:
        items = (_ORDERS[value["op"]](*items[0]),)
    if value["op"] == "!=" and len(items) == 1 and _is_inverted(items[0], value["right"]):
        return Match(_between, (field, items[0]))
    return Match(_compare, _Comparison(field, value["op"], items))


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


def _are_joined(before: Any, value: Any) -> bool:
    """Measured: nft 1.0.6 compiles ``tcp sport != 1 tcp dport != 2`` to one comparison of both fields with
    ``!=``, so that it matches where one of them differs; it still lists them as two."""
    try:
        first, second = before["match"], value
        fields = [each["left"]["payload"]["field"] for each in (first, second)]
        single = not any(isinstance(each["right"], dict | list) for each in (first, second))
        return tuple(fields) in _NEIGHBOURS and single and first["op"] == second["op"] == "!="
    except (KeyError, TypeError):
        return False


def _both_or_doubt(pair: tuple[Match, Match], segment: Segment) -> Truth:
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
    if isinstance(seen, Doubt) and seen is not ANY_PORT:
        return seen
    if field.bits and op in ("in", "!"):
        bits = items[0][0]
        return isinstance(seen, int) and bool(seen & bits) is (op == "in")
    truth = is_in(seen, items)
    return truth if op != "!=" or isinstance(truth, Doubt) else not truth


def _choice(value: dict[str, Any], scope: Scope) -> Callable[[Segment], list[tuple[Truth, Target]]]:
    field = field_of(value["key"], scope.family)
    elements = [(_element(key), verdict) for key, verdict in scope.sets.of(value["data"])]
    table = [(field.item(key), _verdict(*_name(verdict), scope)) for key, verdict in elements]

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


def _element(key: Any) -> Any:
    return key["elem"]["val"] if isinstance(key, dict) and "elem" in key else key
