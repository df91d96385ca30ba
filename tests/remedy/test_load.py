"""A playbook is read whole, and what is not understood is refused, every fault with its line."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from sshdoctor.errors import PlaybookError
from sshdoctor.remedy.playbook.load import load_playbook, load_playbooks

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "faulty_playbooks.yml").read_text())
SOUND = "- name: A\n  hosts: all\n  gather_facts: false\n  tasks: []\n"


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_what_is_not_understood_is_refused_with_its_line(case: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "play.yml"
    path.write_text(case["text"])
    with pytest.raises(PlaybookError) as caught:
        load_playbook(path)
    said = [fault.replace(f"{tmp_path}/", "") for fault in caught.value.faults]
    assert len(said) == len(case["faults"]), said
    for fault, wanted in zip(said, case["faults"], strict=True):
        assert fnmatchcase(fault, wanted.replace("[", "[[]")), fault


def test_the_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.yml").write_text("- hosts: all\n  gather_facts: false\n")
    with pytest.raises(PlaybookError) as caught:
        load_playbooks([tmp_path])
    assert [fault.replace(f"{tmp_path}/", "") for fault in caught.value.faults] == [
        "one.yml:1: name is missing",
        "two.yml:1: name is missing",
    ]


def test_a_playbook_of_ones_own_may_not_take_the_place_of_another(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.yml").write_text(SOUND)
    with pytest.raises(PlaybookError, match="stands already in"):
        load_playbooks([tmp_path / "a", tmp_path / "b"])
