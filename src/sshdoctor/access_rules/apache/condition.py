"""Apache's expressions, as ``<If>`` and ``Require expr`` have them: read, and what they come to.

Source: httpd's server/util_expr_parse.y, util_expr_scan.l and util_expr_eval.c. What is not read is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sshdoctor.access_rules.apache.asked import Asked, subnet
from sshdoctor.access_rules.apache.read import Line
from sshdoctor.access_rules.unknown import UnknownValue, expression

_TOKEN = re.compile(
    r"""\s*(?:(?P<regex>m(?P<mark>[#,|/!])(?:.*?)(?P=mark)i?|/(?:\\.|[^/\\])*/i?)"""
    r"""|'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<variable>%\{[^}]*\})"""
    r"""|(?P<mark2>&&|\|\||==|!=|=~|!~|<=|>=|[()!<>{},])|(?P<word>-?\w+))"""
)
_FUNCTIONS = ("req", "http", "env", "reqenv", "tolower", "toupper")
_NUMBERS: dict[str, Callable[[int, int], bool]] = {
    "-eq": lambda one, other: one == other,
    "-ne": lambda one, other: one != other,
    "-lt": lambda one, other: one < other,
    "-le": lambda one, other: one <= other,
    "-gt": lambda one, other: one > other,
    "-ge": lambda one, other: one >= other,
}
_TEXTS: dict[str, Callable[[str, str], bool]] = {
    "==": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}


def holds(text: str, asked: Asked) -> bool:
    """Whether an expression is true for a request. Raises UnknownValue."""
    parser = _Parser(text, asked)
    found = parser.either()
    if parser.tokens:
        raise UnknownValue(f"the expression {text}")
    return found


def section_holds(line: Line, asked: Asked) -> bool:
    """Whether ``<If ...>`` or ``<ElseIf ...>`` holds. Raises UnknownValue."""
    text = line.text[1:].rpartition(">")[0].split(None, 1)[-1].strip()
    return holds(line.args[0] if text[:1] in ("'", '"') else text, asked)


class _Parser:
    def __init__(self, text: str, asked: Asked) -> None:
        self.text, self.asked = text, asked
        self.tokens: list[tuple[str, str]] = []
        at, text = 0, text.rstrip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None or not found.lastgroup:
                raise UnknownValue(f"the expression {self.text}")
            kind = "regex" if found["regex"] else "mark" if found["mark2"] else str(found.lastgroup)
            self.tokens.append((kind, found["mark2"] or found[kind if kind != "mark" else "mark2"]))
            at = found.end()

    def next(self, *wanted: str) -> str:
        """The next token if it is one of these marks or words, "" if not."""
        if self.tokens and self.tokens[0][0] in ("mark", "word") and self.tokens[0][1] in wanted:
            return self.tokens.pop(0)[1]
        return ""

    def demand(self, mark: str) -> None:
        if not self.next(mark):
            raise UnknownValue(f"the expression {self.text}")

    def either(self) -> bool:
        found = self.both()
        while self.next("||"):
            found = self.both() or found
        return found

    def both(self) -> bool:
        found = self.one()
        while self.next("&&"):
            found = self.one() and found
        return found

    def one(self) -> bool:
        if self.next("!"):
            return not self.one()
        if self.next("("):
            found = self.either()
            self.demand(")")
            return found
        if word := self.next("true", "false"):
            return word == "true"
        if self.next("-z"):
            return self.string() == ""
        if self.next("-n"):
            return self.string() != ""
        if self.next("-R"):
            return subnet(self.string(), self.asked.source)
        if self.next("-T"):
            return self.string().lower() not in ("", "0", "off", "false", "no")
        return self.compared()

    def compared(self) -> bool:
        left = self.string()
        if mark := self.next("=~", "!~"):
            return self.matched(left) != (mark == "!~")
        if mark := self.next(*_TEXTS):
            return _TEXTS[mark](left, self.string())
        if mark := self.next(*_NUMBERS):
            return _NUMBERS[mark](_number(left), _number(self.string()))
        if self.next("-ipmatch"):
            return subnet(self.string(), left)
        if self.next("-in"):
            return left in self.listed()
        raise UnknownValue(f"the expression {self.text}")

    def listed(self) -> list[str]:
        self.demand("{")
        found = [self.string()]
        while self.next(","):
            found.append(self.string())
        self.demand("}")
        return found

    def matched(self, subject: str) -> bool:
        if not self.tokens or self.tokens[0][0] != "regex":
            raise UnknownValue(f"the expression {self.text}")
        text = self.tokens.pop(0)[1]
        body, mark, flags = text.removeprefix("m")[1:].rpartition(text.removeprefix("m")[0])
        return expression(body if mark else text, "i" in flags).search(subject) is not None

    def string(self) -> str:
        if not self.tokens:
            raise UnknownValue(f"the expression {self.text}")
        kind, text = self.tokens.pop(0)
        if kind in ("single", "double"):
            return re.sub(r"%\{([^}]{0,300})\}", lambda found: self.variable(found[1]), text)
        if kind == "variable":
            return self.variable(text[2:-1])
        if kind == "word" and text.lower() in _FUNCTIONS and self.next("("):
            argument = self.string()
            self.demand(")")
            return self.function(text.lower(), argument)
        if kind == "word" and text.isdecimal():
            return text
        raise UnknownValue(f"the expression {self.text}")

    def variable(self, name: str) -> str:
        function, colon, argument = name.partition(":")
        if colon:
            return self.function(function.lower(), argument)
        return self.asked.value(name)

    def function(self, name: str, argument: str) -> str:
        if name in ("req", "http"):
            return self.asked.header(argument)
        if name in ("env", "reqenv"):
            return self.asked.env.get(argument, "")
        if name in ("tolower", "toupper"):
            return argument.lower() if name == "tolower" else argument.upper()
        raise UnknownValue(f"%{{{name}:}}")


def _number(text: str) -> int:
    found = re.match(r"\s*[+-]?\d+", text)
    return int(found[0]) if found else 0
