"""A capture: what the rescue script saw on a host that nobody can reach. It is data, and runs nothing."""

from __future__ import annotations

import json
import os
import re
import stat
import zlib
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from sshdoctor.access.capture.lines import LARGEST, clean, has_lines, read_lines
from sshdoctor.errors import CaptureError

FIRST_LINE = "sshdoctor-capture 1"
_HEAD = re.compile(
    rb"^sshdoctor-capture 1\nasked ([^\n]*)\ntaken (\d{1,12}) [^\n]*\nhostname ([^\n]*)\n"
    rb"addresses ([^\n]*)\nroot (yes|no)\n\n",
    re.MULTILINE,
)
_CHECKSUM = re.compile(rb"^sshdoctor-checksum (?:-|(\d+) (\d+))\n?", re.MULTILINE)
_FOR_THE_EYE = re.compile(rb"^The capture: (/[\w./-]{1,200}) \(", re.MULTILINE)
"""What the rescue script says on the screen (rescue/rescue.sh)."""
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class Seat(Struct, frozen=True):
    """One address of the service, and the client's address as the script was told it ("" if not known)."""

    address: str
    client: str


class Asked(Struct, frozen=True, kw_only=True):
    """What the rescue script was written for. ``own``: a digest of each user's own command, by check.

    ``made`` is when, in seconds since 1970 by this machine's clock; ``mark`` fences the sections.
    """

    version: str
    made: float
    mark: str
    host: str
    name: str
    port: int
    user: str
    seats: tuple[Seat, ...]
    own: Mapping[str, str]


class Capture(Struct, frozen=True, kw_only=True):
    """What came back. ``taken`` is in seconds since 1970 by the host's clock, which may be wrong.

    ``source`` names where it was read. ``lost`` says what did not arrive as it was taken, in a phrase;
    ``mended`` what did no harm.
    """

    asked: Asked
    taken: float
    hostname: str
    addresses: tuple[str, ...]
    root: bool
    output: bytes
    source: str
    lost: str = ""
    mended: str = ""


def read_capture_file(path: str) -> Capture:
    """The capture in a file. Raises CaptureError, whose message begins with ``path``."""
    try:
        # without waiting, since a pipe that nobody writes to would hold us here
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise CaptureError(f"{path}: it is no regular file")
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        raise CaptureError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    return read_capture(data, path)


def read_capture(data: bytes, name: str) -> Capture:
    """The capture in ``data``: numbered lines, in whatever state a console left them, or its plain text.

    Raises CaptureError, whose message begins with ``name``.
    """
    try:
        if len(data) > LARGEST:
            raise CaptureError(f"it is larger than {LARGEST >> 20} MiB, which no capture is")
        text = clean(data)
        if not has_lines(text):
            return _read_plain(data, name, "", "")
        carried = read_lines(text)
        return _read_plain(carried.data, name, carried.lost, carried.mended)
    except CaptureError as error:
        raise CaptureError(f"{name}: {error}") from None


def _read_plain(data: bytes, source: str, lost: str, mended: str) -> Capture:
    for text in (data, data.replace(b"\r\n", b"\n")):
        head = _HEAD.search(text)
        if head is None:
            continue
        ends = list(_CHECKSUM.finditer(text, head.end()))
        if not ends:
            output, lost = text[head.end() :], lost or "it ends before its last line"
        elif _adds_up(text, head.start(), ends[-1]):
            output = text[head.end() : ends[-1].start()]
        else:
            continue
        return _capture(head, output, source, lost, mended)
    if lost:
        raise CaptureError(f"{lost}; nothing can be read without that")
    if b"\nsshdoctor_rescue() {" in data:
        raise CaptureError("it is the rescue script itself: run it at the host's console, with --plain >FILE")
    if left := _FOR_THE_EYE.search(data):
        there = left[1].decode("ascii", "replace")
        raise CaptureError(f"it is the look for the eye alone: the capture is {there}, on the host")
    if FIRST_LINE.encode() in data:
        raise CaptureError("it was changed (wrapped, edited?) since it was taken: its check sum is wrong")
    raise CaptureError("it is no capture: expected what the rescue script of `sshdoctor rescue` wrote")


def _adds_up(text: bytes, start: int, end: re.Match[bytes]) -> bool:
    """Whether the check sum is right; a host without cksum gives none, and its lines have their own."""
    return end[1] is None or cksum(text[start : end.start()]) == (int(end[1]), int(end[2]))


def _capture(head: re.Match[bytes], output: bytes, source: str, lost: str, mended: str) -> Capture:
    asked, taken, hostname, addresses, root = (
        part.decode("utf-8", "backslashreplace") for part in head.groups()
    )
    return Capture(
        asked=_asked(asked),
        taken=float(taken),
        hostname=hostname,
        addresses=tuple(addresses.split()),
        root=root == "yes",
        output=output,
        source=source,
        lost=lost,
        mended=mended,
    )


def _asked(text: str) -> Asked:
    """What stands in the first lines, type by type: a capture comes from outside."""
    try:
        data: dict[str, Any] = json.loads(text)
        asked = Asked(
            version=_text(data["version"]),
            made=float(int(data["made"])),
            mark=_text(data["mark"]),
            host=_text(data["host"]),
            name=_text(data["name"]),
            port=int(data["port"]),
            user=_text(data["user"]),
            seats=tuple(Seat(_text(address), _text(client)) for address, client in data["seats"]),
            own={_text(name): _text(digest) for name, digest in data["own"].items()},
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        raise CaptureError("its second line, which says what was asked, cannot be read") from None
    if not re.fullmatch(r"[0-9a-f]{32}", asked.mark) or not asked.seats:
        raise CaptureError("its second line, which says what was asked, cannot be read")
    return asked


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def cksum(data: bytes) -> tuple[int, int]:
    """The check sum and the length as cksum(1) of POSIX has them: zlib's polynomial, bits the other way.

    >>> cksum(b"hello\\n")
    (3015617425, 6)
    """
    length, rest = b"", len(data)
    while rest:
        length, rest = length + bytes([rest & 255]), rest >> 8
    crc = zlib.crc32((data + length).translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{crc:032b}"[::-1], 2) ^ 0xFFFFFFFF, len(data)
