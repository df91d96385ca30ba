"""What is typed is understood as a person means it, or refused with what would be right."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sshdoctor.cli.collection import namespace
from sshdoctor.commands.shared.command_line import Line, understand
from sshdoctor.commands.shared.help_text import help_of
from sshdoctor.commands.shared.program import as_command, contexts_of
from sshdoctor.documents.reader import read_yaml
from sshdoctor.errors import UsageError

CASES = read_yaml(Path(__file__).with_name("command_lines.yml"))
CONTEXTS = contexts_of(namespace)
COMMANDS = {name: as_command(one) for name, one in CONTEXTS.items()}
HELPS = help_of(namespace, CONTEXTS)


def understood(typed: str) -> Line:
    return understand(shlex.split(typed), COMMANDS, program="sshdoctor")


def options(line: Line) -> dict[str, Any]:
    (typed,) = line.commands
    found: dict[str, Any] = {}
    for name, value in typed.values:
        if COMMANDS[typed.command].options[name].many:
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    return found


@pytest.mark.parametrize("case", CASES["understood"], ids=lambda case: case["typed"])
def test_what_is_typed_is_understood(case: dict[str, Any]) -> None:
    line = understood(case["typed"])
    assert line.commands[0].command == case["command"]
    assert options(line) == case["options"]


@pytest.mark.parametrize("case", CASES["helped"], ids=lambda case: case["typed"] or "nothing")
def test_help_is_given_wherever_it_is_asked_for(case: dict[str, Any]) -> None:
    assert understood(case["typed"]).help_of == case["command"]


@pytest.mark.parametrize("case", CASES["refused"], ids=lambda case: case["typed"])
def test_what_is_no_option_here_is_refused_with_what_would_be_right(case: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as refused:
        understood(case["typed"])
    assert case["says"] in str(refused.value)


def run(*words: str, cwd: Path, **more: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sshdoctor.cli", *words]
    env = {**os.environ, "HOME": str(cwd), "ANSIBLE_CONFIG": ""}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=env, **more)


def test_the_program_refuses_in_one_line_with_exit_code_2(tmp_path: Path) -> None:
    refused = run("--dry", "remediate", "--host", "web1", "--yes", cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "sshdoctor: there is no option --dry; sshdoctor --help lists what there is\n"


def test_its_help_names_no_option_of_invoke(tmp_path: Path) -> None:
    helped = run("--help", cwd=tmp_path)
    assert helped.returncode == 0
    assert "diagnose" in helped.stdout and "Usage: sshdoctor COMMAND" in helped.stdout
    assert not {"--dry", "--echo", "--pty", "Core options", "--hide"} & set(helped.stdout.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_says_what_each_option_is_for(name: str) -> None:
    for option in HELPS[name].options:
        assert option.text, f"--{option.name}"
