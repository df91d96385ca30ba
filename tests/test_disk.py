"""A stranger's disk: whatever its links and files are, nothing outside of it is read, and nothing waits."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sshdoctor.disk import Disk

OUTSIDE = "the rescue system's own secret"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text(OUTSIDE)
    root = tmp_path / "disk"
    (root / "etc/ssh").mkdir(parents=True)
    (root / "etc/passwd").write_text("of the disk")
    return root


def test_an_absolute_link_begins_at_the_root_of_the_disk(root: Path) -> None:
    (root / "etc/ssh/sshd_config").symlink_to("/etc/passwd")
    assert Disk(root).text("/etc/ssh/sshd_config") == "of the disk"
    assert Disk(root).real("/etc/ssh/sshd_config") == "/etc/passwd"


@pytest.mark.parametrize("up", [1, 3, 30])
def test_no_number_of_steps_up_leads_out(root: Path, up: int) -> None:
    (root / "etc/ssh/sshd_config").symlink_to("../" * up + "secret")
    assert Disk(root).text_if_any("/etc/ssh/sshd_config") is None
    (root / "secret").write_text("at the root of the disk")
    expected = None if up == 1 else "at the root of the disk"
    assert Disk(root).text_if_any("/etc/ssh/sshd_config") == expected


def test_a_link_to_a_file_of_this_machine_leads_nowhere(root: Path, tmp_path: Path) -> None:
    (root / "etc/ssh/sshd_config").symlink_to(tmp_path / "secret")
    assert Disk(root).text_if_any("/etc/ssh/sshd_config") is None


def test_a_folder_that_is_a_link_stays_on_the_disk(root: Path, tmp_path: Path) -> None:
    (root / "var").symlink_to(tmp_path)
    (root / "run").symlink_to("../../../../../..")
    disk = Disk(root)
    assert disk.names("/var") == ()
    assert disk.text_if_any("/var/secret") is None
    assert disk.names("/run") == disk.names("/") == ("etc", "run", "var")
    assert disk.glob("/run/etc/pass*") == ("/run/etc/passwd",)


def test_a_path_with_steps_up_in_it_stays_on_the_disk(root: Path) -> None:
    assert Disk(root).text_if_any("/etc/../../secret") is None
    assert Disk(root).text("/../../etc/ssh/../passwd") == "of the disk"


def test_links_that_lead_to_each_other_are_an_error_and_no_loop(root: Path) -> None:
    (root / "etc/a").symlink_to("b")
    (root / "etc/b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        Disk(root).read("/etc/a")
    assert Disk(root).text_if_any("/etc/a") is None


def test_what_is_no_regular_file_is_not_opened(root: Path) -> None:
    os.mkfifo(root / "etc/nologin")  # who opens it waits for a writer, for ever
    (root / "etc/shadow").symlink_to("ssh")
    disk = Disk(root)
    with pytest.raises(OSError, match="regular"):
        disk.read("/etc/nologin")
    with pytest.raises(OSError, match="regular"):
        disk.read("/etc/shadow")


def test_no_more_is_read_than_was_asked_for(root: Path) -> None:
    with (root / "etc/large").open("wb") as large:
        large.truncate(2**40)  # a sparse file costs nothing to make
    assert len(Disk(root).read("/etc/large", most=1000)) == 1000
    assert len(Disk(root).read("/etc/large", most=1000, tail=True)) == 1000


def test_every_descriptor_is_closed_again(root: Path) -> None:
    (root / "etc/loop").symlink_to("loop")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 -- it is read while it is counted
    disk = Disk(root)
    for path in ("/etc/passwd", "/etc/loop", "/none/of/it", "/etc/passwd/under", "/etc/ssh/../ssh/x"):
        disk.text_if_any(path)
        disk.is_there(path)
        disk.glob(f"{path}*")
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_link_is_told_as_it_is_written(root: Path) -> None:
    (root / "etc/unit").symlink_to("/dev/null")
    disk = Disk(root)
    assert disk.link("/etc/unit") == "/dev/null"
    assert disk.link("/etc/passwd") is None
    assert disk.is_there("/etc/unit")
    assert not disk.is_file("/etc/unit")
