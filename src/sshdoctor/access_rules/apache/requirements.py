"""What stands in Apache's sections about who is let in, and how the sections are merged.

Source: httpd's modules/aaa/mod_authz_core.c (merge_authz_dir_config), server/request.c (ap_location_walk).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import groupby

from msgspec import Struct

from sshdoctor.access_rules.apache.govern import Section
from sshdoctor.access_rules.apache.read import Line
from sshdoctor.access_rules.unknown import UnknownValue

_CONTAINERS = {"requireall": "and", "requireany": "or", "requirenone": "or"}


class Node(Struct, frozen=True, kw_only=True):
    """A Require, or a container of some; ``methods`` None: it holds for all, else whether it is for one."""

    operator: str = ""
    negated: bool = False
    line: Line | None = None
    limits: tuple[Line, ...] = ()
    inner: tuple[Node, ...] = ()


class Limited(Struct, frozen=True):
    """A line, and the ``<Limit>`` and ``<LimitExcept>`` around it."""

    line: Line
    limits: tuple[Line, ...] = ()


def flat(block: Sequence[Line], limits: tuple[Line, ...] = ()) -> Iterator[Limited]:
    """The lines of a section, those in ``<Limit>`` as well."""
    for line in block:
        if line.name in ("limit", "limitexcept"):
            yield from flat(line.block or (), (*limits, line))
        else:
            yield Limited(line, limits)


def for_method(limits: Sequence[Line], method: str) -> bool:
    method = "GET" if method == "HEAD" else method
    return all((method in {arg.upper() for arg in one.args}) == (one.name == "limit") for one in limits)


class Merged(Struct, frozen=True):
    """What Require comes to in some sections, and how AuthMerging joins it to those before ("" if not)."""

    operator: str = ""
    tree: Node | None = None

    def onto(self, base: Merged) -> Merged:
        """As merge_authz_dir_config does it."""
        if not self.operator or base.tree is None:
            return self
        if self.tree is None:
            return Merged(self.operator, base.tree)
        return Merged(self.operator, Node(operator=self.operator, inner=(base.tree, self.tree)))


_GROUPS = (("server",), ("files", "filesmatch"), ("location", "locationmatch"), ("if", "elseif", "else"))
"""Each kind is merged by itself, and then joined to those before; all others are one kind: folders."""


def merged(sections: Sequence[Section]) -> Node | None:
    """The tree of the last section that has a Require, joined to those before where AuthMerging says so."""
    whole = Merged()
    for _, group in groupby(sections, lambda one: next((k for k in _GROUPS if one.kind in k), ())):
        own = [found for one in group if (found := _own(one)) is not None]
        if own:
            whole = reduce(lambda base, more: more.onto(base), own).onto(whole)
    return whole.tree


def _own(section: Section) -> Merged | None:
    """What one section says, None if nothing."""
    lines = list(flat(section.block))
    own = tuple(_nodes(lines))
    merging = [one.line.args[0].lower() for one in lines if one.line.name == "authmerging"]
    if not own and not merging:
        return None
    operator = merging[-1] if merging and merging[-1] != "off" else ""
    return Merged(operator, Node(operator="or", inner=own) if own else None)


def _nodes(lines: Sequence[Limited]) -> Iterator[Node]:
    for one in lines:
        line = one.line
        if line.name == "require" and line.args:
            negated = line.args[0].lower() == "not"
            yield Node(line=line, negated=negated, limits=one.limits)
        elif line.name in _CONTAINERS:
            inner = tuple(_nodes(list(flat(line.block or (), one.limits))))
            none = line.name == "requirenone"
            operator = _CONTAINERS[line.name]
            if inner:
                yield Node(operator=operator, negated=none, line=line, limits=one.limits, inner=inner)
        elif line.name.startswith("authzprovider"):
            raise UnknownValue(line.text)
