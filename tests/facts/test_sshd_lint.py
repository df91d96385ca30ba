"""What a lint of sshd_config refuses is what ``sshd -t`` refuses (measured with OpenSSH 9.2)."""

from __future__ import annotations

import pytest

from sshdoctor.facts.ssh.parsing.sshd_config import Files
from sshdoctor.facts.ssh.parsing.sshd_lint import faults

PROGRAM = b"\0".join(
    (
        b"ignore",
        b"match",
        b"allowusers",
        b"port",
        b"permitrootlogin",
        b'no argument after keyword "%.200s"',
        b"",
    )
)


def _files(text: str) -> Files:
    return Files(texts={"/etc/ssh/sshd_config": text}, times={}, options="")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("Port 22\nAllowUsers\n", 2, 'no argument after keyword "AllowUsers"'),
        ("Match User x\n  ignore this\n", 2, "Bad configuration option: ignore"),
        (
            "Match User x\n  PermitRootLogin no\n  Port 2222\n",
            3,
            "Directive 'Port' is not allowed within a Match block",
        ),
        ("Match User x\n  PermitRootLogin no\nMatch all\nPort 2222\n", 0, ""),
        ("AllowUsers deploy # nobody else\nMatch User x\n", 0, ""),
    ],
)
def test_what_sshd_refuses_is_found(text: str, line: int, said: str) -> None:
    found = faults(_files(text), PROGRAM)
    assert [(fault.line, fault.message) for fault in found] == ([(line, said)] if said else [])


def test_an_older_sshd_takes_a_keyword_without_a_value() -> None:
    assert faults(_files("AllowUsers\n"), b"allowusers\0") == ()
