"""Ansible's Jinja2, evaluated before anything is sent; what only the host can tell becomes shell text.

A template over known variables gives a value. One that names a registered result gives shell: a word that the
host's shell expands, or a condition that it tests. Filters and tests are a closed set. What a variable holds
is never rendered again, wherever it came from.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from posixpath import basename, dirname
from typing import Any

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.sandbox import SandboxedEnvironment
from msgspec import Struct

from sshdoctor.errors import InputError

_FILTERS = ("default", "d", "join", "int", "string", "lower", "upper", "trim", "length", "list", "first",
            "last", "replace", "unique", "sort", "abs", "reject", "select", "map", "selectattr",
            "rejectattr")  # fmt: skip
_TESTS = ("defined", "undefined", "none", "string", "number", "mapping", "iterable", "equalto", "eq", "ne",
          "in", "sameas", "true", "false", "boolean", "integer", "divisibleby", "even", "odd",
          "lt", "gt", "le", "ge")  # fmt: skip
_OUTCOMES = {
    "changed": ("changed", "true"),
    "failed": ("failed", "true"),
    "succeeded": ("failed", "false"),
    "success": ("failed", "false"),
    "skipped": ("skipped", "true"),
}
_WHOLE = re.compile(r"\s*\{\{(.*)\}\}\s*", re.DOTALL)
_NOT_UNDERSTOOD = (nodes.Call, nodes.For, nodes.Assign, nodes.AssignBlock, nodes.Macro, nodes.Include)
_NUMBERS = {"gt": "-gt", "gteq": "-ge", "lt": "-lt", "lteq": "-le"}


class JinjaError(InputError):
    """A template or condition that cannot be understood, or asks for what is not there."""


class Plain(str):
    """Text that is no template, whatever stands in it."""

    __slots__ = ()


class ShellText(Struct, frozen=True):
    """Shell text that the host expands: a quoted word, or a condition (a command with an exit status)."""

    text: str


Value = Any
"""What a template gives: text, number, truth value, list, mapping; or Shell."""


def render(template: Any, known: Mapping[str, Any], registered: Sequence[str] = ()) -> Value:
    """``template`` with every ``{{ }}`` in it filled, in lists and mappings too. Raises JinjaError.

    >>> render("port {{ port }}", {"port": 22})
    'port 22'
    >>> render("{{ ports }}", {"ports": [22, 2222]})
    [22, 2222]
    >>> print(render("is {{ probe.stdout }}.", {}, ["probe"]).text)
    'is '"$(value probe stdout)".
    """
    if isinstance(template, Mapping):
        return {key: render(value, known, registered) for key, value in template.items()}
    if isinstance(template, list | tuple):
        return [render(value, known, registered) for value in template]
    if (
        not isinstance(template, str)
        or isinstance(template, Plain)
        or ("{{" not in template and "{%" not in template)
    ):
        return template
    tree = _parse(template)
    if _names(tree).intersection(registered):
        return ShellText(_word(tree, known, registered))
    single = len(tree.body) == 1 and isinstance(tree.body[0], nodes.Output) and len(tree.body[0].nodes) == 1
    whole = _WHOLE.fullmatch(template)
    if single and whole:
        return evaluate(whole[1], known)
    return _guarded(lambda: _environment().from_string(template).render(known))


def evaluate(expression: str, known: Mapping[str, Any]) -> Any:
    """The value of an expression over known variables. Raises JinjaError.

    >>> evaluate("port | default(22) == 22", {})
    True
    """

    def value() -> Any:
        found = _environment().compile_expression(expression, undefined_to_none=False)(known)
        if isinstance(found, StrictUndefined):
            str(found)  # raises, and says which variable
        return found

    return _guarded(value)


def condition(
    conditions: Sequence[str], known: Mapping[str, Any], registered: Sequence[str]
) -> bool | ShellText:
    """Whether all ``conditions`` hold: known now, or shell text that tells on the host.

    >>> condition(["probe.rc == 0", "not stat.stat.exists"], {}, ["probe", "stat"]).text
    '[ "$(value probe rc)" = 0 ] && ! truthy "$(value stat stat.exists)"'
    >>> condition(["port == 22"], {"port": 22}, [])
    True
    """
    tests: list[str] = []
    for text in conditions:
        held = _held(_parse_expression(text), known, registered)
        if held is False:
            return False
        if isinstance(held, ShellText):
            tests.append(held.text)
    return ShellText(" && ".join(tests)) if tests else True


def names(text: str) -> set[str]:
    """The variables that a template, or a condition, names. Raises JinjaError."""
    return _names(_parse(text))


def check_condition(text: str) -> set[str]:
    """The variables that a condition names. Raises JinjaError if it is none."""
    return _names(_parse(f"{{{{ {text} }}}}"))


def _names(tree: nodes.Node) -> set[str]:
    """Every name is a variable: what would bind one (for, set, macro) is not understood here."""
    return {name.name for name in tree.find_all(nodes.Name)}


def _guarded(action: Callable[[], Any]) -> Any:
    try:
        return action()
    except TemplateError as error:
        raise JinjaError(str(error.message or error)) from None
    except (TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise JinjaError(str(error)) from None


def _parse(text: str) -> nodes.Template:
    def parse() -> nodes.Template:
        tree = _environment().parse(text)
        for kind, known in ((nodes.Filter, _environment().filters), (nodes.Test, _environment().tests)):
            for node in tree.find_all(kind):
                if node.name not in known:
                    word = kind.__name__.lower()
                    raise JinjaError(f"there is no {word} {node.name!r}; there are {', '.join(known)}")
        if next(tree.find_all(_NOT_UNDERSTOOD), None):
            raise JinjaError("only expressions, filters, tests and if are understood: no calls, no loops")
        return tree

    found: nodes.Template = _guarded(parse)
    return found


def _parse_expression(text: str) -> nodes.Expr:
    output = _parse(f"{{{{ {text} }}}}").body[0]
    assert isinstance(output, nodes.Output)  # noqa: S101 -- one expression is one output
    return output.nodes[0]


@cache
def _environment() -> SandboxedEnvironment:
    environment = SandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    own: dict[str, Callable[..., Any]] = {
        "bool": _bool,
        "quote": lambda value: shlex.quote(str(value)),
        "basename": basename,
        "dirname": dirname,
        "regex_escape": lambda text: re.sub(r"([][\\.*^$+?(){}|])", r"\\\1", text),
        "ternary": lambda value, yes, no: yes if value else no,
    }
    environment.filters = {name: environment.filters[name] for name in _FILTERS} | own
    outcomes = dict.fromkeys(_OUTCOMES, _unregistered)
    environment.tests = {name: environment.tests[name] for name in _TESTS} | outcomes
    return environment


def _unregistered(value: Any) -> bool:
    raise JinjaError(f"only what a task registered can be changed, failed or skipped, not {value!r}")


def _bool(value: Any) -> bool:
    return str(value).lower() in ("1", "true", "yes", "on", "y", "t")


def _constant(node: nodes.Node, known: Mapping[str, Any]) -> Any:
    """The value of a part of an expression in which nothing is registered."""
    environment = _environment()

    def value() -> Any:
        tree = nodes.Template([nodes.Assign(nodes.Name("result", "store"), node)], lineno=1)
        module = environment.template_class.from_code(
            environment, environment.compile(tree), environment.make_globals(None)
        ).make_module(dict(known))
        return module.result  # type: ignore[attr-defined]  # the name that was assigned

    return _guarded(value)


def _is_known(node: nodes.Node, registered: Sequence[str]) -> bool:
    own = [node] if isinstance(node, nodes.Name) else []
    return not any(name.name in registered for name in [*own, *node.find_all(nodes.Name)])


def _held(node: nodes.Node, known: Mapping[str, Any], registered: Sequence[str]) -> bool | ShellText:
    """A condition, decided as far as it can be now."""
    if _is_known(node, registered):
        value = _constant(node, known)
        if isinstance(value, StrictUndefined):
            _guarded(lambda: str(value))
        return bool(value)
    if isinstance(node, nodes.Not):
        inner = _held(node.node, known, registered)
        return ShellText(f"! {_grouped(inner)}") if isinstance(inner, ShellText) else not inner
    if isinstance(node, nodes.And | nodes.Or):
        ends = isinstance(node, nodes.Or)
        left = _held(node.left, known, registered)
        if left is ends:
            return ends
        right = _held(node.right, known, registered)
        if not isinstance(left, ShellText):
            return right
        if not isinstance(right, ShellText):
            return ends if right is ends else left
        return ShellText(f"{{ {left.text} {'||' if ends else '&&'} {right.text}; }}")
    if isinstance(node, nodes.Compare):
        return ShellText(_comparison(node, known, registered))
    if isinstance(node, nodes.Test) and isinstance(node.node, nodes.Name) and node.name in _OUTCOMES:
        key, word = _OUTCOMES[node.name]
        return ShellText(f'[ "$(value {node.node.name} {key})" = {word} ]')
    return ShellText(f'truthy "{_text(node, known, registered)}"')


def _grouped(shell: ShellText) -> str:
    return shell.text if " && " not in shell.text or shell.text.startswith("{") else f"{{ {shell.text}; }}"


def _comparison(node: nodes.Compare, known: Mapping[str, Any], registered: Sequence[str]) -> str:
    if len(node.ops) != 1:
        raise JinjaError("compare two things at a time")
    operator, right = node.ops[0].op, node.ops[0].expr
    if operator in ("in", "notin"):
        found = _membership(node.expr, right, known, registered)
        return found if operator == "in" else f"! {{ {found}; }}"
    sides = [
        f'"{_text(side, known, registered)}"'
        if not _is_known(side, registered)
        else shlex.quote(as_text(_constant(side, known)))
        for side in (node.expr, right)
    ]
    if operator in ("eq", "ne"):
        return f"[ {sides[0]} {'=' if operator == 'eq' else '!='} {sides[1]} ]"
    return f"[ {sides[0]} {_NUMBERS[operator]} {sides[1]} ]"


def _membership(
    left: nodes.Node, right: nodes.Node, known: Mapping[str, Any], registered: Sequence[str]
) -> str:
    if _is_known(right, registered):
        words = [as_text(word) for word in _constant(right, known)]
        word = _text(left, known, registered)
        return f'one_of "{word}" {shlex.join(words)}'
    if _is_known(left, registered):
        return f'contains "{_text(right, known, registered)}" {shlex.quote(as_text(_constant(left, known)))}'
    raise JinjaError("one side of `in` must be known beforehand")


def _text(node: nodes.Node, known: Mapping[str, Any], registered: Sequence[str]) -> str:
    """What stands between double quotes so that the shell puts a registered value there."""
    if isinstance(node, nodes.Filter) and node.name in ("trim", "int", "string") and node.node:
        return _text(node.node, known, registered)
    path: list[str] = []
    at: nodes.Node = node
    while isinstance(at, nodes.Getattr | nodes.Getitem):
        key = at.attr if isinstance(at, nodes.Getattr) else _constant(at.arg, known)
        path.insert(0, str(key))
        at = at.node
    if not isinstance(at, nodes.Name) or not path or not re.fullmatch(r"[\w.]+", ".".join(path)):
        raise JinjaError(
            "of a registered result only its values are understood here, such as result.stdout, in"
            " comparisons, `in`, not, and, or"
        )
    return f"$(value {at.name} {'.'.join(path)})"


def _word(tree: nodes.Template, known: Mapping[str, Any], registered: Sequence[str]) -> str:
    parts = []
    for output in tree.body:
        if not isinstance(output, nodes.Output):
            raise JinjaError("a text with a registered result has {{ }} only, no {% %}")
        for node in output.nodes:
            if isinstance(node, nodes.TemplateData):
                parts.append(shlex.quote(node.data))
            elif _is_known(node, registered):
                parts.append(shlex.quote(as_text(_constant(node, known))))
            else:
                parts.append(f'"{_text(node, known, registered)}"')
    return "".join(parts)


def as_text(value: Any) -> str:
    """A value as the shell holds it: truth values as true and false."""
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
