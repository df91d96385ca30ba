"""The wheel, with the wheels of all that it needs: from there it is installed where no network is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHONS = {"3.11", "3.13", f"{sys.version_info.major}.{sys.version_info.minor}"}
"""Debian 12's, Debian 13's, and this one."""
BESIDE = ("pip", "setuptools", "wheel", "pipx")
"""What pip and pipx want to renew when they make an environment."""


@pytest.fixture(scope="session")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of wheels: this project's, and of all that it needs on each of the Pythons."""
    folder = tmp_path_factory.mktemp("wheels")
    pip("wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
    (wheel,) = folder.glob("sshdoctor-*.whl")
    for version in sorted(PYTHONS):
        only = ["--only-binary=:all:", "--python-version", version]
        pip("download", *only, "--dest", str(folder), str(wheel), *BESIDE)
    return folder


def pip(*words: str) -> None:
    command: Sequence[str] = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
