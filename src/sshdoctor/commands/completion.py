"""The command ``completion``: what a shell offers after Tab, for bash, zsh and fish.

The shells ask this program itself, by ``completion --words``: so they know the hosts of the inventory, too.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sshdoctor.commands.shared.command_line import SHORT, Command
from sshdoctor.commands.shared.options import show_text
from sshdoctor.diagnosis.outside import known_services
from sshdoctor.errors import SshdoctorError, UsageError
from sshdoctor.inventory import find_sources, load_inventory
from sshdoctor.inventory.folders import check_folders, playbook_folders
from sshdoctor.reports import formats, languages

SHELLS = {
    "bash": """_sshdoctor() {
  local IFS=$'\\n'
  COMPREPLY=($(sshdoctor completion --words "${COMP_LINE:0:COMP_POINT}" 2>/dev/null))
  [ "${COMPREPLY[*]}" ] || COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _sshdoctor sshdoctor
""",
    "zsh": """#compdef sshdoctor
_sshdoctor() {
  local -a found
  found=(${(f)"$(sshdoctor completion --words "${BUFFER[1,CURSOR]}" 2>/dev/null)"})
  if (( $#found )); then compadd -Q -a found; else _files; fi
}
compdef _sshdoctor sshdoctor
""",
    "fish": """function __sshdoctor_words
  sshdoctor completion --words (commandline -cp) 2>/dev/null
end
complete -c sshdoctor -a '(__sshdoctor_words)'
""",
}


def run(shell: str, line: str | None, commands: Mapping[str, Command]) -> int:
    """Print the script for ``shell``, or, with a ``line``, what fits at its end. Raises UsageError."""
    if line is not None:
        show_text("".join(f"{word}\n" for word in fitting(line, commands)))
        return 0
    if shell not in SHELLS:
        raise UsageError(f"which shell? there are {', '.join(SHELLS)}: sshdoctor completion bash")
    show_text(SHELLS[shell])
    return 0


def fitting(line: str, commands: Mapping[str, Command]) -> list[str]:
    """The words that may stand at the end of ``line``, which begins with the program's name."""
    _, *before = line.split() or [""]
    begun = "" if line[-1:].isspace() or not before else before.pop()
    return [word for word in _offered(before, begun, commands) if word.startswith(begun)]


def _offered(before: Sequence[str], begun: str, commands: Mapping[str, Command]) -> Iterable[str]:
    command = next((commands[word] for word in before if word in commands), None)
    if command is None:
        return sorted(commands)
    last = before[-1]
    option = SHORT.get(last) or last.removeprefix("--")
    if last.startswith("-") and option in command.options and command.options[option].takes_value:
        return _values(option)
    if begun.startswith("-"):
        return sorted(f"--{name}" for name in command.options)
    if last == command.name and command.positional:
        return _values(command.positional[0])
    return _values("host") if "host" in command.options else []


def _values(option: str) -> list[str]:
    """What an option may be given."""
    try:
        if option in ("host", "limit"):
            inventory = load_inventory(None, os.environ)
            return sorted({*inventory.hosts, *inventory.groups})
        if option == "name":
            return _playbooks()
        if option == "cause":
            return _causes()
        if option == "only":
            return _checks()
    except SshdoctorError:
        return []
    known = {
        "format": [*formats()],
        "lang": [*languages("ticket")],
        "shell": [*SHELLS],
        "service": sorted(known_services()),
    }
    return known.get(option, [])


def _sources() -> tuple[Path, ...]:
    return find_sources(None, os.environ)


def _playbooks() -> list[str]:
    return sorted({path.stem for folder in playbook_folders(_sources()) for path in folder.glob("*.yml")})


def _causes() -> list[str]:
    from sshdoctor.remedy.playbook.catalog import catalog

    listed = catalog(playbook_folders(_sources()))
    return sorted({cause for one in listed for cause in one.remedy.mends})


def _checks() -> list[str]:
    paths = [path for folder in check_folders(_sources()) for path in folder.rglob("*.yml")]
    return sorted({name for path in paths for name in (path.stem, path.parent.name)})
