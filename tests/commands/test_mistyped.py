"""A word that was mistyped is named with what was meant, before anything is dialled."""

from __future__ import annotations

from pathlib import Path

import pytest

from preloaded import run_command

MISTYPED = {
    "service": (("diagnose", "web1", "--service", "wbe"), "there are ssh, web, all; did you mean 'web'?"),
    "cause": (("remediate", "web1", "--cause", "sshd-stoped"), "no such cause; did you mean 'sshd-stopped'?"),
    "version": (("--verion",), "did you mean --version?"),
    "playbook": (("playbook",), "--name is missing: the playbook; `playbooks` lists them"),
    "state": (("watch", "web1"), "--state FILE is missing"),
}


@pytest.mark.parametrize("words, told", MISTYPED.values(), ids=MISTYPED)
def test_it_is_named_and_nothing_is_dialled(words: tuple[str, ...], told: str, tmp_path: Path) -> None:
    inventory = tmp_path / "inventory.yml"
    inventory.write_text("all: {hosts: {web1: {ansible_host: 127.0.0.1}}}\n")
    done = run_command([*words, *(["-i", str(inventory)] if "web1" in words else [])], seconds=60)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Permision denied (publickey)", "Permission denied"),
        ("ssh: connect to host web1 port 22: Conection refusd", "Connection refused"),
        ("Host key verification faild.", "Host key verification failed"),
    ],
)
def test_words_that_were_copied_by_hand_are_recognized(typed: str, meant: str) -> None:
    done = run_command(["explain", typed], seconds=60)
    assert (done.returncode, f"did you mean {meant!r}?" in done.stdout) == (3, True)
    assert run_command(["explain", meant], seconds=60).returncode == 0


def test_words_of_nothing_that_is_known_are_taken_for_nothing_else() -> None:
    assert "did you mean" not in run_command(["explain", "the printer is on fire"], seconds=60).stdout
