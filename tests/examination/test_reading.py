"""How texts are read in which others have a hand, and the queue of sendmail: by the real shell."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from examination.record import recorded
from sshdoctor.examination import FACTS, examine
from sshdoctor.examination.encoded import decoded
from sshdoctor.facts import commands, parse_all
from sshdoctor.facts.parsing.bounded import READ_BY, unread
from sshdoctor.facts.parsing.section import Section

NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="who reads is chosen by root alone")


def read(paths: list[Path], script: str = 'cat -- "$@"') -> str:
    text = f"{READ_BY}\nread_by {script!r}"
    listed = "".join(f"{path}\n" for path in paths)
    done = subprocess.run(
        ["sh", "-c", text], input=listed, capture_output=True, text=True, check=False, timeout=30
    )
    return done.stdout


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder of nobody's, on a way that is root's (pytest closes its own to others)."""
    with TemporaryDirectory() as above:
        Path(above).chmod(0o755)
        theirs = Path(above) / "home"
        theirs.mkdir()
        os.chown(theirs, NOBODY, NOBODY)
        yield theirs


def mine(folder: Path, name: str, text: str, mode: int) -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(mode)
    return path


@as_root
def test_what_lies_in_a_folder_of_others_is_read_with_their_rights(home: Path) -> None:
    secret, open_ = mine(home, "secret", "a secret\n", 0o600), mine(home, "open", "open\n", 0o644)
    assert read([secret, open_]) == "open\n"


@as_root
def test_a_folder_that_is_swapped_for_a_link_shows_nothing_of_roots(home: Path, tmp_path: Path) -> None:
    ours = tmp_path / "ours"
    ours.mkdir()
    mine(ours, "shadow", "a secret\n", 0o600)
    (home / "config").symlink_to(ours)
    assert read([home / "config" / "shadow"]) == ""


@as_root
def test_what_is_no_regular_file_is_not_opened(home: Path) -> None:
    os.mkfifo(home / "pipe")
    (home / "zero").symlink_to("/dev/zero")
    (home / "link").symlink_to("/etc/shadow")
    assert read([home / "pipe", home / "zero", home / "link", mine(home, "a b", "text\n", 0o644)]) == "text\n"


@as_root
def test_a_pipe_in_the_place_of_a_text_ends_with_its_time(home: Path) -> None:
    swapped = mine(home, "text", "x\n", 0o644)
    assert read([swapped], 'rm -f "$1"; mkfifo "$1" && cat "$1"') == ""


@as_root
def test_whose_texts_were_not_read_to_the_end_is_said_and_is_no_clean_bill(home: Path) -> None:
    """Those of everybody else are read."""
    swapped = mine(home, "text", "x\n", 0o644)
    text = f'{READ_BY}\nread_by \'rm -f "$1"; mkfifo "$1" && cat "$1"\''
    done = subprocess.run(
        ["sh", "-c", text], input=f"{swapped}\n", capture_output=True, text=True, check=False, timeout=30
    )
    assert unread(done.stderr) == {NOBODY}
    section = recorded()["ok-tmux"]["site_files.files"]
    cut = {**recorded()["ok-tmux"], "site_files.files": Section(f"{section.output}\nT\t1201\n", 0)}
    found = examine(parse_all(FACTS, cut))
    assert found.kind == "undecided"
    assert "not seen: all texts of user 1201 (reading them took too long)" in found.doubts


def test_the_queue_of_sendmail_tells_who_handed_a_letter_in(tmp_path: Path) -> None:
    spool = tmp_path / "mqueue"
    spool.mkdir()
    (spool / "qfx1").write_text(
        "V8\nT1795794848\nK0\nN0\nP30000\n$_localhost [127.0.0.1]\n$rESMTP\n$slocalhost\n"
        "${daemon_flags}\nS<shop@web.example>\nRPFD:<a@example.net>\nH?P?Return-Path: <g>\n"
        "H??Received: from web (localhost [127.0.0.1])\n"
        "H??Received: (from shop@localhost)\n\tby web (8.15.2/Submit)\n"
        "H??X-PHP-Originating-Script: 1201:q.php\nH??Subject: Hello\n.\n"
    )
    (spool / "qfx2").write_text(
        "V8\nT1795794850\n$_pc [203.0.113.8]\n${auth_authen}info\nS<info@shop.example>\n"
        "RPFD:<a@example.net>\nRPFD:<b@example.net>\nH??Subject: Loan\n.\n"
    )
    text = commands(["letters"])["letters.queue"].replace("/var/spool/mqueue", str(spool))
    done = subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=False)
    sections = {"letters.queue": Section(done.stdout, 0), "letters.log": Section("Z\t1795794900\t+0000\n", 0)}
    found = parse_all(["letters"], sections)["letters"]
    assert (found.server, found.queued) == ("sendmail", 2)
    one, two = sorted(found.waiting, key=lambda letter: letter.ident)
    assert (one.user, one.script, one.subject, one.to) == ("shop", "1201:q.php", "Hello", "a@example.net")
    assert (two.login, two.client, two.to, two.user) == ("info", "203.0.113.8", "many", "")


def test_what_is_no_base64_is_none() -> None:
    assert decoded("base64 -d AAAAAAAAAAAAAAAAAAAAAAAAAAAAA!") == ""
    assert decoded('eval(gzinflate(base64_decode("S60oyC8qUVBKTM7ILFZIzkgsKlFIzs8rSU0uUdK0BgA=")));') != ""
