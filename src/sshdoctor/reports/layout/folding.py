"""Lines of a letter: so many columns, where a Chinese or Japanese character takes two."""

from __future__ import annotations

import re
from collections.abc import Iterator
from unicodedata import east_asian_width

COLUMNS = 72
"""What a mail holds, quoted once or twice, without being broken again (RFC 3676 has 78 at most)."""

# JIS X 4051: what may not begin a line stays with what stands before it, what may not end one with the next.
_CLOSING = (
    "、。\uff0c\uff0e・\uff1a\uff1b\uff1f\uff01ー」』\uff09\uff3d】〉》々ぁぃぅぇぉっゃゅょァィゥェォッャュョ"
)
_OPENING = "「『\uff08\uff3b【〈《"
_WIDE = "\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef"
_PIECE = re.compile(rf"[{_OPENING}]*(?:[^\s{_WIDE}]+|[^\s{_CLOSING}{_OPENING}])?[{_CLOSING}]*", re.UNICODE)


def width(text: str) -> int:
    """The columns of ``text``; what is wide in some fonts only (UAX #11, ambiguous) counts as wide.

    >>> width("sshd"), width("接続")
    (4, 4)
    """
    return sum(2 if east_asian_width(char) in "WFA" else 1 for char in text)


def fold(text: str, first: str = "", rest: str | None = None, columns: int = COLUMNS) -> str:
    r"""``text`` as one paragraph, its lines at most ``columns`` wide.

    ``first`` begins the first line, ``rest`` each further one (spaces as wide as ``first`` if left out).
    Latin words stay whole unless a line cannot hold them; Japanese breaks between any two characters that
    may be parted.

    >>> print(fold("the security group lets nobody in", "  1. ", columns=24))
      1. the security group
         lets nobody in
    >>> fold("「接続できません。」", columns=10)
    '「接続でき\nません。」'
    """
    rest = " " * width(first) if rest is None else rest
    lines, line = [], first
    empty = True
    for space, piece in _pieces(text, columns - max(width(first), width(rest))):
        gap = "" if empty else space
        if not empty and width(line) + width(gap) + width(piece) > columns:
            lines.append(line)
            line, gap = rest, ""
        line += gap + piece
        empty = False
    return "\n".join([*lines, line])


def _pieces(text: str, room: int) -> Iterator[tuple[str, str]]:
    """What may not be parted, each with the space before it; cut where it is wider than ``room``."""
    space = ""
    for word in re.split(r"(\s+)", text.strip()):
        if not word or word.isspace():
            space = " " if word else space
            continue
        for match in _PIECE.finditer(word):
            for part in _cut(match[0], room):
                yield space, part
                space = ""


def _cut(piece: str, room: int) -> Iterator[str]:
    while width(piece) > room:
        end = 1
        while width(piece[: end + 1]) <= room:
            end += 1
        yield piece[:end]
        piece = piece[end:]
    if piece:
        yield piece
