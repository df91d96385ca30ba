"""The model of Apache's rules says what the real Apache does, for random configurations and requests."""

from __future__ import annotations

import pytest

from sites.apache_oracle import compare


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long)])
def test_the_model_of_apache_agrees_with_the_real_one(seed: int) -> None:
    number = 500 if seed == 1 else 10_000
    agreed, unsure, wrong = compare(number, seed)
    assert not wrong, wrong[0]
    assert agreed >= number * 0.9, f"{unsure} of {number} are not known"
