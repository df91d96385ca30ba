"""The command ``watch``: hosts in; a line for each change of state, and messages to people, out."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from sshdoctor.commands.shared.options import Options, show_text
from sshdoctor.errors import UsageError
from sshdoctor.reports.layout.printable import printable
from sshdoctor.watch.recording import read_recording
from sshdoctor.watch.replay import replay

TOO_FEW = (
    "fewer than two witnesses are set up (sshdoctor_vantage, --scheduler), so nothing can be called down: "
    "docs/watch.md"
)


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


def run_explain(target: str, state: str) -> int:
    """Print why the state of a target is what it is. Raises InputError."""
    from sshdoctor.watch.history import explain, known_target
    from sshdoctor.watch.store import Store

    store = Store(_file(state), watch=False)
    lines = explain(store, known_target(store, target), time.time())
    show_text("\n".join(printable(line) for line in lines) + "\n")
    return 0


def run_record(target: str, state: str, options: Options) -> int:
    """Write the looks at a target, as they are remembered, for ``--replay``. Raises InputError."""
    from sshdoctor.watch.history import known_target, recording
    from sshdoctor.watch.store import Store

    store = Store(_file(state), watch=False)
    text = "\n".join(recording(store, known_target(store, target))) + "\n"
    if options.output:
        _write("--output", options.output, text)
    else:
        show_text(text)
    return 0


def run_report(file: str, state: str) -> int:
    """Write the history as one page of HTML. Raises InputError."""
    from sshdoctor.watch.page import page
    from sshdoctor.watch.store import Store

    _write("--report", file, page(Store(_file(state), watch=False), time.time()))
    return 0


def run_serve(listen: str, state: str) -> int:
    """Show the history to whoever asks, until it is ended. Raises InputError."""
    from sshdoctor.watch.server import serve
    from sshdoctor.watch.status import Status

    serve(listen, Status(_file(state), time.time).respond)
    return 0


def run_unit() -> int:
    """Print a unit of systemd for what was typed."""
    from sshdoctor.commands.shared.unit import unit

    show_text(unit(sys.argv[1:], "watch", "tells when a service is down, and why"))
    return 0


def _file(state: str) -> Path:
    if not state:
        raise UsageError("--state FILE is missing: the file that `watch` remembers in")
    return Path(state)


def _write(flag: str, file: str, text: str) -> None:
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{flag} {file}: {error.strerror}") from None
