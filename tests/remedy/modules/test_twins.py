"""The same tasks by Ansible's own modules, on twins of the same trees: one playbook for all of them."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from remedy.harness import SHELLS, Case, Tree, install_applets, read_cases, run_case, seen, with_etc

CASES = {case.title: case for case in read_cases(Path(__file__).parent / "cases") if case.as_ansible}
READ_ONLY_ETC = [
    "/usr/bin/unshare",
    "-m",
    "/bin/sh",
    "-ec",
    'mount --bind /etc /etc; mount -o remount,bind,ro /etc; exec "$@"',
    "sh",
]
"""Words before a command that may not write the real /etc, whatever goes wrong."""
pytestmark = [pytest.mark.containers, pytest.mark.xdist_group("modules")]  # root, for owners and for mounts


@pytest.fixture(scope="session")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[Tree, Mapping[str, Any]]]:
    """By case: the tree after Ansible, and what it registered."""
    folder = tmp_path_factory.mktemp("twins")
    trees = {title: folder / str(number) for number, title in enumerate(CASES)}
    tasks: list[Any] = []
    for number, (title, case) in enumerate(CASES.items()):
        case.make(trees[title])
        call = {f"ansible.builtin.{case.module}": case.arguments_in(trees[title])}
        task = {"name": title, **call, "register": f"result_{number}", "ignore_errors": True}
        if case.module == "user":
            task["vars"] = {"ansible_python_interpreter": _python_with_etc(trees[title])}
        tasks.append(task)
    results = ", ".join(f"result_{number}" for number in range(len(CASES)))
    said = {"content": f"{{{{ [{results}] | to_json }}}}", "dest": str(folder / "results")}
    tasks.append({"name": "Results", "ansible.builtin.copy": said})
    play = {"name": "Twins", "hosts": "all", "gather_facts": False, "tasks": tasks}
    (folder / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
    _play(folder)
    results_of = json.loads((folder / "results").read_text(encoding="utf-8"))
    return {
        title: (seen(trees[title], trees[title]), result)
        for title, result in zip(CASES, results_of, strict=True)
    }


def _python_with_etc(tree: Path) -> str:
    """A Python that sees ``tree`` as /etc."""
    script = tree.with_suffix(".python")
    script.write_text(f'#!/bin/sh\nexec {shlex.join([*with_etc(tree), sys.executable])} "$@"\n')
    script.chmod(0o755)
    return str(script)


def _play(folder: Path) -> None:
    """Run play.yml; a module's Python has compiled what all modules share, and is sent as source besides."""
    # not by -e, which would win over a task's own interpreter
    (folder / "inventory").write_text(
        f"localhost ansible_connection=local ansible_python_interpreter={sys.executable}\n", encoding="utf-8"
    )
    playbook = str(Path(sys.executable).parent / "ansible-playbook")
    command = [*READ_ONLY_ETC, playbook, "-i", "inventory", "play.yml"]
    own = {
        name: str(folder) for name in ("HOME", "ANSIBLE_HOME", "ANSIBLE_LOCAL_TEMP", "ANSIBLE_REMOTE_TEMP")
    }
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text("import ansible.module_utils.basic\n")
    settled = {"LC_ALL": "C.UTF-8", "ANSIBLE_PIPELINING": "1", "PYTHONPATH": str(folder / "site")}
    environment = {"PATH": os.environ["PATH"], **settled, **own}
    run = subprocess.run(
        command, env=environment, cwd=folder, umask=0o022, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]


@pytest.fixture(scope="session")
def applets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_applets(tmp_path_factory.mktemp("busybox") / "bin")


@pytest.mark.parametrize("title", CASES)
def test_ansible_comes_to_the_same(
    title: str, twins: Mapping[str, tuple[Tree, Mapping[str, Any]]], tmp_path: Path, applets: Path
) -> None:
    case = CASES[title]
    ours = run_case(case, SHELLS[0], tmp_path, applets)["first"]
    tree, result = twins[title]
    assert _lasting(ours.tree, case) == _lasting(tree, case)
    assert case.failed == bool(result.get("failed")), result.get("msg")
    if not case.failed:
        assert case.changed == result["changed"]
    for key, word in _expected(case).items():
        assert _word(result, key) == word


def _lasting(tree: Tree, case: Case) -> Tree:
    """Without what usermod keeps of its last call: ours makes one call for each change."""
    return {name: what for name, what in tree.items() if case.module != "user" or not name.endswith("-")}


def _expected(case: Case) -> Mapping[str, str]:
    return {} if case.failed and case.module not in ("command", "shell") else case.result


def _word(result: Any, key: str) -> str:
    for part in key.split("."):
        result = result[part]
    return str(result).lower() if isinstance(result, bool) else str(result)
