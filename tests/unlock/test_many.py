"""Ten thousand requests, and the page killed in the middle: nobody is told anything, nobody is flooded."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from unlock.bed import ANN, Answer, Visitor, unmailed, until
from unlock.running import inventory, running
from watch.sinks import smtp

pytestmark = [pytest.mark.long, pytest.mark.alone]
ALL, WORKERS = 10_000, 8
BOB = "bob@example.org"


def asks(port: int, number: int) -> Answer | None:
    """One page and one form, from a network of its own; every tenth names somebody who is listed."""
    address = f"2001:{number // 250:x}:{number % 250:x}::1"
    mail = ANN if number % 10 == 0 else f"guess{number}@example.net"
    try:
        return Visitor(port, address).asks(mail)
    except (OSError, IndexError):
        return None  # it was killed just then


def test_ten_thousand_requests(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    state, file, answers = tmp_path / "state.db", inventory(tmp_path), list[Answer | None]()
    begun = time.perf_counter()
    with smtp() as (smtp_port, mails), ThreadPoolExecutor(WORKERS) as pool:
        for half in range(2):
            with running(state, file, smtp_port) as (port, process):
                numbers = range(half * ALL // 4, (half + 1) * ALL // 4)
                answers += pool.map(lambda number, port=port: asks(port, number), numbers)
                largest = _memory(process.pid)
                if half == 0:
                    process.kill()
                    process.wait()
                else:
                    took = time.perf_counter() - begun
                    until(lambda: not unmailed(state), 60)
                    flooded = len(mails)
                    time.sleep(61)  # then it takes requests again, whoever asks
                    assert Visitor(port, "198.51.100.77").asks(BOB).status == 303
                    until(lambda: any(mail["To"] == BOB for mail in mails))
    statuses = Counter(one.status for one in answers if one)
    same = {str({**one.headers, "date": ""}) + one.text for one in answers if one and one.status == 303}
    told = (
        f"{ALL} requests in {took:.0f} s, killed once: {statuses[303]} taken, {statuses[429]} refused, "
        f"{sum(one is None for one in answers)} lost; {flooded} mails, to the one who is listed; "
        f"{largest} MB; the file {state.stat().st_size // 1024} kB"
    )
    record_property("measured", told)
    assert set(statuses) <= {303, 429}, statuses
    assert len(same) == 1
    assert Counter(mail["To"] for mail in mails) == {ANN: flooded, BOB: 1} and flooded <= 10, told
    assert statuses[303] <= 200 * (took / 60 + 2), told


def _memory(pid: int) -> int:
    """Megabytes, at most so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) // 1024
