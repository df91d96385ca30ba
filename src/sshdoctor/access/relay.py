"""A connection that another host makes: a socket here, its bytes carried by a program there (relay.sh)."""

from __future__ import annotations

import re
import secrets
import shlex
import socket
import time
from pathlib import Path

from sshdoctor.access.base import Access
from sshdoctor.errors import AccessError
from sshdoctor.model import is_address

_PROGRAM = Path(__file__).with_name("relay.sh")
_MOST_SAID = 16384
_WORDS = (
    ("refused", re.compile("refused", re.I)),
    ("local-unreachable", re.compile("network is unreachable|not supported|cannot assign", re.I)),
    ("unreachable", re.compile("no route to host|unreachable|not permitted|prohibited", re.I)),
    ("silence", re.compile("timed out|timeout", re.I)),
)
"""The words that programs have for a connect that failed (strerror(3)); of ICMP they do not tell the kind."""


def addresses_there(access: Access, name: str, timeout: float) -> tuple[str, ...]:
    """What ``name`` means there. Raises AccessError: ``name-not-found``, ``unknown`` if that was not told."""
    if is_address(name):
        return (name,)
    said = access.run(relay_script(f"addresses {shlex.quote(name)}"), timeout=timeout, limit=_MOST_SAID)
    lines = said.stdout.decode("ascii", "replace").split()
    found = tuple(dict.fromkeys(line for line in lines if is_address(line.partition("%")[0])))
    if found:
        return found
    if "NXDOMAIN" in lines:
        raise AccessError("name-not-found", f"there is no name {name} there")
    raise AccessError("unknown", f"its resolver gave no address of {name}")


def connect_there(access: Access, address: str, port: int, timeout: float) -> tuple[socket.socket, str]:
    """A connection to ``address`` that the host of ``access`` makes, and its own address on it, "" if untold.

    Raises AccessError with the reply word.
    """
    mark = f"sshdoctor-{secrets.token_hex(8)}"
    program = relay_script(shlex.join(("relay", address, str(port), mark))).encode()
    # Read byte by byte: what comes behind the program is not the shell's.
    link = access.stream(("sh", "-c", f'eval "$(dd bs=1 count={len(program)} 2>/dev/null)"'))
    try:
        link.sendall(program)
        said = _told(link, mark, time.monotonic() + timeout)
    except OSError as error:
        link.close()
        raise AccessError("unknown", f"the host that dials was lost: {error.strerror or error}") from None
    except AccessError:
        link.close()
        raise
    return link, said if is_address(said) else ""


def relay_script(call: str) -> str:
    """The program, and what is to be called of it."""
    return f"{_PROGRAM.read_text(encoding='ascii')}\n{call}\n"


def _told(link: socket.socket, mark: str, deadline: float) -> str:
    """The host's own address on the connection. Raises AccessError, OSError."""
    heard = b""
    while not heard.endswith(b"\n") or mark.encode() not in heard:
        left = deadline - time.monotonic()
        if left <= 0:
            raise AccessError("silence", "")
        link.settimeout(left)
        try:
            got = link.recv(1)  # what comes behind that line is the other end's
        except TimeoutError:
            continue
        heard += got
        if not got or len(heard) > _MOST_SAID:
            raise AccessError("unknown", "no connection can be made there: " + _last(heard))
    before, _, line = heard.rstrip(b"\n").rpartition(b"\n")
    words = line.decode("ascii", "replace").split()
    if words[:2] == [mark, "ok"]:
        return words[2] if len(words) > 2 else ""
    said = _last(before).rpartition(": ")[2]
    raise AccessError(next((word for word, named in _WORDS if named.search(said)), "unknown"), said)


def _last(said: bytes) -> str:
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines()]
    return next((line[:200] for line in reversed(lines) if line), "nothing was said")
