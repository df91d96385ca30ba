"""What steers a terminal, in every message that is no report."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from attacks.harness import Done, Scene, run

ESCAPES = ("\x1b", "\x07", "\x9b", "\u202e")
PAINT = "\x1b[2J\x1b]0;owned\x07\u202e"


def typed(*words: str) -> Done:
    return run([sys.executable, "-m", "sshdoctor.cli", *words])


def clean(done: Done) -> None:
    assert done.code, done.stdout
    assert done.stderr
    for escape in ESCAPES:
        assert escape not in done.stderr + done.stdout


def a_capture(folder: Path) -> Done:
    path = folder / "capture"
    path.write_text(f"sshdoctor-capture 1\nasked {PAINT}\n")
    return typed("diagnose", "--host", "web1@127.0.0.1", "--capture", str(path))


def a_captures_name(folder: Path) -> Done:
    return typed("diagnose", "--host", "127.0.0.1", "--capture", str(folder / f"no{PAINT}".replace("/", "")))


def an_inventory(folder: Path) -> Done:
    path = folder / "inventory.yml"
    path.write_text(json.dumps({"all": {"hosts": {"web1": {"ansible_port": PAINT}}}}, ensure_ascii=True))
    return typed("diagnose", "--host", "web1", "--inventory", str(path))


def an_inventory_of_lines(folder: Path) -> Done:
    path = folder / "inventory"
    path.write_text(f"web1 ansible_port={PAINT}\n")
    return typed("diagnose", "--host", "web1", "--inventory", str(path))


def a_host(folder: Path) -> Done:
    return typed("diagnose", "--host", f"web1{PAINT}")


def a_check(folder: Path) -> Done:
    (folder / "inventory.yml").write_text("all: {hosts: {web1: {}}}")
    check = folder / "sshdoctor_checks" / "daemon" / "mine.yml"
    check.parent.mkdir(parents=True)
    check.write_text('"\\e[2J\\e]0;owned\\a\\u202e": 1\n')
    return typed("diagnose", "--host", "web1", "--inventory", str(folder / "inventory.yml"))


def a_playbook(folder: Path) -> Done:
    (folder / "inventory.yml").write_text("all: {hosts: {web1: {}}}")
    playbook = folder / "sshdoctor_playbooks" / "mine.yml"
    playbook.parent.mkdir(parents=True)
    playbook.write_text('- {"\\e[2J\\e]0;owned\\a\\u202e": 1}\n')
    return typed("playbook", "mine", "--host", "web1", "--inventory", str(folder / "inventory.yml"))


def a_flag(folder: Path) -> Done:
    return typed("diagnose", f"--{PAINT}")


def rules(folder: Path) -> Done:
    (folder / "rules").write_text(f"{PAINT}\n")
    return typed("verdict", "--rules", str(folder / "rules"), "--source", "192.0.2.1")


EACH = [
    a_capture,
    a_captures_name,
    an_inventory,
    an_inventory_of_lines,
    a_host,
    a_check,
    a_playbook,
    a_flag,
    rules,
]


@pytest.mark.parametrize("wrong", EACH, ids=lambda each: each.__name__)
def test_no_error_steers_a_terminal(wrong: Callable[[Path], Done], tmp_path: Path) -> None:
    clean(wrong(tmp_path))


@pytest.mark.containers
def test_what_a_host_says_to_an_undo_steers_none(systemd: Scene) -> None:
    systemd.host.run("systemctl stop ssh")
    assert systemd.admin.asks("remediate", "--yes").report["repair"]["outcome"] == "proved"
    systemd.host.run(r"printf 'printf \"\\033[2J\\033]0;owned\\007\" >&2; exit 3\n' >/tmp/guard")
    systemd.host.run("for g in /var/lib/sshdoctor/*/guard.sh; do cp /tmp/guard $g; done")
    clean(systemd.admin.types("undo", "--yes"))
