"""The fact ``passage``: what a second dial showed of the way, where the first one stalled or was silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from sshdoctor.diagnosis.derived.dialled import Dialled
from sshdoctor.model import Evidence, Login

if TYPE_CHECKING:
    from sshdoctor.outside.large_packets import Passage as Measured


class Passage(Struct, frozen=True, kw_only=True):
    """``measured``: large packets were tried; ``blocked``: they are lost, and small ones are not. ``sizes``
    says which, ``mtu`` is the size in bytes that is known to come through.

    ``marked`` is the type of service that the client's packets bear (IPQoS), "" for none;
    ``unmarked_connects``: without it the host answers.
    """

    measured: bool
    blocked: bool
    sizes: str
    mtu: int
    marked: str
    unmarked_connects: bool
    evidence: tuple[Evidence, ...]


def passage(dial: Dialled, login: Login, measured: Measured | None, unmarked: bool | None) -> Passage:
    """The fact; None is what was not tried."""
    blocked = measured is not None and measured.blocked
    sizes = _sizes(measured) if measured is not None and blocked else ""
    where = f"dialling {dial.address}:{dial.port} again"
    word = login.options.get("ipqos", "").split()[:1]
    return Passage(
        measured=measured is not None,
        blocked=blocked,
        sizes=sizes,
        mtu=measured.passed if measured is not None else 0,
        marked=word[0] if word else "",
        unmarked_connects=unmarked is True,
        evidence=(
            *((Evidence(f"{where}, in pieces of growing size", sizes),) if sizes else ()),
            *((Evidence(f"{where}, without IPQoS", "connected"),) if unmarked else ()),
        ),
    )


def _sizes(measured: Measured) -> str:
    if measured.stuck is not None:
        lost = f"those of {measured.stuck} are lost"
        return f"packets of up to {measured.passed} bytes come through to the host, {lost}"
    return f"the host's answer does not come in large packets, and does in those of {measured.passed} bytes"
