"""The texts that cost a regular expression the most, made from its own parts.

Python's engine goes back: it costs more than linear time where a repeated part can give characters back to
what comes behind it, or where a search begins anew inside of what a repeated part has passed. Both are fed by
the text up to each repeated part, followed by as much as that part takes, and by that again and again.
"""

from __future__ import annotations

import re
import re._constants as sre  # type: ignore[import-not-found]  # typeshed leaves it out
import re._parser as parser  # type: ignore[import-not-found]  # typeshed leaves it out
from collections.abc import Iterator
from typing import Any

_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
_MANY = 40
"""A part that takes at least so many is a repeated one."""
_COMMON = 'a0 \n\t"\\-:/.,'
_MOST_SIGNS = 10
_END = "\x01"

Attack = tuple[str, str]
"""What stands before, and what is repeated."""


def attacks(pattern: re.Pattern[Any]) -> tuple[Attack, ...]:
    """What to repeat, and behind what."""
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    tree = parser.parse(
        text, pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags
    )
    signs = "".join(dict.fromkeys(_COMMON + "".join(_literals(tree))))
    made = _Maker(signs, pattern.flags)
    found: dict[Attack, None] = {}
    for before, unit in made.repeated(list(tree), ""):
        found[before, unit] = None
        found["", before + unit] = None
        found["", before or unit] = None
    whole = made.sample(list(tree), "")
    for part in (whole, whole[:-1], whole[1:]):
        if part:
            found["", part] = None
    for sign in signs[:_MOST_SIGNS]:
        found["", sign] = None
    return tuple(found)


def text_of(attack: Attack, size: int) -> str:
    """A text of about ``size`` characters."""
    before, unit = attack
    return before + unit * max(1, (size - len(before)) // len(unit)) + _END


def _literals(tree: Any) -> Iterator[str]:
    for code, argument in tree:
        if code in (sre.LITERAL, sre.NOT_LITERAL):
            yield chr(argument)
        elif code is sre.IN:
            yield from (chr(value) for kind, value in argument if kind is sre.LITERAL)
        else:
            for part in _parts(code, argument):
                yield from _literals(part)


def _parts(code: Any, argument: Any) -> list[Any]:
    """The sequences inside of a node."""
    if code is sre.BRANCH:
        return list(argument[1])
    if code in _REPEATS:
        return [argument[2]]
    if code is sre.SUBPATTERN:
        return [argument[3]]
    if code is sre.ATOMIC_GROUP:
        return [argument]
    if code in (sre.ASSERT, sre.ASSERT_NOT):
        return [argument[1]]
    return []


class _Maker:
    def __init__(self, signs: str, flags: int) -> None:
        self._signs = signs
        self._flags = flags & (re.ASCII | re.IGNORECASE | re.DOTALL)

    def taken(self, code: Any, argument: Any) -> list[str]:
        """Of the signs, those that a part of one character takes."""
        if code is sre.ANY:
            return [sign for sign in self._signs if sign != "\n" or self._flags & re.DOTALL]
        if code is sre.LITERAL:
            return [chr(argument)]
        if code is sre.NOT_LITERAL:
            return [sign for sign in self._signs if sign != chr(argument)]
        members = [value for value in argument if value[0] is not sre.NEGATE]
        negated = len(members) < len(argument)
        ranges = [chr(value[0]) for kind, value in members if kind is sre.RANGE]
        among = dict.fromkeys([*self._signs, *ranges])
        return [sign for sign in among if any(_is_in(sign, *member) for member in members) != negated]

    def sample(self, nodes: list[Any], before: str) -> str:
        """A text that the parts take, where possible."""
        text = ""
        for code, argument in nodes:
            text += self._one(code, argument, before + text)
        return text

    def _one(self, code: Any, argument: Any, before: str) -> str:
        if code in (sre.ANY, sre.LITERAL, sre.NOT_LITERAL, sre.IN):
            return str((self.taken(code, argument) or ["x"])[0])
        if code is sre.AT:
            line_begins = argument in (sre.AT_BEGINNING, sre.AT_BEGINNING_LINE)
            if line_begins and before and not before.endswith("\n"):
                return "\n"
            return ""
        if code in _REPEATS:
            return str(self.sample(list(argument[2]), before) * max(1, argument[0]))
        if code in (sre.ASSERT, sre.ASSERT_NOT):
            return ""
        return self.sample(list(parts[0]), before) if (parts := _parts(code, argument)) else ""

    def repeated(self, nodes: list[Any], before: str) -> Iterator[Attack]:
        """Each repeated part: what stands before it, and what it takes."""
        for at, (code, argument) in enumerate(nodes):
            if code in _REPEATS and argument[1] >= _MANY:
                behind = self.sample(nodes[at + 1 :], "")
                for unit in self._units(list(argument[2]), before, behind):
                    yield before, unit
            for part in _parts(code, argument):
                yield from self.repeated(list(part), before)
            before += self._one(code, argument, before)

    def _units(self, body: list[Any], before: str, behind: str) -> Iterator[str]:
        code, argument = body[0]
        if len(body) == 1 and code in (sre.ANY, sre.LITERAL, sre.NOT_LITERAL, sre.IN):
            taken = self.taken(code, argument)
            yield from taken[:_MOST_SIGNS]
            around = (before, behind[:-1], behind[:1])
            yield from (text for text in around if text and set(text) <= set(taken))
            return
        yield from filter(None, [self.sample(body, before)])
        for inner in _parts(*body[0]):
            yield from filter(None, [self.sample(list(inner) + body[1:], before)])


def _is_in(sign: str, kind: Any, value: Any) -> bool:
    if kind is sre.LITERAL:
        return bool(ord(sign) == value)
    if kind is sre.RANGE:
        return bool(value[0] <= ord(sign) <= value[1])
    return re.match(_CATEGORIES[value], sign) is not None


_CATEGORIES = {
    sre.CATEGORY_DIGIT: r"\d",
    sre.CATEGORY_NOT_DIGIT: r"\D",
    sre.CATEGORY_SPACE: r"\s",
    sre.CATEGORY_NOT_SPACE: r"\S",
    sre.CATEGORY_WORD: r"\w",
    sre.CATEGORY_NOT_WORD: r"\W",
}
