"""The other targets of a host: where one goes down or comes back, the others may have as well."""

from __future__ import annotations

from collections.abc import Sequence

from sshdoctor.watch.target import Target

_PAUSE = 20.0
"""Seconds in which they are given once: a look takes so long at most."""


class Neighbours:
    """Of all ``targets``, by the host that they are of."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._by_host: dict[str, list[Target]] = {}
        for target in targets:
            self._by_host.setdefault(target.host.name, []).append(target)
        self._given: dict[str, float] = {}

    def of(self, target: Target, now: float) -> list[Target]:
        """Those beside ``target``, none where they were given a moment ago."""
        host = target.host.name
        if now - self._given.get(host, -_PAUSE) < _PAUSE:
            return []
        self._given[host] = now
        return [one for one in self._by_host[host] if one is not target]
