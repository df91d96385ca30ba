"""Fixtures for every test. What needs a container engine is set up only when a test asks for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from hosts.testbed import Testbed

pytest_plugins = ["groups"]

PER_CORE = 3
"""Tests side by side: most of what a test does is to wait for a host."""
MOST = 10
"""Each worker has a test network of its own (hosts.testbed.SUBNETS), and there may be other runs."""


@pytest.fixture(scope="session")
def testbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    """Throw-away hosts for tests marked ``containers``: ``with testbed.host("debian12") as host``."""
    from hosts.testbed import open_testbed

    with open_testbed(tmp_path_factory.mktemp("testbed")) as opened:
        yield opened


def pytest_xdist_auto_num_workers() -> int:
    """What ``pytest -n auto`` means here."""
    return min(PER_CORE * (os.cpu_count() or 1), MOST)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests have measured (``record_property("measured", ...)``), whichever worker ran them."""
    for report in (*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")):
        for name, value in report.user_properties:
            if name == "measured":
                terminalreporter.write_line(str(value))
