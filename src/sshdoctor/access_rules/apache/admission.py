"""Who is let in: Require and its containers, Order, Allow and Deny, Satisfy, and the password.

Sources: httpd's modules/aaa/mod_authz_core.c, mod_authz_host.c, mod_access_compat.c; server/request.c
(ap_process_request_internal).
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.access_rules.apache.asked import Asked, subnet
from sshdoctor.access_rules.apache.condition import holds
from sshdoctor.access_rules.apache.govern import Section
from sshdoctor.access_rules.apache.read import Line
from sshdoctor.access_rules.apache.requirements import Limited, Node, flat, for_method, merged
from sshdoctor.access_rules.unknown import UnknownValue

_GRANTED, _DENIED, _NEUTRAL, _NO_USER = "granted", "denied", "neutral", "no user"
_USERS = ("valid-user", "user", "group", "file-owner", "file-group", "ldap-user", "ldap-group")
_LISTS = ("order", "allow", "deny", "satisfy")


class Refusal(Struct, frozen=True):
    """A status and the line that gives it; ``method_alone``: other methods are let in."""

    status: int
    line: Line | None
    method_alone: bool = False


def admit(sections: Sequence[Section], asked: Asked) -> Refusal | None:
    """What refuses the request, None if it is let in. Raises UnknownValue."""
    lists, satisfy = _lists(sections, asked.method)
    listed = _by_lists(lists, asked)
    if satisfy == "any" and listed is None:
        return None
    if satisfy != "any" and listed is not None:
        return listed
    return _by_require(sections, asked)


# ---- Order, Allow, Deny


def _lists(sections: Sequence[Section], method: str) -> tuple[list[Limited], str]:
    """The lines of the last section that has any: they are not merged. And what Satisfy says."""
    for section in reversed(sections):
        found = [one for one in flat(section.block) if one.line.name in _LISTS]
        if found:
            fits = [one.line for one in found if for_method(one.limits, method)]
            satisfy = [line.args[0].lower() for line in fits if line.name == "satisfy" and line.args]
            return found, satisfy[-1] if satisfy else ""
    return [], ""


def _by_lists(lists: Sequence[Limited], asked: Asked) -> Refusal | None:
    fits = [one for one in lists if for_method(one.limits, asked.method)]
    orders = [one.line for one in fits if one.line.name == "order" and one.line.args]
    order = "".join(orders[-1].args).lower() if orders else "deny,allow"
    allowed = _first(fits, "allow", asked)
    denied = _first(fits, "deny", asked)
    refused = denied if order == "deny,allow" and not allowed else None
    if order != "deny,allow" and (denied or not allowed):
        refused = denied or Limited(orders[-1])
    if refused is None:
        return None
    return Refusal(403, refused.line, bool(refused.limits))


def _first(lists: Sequence[Limited], name: str, asked: Asked) -> Limited | None:
    """The first line that matches. What is unknown is raised only if no other line matches."""
    unknown: UnknownValue | None = None
    for one in lists:
        if one.line.name != name:
            continue
        for text in one.line.args[1:]:
            try:
                if _is_listed(text, asked):
                    return one
            except UnknownValue as error:
                unknown = error
    if unknown is not None:
        raise unknown
    return None


def _is_listed(text: str, asked: Asked) -> bool:
    name, equals, variable = text.partition("=")
    if equals and name.lower() == "env":
        absent = variable.startswith("!")
        return (variable.removeprefix("!") in asked.env) != absent
    if text.lower() == "all":
        return True
    if not text[0].isdecimal() and ":" not in text:
        raise UnknownValue(f"the name behind {asked.source} ({text})")
    return subnet(text, asked.source)


# ---- Require


def _by_require(sections: Sequence[Section], asked: Asked) -> Refusal | None:
    tree = merged(sections)
    kinds = [one.line for section in sections for one in flat(section.block) if one.line.name == "authtype"]
    kind = kinds[-1].args[0].lower() if kinds and kinds[-1].args else "none"
    if tree is None:
        return None if kind == "none" else Refusal(500, kinds[-1])
    judged = _judge(tree, "and", asked)
    if judged.result == _GRANTED:
        return None
    if judged.result == _NO_USER:
        return _ask_password(sections, kind, judged, asked)
    return Refusal(403, judged.line, judged.method_alone)


def _ask_password(sections: Sequence[Section], kind: str, judged: Judged, asked: Asked) -> Refusal:
    if kind == "none":
        return Refusal(500, judged.line)
    if kind not in ("basic", "digest"):
        raise UnknownValue(f"AuthType {kind}")
    if not any(one.line.name == "authname" for section in sections for one in flat(section.block)):
        return Refusal(500, judged.line)
    if "authorization" in asked.request.headers:
        raise UnknownValue("whether the password is right")
    return Refusal(401, judged.line, judged.method_alone)


class Judged(Struct, frozen=True):
    """``line`` is the one that decided."""

    result: str
    line: Line | None
    method_alone: bool = False


def _concerns(node: Node, method: str) -> bool:
    """Whether it holds for the method: a container without a line of its own, if one of its parts does."""
    if node.line is None:
        return any(_concerns(one, method) for one in node.inner)
    return for_method(node.limits, method)


def _judge(node: Node, parent: str, asked: Asked) -> Judged:
    if not _concerns(node, asked.method):
        return Judged(_GRANTED if parent == "and" else _NEUTRAL, node.line)
    if node.inner:
        judged = _joined([_judge_later(one, node.operator, asked) for one in node.inner], node)
    else:
        assert node.line is not None  # noqa: S101 -- a node without parts is a Require
        judged = Judged(_provided(node.line, node.negated, asked), node.line, bool(node.limits))
    if not node.negated:
        return judged
    if judged.result == _GRANTED:
        return replace(judged, result=_DENIED)
    return replace(judged, result=_NEUTRAL) if judged.result in (_DENIED, _NO_USER) else judged


def _judge_later(node: Node, parent: str, asked: Asked) -> Judged | UnknownValue:
    try:
        return _judge(node, parent, asked)
    except UnknownValue as error:
        return error


def _joined(parts: Sequence[Judged | UnknownValue], node: Node) -> Judged:
    """What the parts come to together; one that is unknown counts only if no other decides."""
    ends = _DENIED if node.operator == "and" else _GRANTED
    other = _GRANTED if node.operator == "and" else _DENIED
    known = [one for one in parts if isinstance(one, Judged)]
    decided = next((one for one in known if one.result == ends), None)
    if decided is not None:
        return decided
    for one in parts:
        if isinstance(one, UnknownValue):
            raise one
    said = [one for one in known if one.result != _NEUTRAL]
    if not said:
        return Judged(_NEUTRAL, known[0].line if known else node.line)
    no_user = next((one for one in said if one.result == _NO_USER), None)
    return no_user or next((one for one in said if one.result == other), said[0])


def _provided(line: Line, negated: bool, asked: Asked) -> str:
    """What one Require says. Raises UnknownValue."""
    words = line.args[1:] if negated else line.args
    if not words:
        raise UnknownValue(line.text)
    name, args = words[0].lower(), words[1:]
    if name in _USERS:
        return _NO_USER
    return _GRANTED if _lets_in(name, args, line, negated, asked) else _DENIED


def _lets_in(name: str, args: Sequence[str], line: Line, negated: bool, asked: Asked) -> bool:
    if name == "all":
        return [arg.lower() for arg in args] == ["granted"]
    if name == "ip":
        return any(subnet(arg, asked.source) for arg in args)
    if name == "local":
        return _is_local(asked)
    if name == "env":
        return any(arg in asked.env for arg in args)
    if name == "method":
        method = "GET" if asked.method == "HEAD" else asked.method
        return method in {"GET" if arg.upper() == "HEAD" else arg.upper() for arg in args}
    if name == "expr":
        text = line.text.split(None, 3 if negated else 2)[-1].strip()
        return holds(text[1:-1].replace('\\"', '"') if text[:1] == text[-1:] == '"' else text, asked)
    raise UnknownValue(line.text)


def _is_local(asked: Asked) -> bool:
    source = ip_address(asked.source)
    if source.is_loopback or asked.source == asked.request.address:
        return True
    if asked.request.address:
        return False
    raise UnknownValue("the server's own address")
