"""A site that is down because its whole account is refused is told of with what got in."""

from __future__ import annotations

import pytest

from cleanup.cleaned import KINDS
from examination.record import recorded
from examination.table import examined
from sshdoctor.commands.watch.cause import what_froze

ILL = {name: examined(name).kind for name in recorded()}


@pytest.mark.parametrize(
    "name", ["provider-locked", "mail-upload-script", "abuse-contact-form", "load-fpm-loop"]
)
def test_the_cause_of_a_refused_site_is_what_was_examined(name: str) -> None:
    found = what_froze("web1", examined(name))
    assert found is not None
    assert found.id == KINDS[ILL[name]]
    assert any(f"remediate --host web1 --cause {found.id}" in command for command in found.next)


def test_the_ticket_of_the_provider_is_told_with_it() -> None:
    found = what_froze("web1", examined("provider-locked"))
    assert found is not None and "ticket 4711" in found.summary


def test_a_host_that_is_well_is_no_cause() -> None:
    assert what_froze("web1", examined("ok-tmux")) is None
