"""The commands in README and docs are ones that there are; those that need no host are run as they stand."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from sshdoctor.cli.collection import namespace
from sshdoctor.commands.shared.command_line import understand
from sshdoctor.commands.shared.program import as_command, contexts_of
from sshdoctor.errors import UsageError

ROOT = Path(__file__).parents[1]
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
COMMANDS = {name: as_command(one) for name, one in contexts_of(namespace).items()}
WITHOUT_A_HOST = ("explain", "checks", "playbooks", "completion", "man", "--version", "--help")
INLINE = re.compile(r"`(sshdoctor [^`]+)`")
IN_A_BLOCK = re.compile(r"^ {4,}(?:\$ )?(?:.*[|(] *)?(sshdoctor [^\n]*)$", re.MULTILINE)
PLACE = re.compile(r"\b[A-Z][A-Z_]{2,}\b")
FENCED = re.compile(r"^```(?:sh|console)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
PYTHON = re.compile(r"((?:^ {4}[^\n]*\n|^\n)+)", re.MULTILINE)


def typed(document: Path) -> list[str]:
    """Every command line of a document, without its comment and what stands around it in the shell."""
    text = document.read_text(encoding="utf-8")
    text = FENCED.sub(lambda found: textwrap.indent(found[1], "    "), text)
    found = [*INLINE.findall(text), *IN_A_BLOCK.findall(text)]
    return list(dict.fromkeys(line for one in found if (line := _alone(one))))


def _alone(line: str) -> str:
    """The command without what follows it: a comment, a pipe, another command."""
    words: list[str] = []
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()")
    lexer.whitespace_split = True
    for word in lexer:
        if set(word) <= set("|&;<>()"):
            break
        words.append(word.rstrip(","))
    return "" if any(word in ("…", "...") for word in words) else shlex.join(words)


EVERY = [
    pytest.param(line, id=f"{document.name}: {line}") for document in DOCUMENTS for line in typed(document)
]


def test_the_documents_have_commands() -> None:
    assert len(EVERY) > 40


@pytest.mark.parametrize("line", EVERY)
def test_every_command_that_is_shown_is_understood(line: str) -> None:
    _, *words = shlex.split(line)
    if words[0] in ("TASK", "COMMAND"):
        return
    try:
        understand(words, COMMANDS, program="sshdoctor")
    except UsageError as error:
        pytest.fail(f"{line}: {error}")


NEEDS_NO_HOST = sorted(
    {
        line
        for document in DOCUMENTS
        for line in typed(document)
        if shlex.split(line)[1] in WITHOUT_A_HOST and not PLACE.search(line)
    }
)


@pytest.mark.parametrize("line", NEEDS_NO_HOST)
def test_what_needs_no_host_does_what_it_says(line: str, tmp_path: Path) -> None:
    _, *words = shlex.split(line)
    said = "ssh: connect to host web1 port 22: Connection refused\n"
    command = [sys.executable, "-m", "sshdoctor.cli", *words]
    done = subprocess.run(command, input=said, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, bool(done.stdout)) == (0, True), done.stderr


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_python_that_is_shown_is_python(document: Path) -> None:
    for block in PYTHON.findall(document.read_text(encoding="utf-8")):
        code = textwrap.dedent(block)
        if re.search(r"^\s*(?:from \w|def )", code, re.MULTILINE) and "import" in code:
            compile(code, str(document), "exec")
