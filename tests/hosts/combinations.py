"""Hosts with two and three of the faults of repairable.yml; the same in every run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from random import Random

import msgspec

from sshdoctor.documents.reader import read_yaml

PAIRS, TRIPLES = 80, 40
IMAGES = ("debian12", "debian12", "debian13", "debian11")


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a host."""

    name: str
    groups: tuple[str, ...]
    break_: str = msgspec.field(name="break")
    others: str = "free"
    restart: bool = False
    image: str | None = None


class Combination(msgspec.Struct, frozen=True, kw_only=True):
    """Several faults of one host; ``shut``: another client is shut out, before and after."""

    name: str
    image: str
    script: str
    shut: bool


def load_faults() -> list[Fault]:
    """The single faults."""
    named = read_yaml(Path(__file__).with_name("repairable.yml"))
    return [msgspec.convert({"name": name, **data}, Fault) for name, data in named.items()]


def every_combination() -> list[Combination]:
    """Pairs, then triples: each fault as often as the others, as far as that goes."""
    faults, chance = load_faults(), Random(17)  # noqa: S311 (not for secrets: the same choice in each run)
    made = []
    for size, number in ((2, PAIRS), (3, TRIPLES)):
        possible = [group for group in combinations(faults, size) if go_together(group)]
        chance.shuffle(possible)
        used: Counter[str] = Counter()
        for index in range(number):
            group = min(possible, key=lambda it: sum(used[fault.name] for fault in it))
            possible.remove(group)
            used.update(fault.name for fault in group)
            made.append(compose(group, IMAGES[index % len(IMAGES)]))
    return made


def go_together(faults: Sequence[Fault]) -> bool:
    """Whether one host can have all of them."""
    groups = [group for fault in faults for group in fault.groups]
    return len({*groups}) == len(groups)


def compose(faults: Sequence[Fault], image: str) -> Combination:
    """A host with all of them: first what is read at a start, then the daemon, then the firewall."""
    read = [fault for fault in faults if fault.restart]
    rest = [fault for fault in faults if not fault.restart]
    stopped = any("process" in fault.groups for fault in faults)
    restart = ["systemctl restart ssh || true"] if read and not stopped else []
    only = [fault.image for fault in faults if fault.image]
    return Combination(
        name="+".join(fault.name for fault in faults),
        image=only[0] if only else image,
        script="\n".join([*(f.break_ for f in read), *restart, *(f.break_ for f in rest), "sleep 1"]),
        shut=any(fault.others == "shut" for fault in faults),
    )
