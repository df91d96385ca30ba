"""What the documents name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
QUOTED = re.compile(r"`((?:[\w.-]+/)+[\w.-]*)`")
FROM = (ROOT, ROOT / "src/sshdoctor", ROOT / "docs")
NOT_OURS = ("sshdoctor_checks", "sshdoctor_playbooks", "group_vars", "host_vars")
PLACEHOLDER = re.compile(r"[A-Z]{3,}(?!\.md)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_to_a_file(document: Path) -> None:
    links = LINK.findall(document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_path_that_is_named_exists(document: Path) -> None:
    paths = [path for path in QUOTED.findall(document.read_text()) if not path.startswith(NOT_OURS)]
    named = [path for path in paths if not PLACEHOLDER.search(path)]
    assert [path for path in named if not any((folder / path).exists() for folder in FROM)] == []


def test_a_packets_way_is_ten_steps_each_with_a_file() -> None:
    _, _, rest = (ROOT / "CONTRIBUTING.md").read_text().partition("## A packet's way through the code\n")
    steps = re.split(r"^\d+\. ", rest.partition("\n## ")[0], flags=re.MULTILINE)[1:]
    assert len(steps) == 10
    assert all(LINK.search(step) for step in steps)


def test_what_can_be_added_is_told_in_five_steps_each() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for thing in ("cause", "fact", "module", "format"):
        _, _, rest = text.partition(f"## To add a {thing}\n")
        assert len(re.findall(r"^\d\. ", rest.partition("\n## ")[0], flags=re.MULTILINE)) == 5, thing
