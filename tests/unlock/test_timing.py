"""How long an answer takes does not tell who is listed; nor the answer after it, while a mail may go."""

from __future__ import annotations

import random
import statistics
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest

from unlock.apart import apart
from unlock.bed import ANN, HOME, STRANGER, Visitor

pytestmark = pytest.mark.alone


def chance(known: Sequence[float], unknown: Sequence[float]) -> float:
    """How often one of the known takes longer than one of the unknown: 0.5 tells nothing.

    >>> chance([2, 3], [1, 2]), chance([1, 2], [1, 2])
    (0.875, 0.5)
    """
    ranked = sorted(unknown)
    above = sum((bisect_left(ranked, one) + bisect_right(ranked, one)) / 2 for one in known)
    return above / (len(known) * len(unknown))


def measured(port: int, count: int) -> dict[str, tuple[list[float], list[float]]]:
    """Seconds of each request for a link, and of the next one after it: of who is listed, of who is not."""
    form = Visitor(port).get("/").form
    order = [ANN, STRANGER] * count
    random.shuffle(order)
    taken: dict[str, tuple[list[float], list[float]]] = {ANN: ([], []), STRANGER: ([], [])}
    for mail in order:
        asked, after = taken[mail]
        asked.append(_took(port, "POST", urlencode({**form, "mail": mail})))
        after.append(_took(port, "GET"))
    return taken


def _took(port: int, method: str, body: str | None = None) -> float:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    begun = time.perf_counter()
    connection.request(method, "/", body, {"X-Forwarded-For": HOME})
    answer = connection.getresponse()
    answer.read()
    took = time.perf_counter() - begun
    connection.close()
    assert answer.status == (303 if body else 200)
    return took


@pytest.mark.parametrize(
    ("count", "most"), [(500, 0.08), pytest.param(5000, 0.03, marks=pytest.mark.long)], ids=["few", "many"]
)
def test_the_time_tells_nothing(
    tmp_path: Path, count: int, most: float, record_property: Callable[[str, object], None]
) -> None:
    """``most`` is more than four standard deviations of so many: sqrt((2n + 1) / 12) / n."""
    with apart(tmp_path / "state.db") as port:
        taken = measured(port, count)
    for number, what in enumerate(("the answer", "the next answer")):
        known, unknown = taken[ANN][number], taken[STRANGER][number]
        tells = chance(known, unknown)
        medians = " and ".join(f"{1000 * statistics.median(each):.2f}" for each in (known, unknown))
        told = f"{what}: {count} each, listed and not: {medians} ms; longer in {100 * tells:.1f} % of pairs"
        record_property("measured", told)
        assert abs(tells - 0.5) < most, told


def test_a_page_that_looks_first_would_be_found_out(tmp_path: Path) -> None:
    with apart(tmp_path / "state.db", "leaky") as port:
        taken = measured(port, 300)
    assert chance(taken[ANN][0], taken[STRANGER][0]) > 0.6
