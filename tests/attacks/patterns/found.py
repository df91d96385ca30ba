"""Every regular expression in src, with the method by which it is asked, found by reading the sources."""

from __future__ import annotations

import ast
import builtins
import importlib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from msgspec import Struct

SRC = Path(__file__).parents[3] / "src"
METHODS = ("search", "match", "fullmatch", "findall", "finditer", "sub", "subn", "split")
_FLAGS_AT = {"compile": 1, "split": 3, "sub": 4, "subn": 4}


class Use(Struct, frozen=True):
    """One expression, and how it is asked."""

    where: str
    """The file below src/sshdoctor, and the line."""
    method: str
    pattern: re.Pattern[Any]

    @property
    def name(self) -> str:
        return f"{self.where}-{self.method}"


class Unread(Struct, frozen=True):
    """A place that compiles what is only known while it runs."""

    where: str
    text: str


class _Word(str):
    """Stands for a value that is known only while the program runs: some word, whatever is asked of it."""

    __slots__ = ()

    def __getattr__(self, name: str) -> _Word:
        return _Word("x")

    def __call__(self, *_: object) -> _Word:
        return _Word("x")

    def __format__(self, _: str) -> str:
        return "x"


class _Names(dict[str, Any]):
    """The names of a module; any other is some word."""

    def __missing__(self, name: str) -> Any:
        return getattr(builtins, name, _Word("x"))


@cache
def uses() -> tuple[tuple[Use, ...], tuple[Unread, ...]]:
    """All expressions, and the places whose expressions stand nowhere in the sources."""
    files = [_read(path) for path in sorted(SRC.rglob("*.py")) if "re." in path.read_text(encoding="utf-8")]
    found: dict[tuple[Any, int, str], Use] = {}
    unread = []
    for each in (each for file in files for each in (*_named(file), *_called(file))):
        if isinstance(each, Unread):
            unread.append(each)
        else:
            found.setdefault((each.pattern.pattern, each.pattern.flags, each.method), each)
    asked = {(pattern, flags) for pattern, flags, _ in found}
    for file in files:
        for name, pattern in _patterns(file.module):
            if (pattern.pattern, pattern.flags) not in asked:  # it is handed on to who asks
                for method in _handed_on(file.tree) or ("search", "findall"):
                    use = Use(f"{file.short}:{name}", method, pattern)
                    found.setdefault((pattern.pattern, pattern.flags, method), use)
    return tuple(found.values()), tuple(unread)


class _File(Struct, frozen=True):
    short: str
    module: ModuleType
    tree: ast.Module


def _read(path: Path) -> _File:
    name = ".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return _File(str(path.relative_to(SRC / "sshdoctor")), importlib.import_module(name), tree)


def _named(file: _File) -> Iterator[Use]:
    """The patterns that have a name there, by the methods that stand behind the name."""
    for name, pattern in _patterns(file.module):
        for node in ast.walk(file.tree):
            if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
                continue
            if node.attr in METHODS and node.value.id == name:
                yield Use(f"{file.short}:{node.lineno}", node.attr, pattern)


def _handed_on(tree: ast.Module) -> frozenset[str]:
    """The methods by which the functions of a module ask the pattern that they are given."""
    found = set()
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        given = {
            arg.arg
            for arg in function.args.args
            if "re.Pattern" in ast.unparse(arg.annotation or ast.Constant(""))
        }
        for node in ast.walk(function):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id in given
            ):
                found.add(node.attr)
    return frozenset(found & set(METHODS))


def _patterns(module: ModuleType) -> Iterator[tuple[str, re.Pattern[Any]]]:
    """The patterns that have a name in a module, alone or with others."""
    for name, value in vars(module).items():
        values = (
            value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple) else (value,)
        )
        for each in values:
            for one in each if isinstance(each, tuple) else (each,):
                if isinstance(one, re.Pattern):
                    yield name, one


def _called(file: _File) -> Iterator[Use | Unread]:
    """The patterns that stand in a call of ``re``."""
    for call in ast.walk(file.tree):
        if isinstance(call, ast.Call) and (asked := _asked(call)):
            yield from _of_call(file, call, asked)


def _asked(call: ast.Call) -> str:
    """The function of ``re`` that is called, or nothing."""
    function = call.func
    is_re = (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id == "re"
    )
    return function.attr if is_re and function.attr in (*METHODS, "compile") else ""  # type: ignore[attr-defined]


def _of_call(file: _File, call: ast.Call, asked: str) -> Iterator[Use | Unread]:
    where = f"{file.short}:{call.lineno}"
    names = _Names(vars(file.module))
    pattern = _value(call.args[0], names)
    given = [keyword.value for keyword in call.keywords if keyword.arg == "flags"]
    at = _FLAGS_AT.get(asked, 2)
    given += call.args[at : at + 1]
    flags = _value(given[0], names) if given else 0
    if not isinstance(pattern, str | bytes) or pattern == "x":
        yield Unread(where, ast.unparse(call.args[0]))
        return
    compiled = re.compile(pattern, flags if isinstance(flags, int) else 0)
    if asked != "compile":
        yield Use(where, asked, compiled)
    elif not any(each == compiled for _, each in _patterns(file.module)):
        for method in _asked_later(file.tree, call) or ("search", "findall"):
            yield Use(where, method, compiled)


def _asked_later(tree: ast.Module, call: ast.Call) -> frozenset[str]:
    """The methods by which a pattern made in a call is asked: at once, or by the name that it gets."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and node.value is call:
            names = {ast.unparse(target) for target in node.targets}
    asked = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in METHODS)
    return frozenset(node.attr for node in asked if node.value is call or ast.unparse(node.value) in names)


def _value(node: ast.expr, names: _Names) -> Any:
    try:
        return eval(compile(ast.Expression(node), "<pattern>", "eval"), {}, names)  # noqa: S307 -- our own source
    except (AttributeError, TypeError):  # it is made of what is known only while the program runs
        return None
