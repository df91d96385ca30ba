"""One message of a program as a pattern with named parts, compiled to an anchored, linear expression."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from msgspec import Struct

from sshdoctor.errors import InputError

_ADDRESS = r"(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{0,4}:[0-9a-fA-F:.]{1,45}(?:%[\w.-]{1,16})?|UNKNOWN)"
_PORT = r"\d{1,5}"

KINDS = {
    "text": r".*",
    "words": r".*",
    "path": r".*",
    "why": r".*",
    "fault": r".*",
    "reason": r".*",
    "word": r"\S{1,256}",
    "name": r"[A-Za-z0-9_][\w.@-]{0,255}",
    "print": r"(?:(?:sha1!!|md5) )?\S{1,200}",
    "phrase": r"[\w@./ -]{1,100}",
    "number": r"-?\d{1,20}",
    "hex": r"[0-9a-fA-F]{1,20}",
    "address": _ADDRESS,
    "port": _PORT,
    "file": r"(?:/\S{1,500}|command-line|rexec|reprocess config)",
    "function": r"[a-z_][a-z0-9_]{0,60}",
    "errno": r"[A-Z][\w ,/()'-]{1,100}",
    "whose": r"(?:invalid user )?",
    "pamgate": r"auth|account|chauthtok",
    "pamsession": r"session|setcred",
    "remote": rf"\[?(?P<address>{_ADDRESS})\]?:(?P<port>{_PORT})",
    "peer": (
        rf"(?:(?P<whose>authenticating |invalid |)user (?P<user>.*) )?"
        rf"(?P<address>{_ADDRESS}) port (?P<port>{_PORT})"
    ),
}
"""What a part may hold. ``text``, which is what a part is whose name is none of these, may be a stranger's
words, and so may the user in ``peer``; the other free ones are the program's or the host's own.
``pamgate`` and ``pamsession``: the types of PAM's work before and after one is let in."""

_FREE = frozenset({"text", "peer", "words", "path", "why", "fault", "reason"})
_INSIDE = {"peer": ("whose", "user", "address", "port"), "remote": ("address", "port")}
"""The kinds that are parts of several, and their names."""

_SETTLED = frozenset({"whose"})
_PART = re.compile(r"\{\{|\}\}|\{(?P<name>[a-z_]+)(?::(?P<kind>[a-z]+))?\}|(?P<wrong>[{}])")


class PatternError(InputError):
    """A pattern that cannot be read; the message says what would be right."""


class Part(Struct, frozen=True):
    """A named part of a message, or, with an empty name, a literal text."""

    name: str
    kind: str
    text: str


class Match(Struct, frozen=True):
    """What the parts of a message hold; what can be read in two ways is left out."""

    parts: dict[str, str]
    certain: bool
    """Whether the message can be read in one way only."""


