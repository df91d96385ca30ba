"""What is put aside half way comes back as it was; no link of a user's leads root's hands anywhere."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from pathlib import Path

import pytest

from sshdoctor.remedy.script import guard_text, head, shell_file

pytestmark = pytest.mark.containers
"""As root alone: nothing is started, but whose a folder is decides."""
TEXT = "one\nguilty\nthree\n"
USER = 12345


class Place:
    """A folder of a user's in a temporary one, and a state of the guard's beside it."""

    def __init__(self, folder: Path) -> None:
        self.home, self.state, self.work = folder / "home", folder / "state", folder / "work"
        for each in (self.home, self.state / "inverse", self.work / "task"):
            each.mkdir(parents=True)
        self.state.chmod(0o700)
        (self.state / "guard.sh").write_text(guard_text())
        self.file = self.home / "a file;\n$(id)"
        self.file.write_text(TEXT)
        self.file.chmod(0o640)
        os.utime(self.file, ns=(1_700_000_000_123_456_789, 1_700_000_000_123_456_789))
        os.chown(self.file, USER, USER)
        os.setxattr(self.file, "user.note", b"kept")
        os.chown(self.home, USER, USER)
        os.utime(self.home, ns=(1_600_000_000_000_000_001, 1_600_000_000_000_000_001))

    def run(self, call: str, *, stop_before: str = "") -> str:
        """What is said of the task; ``stop_before``: it dies where it would run this command."""
        deadly = f"{stop_before}() {{ kill -9 0; }}\n" if stop_before else ""
        script = (
            f"{head('m', check=False).replace('trap ', ': ')}\nwork={shlex.quote(str(self.work))}\n"
            f". {shlex.quote(str(self.state / 'guard.sh'))}\n{shell_file('clean.sh')}\n"
            f"state={shlex.quote(str(self.state))}\n{deadly}( {call} ) || died\n"
        )
        subprocess.run(
            ["sh", "-s"], input=script, text=True, capture_output=True, check=False, start_new_session=True
        )
        message = self.work / "task" / "msg"
        return message.read_text() if message.exists() else ""

    def undo(self) -> None:
        for each in sorted((self.state / "inverse").iterdir(), reverse=True):
            subprocess.run(["sh", str(each)], check=False, capture_output=True)

    def seen(self) -> list[object]:
        found: list[object] = [
            sorted(each.name for each in self.home.iterdir()),
            self.home.stat().st_mtime_ns,
        ]
        if self.file.exists():
            stat = self.file.stat()
            found += [self.file.read_text(), stat.st_mode, stat.st_uid, stat.st_gid, stat.st_mtime_ns]
            found += [stat.st_nlink, os.getxattr(self.file, "user.note")]
        return found


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def aside(place: Place) -> str:
    return shlex.join(["clean_aside", str(place.file), ""])


def lines(place: Place) -> str:
    return shlex.join(["clean_lines", str(place.file), "2\tguilty"])


@pytest.mark.parametrize("step", ["aside", "lines"])
@pytest.mark.parametrize(
    "dies_at", ["", "theirs_room", "clean_archive", "journal", "tar", "mv", "rmdir", "rm", "ln"]
)
def test_wherever_it_dies_all_is_as_it_was(place: Place, step: str, dies_at: str) -> None:
    before = place.seen()
    place.run((aside if step == "aside" else lines)(place), stop_before=dies_at)
    place.undo()
    assert place.seen() == before


def test_what_is_put_aside_is_gone_and_nothing_else_is(place: Place) -> None:
    (place.home / "another").write_text("stays")
    assert place.run(aside(place)) == ""
    assert [each.name for each in place.home.iterdir()] == ["another"]


def test_of_a_shared_file_one_line_goes_and_it_stays_its_owners(place: Place) -> None:
    assert place.run(lines(place)) == ""
    stat = place.file.stat()
    assert place.file.read_text() == "one\nthree\n"
    assert (stat.st_mode & 0o777, stat.st_uid, os.getxattr(place.file, "user.note")) == (0o640, USER, b"kept")


def test_a_line_that_has_moved_is_found_and_one_that_is_another_is_left(place: Place) -> None:
    place.file.write_text(f"new\n{TEXT}")
    place.run(lines(place))
    assert place.file.read_text() == "new\none\nthree\n"
    assert "not what it was" in place.run(lines(place))
    assert place.file.read_text() == "new\none\nthree\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("* * * * * x #\rno crontab for root   ", "* * * * * x #\\rno crontab for root"),
        ("\r* * * * * x\x0b\x0c", "\\r* * * * * x\\x0b\\x0c"),
        ("* * * * * Grüße\u2028x", "* * * * * Grüße\\u2028x"),
    ],
)
def test_a_line_whose_bytes_are_told_in_another_spelling_is_found(place: Place, text: str, told: str) -> None:
    place.file.write_text(f"one\n{text}\nthree\n", newline="")
    place.run(shlex.join(["clean_lines", str(place.file), f"2\t{told}"]))
    assert place.file.read_bytes() == b"one\nthree\n"


def test_a_line_of_which_nothing_is_plain_is_not_taken(place: Place) -> None:
    place.file.write_text("one\n\nthree\n")
    assert "not what it was" in place.run(shlex.join(["clean_lines", str(place.file), "2\t\\x0b"]))
    assert place.file.read_text() == "one\n\nthree\n"


def test_what_has_changed_since_is_left_alone_and_named(place: Place) -> None:
    place.run(lines(place))
    place.file.write_text("its owner's new text\n")
    place.undo()
    assert place.file.read_text() == "its owner's new text\n"
    assert "something else is there now" in (place.state / "not-given").read_text()


@pytest.mark.parametrize("step", ["aside", "lines"])
def test_a_folder_that_is_a_link_of_a_users_is_not_entered(place: Place, step: str, tmp_path: Path) -> None:
    roots = tmp_path / "roots"
    roots.mkdir()
    (roots / place.file.name).write_text(TEXT)
    (place.home / "sub").symlink_to(roots)
    path = f"{place.home}/sub/{place.file.name}"
    words = ["clean_aside", path, ""] if step == "aside" else ["clean_lines", path, "2\tguilty"]
    assert "without following a link" in place.run(shlex.join(words))
    assert (roots / place.file.name).read_text() == TEXT


def test_a_line_of_a_file_that_is_a_link_is_not_taken(place: Place, tmp_path: Path) -> None:
    root_own = tmp_path / "shadow"
    root_own.write_text(TEXT)
    place.file.unlink()
    place.file.symlink_to(root_own)
    assert "no regular file" in place.run(lines(place))
    assert root_own.read_text() == TEXT


def test_a_link_is_put_aside_itself_and_comes_back(place: Place, tmp_path: Path) -> None:
    root_own = tmp_path / "shadow"
    root_own.write_text(TEXT)
    place.file.unlink()
    place.file.symlink_to(root_own)
    place.run(aside(place))
    assert not place.file.is_symlink() and root_own.read_text() == TEXT
    place.undo()
    assert place.file.readlink() == root_own


def test_what_is_kept_is_roots_alone(place: Place) -> None:
    place.run(aside(place))
    kept = place.state / "quarantine"
    assert {each.stat().st_mode & 0o077 for each in (kept, *kept.iterdir())} == {0}
    assert "home" in (kept / "0001.path").read_text()


def test_a_process_is_found_by_the_kernels_word_whatever_its_group(place: Place) -> None:
    """Also where root lacks the right to look into others' processes, as in many containers."""
    command = ["setpriv", "--reuid", "12345", "--regid", "54321", "--clear-groups", "/usr/bin/sleep", "60"]
    process = subprocess.Popen(command)
    script = f"{shell_file('clean.sh')}\nclean_running 12345 /usr/bin/sleep /usr/bin/sleep\n"
    weaker = ["setpriv", "--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace", "sh", "-s"]
    try:
        time.sleep(0.5)
        done = subprocess.run(weaker, input=script, text=True, capture_output=True, check=False)
    finally:
        process.kill()
        process.wait()
    assert done.stdout.split() == [str(process.pid)]
