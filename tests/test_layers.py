"""Imports run one way, and third-party libraries stay in their rooms: docs/layers.yml says which."""

from pathlib import Path

import pytest

from architecture import PAGE, SOURCE, arrows, drawn, imported, layers, modules, room, rooms_imported, row_of

MOST_ARROWS = 103
"""80 of the house, and 23 for protection (6), doors (3), watch (7), examination (4) and unlock (3)."""


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_run_one_way(path: Path) -> None:
    here = room(path)
    if path.relative_to(SOURCE).name == "__init__.py" and path.parent == SOURCE:
        return
    assert here, f"docs/layers.yml has no room for {path.name}"
    for other in rooms_imported(path):
        assert row_of()[other] < row_of()[here], f"{here} must not import {other}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_library_is_known_to_its_room_alone(path: Path) -> None:
    rooms_of = layers()["libraries"]
    for name in imported(path):
        top = name.partition(".")[0]
        assert room(path) in rooms_of.get(top, [room(path)]), f"{path.name} must not import {name}"


def test_no_command_imports_another() -> None:
    for path in (SOURCE / "commands").rglob("*.py"):
        own = path.relative_to(SOURCE / "commands").with_suffix("").parts[0]
        others = {name.split(".")[2] for name in imported(path) if name.startswith("sshdoctor.commands.")}
        assert others <= {own, "shared"}, path


def test_the_page_about_the_rooms_is_drawn_from_the_source() -> None:
    assert PAGE.read_text(encoding="utf-8") == drawn(), "run: python tests/architecture.py"


def test_few_arrows_run_between_the_rooms() -> None:
    assert sum(map(len, arrows().values())) <= MOST_ARROWS
