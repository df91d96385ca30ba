"""The engine knows no service by name, and no port 22: only what is SSH's own holds these words."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from doctest import DocTestParser
from pathlib import Path

import pytest

from architecture import SOURCE

HOMES = ("services/ssh/", "access/ssh/", "facts/ssh/", "reports/")
"""What is SSH's own, and the texts of reports."""
EXCEPTIONS = {
    "inventory/": "Ansible's variables (ansible_ssh_*) and the user's ssh_config say how hosts are reached",
    "access/__init__.py": "it tells the ways in apart, by the inventory's word for each",
    "unblock/opening.py": "firewalld's own name for that port",
    "commands/demo/": "what it breaks for show is an SSH server",
    "remedy/theirs.sh": "the lines of a file of keys, which it makes sure to be one, name their kinds so",
    "commands/shared/other_options.py": "options of ssh and of Ansible that people type",
    "facts/frozen/": "what starts programs on a host: logins, their keys and their log among it",
    "examination/": "the same, and names that programs give themselves",
    "pytest_plugin.py": "the connections of testinfra, and the port that a container publishes",
    "facts/protection/": "the engines' own words for what they guard, and the lines that they count",
    "protection/": "the same words, in what is told of them",
    "doors/": "the doors of accounts are those of SSH, su, sudo and the console, as the contract calls them",
    "facts/doors/": "what these doors hang on",
    "commands/doors/": "the table of these doors",
    "commands/shared/doors/": "what changes them",
    "cli/": "texts of help, and a flag's default, as the contract has them",
}
_OTHER_NAMES = re.compile(r"sshdoctor|sshg(uard|-fw)|perlaccesshandler", re.I)
_WORD, _PORT = re.compile(r"ssh", re.I), re.compile(r"\b22\b")


def parts(path: Path) -> Iterator[tuple[str, bool]]:
    """The texts of a source file, each with whether it runs, or is read by people. Examples are left out."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".sh":
        yield from ((line, not line.lstrip().startswith("#")) for line in text.splitlines())
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string, False
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            said = DocTestParser().parse(str(node.value.value))
            yield "".join(one for one in said if isinstance(one, str)), False
            node.value.value = ""
    yield from ((line, True) for line in ast.unparse(tree).splitlines())


def words_of_a_service(path: Path) -> list[str]:
    """Where a file speaks of SSH; the number counts in what runs, for in prose it is an example."""
    return [
        text
        for text, runs in parts(path)
        if _WORD.search(plain := _OTHER_NAMES.sub("", text)) or (runs and _PORT.search(plain))
    ]


def sources() -> list[Path]:
    return sorted(path for kind in ("*.py", "*.sh") for path in SOURCE.rglob(kind))


def is_under(path: Path, places: tuple[str, ...]) -> bool:
    return path.relative_to(SOURCE).as_posix().startswith(places)


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_the_engine_knows_no_service_by_name(path: Path) -> None:
    if not is_under(path, (*HOMES, *EXCEPTIONS)):
        assert not words_of_a_service(path)


@pytest.mark.parametrize("place", EXCEPTIONS)
def test_an_exception_is_needed(place: str) -> None:
    assert any(words_of_a_service(path) for path in sources() if is_under(path, (place,)))


def test_words_are_found_where_they_stand(tmp_path: Path) -> None:
    source = tmp_path / "a.py"
    source.write_text(
        '"""Of sshd.\n\n>>> "ssh"\n\'ssh\'\n"""\nPORT = 22  # as in sshd_config\nNAME = "sshdoctor"\n'
    )
    assert words_of_a_service(source) == ["# as in sshd_config", "Of sshd.\n\n", "PORT = 22"]
