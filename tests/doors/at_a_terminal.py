"""A command at a terminal, as a person has it: what it says is read, and what is asked is answered."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

Answer = tuple[str, Callable[[str], str]]
"""What is asked (a pattern), and what is typed, given all that was said till then."""


def run_at_a_terminal(words: Sequence[str], answers: Sequence[Answer], *, seconds: float) -> tuple[int, str]:
    """The exit code, and all that stood on the terminal. Raises AssertionError if it takes too long."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "sshdoctor.cli", *words], stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    said, waiting, read, end = "", list(answers), 0, time.monotonic() + seconds
    while process.poll() is None or select.select([ours], [], [], 0)[0]:
        assert time.monotonic() < end, said
        if select.select([ours], [], [], 0.2)[0]:
            try:
                said += os.read(ours, 65536).decode("utf-8", "replace")
            except OSError:  # the other end is closed
                break
        if waiting and (found := re.search(waiting[0][0], said[read:])):
            read += found.end()
            os.write(ours, f"{waiting.pop(0)[1](said)}\n".encode())
    os.close(ours)
    return process.wait(), said
