"""The text of a page as its server means it: unpacked, and decoded as it says."""

from __future__ import annotations

import codecs
import re
import zlib

_CHARSET = re.compile(rb"charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE)
_BEGINNING = 2048
_KNOWN = {
    *("utf-8", "utf-16", "ascii", "iso8859-1", "iso8859-2", "iso8859-15"),
    *("cp932", "shift_jis", "euc_jp", "iso2022_jp", "gb2312", "gbk", "gb18030", "big5", "euc_kr", "koi8-r"),
    *(f"cp125{number}" for number in range(9)),
}
"""As Python's codecs call them: those that pages are written in, and none that may take long."""


def page_text(body: bytes, kind: str, packed: str, most: int) -> str:
    """``kind`` and ``packed``: Content-Type and Content-Encoding. What cannot be read stands as U+FFFD.

    >>> page_text("ようこそ".encode("shift_jis"), "text/html; charset=Shift_JIS", "", 100)
    'ようこそ'
    """
    if packed.lower().strip() in ("gzip", "x-gzip", "deflate"):
        body = _unpacked(body, most)
    said = _CHARSET.search(kind.encode("latin-1", "replace")) or _CHARSET.search(body[:_BEGINNING])
    return body.decode(_codec(said[1].decode("ascii") if said else ""), "replace")


def _codec(name: str) -> str:
    """UTF-8 where it is none of those that are known."""
    try:
        found = codecs.lookup(name).name
    except LookupError:
        return "utf-8"
    return found if found in _KNOWN else "utf-8"


def _unpacked(body: bytes, most: int) -> bytes:
    """As far as it goes; as it is where it is not packed at all."""
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(body, most)
    except zlib.error:
        return body
