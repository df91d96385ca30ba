"""The measured table over recorded hosts: python -m examination.table [CASE...]"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from examination.host import cases
from examination.judge import faults, innocents_named, right_origins
from examination.record import recorded
from sshdoctor.examination import FACTS, examine
from sshdoctor.examination.document import host_entry
from sshdoctor.examination.findings import Examination
from sshdoctor.facts import parse_all


@cache
def examined(name: str) -> Examination:
    """What is found on a recorded host."""
    return examine(parse_all(FACTS, recorded()[name]))


def found_in(name: str) -> dict[str, Any]:
    """The same as the report has it."""
    return host_entry("web1", examined(name))


def table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """A row for each host, then what they come to."""
    lines, culprits, right, named, kinds, whole = [], 0, 0, 0, 0, 0
    for name, each in found.items():
        truth = cases()[name]["truth"]
        origins, wrong = right_origins(each, truth), faults(each, truth)
        innocent = innocents_named(each, truth)
        culprits, right = culprits + len(origins), right + sum(origins)
        named, kinds = named + len(innocent), kinds + (each["kind"] == truth["kind"])
        whole += not wrong
        word = "WRONG" if wrong else "ok"
        lines.append(f"{name:22} {each['kind']:10} {sum(origins)}/{len(origins)} {len(innocent)} {word}")
        lines += [f"    {text[:600]}" for text in wrong]
    lines.append(
        f"{len(found)} hosts: culprits with the right origin {right} of {culprits}, innocents named {named},"
        f" kinds right {kinds}, right in everything {whole}"
    )
    return "\n".join(lines)


def main(names: Sequence[str]) -> None:
    print(table({name: found_in(name) for name in names or recorded()}))


if __name__ == "__main__":
    main(sys.argv[1:])
