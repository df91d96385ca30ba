"""The directives of ngx_http_rewrite_module: ``set``, ``if``, ``rewrite``, ``return``, ``break``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from msgspec import Struct

from sshdoctor.access_rules.nginx.choose import captured
from sshdoctor.access_rules.nginx.read import Directive
from sshdoctor.access_rules.nginx.values import Values
from sshdoctor.access_rules.unknown import UnknownValue, expression
from sshdoctor.access_rules.verdict import Rule

_URL = ("http://", "https://", "$scheme")
Exists = Callable[[str, str], bool | None]
"""Whether there is a "file" or "folder" (or "any") of a path; None where that is not known."""


class Returned(Struct, frozen=True, kw_only=True):
    """An answer that ends the matter; ``because`` are the conditions that led to it."""

    status: int
    rule: Rule
    text: str = ""
    because: tuple[Rule, ...] = ()


class Rewriter:
    """Runs the directives of one block; ``uri`` changes, ``changed`` says that it did."""

    def __init__(self, values: Values, exists: Exists) -> None:
        self.values, self.exists = values, exists
        self.uri_changed = self.stopped = False
        self.last_rewrite: Rule | None = None
        self.conditions: list[Rule] = []
        self.set_by: dict[str, tuple[Rule, ...]] = {}

    def run(self, directives: Sequence[Directive]) -> Returned | None:
        """What answers at once, None if the matter goes on. Raises UnknownValue."""
        for one in directives:
            if self.stopped:
                return None
            returned = self._run_one(one)
            if returned:
                return returned
        return None

    def _run_one(self, one: Directive) -> Returned | None:
        if one.name == "set":
            name = one.args[0].lstrip("$")
            self.values.assign(name, one.args[1])
            self.set_by[name] = tuple(self.conditions)
        elif one.name == "break":
            self.stopped = True
        elif one.name == "return":
            return self._returned(one)
        elif one.name == "rewrite":
            return self._rewrite(one)
        elif one.name == "if" and self._holds(one):
            before = self.conditions
            self.conditions = [*before, one.rule]
            returned = self.run(one.block or ())
            self.conditions = before
            return returned
        return None

    def _returned(self, one: Directive) -> Returned:
        first = one.args[0]
        because = (*self.conditions, *self._origins(), *self.values.used[-1:])
        if not first.isdecimal():
            return Returned(status=302, rule=one.rule, text=self._text(first), because=because)
        text = self._text(one.args[1]) if len(one.args) > 1 else ""
        return Returned(status=int(first), rule=one.rule, text=text, because=because)

    def _origins(self) -> tuple[Rule, ...]:
        """The conditions under which the variables were set that the last condition names."""
        if not self.conditions:
            return ()
        names = re.findall(r"\$(\w+)", self.conditions[-1].text)
        return tuple(rule for name in names for rule in self.set_by.get(name, ()))

    def _text(self, text: str) -> str:
        try:
            return self.values.fill(text)
        except UnknownValue:
            return text

    def _rewrite(self, one: Directive) -> Returned | None:
        pattern, replacement, *flags = one.args
        uri = self.values.special["uri"]
        found = expression(pattern).search(uri)
        if not found:
            return None
        captured(found.groups(), found.groupdict(), self.values)
        new = self.values.fill(replacement)
        if "redirect" in flags or "permanent" in flags or replacement.startswith(_URL):
            status = 301 if "permanent" in flags else 302
            return Returned(status=status, rule=one.rule, text=new, because=tuple(self.conditions))
        path, question, query = new.partition("?")
        old = self.values.special["args"]
        if question and not query and replacement.endswith("?"):
            self.values.special["args"] = ""
        elif question:
            self.values.special["args"] = f"{query}&{old}" if old and not query.endswith("?") else query
        self.values.special["uri"] = path
        self.uri_changed = "break" not in flags
        self.last_rewrite = one.rule
        self.stopped = "last" in flags or "break" in flags
        return None

    def _holds(self, one: Directive) -> bool:
        """A condition of ``if``. Raises UnknownValue."""
        words = _condition(one.args)
        if len(words) == 1:
            return self.values.fill(words[0]) not in ("", "0")
        if words[0] in ("-f", "!-f", "-d", "!-d", "-e", "!-e", "-x", "!-x"):
            kind = {"f": "file", "d": "folder"}.get(words[0][-1], "any")
            path = self.values.fill(words[1])
            known = self.exists(path, kind)
            if known is None:
                raise UnknownValue(f"whether {path} is there")
            return known != words[0].startswith("!")
        left, operator, right = self.values.fill(words[0]), words[1], words[2]
        if operator in ("=", "!="):
            return (left == self.values.fill(right)) == (operator == "=")
        found = expression(right, operator.endswith("*")).search(left)
        if found and not operator.startswith("!"):
            captured(found.groups(), found.groupdict(), self.values)
        return bool(found) != operator.startswith("!")


def _condition(args: Sequence[str]) -> list[str]:
    """The words of ``if (…)``.

    >>> _condition(("($request_method", "=", "HEAD)"))
    ['$request_method', '=', 'HEAD']
    >>> _condition(("($http_user_agent", "=", ")"))
    ['$http_user_agent', '=', '']
    """
    words = list(args)
    words[0] = words[0].removeprefix("(")
    words[-1] = words[-1].removesuffix(")")
    before = ["", *words]
    words = [word for word, last in zip(words, before, strict=False) if word or last in ("=", "!=")]
    if len(words) > 3:
        words = [*words[:2], " ".join(words[2:])]
    if len(words) == 2 and words[0] not in ("-f", "!-f", "-d", "!-d", "-e", "!-e", "-x", "!-x"):
        raise UnknownValue(" ".join(words))
    return words
