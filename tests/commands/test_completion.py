"""What a shell offers after Tab, and the man page: from the same texts as --help."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sshdoctor.cli.collection import namespace
from sshdoctor.commands.completion import SHELLS, fitting
from sshdoctor.commands.shared.help_text import help_of
from sshdoctor.commands.shared.man_page import man_page
from sshdoctor.commands.shared.program import as_command, contexts_of

CONTEXTS = contexts_of(namespace)
COMMANDS = {name: as_command(one) for name, one in CONTEXTS.items()}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    Path("inventory.yml").write_text("web: {hosts: {web1: , web2: }}\n")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("sshdoctor dia", ["diagnose"]),
        ("sshdoctor diagnose w", ["web", "web1", "web2"]),
        ("sshdoctor diagnose --host web1", ["web1"]),
        ("sshdoctor diagnose -l web2", ["web2"]),
        ("sshdoctor diagnose web1 --format j", ["json", "jsonl", "junit"]),
        ("sshdoctor diagnose web1 --lang ", ["en", "ja"]),
        ("sshdoctor diagnose web1 --outs", ["--outside-only"]),
        ("sshdoctor remediate web1 --cause sshd-sto", ["sshd-stopped"]),
        ("sshdoctor diagnose --only firew", ["firewall", "firewall-accepts-ssh"]),
        ("sshdoctor playbook start-ss", ["start-sshd"]),
        ("sshdoctor diagnose web1 --service ", ["all", "ssh", "web"]),
        ("sshdoctor completion f", ["fish"]),
        ("sshdoctor diagnose --output ", []),
    ],
)
def test_what_fits_is_offered(line: str, found: list[str]) -> None:
    assert fitting(line, COMMANDS) == found


def test_bash_asks_this_program_for_the_words(tmp_path: Path) -> None:
    program = tmp_path / "sshdoctor"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m sshdoctor.cli "$@"\n')
    program.chmod(0o755)
    script = """eval "$(sshdoctor completion bash)"
COMP_LINE="$1"; COMP_POINT=${#1}; _sshdoctor; echo "${COMPREPLY[@]}"
"""
    bash = str(shutil.which("bash"))
    done = subprocess.run(
        [bash, "-c", f'PATH="{tmp_path}:$PATH"; {script}', "bash", "sshdoctor diagnose we"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["web", "web1", "web2"]


def test_each_shell_has_a_script() -> None:
    assert set(SHELLS) == {"bash", "zsh", "fish"}
    assert all("completion --words" in script for script in SHELLS.values())


def test_the_man_page_has_every_command_and_option_and_reads_without_a_warning() -> None:
    helps = help_of(namespace, CONTEXTS)
    page = man_page(helps)
    for one in helps.values():
        assert f".B {one.name}" in page.replace("\\-", "-")
        for option in one.options:
            assert f"--{option.name}" in page.replace("\\-", "-")
    requests = {line.partition(" ")[0] for line in page.splitlines() if line.startswith(".")}
    assert requests <= {".TH", ".SH", ".TP", ".B", ".BR"}


def test_the_texts_of_help_are_there_as_often_as_they_are_asked_for() -> None:
    first, second = (help_of(namespace, contexts_of(namespace)) for _ in range(2))
    assert first == second
    assert first["diagnose"].words == "HOST"
