"""A login that is cut off just when LoginGraceTime is over."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import fields

from sshdoctor.diagnosis.derived.dialled import Dialled
from sshdoctor.facts.ssh.config import Config
from sshdoctor.facts.ssh.derived.grace import Grace, derive
from sshdoctor.model import Unknown


def only(kind: type[Any], **known: object) -> Any:
    """A fact with only ``known`` fields seen."""
    return kind(**{field.name: Unknown("not seen") for field in fields(kind)} | known)


@pytest.mark.parametrize(
    ("seconds", "cut_off", "limit", "ran_out"),
    [
        (2.1, True, 2, True),
        (0.3, True, 2, False),
        (2.1, False, 2, False),
        (2.1, True, 120, False),
        (2.1, True, 0, False),
    ],
)
def test_a_login_ran_out_of_time_where_it_was_cut_off_at_the_limit(
    seconds: float, cut_off: bool, limit: int, ran_out: bool
) -> None:
    dial = only(Dialled, reply="auth-denied", login_seconds=seconds, cut_off=cut_off)
    found = derive({"dialled": dial, "config": only(Config, login_grace=limit)})
    assert isinstance(found, Grace)
    assert found.ran_out is ran_out
