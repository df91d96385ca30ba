"""Hosts with several faults, composed of the single ones in faults.yml; the same in every run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from random import Random

import msgspec

from score.case import Case, Expect, Struct
from sshdoctor.documents.reader import read_yaml

FAULTS = Path(__file__).with_name("faults.yml")
PAIRS, TRIPLES = 45, 20
STAGES = (
    "ban",
    "firewall",
    "daemon",
    "admission",
    "handshake",
    "host key",
    "account",
    "key",
    "pam",
    "limits",
    "session",
    "shell",
)
"""In the order in which a client meets them."""
IMAGES = ("debian12", "debian13", "debian12", "debian11")


class Fault(Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a host."""

    name: str
    cause: str
    stage: str
    break_: str = msgspec.field(name="break")
    image: str | None = None
    """The only one in which it can be made."""
    touches: str | None = None
    either: bool = False

    @property
    def place(self) -> int:
        """On the client's way."""
        return STAGES.index(self.stage)


def load_faults() -> list[Fault]:
    """The single faults, by their place on the way."""
    named = read_yaml(FAULTS)
    faults = [msgspec.convert({"name": name, **data}, Fault) for name, data in named.items()]
    return sorted(faults, key=lambda fault: fault.place)


def pairs() -> Iterator[Case]:
    """Pairs and triples: each fault as often as the others, as far as that goes."""
    faults, chance = load_faults(), Random(13)  # noqa: S311 (not for secrets: the same choice in each run)
    for size, number in ((2, PAIRS), (3, TRIPLES)):
        possible = [group for group in combinations(faults, size) if go_together(group)]
        chance.shuffle(possible)
        used: Counter[str] = Counter()
        for index in range(number):
            group = min(possible, key=lambda it: sum(used[fault.name] for fault in it))
            possible.remove(group)
            used.update(fault.name for fault in group)
            yield compose(group, IMAGES[index % len(IMAGES)])


def go_together(faults: Sequence[Fault]) -> bool:
    """True if a host can have all of them, and it is clear which of them the client meets first."""
    touched = [fault.touches for fault in faults if fault.touches]
    causes = {fault.cause for fault in faults}
    same_stage = [two for two in combinations(faults, 2) if two[0].stage == two[1].stage]
    clear = all(fault.either for two in same_stage for fault in two)
    return clear and len({*touched}) == len(touched) and len(causes) == len(faults)


def compose(faults: Sequence[Fault], image: str) -> Case:
    """A host with all of them; those that are met last are made first, while sshd still starts."""
    first, *rest = faults
    only = [fault.image for fault in faults if fault.image]
    return Case(
        name="+".join(fault.name for fault in faults),
        kind="pairs",
        fault=", ".join(fault.cause for fault in faults),
        image=only[0] if only else image,
        break_="\n".join(fault.break_ for fault in reversed(faults)),
        expect=Expect(
            cause=first.cause,
            also=tuple(fault.cause for fault in rest if fault.stage == first.stage),
            behind=tuple(fault.cause for fault in rest),
        ),
    )
