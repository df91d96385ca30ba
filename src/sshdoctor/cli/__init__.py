"""The ``sshdoctor`` command; its tasks, as one Invoke collection, are in ``collection``."""

from __future__ import annotations

from typing import NoReturn

_INTERRUPTED = 130
"""As commands.shared.exit_codes has it, which is among what is still to be read."""


def main() -> NoReturn:
    """The program; an interrupt while it is still being read ends it without a word."""
    try:
        from sshdoctor.cli.collection import namespace
        from sshdoctor.commands.shared.program import run_program
    except KeyboardInterrupt:
        raise SystemExit(_INTERRUPTED) from None
    run_program(namespace, "sshdoctor")
