"""docs/security.md names tests that are there, and leaves out no kind of attack."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "security.md"


def test_what_it_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PAGE.read_text())
    assert links
    assert not [link for link in links if not (PAGE.parent / link).resolve().is_file()]


def test_every_attack_stands_in_it() -> None:
    text = PAGE.read_text()
    asked = {path.stem for path in HERE.rglob("test_*.py")} - {"test_security_page"}
    assert not [name for name in sorted(asked) if f"[{name}]" not in text]
