"""The rooms of the source, their order and their imports; ``python tests/architecture.py`` draws them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sshdoctor.documents.reader import read_yaml

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "sshdoctor"
PAGE = ROOT / "docs" / "architecture.md"

_HEAD = """\
# The rooms

Drawn from `docs/layers.yml` by `python tests/architecture.py`; a test holds both. Imports point to rooms
further up, never down, and never to a room in the same row.

| row | room | what it is for | imports |
|---|---|---|---|
"""


@cache
def layers() -> Any:
    """docs/layers.yml as it stands."""
    return read_yaml(ROOT / "docs" / "layers.yml")


def rows() -> list[Mapping[str, str]]:
    """The rooms of each row with their purposes, lowest first."""
    return list(layers()["order"])


def row_of() -> dict[str, int]:
    """The row of each room."""
    return {room: number for number, row in enumerate(rows()) for room in row}


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def room_of(parts: tuple[str, ...]) -> str | None:
    """The room of a module by its dotted parts: the longest that docs/layers.yml names."""
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((name for name in names if name in row_of()), None)


def room(path: Path) -> str | None:
    return room_of(path.relative_to(SOURCE).with_suffix("").parts)


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, also inside functions and for types alone."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_imported(path: Path) -> set[str]:
    """The other rooms that a file imports."""
    others = {room_of(tuple(name.split(".")[1:])) for name in imported(path) if name.startswith("sshdoctor.")}
    return {name for name in others if name and name != room(path)}


def arrows() -> dict[str, set[str]]:
    """For each room, the rooms that it imports."""
    found: dict[str, set[str]] = {name: set() for name in row_of()}
    for path in modules():
        here = room(path)
        if here:
            found[here] |= rooms_imported(path)
    return found


def drawn() -> str:
    """The text of docs/architecture.md."""
    order, lines = row_of(), []
    known = arrows()
    for name, purpose in ((name, purpose) for row in rows() for name, purpose in row.items()):
        others = ", ".join(sorted(known[name], key=lambda other: (order[other], other)))
        lines.append(f"| {order[name] + 1} | `{name}` | {purpose} | {others or '-'} |\n")
    total = sum(map(len, known.values()))
    return f"{_HEAD}{''.join(lines)}\n{total} arrows between {len(order)} rooms.\n"


if __name__ == "__main__":
    PAGE.write_text(drawn(), encoding="utf-8")
