"""What a script printed about a task, as a person is told it."""

from __future__ import annotations

import pytest

from sshdoctor.remedy.playbook.compile import Numbered
from sshdoctor.remedy.playbook.results import listen, results

MARK = "f00d"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"failed": "true", "msg": "no such unit"}, "no such unit"),
        ({"failed": "true", "msg": "failed", "rc": "1", "stderr": "1\n2\n3\n4\n"}, "failed\n2\n3\n4"),
        ({"failed": "true", "msg": "failed", "rc": "1", "stdout": "why\n", "stderr": ""}, "failed\nwhy"),
        ({"failed": "false", "msg": "done", "rc": "0", "stderr": "a warning"}, "done"),
        ({}, "it was cut off"),
    ],
)
def test_a_command_that_failed_says_what_it_said_last(values: dict[str, str], message: str) -> None:
    said = "".join(f"\n@@{MARK} value {name}@@\n{text}" for name, text in values.items())
    output = f"\n@@{MARK} task 1@@\n{said}\n@@{MARK} end 1@@\n".encode()
    (result,) = results(listen(output, MARK), [Numbered(1, "p", "t", True)])
    assert result.message == message
