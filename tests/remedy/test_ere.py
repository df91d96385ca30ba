"""Python's patterns as the awks of hosts read them: the same lines match."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from sshdoctor.remedy.playbook.ere import to_ere

AWKS = [["busybox", "awk"], *([path] for name in ("mawk", "gawk") if (path := shutil.which(name)))]
PATTERNS = (
    r"^#?\s*Port\s+\d+",
    r"^(?:#\s*)?PermitRootLogin",
    r"(?i)^\s*(allow|deny)users\s",
    r"^[^#]*ListenAddress\s+\[?[0-9a-f:.]+\]?$",
    r"a{2,3}b{0,1}c{2}$",
    r"[]\\^[-]x",
    r"[^]a]$",
    r"[a^-]|[-.]",
    r"\.\*\+\?\(\)\[\]\{\}\^\$\|\\/",
    r"x|^y|z$",
    r"(a|)b",
    r"(|a|bc)+d",
    r"x{",
    r"x{,2}y",
    r"é",
    r"\w+\W\S\D",
    r"\t",
    r"-A INPUT -p tcp .* -j (DROP|REJECT)",
    r"(^| )a( |$)",
    r"((a|b)*c)?d",
)
LINES = (
    "Port 22", "#Port 22", "  #  Port\t2222", "Portable 1", "PERMITROOTLOGIN no", "PermitRootLogin yes",
    "AllowUsers a", "  denyusers b", "DENYusersb", "ListenAddress [::1]", "#ListenAddress 1.2.3.4",
    "ListenAddress 1.2.3.4", "aabcc", "aaabcc", "aabbcc", "abcc", "]x", "\\x", "^x", "[x", "-x", "a",
    "]", "ab]", "", "^", "-", ".*+?()[]{}^$|\\/", "/", "x", "wy", "yw", "z", "zq", "b", "ab", "d",
    "aabcd", "bcd", "x{", "xxy", "y", "é", "ä", "foo bar", "a -x", "\t", " ",
    "-A INPUT -p tcp --dport 22 -j DROP", "-A INPUT -p tcp -j ACCEPT", "b a", "ba", "abcd", "cd", "\r",
    "x\r",
)  # fmt: skip


@pytest.mark.parametrize("awk", AWKS, ids=" ".join)
def test_awk_finds_what_python_finds(awk: list[str]) -> None:
    pairs = [(pattern, line) for pattern in PATTERNS for line in LINES]
    assert list(_disagreements(awk, pairs)) == []


@pytest.mark.parametrize("awk", AWKS, ids=" ".join)
def test_awk_finds_what_python_finds_for_patterns_nobody_thought_of(awk: list[str]) -> None:
    chance = random.Random(4)  # noqa: S311 -- the same patterns each time
    pairs = [(_pattern(chance, 3), _line(chance)) for _ in range(6000)]
    assert list(_disagreements(awk, pairs)) == []


@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        (r"a(?=b)", "(?="),
        (r"(?<!a)b", "(?<"),
        (r"\bPort", r"\b"),
        (r"(?P<name>a)", "(?P"),
        (r"(a)\1", r"\1"),
        (r"a*?", "a*?"),
        (r"a++", "a++"),
        (r"a{2}?", "a{2}?"),
        (r"a{1000}", "{1000}"),
        (r"^*", "^*"),
        (r"x(?i:a)", "(?i"),
        (r"[\Sa]", r"\S"),
        (r"[[:space:]]", "[[:"),
        (r"[é]", "[é]"),
        (r"é+", "é+"),
        (r"(?i)é", "é"),
        (r"\x41", r"\x"),
        (r"end\Z", r"\Z"),
        (r"(?#note)a", "(?#"),
        ("a\0", r"\x00"),
        ("(", "no regular expression"),
    ],
)
def test_what_no_awk_can_do_is_named(pattern: str, named: str) -> None:
    with pytest.raises(ValueError, match=re.escape(named)):
        to_ere(pattern)


def _disagreements(awk: list[str], pairs: list[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    """Pattern, its translation and text, wherever awk and Python differ; bytes, as in lineinfile."""
    records = "".join(f"{to_ere(pattern)}\2{line}\1" for pattern, line in pairs)
    program = 'BEGIN { RS = "\\001"; FS = "\\002" } { printf "%d", $2 ~ $1 }'
    environment = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
    run = subprocess.run(
        [*awk, program], input=records.encode(), env=environment, capture_output=True, check=True
    )
    assert not run.stderr, run.stderr
    said = run.stdout.decode()
    assert len(said) == len(pairs)
    for (pattern, line), found in zip(pairs, said, strict=True):
        if bool(re.search(pattern.encode(), line.encode())) != (found == "1"):
            yield pattern, to_ere(pattern), line


def _pattern(chance: random.Random, depth: int) -> str:
    if depth == 0 or chance.random() < 0.3:
        return chance.choice(
            ["a", "b", "c", ".", r"\s", r"\S", r"\d", r"\w", r"\W", "[ab]", "[^a]", "[^]b-]", "[a-c1]", r"\.",
             r"\\", "1",
             " ", "-", "/", r"\[", "]", "{", r"\^", r"\$", "\"", "'", "&", "%", "[.]",
             r"[\]\\]", "[-^]", r"[\[a]", r"\-"]
        )  # fmt: skip
    inner = [_pattern(chance, depth - 1) for _ in range(chance.randint(1, 3))]
    kind = chance.choice(["row", "group", "or", "mark", "count", "begin", "end"])
    if kind == "row":
        return "".join(inner)
    if kind == "group":
        return f"({''.join(inner)})"
    if kind == "or":
        return f"(?:{'|'.join(inner)})"
    if kind == "mark":
        return f"(?:{inner[0]}){chance.choice('*+?')}"
    if kind == "count":
        return f"({inner[0]}){{{chance.randint(0, 2)},{chance.choice(['', '2', '3'])}}}"
    return f"(^|{inner[0]})" if kind == "begin" else f"({inner[0]}|$)"


def _line(chance: random.Random) -> str:
    return "".join(chance.choice("aabbcc11 .-/\\[]{}^$\"'&%\t\r") for _ in range(chance.randint(0, 8)))
