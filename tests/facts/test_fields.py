"""What a fact has is read: by a check, a playbook, a report, another fact, or the code that makes it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "sshdoctor"
FACTS = [*SOURCE.glob("facts/**/*.py"), *SOURCE.glob("diagnosis/derived/*.py")]


def fields() -> Iterator[tuple[str, str]]:
    """The fields of all Structs of facts, each as CLASS and FIELD."""
    for path in FACTS:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and any("Struct" in ast.unparse(base) for base in node.bases):
                named = (each.target for each in node.body if isinstance(each, ast.AnnAssign))
                yield from ((node.name, one.id) for one in named if isinstance(one, ast.Name))


def read_in_code() -> Iterator[str]:
    """The names of attributes that are read, and of those that are asked for as text."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                yield node.attr
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "getattr":
                yield from (str(each.value) for each in node.args[1:2] if isinstance(each, ast.Constant))


def read_in_files() -> Iterator[str]:
    """The names after a dot in checks, playbooks and templates."""
    for folder in ("checks", "playbooks", "templates"):
        for path in (ROOT / folder).rglob("*.*"):
            yield from re.findall(r"\.([a-z]\w*)", path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def read() -> set[str]:
    return {*read_in_code(), *read_in_files()}


def test_every_field_of_a_fact_is_read(read: set[str]) -> None:
    assert [f"{name}.{field}" for name, field in fields() if field not in read] == []
