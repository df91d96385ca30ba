"""The tasks, as one Invoke collection: for ``sshdoctor TASK`` and for ``invoke TASK`` in a checkout."""

from __future__ import annotations

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import task

from sshdoctor.cli.auditing import doors, examine, protection
from sshdoctor.cli.diagnosing import diagnose, explain, rescue, verdict
from sshdoctor.cli.listing import checks, demo, playbooks
from sshdoctor.cli.repairing import allow, playbook, protect, remediate, unban, undo
from sshdoctor.cli.unlocking import unlock
from sshdoctor.cli.watching import watch
from sshdoctor.commands.shared.program import contexts_of, exit_code_of


@task(
    positional=["shell"],
    auto_shortflags=False,
    help={
        "shell": "SHELL: bash, zsh or fish",
        "words": "LINE: what a shell asks: the words that fit at the end of this line",
    },
)
@exit_code_of
def completion(context: Context, shell: str, words: str | None = None) -> int:
    """Print what makes a shell complete commands, options, hosts and playbooks (docs/other-programs.md)."""
    from sshdoctor.commands.completion import run
    from sshdoctor.commands.shared.program import as_command

    known = {name: as_command(one) for name, one in contexts_of(namespace).items()}
    return run(shell or "", words, known)


@task(auto_shortflags=False)
@exit_code_of
def man(context: Context) -> int:
    """Print the man page: sshdoctor man | man -l -"""
    from sshdoctor.commands.shared.help_text import help_of
    from sshdoctor.commands.shared.man_page import man_page
    from sshdoctor.commands.shared.options import show_text

    show_text(man_page(help_of(namespace, contexts_of(namespace))))
    return 0


namespace = Collection(
    diagnose,
    remediate,
    playbook,
    examine,
    watch,
    doors,
    undo,
    rescue,
    protect,
    protection,
    allow,
    unban,
    unlock,
    checks,
    playbooks,
    verdict,
    explain,
    completion,
    man,
    demo,
)
