"""Ansible's regular expressions are Python's; on the host, awk runs them."""

from __future__ import annotations

import re
import warnings

_SETS = {
    "d": frozenset("0123456789"),
    "s": frozenset(" \t\n\r\f\v"),
    "w": frozenset("0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
}
_CONTROLS = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_BRACKETED = frozenset(".()*+?{|$")
_LARGEST_COUNT = 255


def to_ere(pattern: str) -> str:
    r"""The POSIX extended regular expression that finds what Python's ``pattern`` finds in a line.

    mawk 1.3.4-20200120, gawk and busybox awk read it alike in the C locale: no intervals, no named classes,
    no escapes inside brackets but ``\\``. Counts are written out; a ``(?i)`` at the head doubles the letters.
    A dot is one byte other than a newline. Raises ValueError, which names what cannot be translated.

    >>> to_ere(r"^#?\s*Port\d{1,2}(?:a|b)\.")
    '^#?[\t\n\x0b\x0c\r ]*Port[0-9]([0-9])?(a|b)[.]'
    >>> to_ere("(?=Port)")
    Traceback (most recent call last):
    ValueError: '(?=' (at 0 in '(?=Port)') cannot run on a host's awk
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of "[[", which is refused or taken as it stands
            re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
    return _Translator(pattern).whole()


class _Translator:
    """One pass over a pattern which Python has already found to be well formed."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.any_case = pattern.startswith("(?i)")
        self.at = 4 if self.any_case else 0

    def whole(self) -> str:
        return self._alternatives()

    def _refused(self, what: str, at: int | None = None) -> ValueError:
        where = self.at if at is None else at
        return ValueError(f"{what!r} (at {where} in {self.pattern!r}) cannot run on a host's awk")

    def _next(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def _take(self) -> str:
        character = self._next()
        self.at += 1
        return character

    def _alternatives(self) -> str:
        """Branches; an empty one, of which POSIX says nothing, makes the others optional."""
        branches = [self._branch()]
        while self._next() == "|":
            self.at += 1
            branches.append(self._branch())
        said = [branch for branch in branches if branch]
        if len(said) == len(branches):
            return "|".join(said)
        return f"({'|'.join(said)})?" if said else ""

    def _branch(self) -> str:
        pieces = []
        while self._next() not in ("", "|", ")"):
            pieces.append(self._piece())
        return "".join(pieces)

    def _piece(self) -> str:
        start = self.at
        atom = self._atom()
        mark = self._next()
        counted = re.compile(r"\{(\d*+)(,?)(\d*)\}").match(self.pattern, self.at) if mark == "{" else None
        if counted and (counted[1] or counted[3]):
            self.at = counted.end()
            piece = self._counted(atom, counted)
        elif mark and mark in "*+?":
            self.at += 1
            piece = atom + mark
        else:
            return atom
        if not atom:
            return ""
        if atom in ("^", "$") or not atom.isascii():
            raise self._refused(self.pattern[start : self.at], start)
        if self._next() and self._next() in "?+":
            raise self._refused(self.pattern[start : self.at + 1], start)
        return piece

    def _counted(self, atom: str, counted: re.Match[str]) -> str:
        least = int(counted[1] or 0)
        most = int(counted[3]) if counted[3] else None if counted[2] else least
        if max(least, most or 0) > _LARGEST_COUNT:
            raise self._refused(counted[0], counted.start())
        if most is None:
            return atom * least + atom + "*"
        return atom * least + f"({atom}" * (most - least) + ")?" * (most - least)

    def _atom(self) -> str:
        start = self.at
        character = self._take()
        match character:
            case "(":
                return self._group(start)
            case "[":
                return self._class(start)
            case "\\":
                return self._escape(start)
            case ".":
                return "[^\n]"
            case "^" | "$":
                return character
        return self._literal(character)

    def _group(self, start: int) -> str:
        if self._next() == "?":
            if not self.pattern.startswith("?:", self.at):
                raise self._refused(self.pattern[start : start + 3], start)
            self.at += 2
        inside = self._alternatives()
        self.at += 1
        return f"({inside})" if inside else ""

    def _escape(self, start: int) -> str:
        character = self._take()
        if character.lower() in _SETS:
            return _bracket(_SETS[character.lower()], negated=character.isupper())
        return self._literal(self._escaped(character, start))

    def _escaped(self, character: str, start: int) -> str:
        """The one character that an escape stands for."""
        if character in _CONTROLS:
            return _CONTROLS[character]
        if character.isalnum():
            raise self._refused("\\" + character, start)
        return character

    def _literal(self, character: str) -> str:
        if character == "\0":
            raise self._refused(character, self.at - 1)
        if self.any_case and character.swapcase() != character:
            if not character.isascii():
                raise self._refused(character, self.at - 1)
            return _bracket(frozenset((character, character.swapcase())))
        if character in _BRACKETED:
            return f"[{character}]"
        return "\\" + character if character in "[^\\" else character

    def _class(self, start: int) -> str:
        negated = self._next() == "^"
        self.at += negated
        members: set[str] = set()
        first = True
        while first or self._next() != "]":
            first = False
            if self.pattern.startswith(("[:", "[.", "[="), self.at):
                raise self._refused(self.pattern[start : self.at + 2], start)
            members |= self._member(start)
        self.at += 1
        if not members or not all("\0" < member < "\x80" for member in members):
            raise self._refused(self.pattern[start : self.at], start)
        if self.any_case:
            members |= {member.swapcase() for member in members}
        return _bracket(frozenset(members), negated=negated)

    def _member(self, start: int) -> frozenset[str]:
        if self.pattern.startswith("\\", self.at) and self.pattern[self.at + 1] in _SETS:
            self.at += 2
            return _SETS[self.pattern[self.at - 1]]
        low = self._one(start)
        if self._next() != "-" or self.pattern.startswith("-]", self.at):
            return frozenset(low)
        self.at += 1
        return frozenset(map(chr, range(ord(low), ord(self._one(start)) + 1)))

    def _one(self, start: int) -> str:
        character = self._take()
        return self._escaped(self._take(), start) if character == "\\" else character


def _bracket(members: frozenset[str], *, negated: bool = False) -> str:
    r"""A bracket expression without anything that the awks read differently.

    >>> _bracket(frozenset("^-]")), _bracket(frozenset("^")), _bracket(frozenset("0123x"), negated=True)
    ('[]^-]', '\\^', '[^0-3x]')
    """
    if members == {"^"} and not negated:
        return "\\^"
    inner = "]" if "]" in members else ""
    inner += _runs(sorted(members - set("]\\[^-")))
    inner += "\\\\" if "\\" in members else ""
    inner += "[" if "[" in members else ""
    if "^" in members and not inner and not negated:
        return "[-^]"
    inner += "^" if "^" in members else ""
    inner += "-" if "-" in members else ""
    return f"[{'^' if negated else ''}{inner}]"


def _runs(characters: list[str]) -> str:
    """Sorted characters, with neighbouring letters or digits as ranges."""
    runs: list[str] = []
    for character in characters:
        if runs and character.isalnum() and ord(character) == ord(runs[-1][-1]) + 1 and runs[-1][0].isalnum():
            runs[-1] += character
        else:
            runs.append(character)
    return "".join(run if len(run) < 4 else f"{run[0]}-{run[-1]}" for run in runs)
