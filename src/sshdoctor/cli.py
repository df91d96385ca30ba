"""The tasks, as one Invoke collection: for ``sshdoctor TASK`` and for ``invoke TASK`` in a checkout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Any, NoReturn

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import Task, task
from msgspec.structs import replace

from sshdoctor.commands.shared.program import exit_code_of, run_program

if TYPE_CHECKING:
    from sshdoctor.commands.shared.options import Options

_HOST_HELP = {
    "host": "a host, group, pattern, comma list, or user@address:port",
    "inventory": "an Ansible inventory (repeatable; default inventory.yml)",
    "format": "text, json, junit, html, markdown, ticket",
    "output": "write the report to this file",
    "jobs": "hosts at a time (default 16)",
    "timeout": "seconds to wait for each answer (default 4)",
    "outside-only": "do not look inside",
    "only": "a layer or a check (repeatable)",
    "known-hosts": "use this known_hosts file",
    "accept-new-host-key": "accept a first host key, never a changed one",
    "lang": "en or ja, for ticket and markdown",
    "mask": "replace addresses, names and fingerprints in the report",
}


def _options(
    inventory: Sequence[str],
    only: Sequence[str],
    host: str = "",
    format: str = "text",  # noqa: A002  # the flag's name is public
    output: str = "",
    jobs: str = "16",
    timeout: str = "4",
    outside_only: bool = False,
    known_hosts: str = "",
    accept_new_host_key: bool = False,
    lang: str = "en",
    mask: bool = False,
) -> Options:
    """What the flags that every host task has ask for."""
    from sshdoctor.commands.shared.options import Options

    return Options(
        pattern=host,
        inventories=tuple(inventory),
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
    )


def host_task(
    positional: Sequence[str] = (), iterable: Sequence[str] = (), **own_help: str
) -> Callable[[Callable[..., int]], Task[Callable[..., None]]]:
    """A task about hosts: it has the flags of ``_options`` and, after those, its body's own.

    The body is given the Options, then its own flags; ``own_help`` explains them.
    """

    def made(body: Callable[..., int]) -> Task[Callable[..., None]]:
        own = [*signature(body).parameters.values()][1:]

        @wraps(body)
        def run(context: Context, **flags: Any) -> int:
            mine = {each.name: flags.pop(each.name) for each in own}
            return body(_options(**flags), **mine)

        context, *_ = signature(run, follow_wrapped=False).parameters.values()
        shared = signature(_options).parameters.values()
        every = sorted([*shared, *own], key=lambda each: each.default is not Parameter.empty)
        told = exit_code_of(run)
        told.__signature__ = Signature([context, *every])  # type: ignore[attr-defined]  # what Invoke reads
        described = {name.replace("_", "-"): text for name, text in own_help.items()}
        make: Callable[..., Task[Callable[..., None]]] = task(
            positional=[*positional],
            iterable=["inventory", "only", *iterable],
            auto_shortflags=False,
            help={**_HOST_HELP, **described},
        )
        return make(told)

    return made


@host_task(
    capture="what the rescue script wrote on this host (- to paste it)",
    deep="where no SSH server answers: knock on other ports too, and find the hop where packets stop",
    iterable=["header"],
    service="ssh (the default), web (the sites of the hosts), all",
    on="the inventory's host to look into for a URL",
    method="of a URL: GET, POST, ... (default HEAD, then GET)",
    header="of a URL: NAME: VALUE (repeatable)",
    user_agent="of a URL: what to call oneself",
    data="of a URL: send this file",
    ca="of a URL: trust this authority as well",
    ipv4="of a URL: IPv4 alone",
    ipv6="of a URL: IPv6 alone",
)
def diagnose(
    options: Options,
    header: Sequence[str],
    capture: str = "",
    deep: bool = False,
    service: str = "ssh",
    on: str = "",
    method: str = "",
    user_agent: str = "",
    data: str = "",
    ca: str = "",
    ipv4: bool = False,
    ipv6: bool = False,
) -> int:
    """Find out why a client cannot get in by SSH, or why a site (--host URL) refuses, from both sides."""
    from sshdoctor.commands.diagnose import run
    from sshdoctor.commands.shared.options import given_capture, site_request

    request = site_request(method, tuple(header), user_agent, data, ca, on, ipv4, ipv6)
    return run(replace(options, deep=deep, capture=given_capture(capture), request=request, service=service))


@task(
    positional=[], iterable=["inventory"], auto_shortflags=False, help={"inventory": _HOST_HELP["inventory"]}
)
@exit_code_of
def checks(context: Context, inventory: Sequence[str]) -> int:
    """List the checks, in the order of a packet's way, with the causes that each can find."""
    from sshdoctor.commands.checks import run

    return run(tuple(inventory))


_CHANGE_HELP = {
    "check": "change nothing, say what would be",
    "diff": "show what would change in files",
    "yes": "ask nothing",
    "guard": "seconds after which a change undoes itself unless it is confirmed (default 60)",
    "source": "open the firewall for this client alone",
}


