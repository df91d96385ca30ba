"""With --quiet only that is told of which there is something to say."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from reports.cases import OK, seen_inside
from sshdoctor.commands.shared.options import Options, write
from sshdoctor.model import Repair

QUIET = Options(
    pattern="web1",
    inventories=(),
    format="text",
    output="",
    jobs="1",
    timeout="4",
    outside_only=False,
    only=(),
    known_hosts="",
    accept_new_host_key=False,
    quiet=True,
)


@pytest.mark.parametrize(("outcome", "told"), [("proved", True), ("undone", True), ("nothing-to-do", False)])
def test_what_was_changed_is_told_though_the_host_is_well(
    outcome: str, told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    repair = Repair(outcome=outcome)  # type: ignore[arg-type]  # one of them, as given above
    write([replace(seen_inside(reply=OK), repair=repair)], QUIET)
    assert ("web1: healthy" in capsys.readouterr().out) is told
