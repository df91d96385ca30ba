"""docs/messages.md: what people see and what it means, from the lists of clients' words.

``python -m reasons_page`` writes it anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sshdoctor.reasons.client_words import client_lists
from sshdoctor.reports.layout.client_words import SAID

PAGE = Path(__file__).parents[1] / "docs" / "messages.md"


def page() -> str:
    """The text of the page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# You see …, and it means …"
    yield ""
    yield "Made from `src/sshdoctor/reasons/clients/words.yml`; `sshdoctor explain 'MESSAGE'` finds it there,"
    yield "and says which causes there are for it and what would settle it. `…` stands for any words;"
    yield "of several replies the first is the most common."
    for one in client_lists():
        yield from ("", f"## {one.client}", "", f"Looked up in: {one.source}.", "")
        yield from ("| you see | reply | it means |", "|---|---|---|")
        for words in one.words:
            says = _cell(_dotted(words.says)) + (" (the last line)" if words.last else "")
            replies = ", ".join(f"`{word}`" for word in words.replies)
            yield f"| {says} | {replies} | {_cell(words.note or SAID[words.replies[0]])} |"


def _dotted(says: str) -> str:
    import re

    return re.sub(r"\{\w+\}", "…", says)


def _cell(text: str) -> str:
    return "".join(f"\\{char}" if char in "|*_<>`[]" else char for char in text)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
