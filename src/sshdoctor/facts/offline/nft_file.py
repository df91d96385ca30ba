"""/etc/nftables.conf as ``nft -j list ruleset`` would print it once it is loaded.

The language is read where the firewall's model reads it; here its rules get the handles by which their text
is found again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from sshdoctor.firewall import RulesError
from sshdoctor.firewall.nft.text import Include, Object, read_script


def ruleset(text: str, include: Include | None = None) -> tuple[str, str] | None:
    """nft's JSON and its text (``nft -a list ruleset``), None where the file is not read.

    ``include`` gives the texts of the files that an ``include`` names; without it there are none.
    """
    try:
        objects = read_script(text) if include is None else read_script(text, include)
    except RulesError:
        return None
    numbered = [
        (kind, {**entry, "handle": number} if kind == "rule" else entry)
        for number, (kind, entry) in enumerate(objects, 1)
    ]
    plain = [{kind: {key: each for key, each in entry.items() if key != "text"}} for kind, entry in numbered]
    return json.dumps({"nftables": plain}), "\n".join(_listing(numbered))


def _listing(objects: Iterable[Object]) -> Iterator[str]:
    rules: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for kind, entry in objects:
        if kind == "rule":
            rules.setdefault((entry["family"], entry["table"], entry["chain"]), []).append(entry)
    for number, ((family, table, chain), inside) in enumerate(rules.items(), 1):
        yield f"table {family} {table} {{ # handle {number}"
        yield f"\tchain {chain} {{ # handle {number}"
        yield from (f"\t\t{rule['text']} # handle {rule['handle']}" for rule in inside)
        yield from ("\t}", "}")
