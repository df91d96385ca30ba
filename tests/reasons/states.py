"""Extracts the states that a program can be in, or the codes that it gives back, from its source trees.

    PYTHONPATH=src:tests python -m reasons.states systemd 252=DIR 257=DIR > systemd.states

A line has the versions (first-last), the property and the value. Which table of which file belongs to
which property stands in TABLES; a property of a kind of unit has its name before it (``socket.Result``).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from reasons.messages import _span

TABLES: Mapping[str, Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "systemd": {
        "LoadState": ("unit_load_state_table", ("src/basic/unit-def.c",)),
        "ActiveState": ("unit_active_state_table", ("src/basic/unit-def.c",)),
        "UnitFileState": ("unit_file_state_table", ("src/basic/unit-file.c", "src/shared/install.c")),
        "service.SubState": ("service_state_table", ("src/basic/unit-def.c",)),
        "socket.SubState": ("socket_state_table", ("src/basic/unit-def.c",)),
        "service.Result": ("service_result_table", ("src/core/service.c",)),
        "socket.Result": ("socket_result_table", ("src/core/socket.c",)),
        "JobResult": ("job_result_table", ("src/core/job.c",)),
        "Condition": ("condition_type_table", ("src/shared/condition.c",)),
        "Assert": ("assert_type_table", ("src/shared/condition.c",)),
        "ConditionResult": ("condition_result_table", ("src/shared/condition.c",)),
    },
    "linux-pam": {"pam_strerror": ("pam_strerror", ("libpam/pam_strerror.c",))},
}
_EXIT_CODE = re.compile(r"\b_?EXIT_(\w+)(?:\s*=\s*(\d+))?,")
_EXIT_NAME = re.compile(r"\[EXIT_(\w+)\]\s*=\s*\{\s*\"(\w+)\",\s*EXIT_STATUS_SYSTEMD")


class State(NamedTuple):
    """One value that a property can have."""

    property: str
    value: str


def states(program: str, tree: Path) -> Iterator[State]:
    """Every state in one source tree."""
    for name, (table, files) in TABLES[program].items():
        for file in files:
            text = (tree / file).read_text(encoding="utf-8") if (tree / file).exists() else ""
            yield from (State(name, value) for value in _values(text, table))
    if program == "systemd":
        yield from _exit_statuses(tree)


def _values(text: str, table: str) -> Iterator[str]:
    """The strings of a table, or of the function of that name."""
    body = re.search(rf"\b{table}\s*[\[(][^;]*?[\])]\s*(?:=\s*)?\{{(.*?)^\}}", text, re.DOTALL | re.MULTILINE)
    yield from re.findall(r'(?:\]\s*=\s*|return _\()"([^"]*)"', body[1] if body else "")


def _exit_statuses(tree: Path) -> Iterator[State]:
    """The exit statuses by which systemd's own helper says what it could not do, as number/name."""
    names = dict(_EXIT_NAME.findall((tree / "src/shared/exit-status.c").read_text(encoding="utf-8")))
    code = -1
    for word, number in _EXIT_CODE.findall((tree / "src/shared/exit-status.h").read_text(encoding="utf-8")):
        code = int(number) if number else code + 1
        if word in names:
            yield State("ExecMainStatus", f"{code}/{names[word]}")


def main(program: str, *trees: str) -> None:
    """Print the list of one program; each tree is ``VERSION=FOLDER``, the oldest first."""
    found: dict[State, list[str]] = {}
    for tree in trees:
        version, _, folder = tree.partition("=")
        for state in states(program, Path(folder)):
            versions = found.setdefault(state, [])
            if version not in versions:
                versions.append(version)
    print(
        f"# {program}: made by tests/reasons/states.py from the versions",
        *(t.partition("=")[0] for t in trees),
    )
    for state in sorted(found):
        print(_span(found[state]), *state, sep="\t")


if __name__ == "__main__":
    main(*sys.argv[1:])
