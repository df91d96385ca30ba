"""Imports run one way, and third-party libraries stay in their rooms."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "sshdoctor"

# A room may import the rooms before it, never its siblings on the same line or a later one.
FLOORS = [
    ["errors"],
    ["program"],
    ["model"],
    ["document", "resources", "ahead", "disk"],
    ["inventory", "outside", "access", "facts", "firewall", "render"],
    ["checks"],
    ["diagnosis"],
    ["remedy"],
    ["fleet", "request"],
    ["diagnose", "verdict", "demo"],
    ["rescue"],
    ["remediate"],
    ["cli"],
]
ROOMS_OF = {
    "fabric": {"access"},
    "paramiko": {"access"},
    "yaml": {"document"},
    "jinja2": {"render", "remedy"},
    "rich": {"render"},
    "invoke": {"cli", "program", "access"},
}


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def floor(name: str) -> int:
    return next(i for i, rooms in enumerate(FLOORS) if name in rooms)


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_run_one_way(path: Path) -> None:
    here = room(path)
    if here == "__init__":
        return
    for name in imported(path):
        top, _, rest = name.partition(".")
        other = rest.partition(".")[0]
        if top == "sshdoctor" and other and other != here:
            assert floor(other) < floor(here), f"{here} must not import {name}"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(SOURCE)))
def test_a_library_is_known_to_its_room_alone(path: Path) -> None:
    for name in imported(path):
        top = name.partition(".")[0]
        assert room(path) in ROOMS_OF.get(top, {room(path)}), f"{path.name} must not import {name}"
