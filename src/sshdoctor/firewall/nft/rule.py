"""One rule of nft's JSON, compiled to matches and a target."""

from __future__ import annotations

from typing import Any

from sshdoctor.firewall.iptables.targets import PASSING as PASSING_TARGETS
from sshdoctor.firewall.iptables.targets import queue
from sshdoctor.firewall.kernel import matches as judge
from sshdoctor.firewall.kernel.segment import TCP
from sshdoctor.firewall.model import Body, Doubt, Match, Target
from sshdoctor.firewall.nft import names as nft_names
from sshdoctor.firewall.nft.change import changed
from sshdoctor.firewall.nft.evaluate import guard
from sshdoctor.firewall.nft.fields import field_of
from sshdoctor.firewall.nft.match import Choice, Scope, are_joined, both_or_doubt, choice, match_of
from sshdoctor.firewall.nft.text.statement import NOT_UNDERSTOOD
from sshdoctor.firewall.nft.translate import translate
from sshdoctor.model import Family

PASSING = frozenset(
    ("counter", "log", "comment", "last", "dup", "secmark", "flow", "ct helper", "ct timeout",
     "ct expectation", "reset", "map", "set", "xt")
)  # fmt: skip
"""Statements after which the rule goes on, unless ``_doubt_of`` knows better."""

_LOST = {
    "tproxy": "whether a transparent proxy listens (tproxy)",
    "synproxy": "what the kernel's own handshake leads to (synproxy)",
    "fwd": "who answers a packet that is forwarded (fwd)",
    "xt": "an iptables rule that nft cannot show",
}
_COUNTING = {
    "limit": "the rate of packets (limit)",
    "quota": "how much has passed before (quota)",
    "ct count": "how many connections there are (ct count)",
    "meter": "the rate of packets (meter)",
}
_VERDICTS = frozenset(("accept", "drop", "return", "continue", "jump", "goto"))

Statements = list[dict[str, Any]]


def compile_nft(statements: Statements, scope: Scope) -> Body:
    """What the statements of a rule do. It never fails: what is not understood is a Doubt that names it."""
    matches: list[Match] = []
    for place, statement in enumerate(statements):
        kind, value = _name(statement)
        if kind == "match":
            match = match_of(value, scope)
            if place and are_joined(statements[place - 1], value):
                match = Match(both_or_doubt, (matches.pop(), match))
            matches.append(match)
        elif kind in PASSING and not _is_shown_in_part(kind, value):
            matches.extend(_there(value, scope))
            if doubt := _doubt_of(kind, value, scope):
                matches.append(_doubt(doubt))
        elif kind in _COUNTING:
            matches.extend(_there(value, scope))
            matches.append(_doubt(Doubt("depends", _COUNTING[kind])))
        elif kind in ("mangle", "notrack"):
            rest = compile_nft(statements[place + 1 :], scope)
            before, target = changed(kind, value, rest, scope)
            return Body((*matches, *before), target)
        else:
            if kind == "synproxy":
                matches.extend(_there(value, scope))
            return _end(kind, value, matches, scope)
    return Body(tuple(matches), Target("continue"))


def _name(statement: Any) -> tuple[str, Any]:
    if isinstance(statement, dict) and len(statement) == 1:
        [(kind, value)] = statement.items()
        return kind, value
    if isinstance(statement, str) and statement.startswith(("add @", "update @", "delete @")):
        return "map", {}  # nft 1.0.6 has no JSON for a map's update
    return "a statement", statement


def _there(value: Any, scope: Scope) -> tuple[Match, ...]:
    """What a statement needs: an object by a map, an element for a set, and a map's value for it."""
    if not isinstance(value, dict):
        return ()
    if "elem" in value:
        return guard([value["elem"], value.get("data")], scope)
    if "key" in value and "stmt" in value:
        return guard(value["key"], scope)
    return guard({"map": value["map"]}, scope) if isinstance(value.get("map"), dict) else ()


def _is_shown_in_part(kind: str, value: Any) -> bool:
    """A target or match of iptables stands in nft's JSON without its parameters."""
    return kind == "xt" and (value or {}).get("name") not in PASSING_TARGETS


def _doubt_of(kind: str, value: Any, scope: Scope) -> Doubt | None:
    """An element that a full set does not take ends the rule; so may what is counted with an element."""
    if kind not in ("set", "map"):
        return None
    name = str(value.get(kind)).removeprefix("@")
    if value.get("stmt"):
        return Doubt("depends", f"what the set {name} has counted")
    return Doubt("depends", f"whether the set {name} has room") if name in scope.sets.full else None


def _doubt(doubt: Doubt) -> Match:
    return Match(judge.in_doubt, doubt)


def _end(kind: str, value: Any, matches: list[Match], scope: Scope) -> Body:
    """The statement that decides."""
    try:
        guard, target = _target(kind, value, scope)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        guard, target = None, Target("lost", Doubt("unknown", f"{kind}: {error}"))
    return Body((*matches, guard) if guard else tuple(matches), target)


def _target(kind: str, value: Any, scope: Scope) -> tuple[Match | None, Target]:
    if kind in _VERDICTS:
        return None, _verdict(kind, value, scope)
    if kind == "reject":
        return _reject(value or {}, scope.family)
    if kind == "vmap":
        return None, Target("choose", _choice(value, scope))
    if kind in ("redirect", "dnat"):
        return translate(kind, value or {}, scope)
    if kind in ("snat", "masquerade"):
        return None, Target("nat", Doubt("unknown", f"where replies go after {kind}"))
    if kind == "queue":
        return None, queue(
            _numbers((value or {}).get("num", 0)), "bypass" in ((value or {}).get("flags") or ())
        )
    if kind == NOT_UNDERSTOOD:
        return None, Target("lost", Doubt("unknown", f"what this does: {value}"))
    if kind == "xt" and value:
        return None, Target("lost", Doubt("unknown", f"the iptables {value.get('type')} {value.get('name')}"))
    return None, Target("lost", Doubt("unknown", _LOST.get(kind, f"the statement {kind}")))


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


def _numbers(given: Any) -> range | None:
    """The queues that may be asked, None if they cannot be told."""
    if isinstance(given, int):
        return range(given, given + 1)
    if isinstance(given, dict) and "range" in given:
        low, high = given["range"]
        return range(low, high + 1)
    return None


def _choice(value: dict[str, Any], scope: Scope) -> Choice:
    if doubt := scope.sets.doubt_of(value["data"]):
        return lambda segment: [(doubt, Target("lost", doubt))]
    elements = [(key, _verdict(*_name(verdict), scope)) for key, verdict in scope.sets.of(value["data"])]
    return choice(field_of(value["key"], scope.family), elements)