@host_task(
    iterable=["cause"],
    **_CHANGE_HELP,
    cause="only this cause (repeatable)",
    script="change nothing: write the plan to this file, as a script for the host's console",
    capture="with --script: plan by what the rescue script wrote on this host (- to paste it)",
)
def remediate(
    options: Options,
    cause: Sequence[str],
    check: bool = False,
    diff: bool = False,
    yes: bool = False,
    guard: str = "60",
    source: bool = False,
    script: str = "",
    capture: str = "",
) -> int:
    """Diagnose, plan, ask, repair under guard, and prove it by dialling in again."""
    from sshdoctor.commands.remediate import run
    from sshdoctor.commands.shared.changes import ChangeOptions
    from sshdoctor.commands.shared.options import given_capture

    wish = ChangeOptions(check=check, diff=diff, yes=yes, guard=guard, narrow=source, script=script)
    return run(replace(options, capture=given_capture(capture)), wish, tuple(cause))


@host_task(
    positional=["name"],
    iterable=["extra_vars"],
    **_CHANGE_HELP,
    name="the playbook; `playbooks` lists them",
    extra_vars="NAME=VALUE, or YAML: {name: value} (repeatable)",
    export_vars="only write what the playbook would be given, for ansible-playbook -e @FILE",
)
def playbook(
    options: Options,
    name: str,
    extra_vars: Sequence[str],
    check: bool = False,
    diff: bool = False,
    yes: bool = False,
    guard: str = "60",
    source: bool = False,
    export_vars: bool = False,
) -> int:
    """Run one playbook by name, under guard, and prove that nobody is worse off."""
    from sshdoctor.commands.playbook import run
    from sshdoctor.commands.shared.changes import ChangeOptions

    wish = ChangeOptions(check=check, diff=diff, yes=yes, guard=guard, narrow=source)
    return run(options, wish, name, tuple(extra_vars), export=export_vars)


@host_task(yes="ask nothing")
def undo(options: Options, yes: bool = False) -> int:
    """Put back what the last remedy changed on a host."""
    from sshdoctor.commands.undo import run

    return run(options, yes=yes)


@task(
    positional=[], iterable=["inventory"], auto_shortflags=False, help={"inventory": _HOST_HELP["inventory"]}
)
@exit_code_of
def playbooks(context: Context, inventory: Sequence[str]) -> int:
    """List the playbooks, with the causes that each mends."""
    from sshdoctor.commands.playbooks import run

    return run(tuple(inventory))


@host_task(
    serve="offer the script at a short address, take the capture back, diagnose",
    listen="ADDRESS:PORT at which the host can reach this machine (default: its own address, 8022)",
    certificate="a certificate in PEM, to serve by https",
    key="its private key, if that is not in the same file",
    output="write the script to this file; with --serve, the report",
)
def rescue(
    options: Options, serve: bool = False, listen: str = "", certificate: str = "", key: str = ""
) -> int:
    """Write a script for the console of a host that nobody can reach."""
    from sshdoctor.commands.rescue import Offer, receive, write_script

    offer = Offer(listen=listen, certificate=certificate, key=key)
    if not serve:
        return write_script(options, offer)
    from sshdoctor.commands import diagnose as diagnosis

    return diagnosis.run(receive(options, offer))


_VERDICT_HELP = {
    "rules": "a file, folder or -: iptables-save, ip6tables-save, nft list ruleset, ipset save (repeatable)",
    "source": "the client's address, as the host sees it (repeatable for a site)",
    "url": "judge a web server's rules (what nginx -T prints, or /etc/nginx) for this URL (repeatable)",
    "method": "of the request for --url (default GET)",
    "header": "of the request for --url: NAME: VALUE (repeatable)",
    "root": "with --url: a folder that holds the host's files, by their paths there",
    "destination": "the host's own address that the client dials",
    "port": "the port that the client dials (default 22)",
    "in-interface": "the interface by which the client comes in",
    "out-interface": "the interface by which the host answers",
    "family": "ipv4 or ipv6 (default: that of the addresses)",
    "format": "text, json",
}


@task(
    positional=[],
    iterable=["rules", "source", "url", "header"],
    auto_shortflags=False,
    help=_VERDICT_HELP,
)
@exit_code_of
def verdict(
    context: Context,
    rules: Sequence[str],
    source: Sequence[str],
    url: Sequence[str],
    header: Sequence[str],
    method: str = "GET",
    root: str = "",
    destination: str = "",
    port: str = "22",
    in_interface: str = "",
    out_interface: str = "",
    family: str = "",
    format: str = "text",  # noqa: A002  # the flag's name is public
) -> int:
    """Say what the rules in mailed dumps do with a client or a request, and which one does it."""
    if url:
        from sshdoctor.commands.verdict.site import SiteVerdictOptions
        from sshdoctor.commands.verdict.site import run as run_site

        return run_site(
            SiteVerdictOptions(
                rules=tuple(rules),
                urls=tuple(url),
                sources=tuple(source),
                method=method,
                headers=tuple(header),
                root=root,
                form=format,
            )
        )
    from sshdoctor.commands.verdict import VerdictOptions, run

    return run(
        VerdictOptions(
            rules=tuple(rules),
            source=source[0] if source else "",
            destination=destination,
            port=port,
            in_interface=in_interface,
            out_interface=out_interface,
            family=family,
            form=format,
        )
    )


@task(auto_shortflags=False)
@exit_code_of
def demo(context: Context) -> int:
    """Break a throw-away container, diagnose it from both sides, repair it, show the proof."""
    from sshdoctor.commands.demo import run

    return run()


namespace = Collection(diagnose, remediate, playbook, undo, rescue, checks, playbooks, verdict, demo)


def main() -> NoReturn:
    """The ``sshdoctor`` command."""
    run_program(namespace, "sshdoctor")


if __name__ == "__main__":
    main()
