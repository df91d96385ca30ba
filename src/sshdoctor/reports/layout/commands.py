"""A command to type, on lines of a page: a shell reads them as the one that it is."""

from __future__ import annotations

import re

_PART = re.compile(r"""#.*|(?:'[^']*'|"[^"]*"|[^\s'"])+|['"]""")
"""A word as a shell has it, or a comment to its end."""


def broken(command: str, width: int, begun: int, indent: int) -> str:
    """``command`` in lines of ``width``: the first begins at the column ``begun``, the others at ``indent``.

    >>> print(broken("sshdoctor diagnose --host web1 --capture 'a file'", 30, 0, 2))
    sshdoctor diagnose \\
      --host web1 \\
      --capture 'a file'
    >>> broken("sh fix.sh  # as root", 80, 0, 2)
    'sh fix.sh  # as root'
    """
    if begun + len(command) <= width:
        return command
    lines = [""]
    for part in _parts(command):
        column = begun if len(lines) == 1 else indent
        if lines[-1] and column + len(lines[-1]) + 1 + len(part) + len(" \\") > width:
            lines.append("")
        lines[-1] += f" {part}" if lines[-1] else part
    return (" \\\n" + " " * indent).join(lines)


def _parts(command: str) -> list[str]:
    """Its words; an option stays with what it is given."""
    parts: list[str] = []
    for word in _PART.findall(command):
        if parts and parts[-1].startswith("-") and " " not in parts[-1] and not word.startswith(("-", "#")):
            parts[-1] += f" {word}"
        else:
            parts.append(word)
    return parts
