"""Every fact is held against what real hosts printed: tests/facts/FACT/CASE.yml."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sshdoctor import facts
from sshdoctor.documents.reader import read_yaml
from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Unknown

HERE = Path(__file__).parent
CASES = sorted(HERE.glob("*/*.yml"))


def faults(actual: Any, expected: Any, at: str) -> list[str]:
    """Where ``actual`` is not as ``expected``; of a mapping only the keys that are expected count."""
    if isinstance(expected, Mapping):
        if list(expected) == ["unknown"]:
            seen = isinstance(actual, Unknown) and expected["unknown"] in actual.reason
            return [] if seen else [f"{at} is {actual!r}, not Unknown({expected['unknown']!r})"]
        if isinstance(actual, Unknown):
            return [f"{at} is {actual!r}"]
        pick = actual.__getitem__ if isinstance(actual, Mapping) else lambda key: getattr(actual, key)
        return [fault for key, each in expected.items() for fault in faults(pick(key), each, f"{at}.{key}")]
    if isinstance(expected, list) and isinstance(actual, tuple) and len(expected) == len(actual):
        pairs = enumerate(zip(actual, expected, strict=True))
        return [fault for number, (one, each) in pairs for fault in faults(one, each, f"{at}[{number}]")]
    kind = str if isinstance(actual, str) else type(actual)  # a command to type is text as well
    return [] if actual == expected and kind is type(expected) else [f"{at} is {actual!r}, not {expected!r}"]


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_fact_reads_what_a_host_printed(path: Path) -> None:
    case, name = read_yaml(path), path.parent.name
    sections = {
        f"{name}.{key}": Section(cut=each.pop("cut", ""), **each) for key, each in case["sections"].items()
    }
    assert set(sections) == set(facts.commands([name])), "record the case anew"
    assert case["expect"], "a case expects something"
    value = facts.parse_all([name], sections)[name]
    assert not (found := faults(value, case["expect"], name)), "\n".join(found)


@pytest.mark.parametrize("name", (*facts.names(), *facts.about_doors()))
def test_a_fact_has_cases(name: str) -> None:
    assert list((HERE / name).glob("*.yml"))
