"""Reports: the only place that knows Jinja2 and Rich. One file a format; the filename is the registry."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import cast

from sshdoctor.errors import UsageError
from sshdoctor.model import HostReport


def formats() -> tuple[str, ...]:
    """The names that ``--format`` takes."""
    return tuple(
        name.removesuffix("_format") for _, name, _ in iter_modules(__path__) if name.endswith("_format")
    )


def render(reports: Sequence[HostReport], form: str, *, colour: bool = False, width: int = 80) -> str:
    """``reports`` as ``form``; ``colour`` and ``width`` (columns) concern only the text for a terminal.

    Raises UsageError for a format that there is not.
    """
    if form not in formats():
        raise UsageError(f"--format {form}: there are {', '.join(formats())}")
    module = import_module(f"sshdoctor.render.{form}_format")
    return cast(str, module.render(reports, colour=colour, width=width))
