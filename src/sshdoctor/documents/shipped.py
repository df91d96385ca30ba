"""YAML files that came with this program, kept in a form that is read quickly.

As Python does with its own modules (PEP 3147), and beside them: in this package's ``__pycache__``, held to be
true while the file has the size and the time of change that it had, written where Python may write as well.
Measured with the checks and the lists of reasons that one healthy host asks for: 0.2 s of the processor less.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import msgspec
from msgspec import Struct

from sshdoctor.documents.reader import Block, read_yaml
from sshdoctor.documents.resources import shipped

_FORMAT = 1
_PACKAGE = Path(__file__).parent.parent
_KEPT = _PACKAGE / "__pycache__"


class _Kept(Struct, frozen=True, array_like=True):
    """What the file at ``path`` held when it was of this time (nanoseconds since 1970) and size (bytes)."""

    format: int
    path: str
    time: int
    size: int
    data: Any


_DECODER = msgspec.msgpack.Decoder(_Kept)


def read_document(path: Path) -> Any:
    """``read_yaml``, and quickly where the file came with this program. Raises DocumentError as that does."""
    return _shipped(path) if any(map(path.is_relative_to, _folders())) else read_yaml(path)


@cache
def _folders() -> tuple[Path, ...]:
    return (_PACKAGE, *map(shipped, ("checks", "playbooks", "templates")))


def _shipped(path: Path) -> Any:
    kept = _KEPT / f"{path.parent.name}.{path.stem}.msgpack"
    try:
        now = path.stat()
    except OSError:
        return read_yaml(path)  # which says why
    with suppress(OSError, msgspec.DecodeError):
        found = _DECODER.decode(kept.read_bytes())
        if (found.format, found.path, found.time, found.size) == (
            _FORMAT,
            str(path),
            now.st_mtime_ns,
            now.st_size,
        ):
            return _read(found.data)
    data = read_yaml(path)
    with suppress(OSError, TypeError):
        _keep(kept, _Kept(_FORMAT, str(path), now.st_mtime_ns, now.st_size, _written(data)))
    return data


def _keep(kept: Path, what: _Kept) -> None:
    if sys.dont_write_bytecode:
        return
    kept.parent.mkdir(exist_ok=True)
    data = msgspec.msgpack.encode(what)
    with NamedTemporaryFile(dir=kept.parent, delete=False) as file:
        made = Path(file.name)
        try:
            file.write(data)
            file.flush()
            made.chmod(0o644)
            made.replace(kept)
        except OSError:
            made.unlink(missing_ok=True)
            raise


def _written(data: object) -> Any:
    """A mapping as ``[line, [key, its line, value], ...]``, a list as ``[None, item, ...]``."""
    if isinstance(data, Block):
        return [data.line, *([key, data.lines[key], _written(value)] for key, value in data.items())]
    if isinstance(data, list):
        return [None, *map(_written, data)]
    if data is None or type(data) in (str, int, float, bool):
        return data
    raise TypeError(f"{type(data).__name__} is not kept")


def _read(data: Any) -> Any:
    if not isinstance(data, list):
        return data
    line, *items = data
    if line is None:
        return [_read(item) for item in items]
    block = Block()
    block.line, block.lines = line, {}
    for key, at, value in items:
        block[key] = _read(value) if isinstance(value, list) else value
        block.lines[key] = at
    return block
