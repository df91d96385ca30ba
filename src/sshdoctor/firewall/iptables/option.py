"""The options of one rule as iptables writes them, and the simplest of what is made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sshdoctor.firewall.kernel import matches as judge
from sshdoctor.firewall.model import Doubt, Match
from sshdoctor.model import Family


class Option(NamedTuple):
    """``! --ctstate NEW``: the name, whether negated, and what follows."""

    name: str
    negated: bool
    values: tuple[str, ...]

    @property
    def value(self) -> str:
        if len(self.values) != 1:
            raise ValueError(f"{self.name} takes one value")
        return self.values[0]


Options = list[Option]
Maker = Callable[[Options, Family], list[Match]]


def depends(why: str) -> Maker:
    match = Match(judge.in_doubt, Doubt("depends", why))
    return lambda options, family: [match]


def unknown(why: str) -> Match:
    return Match(judge.in_doubt, Doubt("unknown", why))


def named(options: Options, name: str) -> Option | None:
    return next((option for option in options if option.name == name), None)
