"""1,000 damaged inputs in every run, 30,000 in a long one: 0 exceptions, 0 over 5 s, 0 over 300 MB, 0 proofs.

What was found once is kept in ``found.yml``, and tried first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attacks.fuzz import budget, targets
from attacks.fuzz.damage import Edit, edits
from attacks.fuzz.targets import SHARES, Target

KINDS: dict[Target, tuple[str, ...]] = {
    # One bit of what a host printed may be flipped without a trace only on the host itself.
    targets.probes: ("cut", "lose", "repeat", "insert", "lose line"),
    targets.cut_dumps: ("cut", "lose line", "flip"),
}
FOUND: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "found.yml").read_text())
EVERY = pytest.mark.parametrize("target", SHARES, ids=lambda target: target.__name__)


def attack(target: Target, inputs: int, folder: Path) -> Counter[str]:
    """So many inputs, always the same ones; how many of each kind there were."""
    done: Counter[str] = Counter()

    @settings(
        max_examples=inputs,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.integers(0, 10_000), edits(*KINDS.get(target, ())))
    def one(seed: int, drawn: Sequence[Edit]) -> None:
        done["inputs"] += 1
        with budget.seconds():
            target(seed, drawn, folder)

    with budget.memory():
        one()
    return done


@EVERY
def test_damage_breaks_nothing(target: Target, tmp_path: Path) -> None:
    assert attack(target, SHARES[target], tmp_path)["inputs"] >= SHARES[target]


@pytest.mark.long
@EVERY
def test_damage_breaks_nothing_thirty_times_as_often(target: Target, tmp_path: Path) -> None:
    assert attack(target, 30 * SHARES[target], tmp_path)["inputs"] >= 30 * SHARES[target]


@pytest.mark.parametrize("case", FOUND, ids=lambda case: str(case["name"]))
def test_what_was_found_once_stays_mended(case: dict[str, Any], tmp_path: Path) -> None:
    target: Target = getattr(targets, case["target"])
    with budget.seconds(), budget.memory():
        target(case["seed"], [tuple(edit) for edit in case["edits"]], tmp_path)
