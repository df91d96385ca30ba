"""Changes to what ``iptables-save`` printed, as the tools would make them."""

from __future__ import annotations

from collections.abc import Callable

Rules = list[str]
"""A chain's rules, as lines ``-A CHAIN ...``."""


def change_chain(text: str, table: str, chain: str, change: Callable[[Rules], Rules]) -> str:
    """The dump ``text`` with one chain's rules changed; as it is where it has no such chain.

    >>> saved = "*filter\\n:INPUT DROP [0:0]\\n-A INPUT -i lo -j ACCEPT\\nCOMMIT\\n"
    >>> print(change_chain(saved, "filter", "INPUT", lambda rules: [*rules, "-A INPUT -j LOG"]), end="")
    *filter
    :INPUT DROP [0:0]
    -A INPUT -i lo -j ACCEPT
    -A INPUT -j LOG
    COMMIT
    """
    lines = text.splitlines()
    begin, end = _bounds(lines, table)
    own = [number for number in range(begin, end) if lines[number].startswith(f"-A {chain} ")]
    if not any(line.startswith(f":{chain} ") for line in lines[begin:end]):
        return text
    at = own[0] if own else end
    rest = [line for number, line in enumerate(lines) if number not in own]
    return "\n".join([*rest[:at], *change([lines[number] for number in own]), *rest[at:], ""])


def has_chain(text: str, table: str, chain: str) -> bool:
    """Whether the dump declares the chain.

    >>> has_chain("*filter\\n:INPUT DROP [0:0]\\nCOMMIT\\n", "filter", "INPUT")
    True
    """
    lines = text.splitlines()
    begin, end = _bounds(lines, table)
    return any(line.startswith(f":{chain} ") for line in lines[begin:end])


def _bounds(lines: list[str], table: str) -> tuple[int, int]:
    """The lines between ``*table`` and its COMMIT; of the last one, where it stands twice."""
    begin = max((number for number, line in enumerate(lines) if line == f"*{table}"), default=len(lines))
    return begin, next((n for n in range(begin, len(lines)) if lines[n] == "COMMIT"), len(lines))
