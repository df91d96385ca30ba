"""Paths as people write them."""

from __future__ import annotations

from pathlib import Path


def expand_home(text: str) -> Path:
    """The path with ~ and ~user expanded; left as it is where there is no such user, as in a shell."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)
