"""Each action's body, run for real under dash, bash and busybox: tests/remedy/modules/cases/MODULE.yml."""

from __future__ import annotations

from pathlib import Path

import pytest

from remedy.harness import SHELLS, Case, Stage, Tree, install_applets, read_cases, run_case, seen

HERE = Path(__file__).parent
CASES = [
    pytest.param(case, id=case.title, marks=[pytest.mark.containers] if case.root else [])
    for case in read_cases(HERE / "cases")
]
NO_DIFF = ("command", "shell", "pause")


@pytest.fixture(scope="session")
def applets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_applets(tmp_path_factory.mktemp("busybox") / "bin")


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("case", CASES)
def test_a_task_looks_then_changes_then_rests(case: Case, shell: str, tmp_path: Path, applets: Path) -> None:
    before = _before(case, tmp_path)
    ran = run_case(case, shell, tmp_path, applets)
    assert ran["check"].tree == before, "--check changed something"
    assert not ran["check"].kept and not ran["check"].journal
    _ends_as_said(case, ran["first"], before)
    if case.failed:
        return
    said = ran["check"].values
    assert said["failed"] == "false", said.get("msg")
    assert said.get("skipped") == "true" or said["changed"] == str(case.changed).lower()
    if case.changed and case.module not in NO_DIFF:
        assert "diff.1.path" in said and "diff.1.path" in ran["first"].values
    assert ran["second"].values["changed"] == str(case.changed_again).lower(), (
        "the second run changed something"
    )
    if not case.changed_again:
        assert ran["second"].tree == ran["first"].tree


def _ends_as_said(case: Case, first: Stage, before: Tree) -> None:
    values = first.values
    assert values["failed"] == str(case.failed).lower(), values.get("msg")
    assert case.says in values.get("msg", "")
    if not case.failed:
        assert values["changed"] == str(case.changed).lower()
    for path, text in case.after.items():
        assert (first.tree[path][4] if path in first.tree else None) == text
    for key, word in case.result.items():
        assert values.get(key) == word, f"{key} is {values.get(key)!r}"
    changed = {path for path in before.keys() | first.tree.keys() if before.get(path) != first.tree.get(path)}
    if case.module not in ("command", "shell"):
        assert changed <= set(first.kept), "changed, and the guard was not told before"


def _before(case: Case, folder: Path) -> Tree:
    case.make(folder / "before")
    return seen(folder / "before", folder / "before")
