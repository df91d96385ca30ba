"""A disk that takes long is not waited for: what was not read in time is unknown, and says so."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sshdoctor import disk as disk_module
from sshdoctor import facts
from sshdoctor.disk import Disk
from sshdoctor.model import Unknown

DROP_INS = 1500


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A disk with very many drop-ins, each of which is read."""
    (tmp_path / "etc/ssh/sshd_config.d").mkdir(parents=True)
    (tmp_path / "etc/ssh/sshd_config").write_text("Include /etc/ssh/sshd_config.d/*.conf\nPort 2222\n")
    for number in range(DROP_INS):
        (tmp_path / f"etc/ssh/sshd_config.d/{number:05}.conf").write_text("MaxAuthTries 6\n")
    return tmp_path


def test_what_is_not_read_in_time_is_unknown_and_says_so(root: Path) -> None:
    began = time.monotonic()
    found = facts.read_disk(["config", "host_keys", "nologin"], Disk(root), "deploy", 0.01)
    assert time.monotonic() - began < 5
    for value in found.values():
        assert value == Unknown("this disk takes more than 0.01 s to read (--timeout)")


def test_with_more_time_the_same_disk_is_read(root: Path) -> None:
    found = facts.read_disk(["config", "host_keys", "nologin"], Disk(root), "deploy", 60)
    assert isinstance(found["nologin"], facts.load("nologin").VALUE)
    assert "takes more than" not in repr(found)


def test_a_disk_is_read_up_to_so_many_bytes_of_all_its_files(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_module, "MOST_BYTES", 2**20)
    (root / "etc/large").write_bytes(b"x" * 600_000)
    disk = Disk(root)
    disk.begin_all(60)
    disk.read("/etc/large")
    with pytest.raises(disk_module.EndlessDiskError, match="1 MB of this disk"):
        disk.read("/etc/large")


def test_the_budget_is_of_one_reading(root: Path) -> None:
    disk = Disk(root)
    facts.read_disk(["nologin"], disk, "deploy", 0)
    assert "takes more than" not in repr(facts.read_disk(["nologin"], disk, "deploy", 60))
