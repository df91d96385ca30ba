"""What a host says is data: nothing of it may steer a terminal."""

from __future__ import annotations

import unicodedata


def printable(text: str, *, lines: bool = False) -> str:
    r"""``text`` with control, format (bidirectional ones too) and private characters spelled out.

    Tabs become spaces; line feeds are kept if ``lines``.

    >>> printable("\x1b[31mred\x07")
    '\\x1b[31mred\\x07'
    """
    return "".join(_spelled(char, lines) for char in text)


def _spelled(char: str, lines: bool) -> str:
    if char == "\n" and lines:
        return char
    if char == "\t":
        return "    "
    if unicodedata.category(char) in ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"):
        code = ord(char)
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return char
