"""What comes with this program, and how it works."""

from __future__ import annotations

from collections.abc import Sequence

from invoke.context import Context
from invoke.tasks import task

from sshdoctor.cli.help_texts import HOST_HELP
from sshdoctor.commands.shared.program import exit_code_of


@task(
    positional=[], iterable=["inventory"], auto_shortflags=False, help={"inventory": HOST_HELP["inventory"]}
)
@exit_code_of
def checks(context: Context, inventory: Sequence[str]) -> int:
    """List the checks, in the order of a packet's way, with the causes that each can find."""
    from sshdoctor.commands.checks import run

    return run(tuple(inventory))


@task(
    positional=[], iterable=["inventory"], auto_shortflags=False, help={"inventory": HOST_HELP["inventory"]}
)
@exit_code_of
def playbooks(context: Context, inventory: Sequence[str]) -> int:
    """List the playbooks, with the causes that each mends."""
    from sshdoctor.commands.playbooks import run

    return run(tuple(inventory))


@task(
    auto_shortflags=False,
    help={
        "site": "instead: a site that refuses, opened for a while and seen to close",
        "frozen": "instead: a host that somebody got into: found, stopped, the letter, undone",
        "watch": "instead: a site that goes down while it is watched: the mails, the repair",
        "seconds": "N: with --site: so long (default 120)",
    },
)
@exit_code_of
def demo(
    context: Context, site: bool = False, frozen: bool = False, watch: bool = False, seconds: int = 120
) -> int:
    """Break a throw-away container, diagnose it from both sides, repair it, show the proof."""
    from sshdoctor.commands.demo import run, run_frozen, run_site

    if watch:
        from sshdoctor.commands.demo.watched import run_watch

        return run_watch()

    if frozen:
        return run_frozen()
    return run_site(int(seconds)) if site else run()
