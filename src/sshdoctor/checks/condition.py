"""The language of ``when`` and ``{{ }}``: comparisons over facts, without calls, in three values."""

from __future__ import annotations

import ast
import re
import typing
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from shlex import quote
from typing import Any

from msgspec import Struct

from sshdoctor.errors import InputError
from sshdoctor.model import Command, Unknown

_WORDS = {"true": True, "false": False, "none": None}
_DEEPEST = 60
"""Parts within parts of an expression."""
_INTERPOLATION = re.compile(r"\{\{((?:(?!\{\{|\}\}).)*)\}\}", re.DOTALL)

_COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}


class ConditionError(InputError):
    """An expression that the language does not have; the message says what would be right."""


class Expression(Struct, frozen=True):
    """A checked expression; ``names`` are the facts that it reads, in order."""

    text: str
    tree: ast.expr
    names: tuple[str, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of facts that it reads, as ``fact.field``.

        >>> parse_expression("a.b.c == 1", {"a": Mapping[str, object]}).fields
        ('a.b',)
        """
        return _parsed(self.text).fields

    def value(self, facts: Mapping[str, object]) -> object:
        """Its value over ``facts``, or Unknown where it hangs on something unknown (Kleene's logic).

        >>> e = parse_expression("a == 1 or b == 2", {"a": int, "b": int})
        >>> e.value({"a": 1, "b": Unknown("not permitted")})
        True
        >>> e.value({"a": 0, "b": Unknown("not permitted")})
        Unknown(reason='b: not permitted')
        """
        return _evaluate(self.tree, facts)


class Sentence(Struct, frozen=True):
    """Text with ``{{ expression }}`` in it; what an expression yields is put in, and never read again."""

    parts: tuple[str | Expression, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for part in self.parts if isinstance(part, Expression) for name in part.names)

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(name for part in self.parts if isinstance(part, Expression) for name in part.fields)

    def unknown(self, facts: Mapping[str, object]) -> Unknown | None:
        """What it would have to say and nobody saw, if there is something."""
        values = (part.value(facts) for part in self.parts if isinstance(part, Expression))
        return next((value for value in values if isinstance(value, Unknown)), None)

    @property
    def quotes_a_value(self) -> bool:
        """A value stands between quotes of the sentence's own: for a shell, quoting it would open these."""
        own = ""
        for part in self.parts:
            if isinstance(part, str):
                own += part
            elif own.count("'") % 2 or own.count('"') % 2:
                return True
        return False

    def command(self, facts: Mapping[str, object]) -> str:
        """The same for a person to type: every value is quoted for the shell, but a Command, which is so."""
        return "".join(p if isinstance(p, str) else _quoted(p.value(facts)) for p in self.parts)

    def render(self, facts: Mapping[str, object]) -> str:
        return "".join(part if isinstance(part, str) else _shown(part.value(facts)) for part in self.parts)


def parse_expression(text: str, schema: Mapping[str, type]) -> Expression:
    """``text`` as an Expression over the facts of ``schema`` (fact name to its Struct).

    Raises ConditionError with all that is wrong.

    >>> parse_expression("service.stat == 'x'", {"service": Unknown})
    Traceback (most recent call last):
    ...
    sshdoctor.checks.condition.ConditionError: service has no 'stat'; it has: reason
    """
    parsed = _parsed(text.strip())
    faults = list(_faults(parsed.tree, schema))
    if faults:
        raise ConditionError("; ".join(faults))
    return Expression(text.strip(), parsed.tree, parsed.names)


class _Parsed(Struct, frozen=True):
    tree: ast.expr
    names: tuple[str, ...]
    fields: tuple[str, ...]


@cache
def _parsed(text: str) -> _Parsed:
    """Of the expressions of all checks more than half stand there more than once."""
    try:
        tree = ast.parse(text, mode="eval").body
        nodes = _nodes(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ConditionError(f"not an expression: {text[:80]!r}; such as: fact.field == 'word'") from None
    names = [one.id for one in nodes if isinstance(one, ast.Name) and one.id.lower() not in _WORDS]
    fields = [
        f"{one.value.id}.{one.attr}"
        for one in nodes
        if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name)
    ]
    return _Parsed(tree, tuple(dict.fromkeys(names)), tuple(dict.fromkeys(fields)))


def _nodes(tree: ast.AST) -> list[ast.AST]:
    """All nodes. Raises RecursionError where they are deeper than a person writes or what reads them can."""
    nodes: list[ast.AST] = []
    level, depth = [tree], 0
    while level:
        if depth == _DEEPEST:
            raise RecursionError
        nodes += level
        level, depth = [child for node in level for child in ast.iter_child_nodes(node)], depth + 1
    return nodes


def parse_sentence(text: str, schema: Mapping[str, type]) -> Sentence:
    """``text`` with its ``{{ }}`` read as expressions. Raises ConditionError."""
    pieces = _INTERPOLATION.split(text)
    if "{{" in "".join(pieces[::2]) or "{%" in text:
        raise ConditionError("only {{ fact.field }} may stand in a sentence, and each {{ needs its }}")
    parts = [p if i % 2 == 0 else parse_expression(p, schema) for i, p in enumerate(pieces)]
    return Sentence(tuple(p for p in parts if p != ""))


def _faults(tree: ast.expr, schema: Mapping[str, type]) -> Iterator[str]:
    match tree:
        case ast.BoolOp(values=values):
            for value in values:
                yield from _faults(value, schema)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield from _faults(operand, schema)
        case ast.Compare(left=left, ops=ops, comparators=others):
            if any(type(op) not in _COMPARE for op in ops):
                yield "'is' may not stand here: == and != compare"
            for value in (left, *others):
                yield from _faults(value, schema)
        case ast.List(elts=items) | ast.Tuple(elts=items):
            for item in items:
                yield from _faults(item, schema)
        case ast.Constant(value=str() | int() | float() | None):
            pass
        case ast.Name() | ast.Attribute():
            yield from _path_faults(tree, schema)
        case _:
            yield (
                f"{ast.unparse(tree)!r} may not stand here: "
                "only comparisons, and, or, not, in, facts and plain values may"
            )


def _path_faults(tree: ast.expr, schema: Mapping[str, type]) -> Iterator[str]:
    path: list[str] = []
    while isinstance(tree, ast.Attribute):
        path.insert(0, tree.attr)
        tree = tree.value
    if not isinstance(tree, ast.Name):
        yield "a field may only be taken of a fact"
        return
    if not path and tree.id.lower() in _WORDS:
        return
    kind: object = schema.get(tree.id)
    if kind is None:
        yield f"unknown fact {tree.id!r}; this check names: {', '.join(sorted(schema)) or 'none'}"
    elif fault := _field_fault(tree.id, kind, tuple(path)):
        yield fault


@lru_cache(maxsize=4096)
def _field_fault(where: str, kind: object, path: tuple[str, ...]) -> str:
    """What is wrong with the ``path`` of fields from a value of this kind; "" if nothing is."""
    for name in path:
        if _is_mapping(kind):
            return ""
        known = field_types(kind)
        if name not in known:
            return f"{where} has no {name!r}; it has: {', '.join(sorted(known)) or 'no fields'}"
        kind, where = known[name], f"{where}.{name}"
    return ""


def _is_mapping(kind: object) -> bool:
    """A fact's field whose own names are not known beforehand, such as the parts of a message."""
    return typing.get_origin(kind) is Mapping


@lru_cache(maxsize=256)
def field_types(kind: object) -> dict[str, object]:
    """The fields of a Struct, or of the one Struct in a union such as ``Service | Unknown``."""
    for option in typing.get_args(kind) or (kind,):
        if (
            isinstance(option, type)
            and issubclass(option, Struct)
            and (option is kind or option is not Unknown)
        ):
            hints = typing.get_type_hints(option)
            return {name: hints[name] for name in option.__struct_fields__}
    return {}


def _evaluate(tree: ast.expr, facts: Mapping[str, object]) -> object:
    match tree:
        case ast.Constant(value=value):
            return value
        case ast.List(elts=items) | ast.Tuple(elts=items):
            listed = [_evaluate(item, facts) for item in items]
            return next((item for item in listed if isinstance(item, Unknown)), tuple(listed))
        case ast.Name(id=name):
            if name not in facts:
                return _WORDS[name.lower()]
            fact = facts[name]
            return Unknown(f"{name}: {fact.reason}") if isinstance(fact, Unknown) else fact
        case ast.Attribute(value=inner, attr=attr):
            return _field(_evaluate(inner, facts), attr, _as_text(tree))
        case ast.UnaryOp(operand=operand):
            inner_value = _evaluate(operand, facts)
            return inner_value if isinstance(inner_value, Unknown) else not inner_value
        case ast.BoolOp(op=op, values=values):
            return _combine(isinstance(op, ast.And), values, facts)
        case ast.Compare(left=left, ops=ops, comparators=others):
            return _compare(left, ops, others, facts)
    raise AssertionError(f"parse_expression let {ast.dump(tree)} through")


def _field(owner: object, name: str, path: str) -> object:
    if isinstance(owner, Unknown):
        return owner
    if owner is None:
        return None
    if isinstance(owner, Mapping):
        return owner.get(name, Unknown(f"{path}: it is not named"))
    value = getattr(owner, name)
    return Unknown(f"{path}: {value.reason}") if isinstance(value, Unknown) else value


def _combine(every: bool, values: list[ast.expr], facts: Mapping[str, object]) -> object:
    unknown: Unknown | None = None
    for value in (_evaluate(tree, facts) for tree in values):
        if isinstance(value, Unknown):
            unknown = value if unknown is None else unknown
        elif bool(value) is not every:
            return not every
    return every if unknown is None else unknown


@cache
def _as_text(tree: ast.expr) -> str:
    """As it was written; each is asked for with every host."""
    return ast.unparse(tree)


def _compare(
    left: ast.expr, ops: list[ast.cmpop], others: list[ast.expr], facts: Mapping[str, object]
) -> object:
    unknown: Unknown | None = None
    value = _evaluate(left, facts)
    for op, tree in zip(ops, others, strict=True):
        other = _evaluate(tree, facts)
        missing = next((v for v in (value, other) if isinstance(v, Unknown)), None)
        if missing is None:
            try:
                if not _COMPARE[type(op)](value, other):
                    return False
            except TypeError:
                missing = Unknown(f"{ast.unparse(left)} cannot be compared with {other!r}")
        unknown = missing if unknown is None else unknown
        value = other
    return True if unknown is None else unknown


def _quoted(value: object) -> str:
    if isinstance(value, Command | bool | int | float):
        return str(value)
    if isinstance(value, tuple | list) and value:
        return ", ".join(_quoted(item) for item in value)
    return quote(_shown(value))


def _shown(value: object) -> str:
    if isinstance(value, Unknown):
        return f"(unknown: {value.reason})"
    if isinstance(value, tuple | list):
        return ", ".join(_shown(item) for item in value) or "nothing"
    return "nothing" if value is None else str(value)
