"""What a host says where the guard cannot keep a copy of its firewall."""

import subprocess
from pathlib import Path

import pytest

from sshdoctor import remedy

SNAPSHOT = Path(remedy.__file__).parent / "guard" / "snapshot.sh"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("Could not fetch rule set generation id: Permission denied (you must be root)", True),
        ("netlink: Error: cache initialization failed: Operation not permitted", True),
        ("iptables-save: unknown table 'x'", False),
    ],
)
def test_it_says_which_right_is_missing_and_how_a_container_gets_it(
    error: str, told: bool, tmp_path: Path
) -> None:
    (tmp_path / "before").mkdir()
    (tmp_path / "before" / "errors").write_text(f"{error}\na second line\n")
    done = subprocess.run(
        ["sh", "-c", f". {SNAPSHOT}; state={tmp_path}; guard_unread before"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert error in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert ("--cap-add NET_ADMIN" in done.stdout) is told
