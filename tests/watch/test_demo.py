"""``demo --watch``: the third act of the demonstration."""

from __future__ import annotations

import pytest

from sshdoctor.commands.demo.watched import run_watch


@pytest.mark.containers
@pytest.mark.long
def test_the_watched_site_goes_down_is_mended_as_the_mail_says_and_is_told_to_be_back(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert run_watch() == 0
    said = capfd.readouterr().err
    assert "Subject: DOWN: http://" in said and "Cause: " in said and "Next: sshdoctor remediate" in said
    assert "Subject: Back: http://" in said and "It was down since" in said
