"""The command ``watch``: hosts in; a line for each change of state, and messages to people, out."""

from __future__ import annotations

import sys
from pathlib import Path

from sshdoctor.reports.layout.printable import printable
from sshdoctor.watch.recording import read_recording
from sshdoctor.watch.replay import replay

TOO_FEW = "fewer than two witnesses are set up (sshdoctor_vantage): nothing can be called down"


def run_replay(file: str) -> int:
    """Print what the looks in ``file`` come to. Raises InputError."""
    recording = read_recording(Path(file))
    if len(recording.rules.witnesses) < 2:
        print(f"sshdoctor: {TOO_FEW}", file=sys.stderr)
    for name in recording.strangers:
        print(printable(f"sshdoctor: {name} is no witness of config: not listened to"), file=sys.stderr)
    for line in replay(recording):
        print(line)
    return 0
