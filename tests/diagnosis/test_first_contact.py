"""A key that nobody here knows, compared with the host's own at every address that showed one."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from sshdoctor.diagnosis.first_contact import UNKNOWN_KEY, shown_inside
from sshdoctor.model import AccessUsed

INSIDE = AccessUsed(via="podman")


def face(shown: str | None, reply: str = UNKNOWN_KEY) -> dict[str, object]:
    own = SimpleNamespace(state="present", fingerprints=("SHA256:own",))
    return {"dialled": SimpleNamespace(reply=reply, host_key=shown), "host_keys": own}


@pytest.mark.parametrize(
    ("faces", "own"),
    [
        ([face("SHA256:own")], True),
        ([face("SHA256:own"), face("SHA256:other")], False),
        ([face("SHA256:own"), face(None)], None),
        ([face("SHA256:own"), face(None, "silence")], True),
        ([face(None, "rst")], None),
    ],
)
def test_one_address_that_was_not_compared_leaves_it_open(
    faces: list[dict[str, object]], own: bool | None
) -> None:
    assert shown_inside(faces, INSIDE) is own
    assert shown_inside(faces, AccessUsed(via=None)) is None
