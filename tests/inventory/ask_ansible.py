"""Asks Ansible itself what ``ansible-inventory --list`` and ``ansible PATTERN --list-hosts`` say.

Reads a list of [sources, patterns] as JSON from standard input, and prints a list of
[inventory, {pattern: [host, ...]}]. Ansible starts in a second, so it is imported once; its commands can
run only once a process, so each is run in a fork.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from multiprocessing import get_context
from typing import Any

from ansible.cli.adhoc import AdHocCLI  # type: ignore[import-untyped]  # it has no types
from ansible.cli.inventory import InventoryCLI  # type: ignore[import-untyped]  # it has no types

Question = tuple[list[str], list[str]]


def inventory(question: Question) -> Any:
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.suppress(SystemExit):
        InventoryCLI(["ansible-inventory", *_given(question), "--list"]).run()
    return json.loads(output.getvalue())


def matches(question: Question) -> dict[str, list[str]]:
    command = AdHocCLI(["ansible", *_given(question), "--list-hosts", "all"])
    command.parse()
    _, manager, _ = command._play_prereqs()
    # What get_host_list of ansible/cli asks, without its error where that is nobody.
    return {pattern: [str(host) for host in manager.list_hosts(pattern)] for pattern in question[1]}


def _given(question: Question) -> list[str]:
    return [word for source in question[0] for word in ("-i", source)]


if __name__ == "__main__":
    questions = json.load(sys.stdin)
    with get_context("fork").Pool(2, maxtasksperchild=1) as pool:
        answers = (pool.map(ask, questions, chunksize=1) for ask in (inventory, matches))
        json.dump(list(zip(*answers, strict=True)), sys.stdout)
