"""What is being done is told on a terminal alone, and leaves nothing behind."""

from __future__ import annotations

import io
import sys
import time

import pytest

from sshdoctor.commands.shared.ticking import ticking


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_is_told_each_second_and_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with ticking(lambda: "examining web1\x1b[2J"):
        time.sleep(1.1)
    *_, told, gone, end = terminal.getvalue().split("\r")
    assert told.startswith("examining web1") and told.rstrip().endswith(", 1 s") and "\x1b" not in told
    assert (gone.strip(), end) == ("", "")


def test_a_file_is_told_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with ticking(lambda: "examining web1"):
        pass
    assert capsys.readouterr().err == ""