class Pattern(Struct, frozen=True, dict=True):
    """A message with named parts.

    >>> parse_pattern("Invalid user {user} from {address} port {port}").match(
    ...     "Invalid user x from 192.0.2.1 port 9 from 198.51.100.7 port 22"
    ... ).parts["address"]
    '198.51.100.7'
    """

    says: str

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """What it is made of. Raises PatternError."""
        return tuple(_parts(self.says))

    @cached_property
    def prefix(self) -> str:
        """The literal text before the first part: nobody but the program chooses it."""
        if "{{" not in self.says and "}}" not in self.says:
            return self.says.partition("{")[0]  # most patterns of a list are never looked at any further
        return self.parts[0].text if not self.parts[0].name else ""

    @property
    def second(self) -> str:
        """The literal text right after a first part that is not literal, or nothing."""
        leads = self.parts[0].name and len(self.parts) > 1
        return self.parts[1].text if leads else ""

    @property
    def names(self) -> frozenset[str]:
        """The names of all parts, those inside of others too."""
        inside = (name for part in self.parts for name in _INSIDE.get(part.kind, ()))
        return frozenset({part.name for part in self.parts if part.kind not in _INSIDE} | set(inside)) - {""}

    @cached_property
    def suffix(self) -> str:
        """The literal text after the last part."""
        return self.parts[-1].text if len(self.parts) > 1 and not self.parts[-1].name else ""

    @property
    def weight(self) -> int:
        """How many characters of the message are literal."""
        return sum(len(part.text) for part in self.parts)

    @property
    def open(self) -> bool:
        """Whether the message ends in words that anybody may have chosen."""
        return self.parts[-1].kind == "text"

    def match(self, message: str) -> Match | None:
        """The parts of a message, or None if it is another one."""
        start, end = len(self.prefix), len(message) - len(self.suffix)
        if start > end or not message.startswith(self.prefix) or not message.endswith(self.suffix):
            return None
        longest = self._longest.fullmatch(message, start, end)
        if longest is None:
            return None
        shortest = self._shortest.fullmatch(message, start, end)
        return _agreed(longest, shortest or longest)

    @cached_property
    def _longest(self) -> re.Pattern[str]:
        return re.compile("".join(_expressions(self._middle, lazy=False)))

    @cached_property
    def _shortest(self) -> re.Pattern[str]:
        return re.compile("".join(_expressions(self._middle, lazy=True)))

    @property
    def _middle(self) -> tuple[Part, ...]:
        first = 0 if self.parts[0].name else 1
        return self.parts[first : -1 if self.suffix else None]


def parse_pattern(says: str) -> Pattern:
    """A pattern from its text: ``{name}`` is a part, ``{name:kind}`` one whose kind its name does not say.

    So that no message takes long, a pattern has two free parts at most, and the second is its last part.
    Raises PatternError.
    """
    pattern = Pattern(says)
    _refuse_slow(pattern.parts, says)
    return pattern


def _parts(says: str) -> list[Part]:
    parts: list[Part] = []
    literal, at = "", 0
    for match in _PART.finditer(says):
        literal += says[at : match.start()]
        at = match.end()
        if match["wrong"]:
            raise PatternError(f"a single {match['wrong']} in {says!r}: write it twice if it is literal")
        if match["name"] is None:
            literal += match[0][0]
            continue
        parts += [Part("", "", literal)] if literal else []
        parts.append(_part(match["name"], match["kind"], says))
        literal = ""
    literal += says[at:]
    parts += [Part("", "", literal)] if literal else []
    if not parts:
        raise PatternError("a pattern cannot be empty")
    return parts


def _part(name: str, kind: str | None, says: str) -> Part:
    kind = kind or (name if name in KINDS else "text")
    if kind not in KINDS:
        raise PatternError(f"{{{name}:{kind}}} in {says!r}: the kinds are {', '.join(KINDS)}")
    return Part(name, kind, "")


def _refuse_slow(parts: Sequence[Part], says: str) -> None:
    named = [part for part in parts if part.name]
    free = [number for number, part in enumerate(named) if part.kind in _FREE]
    if len(free) > 2 or (len(free) == 2 and free[1] != len(named) - 1):
        raise PatternError(f"{says!r}: at most two free parts, the second of them at the end")


def _expressions(parts: tuple[Part, ...], *, lazy: bool) -> Iterator[str]:
    for part in parts:
        if not part.name:
            yield re.escape(part.text)
            continue
        expression = KINDS[part.kind]
        if lazy and part.kind not in _SETTLED:
            expression = re.sub(r"(\.\*|\{\d+,\d+\}(?=$))", r"\1?", expression)
        yield expression if part.kind in _INSIDE else f"(?P<{part.name}>{expression})"


def _agreed(longest: re.Match[str], shortest: re.Match[str]) -> Match:
    """The parts up to the first that the two readings see differently: a name may imitate all behind it."""
    parts: dict[str, str] = {}
    other = shortest.groupdict()
    for name, value in longest.groupdict().items():
        if other[name] != value:
            return Match(parts, certain=False)
        if value is not None:
            parts[name] = value.strip() if name == "whose" else value
    return Match(parts, certain=True)
