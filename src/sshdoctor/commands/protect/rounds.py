"""A round of sharing: each host of the group is asked for its bans, then given those of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

from msgspec import Struct

from sshdoctor.commands.shared.program import internal_error
from sshdoctor.diagnosis.inside import Inside, look_inside
from sshdoctor.diagnosis.outside import ProbeOptions, look_outside
from sshdoctor.diagnosis.setup import Wanted
from sshdoctor.errors import SshdoctorError
from sshdoctor.model import Host
from sshdoctor.protection.filling import filling
from sshdoctor.protection.sharing import NOT_SET_UP, Round, Voice, apart, rounds

_FACTS = ("addresses", "books", "identity", "share")
_ANSWERS = 5
"""A host may take as long for it as so many answers."""


class Given(Struct, frozen=True):
    """How many addresses one host drops for the others; ``why`` it was given none."""

    host: str
    count: int = 0
    why: str = ""


class _Heard(Struct, frozen=True):
    """A host that takes part: what it said, and the way in, which is open."""

    voice: Voice
    inside: Inside


def one_round(
    hosts: Sequence[Host], never: Sequence[str], probing: ProbeOptions, jobs: int
) -> tuple[Given, ...]:
    """Who was ``never`` to be banned is given to nobody. A host that cannot be heard keeps what it has."""
    with ThreadPoolExecutor(max(1, min(len(hosts), jobs))) as pool:
        heard = list(pool.map(partial(_heard, probing=probing), hosts))
        voices = [one.voice for one in heard if isinstance(one, _Heard)]
        given = rounds(voices, never, whole=len(voices) == len(hosts))
        names = [host.name for host in hosts]
        return tuple(pool.map(partial(_given, given=given, probing=probing), names, heard))


def _heard(host: Host, probing: ProbeOptions) -> _Heard | str:
    """What ``host`` says, or why it takes no part."""
    try:
        inside = look_inside(
            host, look_outside(host, probing), Wanted(facts=_FACTS, chosen=True), probing, to_repair=True
        )
    except SshdoctorError as error:
        return str(error)
    except Exception as error:  # what a host says is hostile until proved otherwise
        return internal_error(error)
    facts = _facts(inside)
    why = "there is no way in" if inside.access is None else apart(facts["share"])
    if why:
        if inside.access is not None:
            inside.access.close()
        return why
    clients = [view.client for view in inside.views if view.client]
    own = getattr(facts["addresses"], "all_addresses", ())
    return _Heard(Voice(host=host.name, books=facts["books"], own=(*own, *clients)), inside)


def _facts(inside: Inside) -> Mapping[str, Any]:
    return inside.views[0].facts


def _given(name: str, heard: _Heard | str, given: Mapping[str, Round], probing: ProbeOptions) -> Given:
    if isinstance(heard, str):
        return Given(name, why=heard)
    access, mine = heard.inside.access, given[name]
    assert access is not None  # noqa: S101 -- who has none takes no part
    try:
        if mine.untold:
            return Given(name, why=mine.untold)
        done = access.run(filling(mine), timeout=_ANSWERS * probing.timeout)
        said = done.stdout.decode("utf-8", "backslashreplace").split()
        if said[-1:] == ["given"]:
            return Given(name, mine.count)
        gone = said[-1:] == ["gone"]
        return Given(name, why=NOT_SET_UP if gone else done.error or "no answer came")
    except SshdoctorError as error:
        return Given(name, why=str(error))
    finally:
        with suppress(SshdoctorError):
            access.close()
