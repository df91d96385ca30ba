"""Sets of ipset as ``ipset save`` prints them, and what a call of ipset(8) makes of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

_EXIST = ("-exist", "-!", "--exist")
_LONGEST = 2147483
"""Seconds that a timeout may have."""


class Sets:
    """``text`` is what ``ipset save`` would print; None where nobody has asked."""

    def __init__(self, text: str | None) -> None:
        self.text = text

    def has(self, name: str) -> bool:
        return self._made(name) is not None

    def call(self, words: Sequence[str]) -> bool:
        """Whether ``ipset WORDS`` succeeds, done."""
        lenient = any(word in _EXIST for word in words)
        verb, name, *rest = [*(word for word in words if word not in _EXIST), "", ""]
        verb, rest = verb.lstrip("-"), [word for word in rest if word]
        if verb in ("create", "new", "N", "n"):
            return self._create(name, rest, lenient)
        if verb in ("add", "A", "a"):
            return self._add(name, rest)
        return verb != "test"

    def _create(self, name: str, rest: Sequence[str], lenient: bool) -> bool:
        if self.has(name):
            return lenient
        timeout = _timeout(rest)
        if timeout is not None and not _is_time(timeout):
            return False
        kind, family = (rest or ["hash:ip"])[0], "inet6" if "inet6" in rest else "inet"
        kept = "" if timeout is None else f" timeout {timeout}"
        self._put(f"create {name} {kind} family {family} hashsize 1024 maxelem 65536{kept}")
        return True

    def _add(self, name: str, rest: Sequence[str]) -> bool:
        made, timeout = self._made(name), _timeout(rest)
        if made is None or not rest or (":" in rest[0]) != ("inet6" in made):
            return False
        if timeout is not None and not ("timeout" in made and _is_time(timeout)):
            return False
        self._put(f"add {name} {rest[0]}")
        return True

    def _made(self, name: str) -> list[str] | None:
        """The words by which it was created."""
        found = re.search(rf"^create {re.escape(name)} .*$", self.text or "", re.M)
        return found[0].split() if found else None

    def _put(self, line: str) -> None:
        before = (self.text or "").rstrip("\n")
        self.text = f"{before}\n{line}\n".lstrip("\n")


def _timeout(words: Sequence[str]) -> str | None:
    return next((word for before, word in pairwise(words) if before == "timeout"), None)


def _is_time(text: str) -> bool:
    return text.isdecimal() and int(text) <= _LONGEST
