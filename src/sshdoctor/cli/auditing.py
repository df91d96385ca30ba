"""What is told of a host beside why a client cannot get in; nothing is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sshdoctor.cli.help_texts import HOST_HELP
from sshdoctor.commands.shared.host_task import host_task

if TYPE_CHECKING:
    from sshdoctor.commands.shared.options import Options


@host_task(HOST_HELP, format="FORMAT: text, json")
def protection(options: Options) -> int:
    """Say what guards a host against guessed passwords, and whether it works. Changes nothing."""
    from sshdoctor.commands.protection import run

    return run(options)


@host_task(HOST_HELP, format="FORMAT: text, json")
def doors(options: Options) -> int:
    """Show every account's doors (SSH, su, sudo, the console), each with the smallest sets of factors."""
    from sshdoctor.commands.doors import run

    return run(options)


@host_task(
    {**HOST_HELP, "only": "PARTS: of processes, persistence, mail, files, entry (a comma list)"},
    format="FORMAT: text, json, ticket",
    account="USER: only what is of this account",
    notice="FILE: what the provider wrote; with --format ticket its numbers and dates are answered",
)
def examine(options: Options, account: str = "", notice: str = "") -> int:
    """Find what runs, mails and comes back on a host that should not, what started it, how they got in."""
    from sshdoctor.commands.examine import run

    return run(options, account, notice)
