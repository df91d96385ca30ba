"""What one damaged input may cost, measured."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SECONDS, BYTES = 5.0, 300 * 2**20


def _memory(word: str) -> int:
    """A line of proc(5)'s status of this process, in bytes."""
    return int(Path("/proc/self/status").read_text().partition(f"{word}:")[2].split()[0]) * 1024


@contextmanager
def memory() -> Iterator[None]:
    """What is done inside takes no more than so much memory at a time."""
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    yield
    assert _memory("VmHWM") - before < BYTES, "more than 300 MB"


@contextmanager
def seconds() -> Iterator[None]:
    """What is done inside takes no longer of this processor."""
    began = time.process_time()
    yield
    took = time.process_time() - began
    assert took < SECONDS, f"{took:.1f} s"
