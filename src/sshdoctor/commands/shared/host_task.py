"""A command about hosts: the options that every one of them has, and its own after those."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Any

from invoke.context import Context
from invoke.tasks import Task, task

from sshdoctor.commands.shared.program import exit_code_of
from sshdoctor.commands.shared.verbose import follow
from sshdoctor.errors import UsageError

if TYPE_CHECKING:
    from sshdoctor.commands.shared.options import Options

NO_HOST = "-"
"""The pattern of a task that was asked for something that concerns no host."""
_REPEATED = ("inventory", "only", "extra_vars")


def _options(
    inventory: Sequence[str],
    only: Sequence[str],
    extra_vars: Sequence[str],
    host: str = "",
    limit: str = "",
    list_hosts: bool = False,
    format: str = "text",  # noqa: A002  # the flag's name is public
    output: str = "",
    jobs: str = "16",
    timeout: str = "4",
    outside_only: bool = False,
    user: str = "",
    private_key: str = "",
    ask_pass: bool = False,
    become: bool = False,
    ask_become_pass: bool = False,
    vault_password_file: str = "",
    ask_vault_pass: bool = False,
    known_hosts: str = "",
    accept_new_host_key: bool = False,
    lang: str = "en",
    mask: bool = False,
    quiet: bool = False,
    verbose: int = 0,
) -> Options:
    """What the options that every command about hosts has ask for."""
    from sshdoctor.commands.shared.logins import LoginOptions
    from sshdoctor.commands.shared.options import Options

    login = LoginOptions(
        user=user,
        private_key=private_key,
        ask_pass=ask_pass,
        become=become,
        ask_become_pass=ask_become_pass,
        vault_password_file=vault_password_file,
        ask_vault_pass=ask_vault_pass,
    )
    return Options(
        pattern=host,
        limit=limit,
        list_hosts=list_hosts,
        inventories=tuple(inventory),
        extra_vars=tuple(extra_vars),
        login=login,
        format=format,
        output=output,
        jobs=jobs,
        timeout=timeout,
        outside_only=outside_only,
        only=tuple(only),
        known_hosts=known_hosts,
        accept_new_host_key=accept_new_host_key,
        lang=lang,
        mask=mask,
        quiet=quiet,
        verbose=verbose,
    )


def host_task(
    help: Mapping[str, str],  # noqa: A002  # as Invoke calls it
    positional: Sequence[str] = (),
    iterable: Sequence[str] = (),
    without_host: Sequence[str] = (),
    **own_help: str,
) -> Callable[[Callable[..., int]], Task[Callable[..., None]]]:
    """A task about hosts: it has the flags of ``_options`` and, after those, its body's own.

    The body is given the Options, then its own flags; ``help`` and ``own_help`` explain them. With
    ``--list-hosts`` the body is not run. With one of ``without_host`` among its flags it needs no host.
    """

    def made(body: Callable[..., int]) -> Task[Callable[..., None]]:
        own = [*signature(body).parameters.values()][1:]

        @wraps(body)
        def run(context: Context, **flags: Any) -> int:
            mine = {each.name: flags.pop(each.name) for each in own}
            if not flags["host"] and any(mine[name] for name in without_host):
                flags["host"] = NO_HOST
            for name in positional:
                if not (mine[name] or flags["host"]):
                    raise UsageError(f"--{name} is missing: {own_help[name].partition(': ')[2]}")
            options = _options(**flags)
            follow(options.verbose)
            if options.list_hosts:
                from sshdoctor.commands.shared.options import list_hosts

                return list_hosts(options)
            return body(options, **mine)

        context, *_ = signature(run, follow_wrapped=False).parameters.values()
        shared = signature(_options).parameters.values()
        every = sorted([*shared, *own], key=lambda each: each.default is not Parameter.empty)
        told = exit_code_of(run)
        told.__signature__ = Signature([context, *every])  # type: ignore[attr-defined]  # what Invoke reads
        described = {name.rstrip("_").replace("_", "-"): text for name, text in own_help.items()}
        make: Callable[..., Task[Callable[..., None]]] = task(
            positional=[*positional],
            iterable=[*_REPEATED, *iterable],
            auto_shortflags=False,
            help={**help, **described},
        )
        return make(told)

    return made
