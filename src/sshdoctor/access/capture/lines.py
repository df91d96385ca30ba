"""The numbered lines in which a capture is copied from a console, whatever became of them on the way.

``[begin:RUN:PACKING:CODING:COUNT:TOTAL]``, then ``[NUMBER:DATA:SUM]`` COUNT times, then ``[end:...]`` with
the same five words. White space means nothing, so that a console may wrap; what stands between brackets is
all that counts, so that prompts and messages between the lines do no harm. SUM is of the number and the data,
so that no line can stand for another; RUN, which is another for each capture, goes into every SUM.
"""

from __future__ import annotations

import binascii
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, pairwise

from msgspec import Struct

from sshdoctor.errors import CaptureError

LARGEST = 64 * 2**20
"""Bytes, packed or not; an ordinary capture has 0.2 MiB."""

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_INDEX = {char: index for index, char in enumerate(_ALPHABET, 1)}
_MODULUS = 16777213
_MOST_LINES, _MOST_CAPTURES = 2 * 10**6, 8
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")
_QUOTED = re.compile(r"^(?:> ?)+", re.MULTILINE)
_GROUP = re.compile(r"\[([^\[\]]{1,2000})\]")
_LABEL = re.compile(r"(?:begin|end):(\d{1,8}):(gzip|plain):(base64|hex):(\d{1,7}):(\d{1,8})", re.ASCII)
_LINE = re.compile(r"(\d{1,7}):([A-Za-z0-9+/=]+):(\d{1,8})", re.ASCII)


class Carried(Struct, frozen=True):
    """What has arrived: ``data`` up to the first line that is lost.

    ``lost`` says which lines did not arrive as they were sent, ``mended`` what was wrong and did no harm.
    """

    data: bytes
    lost: str
    mended: str


class _Label(Struct, frozen=True):
    run: int
    packing: str
    coding: str
    count: int
    total: int


class _Line(Struct, frozen=True):
    number: int
    data: str
    sum: int
    wrapped: bool

    def belongs_to(self, label: _Label) -> bool:
        return 0 < self.number <= label.count and _line_sum(label.run, self.number, self.data) == self.sum


def has_lines(text: str) -> bool:
    """Whether ``text`` has any of such lines in it."""
    return any(_LABEL.fullmatch(inside) or _LINE.fullmatch(inside) for inside, _ in _groups(text))


def read_lines(text: str) -> Carried:
    """The content of the lines in ``text``; of several captures, the last whole one. Raises CaptureError."""
    labels: list[_Label] = []
    lines: list[_Line] = []
    for inside, wrapped in _groups(text):
        if found := _LABEL.fullmatch(inside):
            labels.append(_Label(int(found[1]), found[2], found[3], int(found[4]), int(found[5])))
        elif found := _LINE.fullmatch(inside):
            lines.append(_Line(int(found[1]), found[2], int(found[3]), wrapped))
    captures = tuple(dict.fromkeys(reversed(labels)))[:_MOST_CAPTURES]
    if not captures or captures[0].count > _MOST_LINES:
        raise CaptureError("neither its first line, [begin:...], nor its last, [end:...], is there")
    theirs = {label: [line for line in lines if line.belongs_to(label)] for label in captures}
    label = max(captures, key=lambda one: len({line.number for line in theirs[one]}) / (one.count or 1))
    strangers = [line for line in lines if not any(line.belongs_to(one) for one in captures)]
    return _carried(label, theirs[label], strangers, captures)


def clean(data: bytes) -> str:
    r"""A paste as plain text: no escape codes, no carriage returns, no ``>`` of a mail that quotes.

    >>> clean(b"\x1b[1mone\x1b[0m\r\n> two\n")
    'one\ntwo\n'
    """
    utf16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")  # as PowerShell writes it
    text = data.decode("utf-16" if utf16 else "utf-8", "replace")
    return _QUOTED.sub("", _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n").replace("\0", ""))


def _groups(text: str) -> Iterable[tuple[str, bool]]:
    """What stands in brackets, without white space, and whether a line ended in it."""
    for found in _GROUP.finditer(text):
        yield "".join(found[1].split()), "\n" in found[1]


def _line_sum(run: int, number: int, data: str) -> int:
    value = (run + number * 101) % _MODULUS
    for char in data:
        value = (value * 67 + _INDEX[char]) % _MODULUS
    return value


def _carried(
    label: _Label, lines: Sequence[_Line], strangers: Sequence[_Line], captures: Sequence[_Label]
) -> Carried:
    whole = {line.number: line for line in lines}
    missing = [number for number in range(1, label.count + 1) if number not in whole]
    changed = {line.number for line in strangers}.intersection(missing)
    lost = [
        *_told([number for number in missing if number not in changed], "is missing", "are missing"),
        *_told(sorted(changed), "was changed", "were changed"),
    ]
    if not missing and _total(label, whole) != label.total:
        raise CaptureError("its lines do not add up to what its last line says: it was edited")
    first_gap = missing[0] if missing else label.count + 1
    packed = _decode(label, "".join(whole[number].data for number in range(1, first_gap)))
    data = _unpack(label, packed, cut=bool(missing))
    return Carried(data, "; ".join(lost), "; ".join(_mended(lines, captures)))


def _mended(lines: Sequence[_Line], captures: Sequence[_Label]) -> list[str]:
    times = Counter(line.number for line in lines)
    order = list(times)
    late = [after for before, after in pairwise(order) if after < before]
    repeated = [number for number in sorted(times) if times[number] > 1]
    said = [
        *_told(repeated, "came more than once", "came more than once"),
        *_told(sorted(late), "came late", "came late"),
        *_told(sorted({line.number for line in lines if line.wrapped}), "was wrapped", "were wrapped"),
    ]
    if len({one.run for one in captures}) > 1:
        said.append(f"of {len(captures)} captures in it one was used, the last that is as whole as any")
    return said


def _told(numbers: Sequence[int], one: str, several: str) -> list[str]:
    """A phrase about lines, if there are any.

    >>> _told([1, 2, 3, 7], "is missing", "are missing"), _told([4], "is missing", "are missing")
    (['lines 1-3, 7 are missing'], ['line 4 is missing'])
    """
    if not numbers:
        return []
    runs = [
        [number for _, number in group] for _, group in groupby(enumerate(numbers), lambda at: at[1] - at[0])
    ]
    words = [f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs]
    shown = ", ".join(words[:20]) + (f" and {len(words) - 20} more stretches" if len(words) > 20 else "")
    return [f"line {shown} {one}" if len(numbers) == 1 else f"lines {shown} {several}"]


def _total(label: _Label, lines: Mapping[int, _Line]) -> int:
    value = label.run
    for number in range(1, label.count + 1):
        value = (value * 67 + lines[number].sum) % _MODULUS
    return value


def _decode(label: _Label, text: str) -> bytes:
    try:
        return bytes.fromhex(text) if label.coding == "hex" else binascii.a2b_base64(text)
    except ValueError as error:
        raise CaptureError(f"its lines are no {label.coding}: {error}") from None


def _unpack(label: _Label, data: bytes, *, cut: bool) -> bytes:
    if label.packing == "plain":
        return data
    inflate = zlib.decompressobj(31)
    try:
        text = inflate.decompress(data, LARGEST)
    except zlib.error as error:
        raise CaptureError(f"what its lines hold is not what gzip packed: {error}") from None
    if inflate.unconsumed_tail:
        raise CaptureError(f"it holds more than {LARGEST >> 20} MiB, which no capture does")
    if not inflate.eof and not cut:
        raise CaptureError("what its lines hold ends too early, though no line is missing: gzip failed there")
    return text
