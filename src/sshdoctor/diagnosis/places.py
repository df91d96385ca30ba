"""One host seen from several places: their replies side by side, and what they tell together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from sshdoctor.model import Cause, HostReport, Reply
from sshdoctor.services import progress
from sshdoctor.services.base import GREETED

_OF_THE_PLACE = {"local-unreachable", "name-not-found", "unknown"}
"""Each place may have that by itself."""
_OF_THE_WAY = ("client", "name", "route", "firewall", "admission")
"""The layers in which one client may be stopped where another gets on."""
_DOWN = "host-down"
"""Of those layers, and for everybody."""
_ORDER = ("blocked", "undecided", "healthy")


def side_by_side(reports: Mapping[str, HostReport]) -> HostReport:
    """The report of the place that fares worst, with the replies of all, each with its place's name."""
    ordered = sorted(
        reports, key=lambda name: (not reports[name].outside, _ORDER.index(reports[name].verdict), name)
    )
    first = reports[ordered[0]]
    outside = tuple(replace(reply, asked_from=name) for name in ordered for reply in reports[name].outside)
    silent = tuple(
        f"{name}: {' '.join(reports[name].notes[:1])}" for name in ordered if not reports[name].outside
    )
    elsewhere = any(_is_reached(report) for report in reports.values())
    possible = tuple(one for one in first.possible if not elsewhere or _is_of_one(one))
    verdict = first.verdict if first.verdict != "healthy" or not silent else "undecided"
    return replace(
        first,
        possible=possible,
        outside=outside,
        verdict=verdict,
        notes=(*first.notes, *silent, *_together(reports)),
    )


def _is_reached(report: HostReport) -> bool:
    return any(progress(reply.word) >= GREETED for reply in report.outside)


def _is_of_one(cause: Cause) -> bool:
    """It may stop the clients of one place alone."""
    return cause.layer in _OF_THE_WAY and cause.id != _DOWN


def _together(reports: Mapping[str, HostReport]) -> Iterator[str]:
    """What only several replies tell: whether it is the host, or one network."""
    met = {name: report.outside for name, report in reports.items() if report.outside}
    reached = [name for name in met if _is_reached(reports[name])]
    refused = [name for name in met if name not in reached]
    words = {reply.word for name in refused for reply in met[name]}
    if reached and refused:
        there = ", ".join(refused)
        yield (
            f"Reached from {', '.join(reached)}, and not from {there}: the service runs. What stops {there} "
            "is the network there, the way from there, or a rule of the host against who comes from there."
        )
    elif len(refused) > 1 and len(words) == 1 and not words & _OF_THE_PLACE:
        yield (
            f"From all {len(met)} places the same: {', '.join(words)}. That is the host, or what stands "
            "before it for all of them, rather than the network of one place."
        )
    elif len(refused) > 1:
        yield f"No place reaches it: {_each(met)}."


def _each(met: Mapping[str, Sequence[Reply]]) -> str:
    return "; ".join(
        f"{name}: {', '.join(dict.fromkeys(reply.word for reply in replies))}"
        for name, replies in met.items()
    )
