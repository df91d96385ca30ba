"""mod_rewrite: what a list of rules does with a path. Source: httpd's modules/mappers/mod_rewrite.c."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from sshdoctor.access_rules.apache.asked import Asked
from sshdoctor.access_rules.apache.condition import holds
from sshdoctor.access_rules.apache.place import Exists
from sshdoctor.access_rules.apache.read import Line
from sshdoctor.access_rules.unknown import UnknownValue, expression

_URL = re.compile(r"(?:https?|ftps?|ajp|wss?|ldaps?|gopher|news|mailto)://?", re.IGNORECASE)
_REFERENCE = re.compile(r"\\(.)|\$(\d)|%(\d)|([$%])\{([^}]{0,300})\}")
REWRITING = ("rewriteengine", "rewriterule", "rewritecond", "rewritebase", "rewriteoptions")
_ROUNDS = 32
_REDIRECTS = {"permanent": 301, "temp": 302, "seeother": 303}
_KNOWN = re.compile(
    "nc|nocase|p|proxy|l|last|end|qsa|qsappend|qsd|qsdiscard|ne|noescape|pt|passthrough|ns|nosubreq|c|chain|"
    "dpi|discardpath|b|bnp|forbidden|f|gone|g|r|redirect|s|skip|e|env|n|next|h|handler|t|type|co|cookie|nv"
)


class Rewritten(Struct, frozen=True, kw_only=True):
    """``what``: a status is given, the client sent elsewhere, or ``target`` asked for in the path's place."""

    what: Literal["status", "redirect", "path", "proxy"]
    line: Line
    conditions: tuple[Line, ...] = ()
    status: int = 0
    target: str = ""
    ends: bool = False
    passes: bool = False


