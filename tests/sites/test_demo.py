"""``demo --site``: the second act of the demonstration."""

from __future__ import annotations

import pytest

from sshdoctor.commands.demo import run_site


@pytest.mark.containers
@pytest.mark.long
def test_the_site_of_the_demonstration_is_opened_and_closes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_site(seconds=10) == 0
    said = capsys.readouterr()
    assert "Now it gets HTTP 200" in said.err and "It was closed: HTTP 403" in said.err
