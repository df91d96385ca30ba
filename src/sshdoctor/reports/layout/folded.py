"""A line of a report for people, in the columns of a terminal."""

from __future__ import annotations

from textwrap import wrap

from sshdoctor.reports.layout.printable import printable


def folded(text: str, width: int) -> list[str]:
    """``text`` in lines, what a host said made harmless; what is folded stands two columns further in."""
    shown = printable(text)
    indent = shown[: len(shown) - len(shown.lstrip())]
    return wrap(
        shown.strip(), width, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False
    ) or [""]
