"""The owner of a rule is named; what the report says to type is typed, and then the client gets in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from hosts import openssh
from hosts.client import Client
from sshdoctor.documents.reader import read_yaml

CASES: Mapping[str, Mapping[str, str]] = read_yaml(Path(__file__).with_name("firewall_owners.yml"))
"""By the scenario that breaks the host, or a name of its own where ``break`` stands here."""


def assert_the_fix_lets_in(case: Mapping[str, str], client: Client, report: Mapping[str, Any]) -> None:
    """The root cause's words name the owner; the command in its fix is run."""
    (cause,) = (cause for cause in report["hosts"][0]["causes"] if cause["role"] == "root")
    said, fix = (Template(case[key]).substitute(client.host.variables) for key in ("says", "fix"))
    assert said in cause["summary"]
    assert fix in cause["fix"]
    client.host.run(fix)
    assert openssh.agrees("ok", client.says(seconds=4))