class Rewriter:
    """One list of rules; ``folder`` is taken away from the path before it is matched, "" in a server."""

    def __init__(self, lines: Sequence[Line], folder: str, asked: Asked, exists: Exists, inner: bool) -> None:
        self.lines, self.folder, self.asked, self.exists = lines, folder, asked, exists
        self.inner = inner
        """Whether it is a subrequest."""
        self.path = asked.file
        self.rule_groups: tuple[str | None, ...] = ()
        self.condition_groups: tuple[str | None, ...] = ()

    def run(self, info: str = "") -> Rewritten | None:
        """What comes of it, None if nothing changes. Raises UnknownValue."""
        rules = self._rules()
        changed: Rewritten | None = None
        at = rounds = 0
        while at < len(rules):
            line, conditions = rules[at]
            flags = flags_of(line)
            at += 1
            forced = self._forced(line, flags)
            skipped = self.inner and (
                {"ns", "nosubreq"} & flags.keys() or "r" in flags or "redirect" in flags
            )
            if skipped:
                continue
            if not self._applies(line, conditions, flags, info):
                while at <= len(rules) and {"c", "chain"} & flags_of(rules[at - 1][0]).keys():
                    at += 1
                continue
            self._set(flags)
            if forced and not 300 <= forced < 400:
                return Rewritten(what="status", status=forced, line=line, conditions=conditions)
            if line.args[1] != "-":
                changed = self._substituted(line, conditions, flags, forced)
            if changed is not None and ({"pt", "passthrough"} & flags.keys()):
                return changed
            if {"l", "last", "end", "p", "proxy"} & flags.keys():
                return changed
            if {"n", "next"} & flags.keys():
                at, rounds = 0, rounds + 1
                if rounds >= _ROUNDS:
                    raise UnknownValue(line.text)
            at += int(flags.get("s") or flags.get("skip") or 0)
        return changed

    def _rules(self) -> list[tuple[Line, tuple[Line, ...]]]:
        found: list[tuple[Line, tuple[Line, ...]]] = []
        conditions: list[Line] = []
        for line in self.lines:
            if line.name == "rewritecond":
                conditions.append(line)
            elif line.name == "rewriterule" and len(line.args) > 1:
                found.append((line, tuple(conditions)))
                conditions = []
        return found

    def _forced(self, line: Line, flags: dict[str, str]) -> int:
        unread = [name for name in flags if not _KNOWN.fullmatch(name)]
        if unread:
            raise UnknownValue(line.text)
        if {"f", "forbidden"} & flags.keys():
            return 403
        if {"g", "gone"} & flags.keys():
            return 410
        for name in ("r", "redirect"):
            if name in flags:
                text = flags[name]
                return int(text) if text.isdecimal() else _REDIRECTS.get(text, 302)
        return 0

    def _applies(self, line: Line, conditions: Sequence[Line], flags: dict[str, str], info: str) -> bool:
        subject = self.path + (info if self.folder else "")
        if self.folder and subject.startswith(self.folder):
            subject = subject[len(self.folder) :]
        pattern = line.args[0]
        negated, pattern = pattern.startswith("!"), pattern.removeprefix("!")
        found = expression(pattern, bool({"nc", "nocase"} & flags.keys())).search(subject)
        if (found is not None) == negated:
            return False
        self.rule_groups = (found[0], *found.groups()) if found else ()
        self.condition_groups = ()
        return self._all_hold(conditions)

    def _all_hold(self, conditions: Sequence[Line]) -> bool:
        at = 0
        while at < len(conditions):
            line = conditions[at]
            either = bool({"or", "ornext"} & _flags(line, 2).keys())
            if self._holds(line):
                while at < len(conditions) and {"or", "ornext"} & _flags(conditions[at], 2).keys():
                    at += 1
            elif not either:
                return False
            at += 1
        return True

    def _holds(self, line: Line) -> bool:
        if len(line.args) < 2:
            raise UnknownValue(line.text)
        text, pattern = line.args[0], line.args[1]
        if text == "expr":
            return holds(pattern, self.asked)
        subject = self.filled(text)
        negated, pattern = pattern.startswith("!"), pattern.removeprefix("!")
        ignore = bool({"nc", "nocase"} & _flags(line, 2).keys())
        return self._matches(subject, pattern, ignore, negated, line) != negated

    def _matches(self, subject: str, pattern: str, ignore: bool, negated: bool, line: Line) -> bool:
        if pattern in ("-f", "-d", "-s"):
            there = self.exists(subject.rstrip("/") or "/", "folder" if pattern == "-d" else "file")
            if there is None:
                raise UnknownValue(f"whether there is {subject}")
            return there
        numbers = re.fullmatch(r"-(eq|ne|lt|le|gt|ge)(-?\d+)", pattern)
        if numbers is not None or pattern in ("-F", "-U", "-l", "-h", "-L", "-x"):
            raise UnknownValue(line.text)
        if pattern[:1] == "=" and pattern != "=":
            wanted = pattern[1:].removeprefix('"').removesuffix('"')
            return subject.lower() == wanted.lower() if ignore else subject == wanted
        if pattern[:1] in "<>" and pattern:
            raise UnknownValue(line.text)
        found = expression(pattern, ignore).search(subject)
        if found is not None and not negated:
            self.condition_groups = (found[0], *found.groups())
        return found is not None

    def filled(self, text: str) -> str:
        """With variables and back references. Raises UnknownValue."""
        return _REFERENCE.sub(self._reference, text)

    def _reference(self, found: re.Match[str]) -> str:
        if found[1] is not None:
            return found[1]
        if found[2] or found[3]:
            groups = self.rule_groups if found[2] else self.condition_groups
            number = int(found[2] or found[3])
            return (groups[number] or "") if number < len(groups) else ""
        if found[4] == "$":
            raise UnknownValue(found[0])
        name = found[5]
        if name.startswith("HTTP:"):
            return self.asked.header(name[5:])
        if name.startswith("ENV:"):
            return self.asked.env.get(name[4:], "")
        if name == "REQUEST_FILENAME" or name == "SCRIPT_FILENAME":
            return self.path
        return self.asked.value(name)

    def _set(self, flags: dict[str, str]) -> None:
        for name in ("e", "env"):
            if name in flags:
                key, _, value = flags[name].partition(":")
                if key.startswith("!"):
                    self.asked.env.pop(key[1:], None)
                else:
                    self.asked.env[key] = self.filled(value)

    def _substituted(
        self, line: Line, conditions: tuple[Line, ...], flags: dict[str, str], forced: int
    ) -> Rewritten:
        new = self.filled(line.args[1])
        outward = _URL.match(new)
        if not new.startswith("/") and not outward:
            new = (self.folder or "/") + new
        path, question, query = new.partition("?")
        if {"qsd", "qsdiscard"} & flags.keys() and not question:
            self.asked.query = ""
        if question:
            both = {"qsa", "qsappend"} & flags.keys() and self.asked.query
            self.asked.query = f"{query}&{self.asked.query}" if both else query
        self.path = path
        if {"p", "proxy"} & flags.keys():
            return Rewritten(what="proxy", line=line, conditions=conditions, target=new)
        own = outward and path.partition("://")[2].partition("/")[0] == self.asked.request.host
        if own and not forced:
            raise UnknownValue(f"{line.text}, which leads to the same host")
        if outward or forced:
            status = forced or 302
            return Rewritten(what="redirect", status=status, line=line, conditions=conditions, target=new)
        ends, passes = "end" in flags, bool({"pt", "passthrough"} & flags.keys())
        return Rewritten(what="path", line=line, conditions=conditions, target=path, ends=ends, passes=passes)


def flags_of(line: Line) -> dict[str, str]:
    """The flags of a RewriteRule, in lower case, each with what stands behind its ``=``."""
    return _flags(line, 2)


def _flags(line: Line, at: int) -> dict[str, str]:
    if len(line.args) <= at:
        return {}
    words = " ".join(line.args[at:]).strip("[] ").split(",")
    pairs = (word.strip().partition("=") for word in words)
    return {name.lower(): value for name, _, value in pairs if name}
