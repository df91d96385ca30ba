"""What changes something on a host, and what takes it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from sshdoctor.cli.help_texts import CHANGE_HELP, FROM_HELP, HOST_HELP, SITE_HELP
from sshdoctor.commands.shared.host_task import host_task

if TYPE_CHECKING:
    from sshdoctor.commands.shared.options import Options


@host_task(
    HOST_HELP,
    iterable=["cause", "header"],
    **CHANGE_HELP,
    **SITE_HELP,
    **FROM_HELP,
    cause="ID: only this cause (repeatable)",
    script="FILE: change nothing, write the plan there, as a script for the host's console",
    notice="FILE: what the provider wrote; with --format ticket its numbers and dates are answered",
    capture="FILE: with --script: plan by what the rescue script wrote on this host (- to paste it)",
)
def remediate(
    options: Options,
    cause: Sequence[str],
    header: Sequence[str],
    check: bool = False,
    diff: bool = False,
    yes: bool = False,
    guard: str = "60",
    source: str = "",
    for_: str = "",
    script: str = "",
    capture: str = "",
    notice: str = "",
    on: str = "",
    from_: str = "",
    method: str = "",
    user_agent: str = "",
    data: str = "",
    ca: str = "",
    ipv4: bool = False,
    ipv6: bool = False,
) -> int:
    """Diagnose, plan, ask, repair under guard, and prove it by dialling in again."""
    from sshdoctor.commands.remediate import run
    from sshdoctor.commands.shared.changes import ChangeOptions
    from sshdoctor.commands.shared.options import given_capture, site_request

    wish = ChangeOptions(
        check=check, diff=diff, yes=yes, guard=guard, source=source, script=script, hold=for_
    )
    request = site_request(method, tuple(header), user_agent, data, ca, on, ipv4, ipv6, from_)
    options = replace(options, capture=given_capture(capture), capture_file=capture, request=request)
    return run(replace(options, held=bool(for_)), wish, tuple(cause), notice)


@host_task(
    HOST_HELP,
    positional=["name"],
    iterable=["header"],
    **CHANGE_HELP,
    **SITE_HELP,
    **FROM_HELP,
    name="NAME: the playbook; `playbooks` lists them",
    export_vars="only write what the playbook would be given, for ansible-playbook -e @FILE",
)
def playbook(
    options: Options,
    name: str,
    header: Sequence[str],
    check: bool = False,
    diff: bool = False,
    yes: bool = False,
    guard: str = "60",
    source: str = "",
    for_: str = "",
    export_vars: bool = False,
    on: str = "",
    from_: str = "",
    method: str = "",
    user_agent: str = "",
    data: str = "",
    ca: str = "",
    ipv4: bool = False,
    ipv6: bool = False,
) -> int:
    """Run one playbook by name, under guard, and prove that nobody is worse off."""
    from sshdoctor.commands.playbook import run
    from sshdoctor.commands.shared.changes import ChangeOptions
    from sshdoctor.commands.shared.options import site_request

    wish = ChangeOptions(check=check, diff=diff, yes=yes, guard=guard, source=source, hold=for_)
    request = site_request(method, tuple(header), user_agent, data, ca, on, ipv4, ipv6, from_)
    return run(replace(options, request=request), wish, name, export=export_vars)


@host_task(HOST_HELP, yes="ask nothing")
def undo(options: Options, yes: bool = False) -> int:
    """Put back what the last remedy changed on a host."""
    from sshdoctor.commands.undo import run

    return run(options, yes=yes)


_BOOK_HELP = {name: CHANGE_HELP[name] for name in ("check", "diff", "yes", "guard")}


@host_task(
    HOST_HELP,
    iterable=["address"],
    **_BOOK_HELP,
    address="ADDRESS: whom, or a network (repeatable; default: your own addresses, of both families)",
    remove="take them off the allow-list again",
)
def allow(
    options: Options,
    address: Sequence[str],
    remove: bool = False,
    check: bool = False,
    diff: bool = False,
    yes: bool = False,
    guard: str = "60",
) -> int:
    """Have what bans let addresses pass, in every jail and lastingly: your own, or --address."""
    from sshdoctor.commands import allow as command
    from sshdoctor.commands.shared.changes import ChangeOptions

    wish = ChangeOptions(check=check, diff=diff, yes=yes, guard=guard, source="")
    return command.allow(options, wish, tuple(address), remove=remove)


@host_task(
    HOST_HELP,
    iterable=["address"],
    **_BOOK_HELP,
    address="ADDRESS: whose bans, or a network's (repeatable; default: your own, of both families)",
)
def unban(
    options: Options,
    address: Sequence[str],
    check: bool = False,
    diff: bool = False,
    yes: bool = False,
    guard: str = "60",
) -> int:
    """End the bans of addresses, in every jail: your own, or --address."""
    from sshdoctor.commands import allow as command
    from sshdoctor.commands.shared.changes import ChangeOptions

    wish = ChangeOptions(check=check, diff=diff, yes=yes, guard=guard, source="")
    return command.unban(options, wish, tuple(address))


@host_task(
    HOST_HELP,
    **_BOOK_HELP,
    off="take away what protect set up, and fail2ban too if it was not there before",
    share="give the bans of each host of the group to the others; with --off, no longer",
    every="SECONDS: with --share: go on giving them, from one round to the next",
)
def protect(
    options: Options,
    off: bool = False,
    share: bool = False,
    every: str = "",
    check: bool = False,
    diff: bool = False,
    yes: bool = False,
    guard: str = "60",
) -> int:
    """Set up protection against guessed passwords, with you on the allow-list; prove that it works."""
    from sshdoctor.commands.protect import run
    from sshdoctor.commands.shared.changes import ChangeOptions

    wish = ChangeOptions(check=check, diff=diff, yes=yes, guard=guard, source="")
    return run(options, wish, off=off, share=share, every=every)
