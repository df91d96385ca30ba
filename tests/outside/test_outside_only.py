"""With no way in at all: the replies alone, through the whole command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

SCHEMA = Path(__file__).parents[2] / "docs" / "report.schema.json"
NOBODY = "127.0.0.9"
"""An address of this machine that nobody is given; on its port 9 nothing listens."""


def diagnose(*flags: str, form: str = "json") -> tuple[int, str]:
    asked = [sys.executable, "-m", "sshdoctor.cli", "diagnose", "--host", f"deploy@{NOBODY}:9", *flags]
    done = subprocess.run(
        [*asked, "--format", form], capture_output=True, text=True, timeout=30, check=False, cwd="/"
    )
    assert done.stdout, done.stderr
    return done.returncode, done.stdout


def host_of(text: str) -> dict[str, Any]:
    report = json.loads(text)
    jsonschema.validate(report, json.loads(SCHEMA.read_text()))
    found: dict[str, Any] = report["hosts"][0]
    return found


@pytest.mark.parametrize("flags", [(), ("--deep",)])
def test_what_is_only_possible_decides_nothing(flags: tuple[str, ...]) -> None:
    code, text = diagnose("--outside-only", *flags)
    host = host_of(text)
    assert (code, host["verdict"], host["outside"][0]["reply"]) == (3, "undecided", "rst")
    assert [cause["confidence"] for cause in host["causes"]] == ["possible"] * len(host["causes"])
    assert host["causes"][0]["id"] == "sshd-stopped"
    assert "To settle it: " in host["causes"][0]["fix"]


def test_a_closer_look_is_an_addition_to_the_report() -> None:
    without, closer = (host_of(diagnose("--outside-only", *flags)[1]) for flags in ((), ("--deep",)))
    assert {*closer["outside"][0]} - {*without["outside"][0]} == {"neighbours", "path"}
    assert closer["outside"][0]["path"] == [{"hop": 1, "sender": NOBODY, "reply": "rst"}]
    assert [one["port"] for one in closer["outside"][0]["neighbours"]] == [22, 80, 443, 2222, 22022]


def test_the_text_says_perhaps_and_shows_the_way() -> None:
    _, text = diagnose("--outside-only", "--deep", form="text")
    assert "Perhaps: The SSH daemon is not running" in text
    assert "To mend it" not in text
    assert f"way there 1 {NOBODY} -> rst" in text
