"""How an expression's time grows with its text, by the processor's own clock."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from attacks.patterns.found import Use
from attacks.patterns.worst import Attack, attacks, text_of

_FOURFOLD = 9
"""Four times the text may take nine times as long: it is 4 where it grows linearly, 16 with the square."""
_NOTICED = 0.015
"""Seconds below which a growth is noise."""
_PATIENCE = 3
"""Seconds of the processor for one text."""
_TRIES, _PLAINLY_LINEAR = 5, 5
"""How often two sizes are asked again, and the growth at which there is no need to."""


def superlinear(use: Use, sizes: Sequence[int]) -> str:
    """The first text whose time grows faster than its length, described; nothing where there is none."""
    for attack in attacks(use.pattern):
        before, smaller = 0.0, 0
        for size in sizes:
            took = _seconds(use, attack, size)
            if before and _NOTICED < took < _PATIENCE:
                before, took = _quickest(use, attack, (smaller, before), (size, took))
            grown = before and took > _FOURFOLD * max(before, _NOTICED / 16)
            if took >= _PATIENCE or (took > _NOTICED and grown):
                return f"{attack[0]!r}, then {attack[1]!r} again and again: {size} characters in {took:.3f} s"
            before, smaller = took, size
    return ""


def _quickest(
    use: Use, attack: Attack, small: tuple[int, float], large: tuple[int, float]
) -> tuple[float, float]:
    """The least that each took: the rest is what else the machine did. Asked again until it is plain."""
    (size, took), (fourfold, longer) = small, large
    for _ in range(_TRIES):
        if longer < _PLAINLY_LINEAR * took:
            break
        took = min(took, _seconds(use, attack, size))
        longer = min(longer, _seconds(use, attack, fourfold))
    return took, longer


def _seconds(use: Use, attack: Attack, size: int) -> float:
    text: str | bytes = text_of(attack, size)
    if isinstance(use.pattern.pattern, bytes):
        text = text_of(attack, size).encode("latin-1", "replace")
    began = time.thread_time()
    try:
        with _alarm():
            _ask(use.pattern, use.method, text)
    except TimeoutError:
        return float(_PATIENCE)
    return time.thread_time() - began


def _ask(pattern: re.Pattern[Any], method: str, text: Any) -> None:
    if method in ("sub", "subn"):
        pattern.sub(text[:0], text)
    elif method == "finditer":
        for _ in pattern.finditer(text):
            pass
    else:
        getattr(pattern, method)(text)


@contextmanager
def _alarm() -> Iterator[None]:
    def ring(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, _PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
