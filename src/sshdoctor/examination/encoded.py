"""What a line hides by base64, or by numbers for letters, as shells and PHP take it off: read, never run.

Sources: base64(1), PHP's base64_decode and gzinflate, its manual on strings in double quotes. Of an
owner's picture in base64 nothing comes of it.
"""

from __future__ import annotations

import binascii
import re
import zlib
from functools import lru_cache

_UNPACKS = re.compile(r"base64|openssl\s+enc", re.I)
_CHUNK = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}")
_MOST = 65536


@lru_cache(maxsize=512)
def decoded(line: str) -> str:
    """What the line would make of its base64, "" where it takes none off.

    >>> decoded("echo ZWNobyBoZWxsbzsgZWNobyBoZWxsbw== | base64 -d | sh")
    'echo hello; echo hello'
    >>> decoded("echo ZWNobyBoZWxsbzsgZWNobyBoZWxsbw==")
    ''
    """
    if not _UNPACKS.search(line):
        return ""
    return "\n".join(text for chunk in _CHUNK.findall(line[:_MOST]) if (text := _text(chunk)))


_NUMBERED = re.compile(r"\\(?:x([0-9A-Fa-f]{1,2})|([0-7]{1,3}))")


def spelled(line: str) -> str:
    r"""The line with the letters that stand in it as numbers.

    >>> spelled(r'include "\x2ftmp\057a.ico";')
    'include "/tmp/a.ico";'
    """
    return _NUMBERED.sub(lambda found: chr(int(found[1], 16) if found[1] else int(found[2], 8) % 256), line)


def _text(chunk: str) -> str:
    bare = chunk.rstrip("=")
    bare = bare[: len(bare) - (len(bare) % 4 == 1)]  # the line may have been cut
    try:
        data = binascii.a2b_base64(bare + "=" * (-len(bare) % 4))
    except binascii.Error:
        return ""
    for window in (None, -15, 15):
        plain = data if window is None else _inflated(data, window)
        if plain and all(32 <= byte < 127 or byte in b"\t\r\n" or byte > 127 for byte in plain):
            return plain.decode(errors="replace")
    return ""


def _inflated(data: bytes, window: int) -> bytes:
    try:
        return zlib.decompressobj(window).decompress(data, _MOST)
    except zlib.error:
        return b""
