"""Fixtures: a host with an administrator and an attacker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from attacks.harness import Scene, scene

if TYPE_CHECKING:
    from hosts.testbed import Testbed


@pytest.fixture
def systemd(testbed: Testbed, tmp_path: Path) -> Iterator[Scene]:
    """A host with systemd."""
    with scene(testbed, tmp_path) as opened:
        yield opened


@pytest.fixture
def bare(testbed: Testbed, tmp_path: Path) -> Iterator[Scene]:
    """A host without any service manager."""
    with scene(testbed, tmp_path, "noinit") as opened:
        yield opened
