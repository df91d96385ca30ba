"""What came with this program is read once as YAML, and after that from what was kept of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sshdoctor.documents import shipped
from sshdoctor.documents.reader import Block, read_yaml
from sshdoctor.documents.resources import shipped as folder
from sshdoctor.documents.shipped import read_document

FILES = sorted(path for kind in ("checks", "playbooks", "templates") for path in folder(kind).rglob("*.yml"))
REASONS = sorted((Path(shipped.__file__).parents[1] / "reasons").glob("*.yml"))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose files count as shipped; what is kept of them is in ``kept`` beside it."""
    monkeypatch.setattr(shipped, "_folders", lambda: (tmp_path,))
    monkeypatch.setattr(shipped, "_KEPT", tmp_path / "kept")
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return tmp_path


def same(one: object, other: object) -> bool:
    """Equal, with the lines in which their keys stand."""
    if isinstance(one, Block) and isinstance(other, Block):
        places = (one.line, one.lines) == (other.line, other.lines)
        return places and list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


def test_every_file_is_the_same_when_it_is_read_again(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "_folders", lambda: (Path("/"),))
    assert FILES and REASONS
    for path in (*FILES, *REASONS):
        read_document(path)
        assert list((place / "kept").glob("*")), path
        assert same(read_document(path), read_yaml(path)), path


def test_a_file_that_was_changed_is_read_anew(place: Path) -> None:
    file = place / "one.yml"
    file.write_text("a: 1\n")
    assert read_document(file) == {"a": 1}
    file.write_text("a: 22\n")
    assert read_document(file) == {"a": 22}


@pytest.mark.parametrize("junk", [b"", b"\xc1", b"[1]"])
def test_what_is_no_such_thing_is_written_anew(place: Path, junk: bytes) -> None:
    file = place / "one.yml"
    file.write_text("a: [x, {b: 2}]\n")
    read_document(file)
    (kept,) = (place / "kept").iterdir()
    kept.write_bytes(junk)
    assert read_document(file) == {"a": ["x", {"b": 2}]}
    assert kept.read_bytes() != junk


def test_a_file_of_a_persons_own_leaves_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "_folders", lambda: (place / "elsewhere",))
    (place / "one.yml").write_text("a: 1\n")
    assert read_document(place / "one.yml") == {"a": 1}
    assert not (place / "kept").exists()


def test_where_python_may_not_write_nothing_is_written(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (place / "one.yml").write_text("a: 1\n")
    assert read_document(place / "one.yml") == {"a": 1}
    assert not (place / "kept").exists()
