"""From what was named to text: files, folders, and what is too big or no text."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from sshdoctor.errors import RulesError, UsageError

LARGEST = 64 * 2**20
"""Bytes; 50,000 rules are about 5 MB."""

_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Named(NamedTuple):
    """A file, and whether a folder was named instead of the file itself."""

    path: Path
    in_folder: bool


def expand(paths: Iterable[str | Path]) -> list[Named]:
    """Every file once; a folder stands for the files in it, sorted, without hidden ones.

    Raises UsageError for a path that is not there, and for a folder without files.
    """
    found: dict[Path, Named] = {}
    for path in map(Path, paths):
        for named in [_STDIN] if path == _STDIN.path else _files(path):
            if named.path not in found or not named.in_folder:
                found[named.path] = named
    if not found:
        raise UsageError(
            "--rules is missing: a file or a folder of iptables-save, nft list ruleset or ipset save"
        )
    return list(found.values())


_STDIN = Named(Path("-"), in_folder=False)


def _files(path: Path) -> list[Named]:
    try:
        if not stat.S_ISDIR(path.stat().st_mode):
            return [Named(path, in_folder=False)]
        inside = sorted(each for each in path.iterdir() if each.is_file() and each.name[0] != ".")
    except OSError as error:
        raise UsageError(f"--rules {path}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"--rules {str(path)!r}: {error}") from None
    if not inside:
        raise UsageError(f"--rules {path}: the folder has no files")
    return [Named(each, in_folder=True) for each in inside]


def read_text(path: Path) -> str:
    """The file's text: UTF-8, or UTF-16 as PowerShell writes it. Raises RulesError for what cannot be one."""
    if path == _STDIN.path:
        return _text(sys.stdin.buffer.read(LARGEST + 1))
    try:
        # without waiting, since a pipe that nobody writes to would hold us here
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise RulesError("it is no regular file")
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise RulesError(error.strerror or str(error)) from None
    return _text(data)


def _text(data: bytes) -> str:
    if len(data) > LARGEST:
        raise RulesError(f"it is larger than {LARGEST >> 20} MiB, which no dump is")
    if data[:2] in _UTF16:
        return data.decode("utf-16", "replace")
    if b"\0" in data:
        raise RulesError("it is binary; expected the text that iptables-save or nft list ruleset prints")
    return data.decode("utf-8", "backslashreplace")
