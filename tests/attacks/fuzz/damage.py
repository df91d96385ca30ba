"""A text, and what may become of it on its way: cut, repeated, mixed up, a bit of it flipped, or endless."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import strategies as st

JUNK = (
    *(
        "\0",
        "\x1b[2J\x1b]0;owned\x07",
        "\u2028",
        "\u202e",
        "\r",
        "\v",
        "\udcff",
        "\N{ARABIC-INDIC DIGIT THREE}",
    ),
    *(
        "\n## uid\n0\n",
        "\n@@f00d begin x@@\n",
        "|",
        "=0 1",
        "{{ 7*7 }}",
        "{% for x in y %}",
        "!vault |",
        "'",
        '"',
    ),
    *("9" * 400, "-1", "0x7fffffffffffffff", "1e999", "NaN", "%s%n", "../../../..", "/dev/stdin", "|1|a|b"),
    *("[" * 20_000, '{"a":' * 20_000, "(" * 500, "not " * 5_000, ".a" * 5_000, " " * 200_000, "a," * 100_000),
    *("&a [*a, *a]", "? !!python/object/apply:os.system ['id']", "<<: *a", "*a", ": : :", "- - - -"),
    *("-A INPUT -j INPUT", ":INPUT DROP [0:0]", "COMMIT", "*filter", 'add rule inet f i counter comment "'),
)

Edit = tuple[str, float, float, int]
"""What is done, where it begins and ends (of the whole, from 0 to 1), and with which piece of junk."""


def _cut(text: str, at: int, to: int, what: str) -> str:
    return text[:at]


def _lose(text: str, at: int, to: int, what: str) -> str:
    return text[:at] + text[to:]


def _repeat(text: str, at: int, to: int, what: str) -> str:
    return text[:to] + text[at:]


def _move(text: str, at: int, to: int, what: str) -> str:
    return text[:at] + text[to:] + text[at:to]


def _insert(text: str, at: int, to: int, what: str) -> str:
    return text[:at] + what + text[at:]


def _replace_line(text: str, at: int, to: int, what: str) -> str:
    begin, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
    return text[:begin] + what + (text[end:] if end >= 0 else "")


def _lose_line(text: str, at: int, to: int, what: str) -> str:
    return _replace_line(text, at, to, "")


def _flip(text: str, at: int, to: int, what: str) -> str:
    return text[:at] + chr(ord(text[at]) ^ 1 << len(what) % 7) + text[at + 1 :] if at < len(text) else text


KINDS: dict[str, Callable[[str, int, int, str], str]] = {
    "cut": _cut,
    "lose": _lose,
    "repeat": _repeat,
    "move": _move,
    "insert": _insert,
    "replace line": _replace_line,
    "lose line": _lose_line,
    "flip": _flip,
}


def damaged(text: str, edits: Sequence[Edit]) -> str:
    for kind, begin, end, junk in edits:
        at, to = sorted((int(begin * len(text)), int(end * len(text))))
        text = KINDS[kind](text, at, to, JUNK[junk])
    return text


def edits(*kinds: str, most: int = 3) -> st.SearchStrategy[list[Edit]]:
    """Some edits in a row, of ``kinds``, or of all."""
    place = st.floats(0, 1)
    one = st.tuples(st.sampled_from(kinds or tuple(KINDS)), place, place, st.sampled_from(range(len(JUNK))))
    return st.lists(one, min_size=1, max_size=most)
