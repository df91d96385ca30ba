"""``demo --frozen``: the third act of the demonstration."""

from __future__ import annotations

import pytest

from sshdoctor.commands.demo import run_frozen


@pytest.mark.containers
@pytest.mark.long
def test_what_got_into_the_host_of_the_demonstration_is_stopped_and_undone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_frozen() == 0
    shown = capsys.readouterr()
    assert "web1: misuse." in shown.out
    for way in ("sync-helper.service", "/var/spool/cron/crontabs/root"):
        assert way in shown.out
    assert "hold 25 letters by script" in shown.err
    assert "It is stopped." in shown.out
    assert "What we have done, in this order" in shown.out
    assert "All is as it was before" in shown.err
