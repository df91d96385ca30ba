"""docs/causes.md: every cause that the checks know (``python -m checks.causes_page`` writes it)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sshdoctor.documents.reader import read_yaml
from sshdoctor.services import layers as known_layers

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "causes.md"
HEAD = """# Causes

Written by `invoke docs` from the files in `checks/`: every reason why a client cannot get in that is looked
for, in the order of a packet's way. *Reply* is what the client sees (`any`: whatever it is; none: harmless
today, so *latent*). `{{ ... }}` stands for what the host says.
"""


def causes_page() -> str:
    """The text of docs/causes.md."""
    files = sorted((ROOT / "checks").rglob("*.yml"))
    layers = {layer: [path for path in files if path.parent.name == layer] for layer in known_layers()}
    return HEAD + "".join(line + "\n" for layer, paths in layers.items() for line in _layer(layer, paths))


def _layer(layer: str, paths: list[Path]) -> Iterator[str]:
    if not paths:
        return
    yield f"\n## {layer.capitalize()}"
    for path in paths:
        yield from _check(path.stem, read_yaml(path))


def _check(name: str, check: Mapping[str, Any]) -> Iterator[str]:
    why = " ".join(str(check.get("why", "")).split())
    yield f"\n### {check['title']}\n\n{why} (`{name}`)".replace("\n (", "\n(") + "\n"
    yield "| cause | reply | what is said | what to type |\n|---|---|---|---|"
    for cause in check["causes"]:
        replies = cause.get("reply") or []
        reply = " ".join(f"`{word}`" for word in ([replies] if isinstance(replies, str) else replies))
        yield f"| `{cause['id']}` | {reply or 'latent'} | {_cell(cause['say'])} | {_cell(cause['fix'])} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(causes_page())
