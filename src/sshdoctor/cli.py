"""The tasks, as one Invoke collection: for ``sshdoctor TASK`` and for ``invoke TASK`` in a checkout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import task
from msgspec.structs import replace

from sshdoctor.commands.shared.host_task import host_task
from sshdoctor.commands.shared.program import contexts_of, exit_code_of, run_program

if TYPE_CHECKING:
    from sshdoctor.commands.shared.options import Options

_HOST_HELP = {
    "host": "HOST: a host, group, pattern, comma list, or user@address:port; also without --host",
    "inventory": "FILE: an Ansible inventory (repeatable)",
    "limit": "PATTERN: of those hosts, only these",
    "list-hosts": "say which hosts are meant, and do nothing",
    "format": "FORMAT: text, json, jsonl, junit, html, markdown, prometheus, ticket",
    "output": "FILE: write the report there",
    "jobs": "N: hosts at a time (default 16)",
    "timeout": "SECONDS: how long each answer is waited for (default 4)",
    "outside-only": "do not look inside",
    "only": "NAME: a layer or a check (repeatable)",
    "user": "NAME: log in as this user, where the inventory names none",
    "private-key": "FILE: log in with this key, where the inventory names none",
    "ask-pass": "ask for the login's password",
    "become": "become root on the host, with sudo",
    "ask-become-pass": "ask for sudo's password",
    "extra-vars": "NAME=VALUE: a variable that holds over the inventory's; or YAML (repeatable)",
    "vault-password-file": "FILE: the password of Ansible Vault; a program prints it",
    "ask-vault-pass": "ask for the password of Ansible Vault",
    "known-hosts": "FILE: use this known_hosts",
    "accept-new-host-key": "accept a first host key, never a changed one",
    "lang": "LANG: en or ja, for ticket and markdown",
    "mask": "replace addresses, names and fingerprints in the report",
    "quiet": "no progress; as text, the hosts alone of which there is something to say",
    "verbose": "say what is done, and after how long; -vvv shows the protocol of the login, too",
}


_SITE_HELP = {
    "on": "the inventory's host to look into for a URL",
    "method": "of a URL: GET, POST, ... (default HEAD, then GET)",
    "header": "of a URL: NAME: VALUE (repeatable)",
    "user_agent": "of a URL: what to call oneself",
    "data": "of a URL: send this file",
    "ca": "of a URL: trust this authority as well",
    "ipv4": "of a URL: IPv4 alone",
    "ipv6": "of a URL: IPv6 alone",
}


@host_task(
    _HOST_HELP,
    capture="FILE: what the rescue script wrote on this host (- to paste it)",
    deep="where no SSH server answers: knock on other ports too, and find the hop where packets stop",
    iterable=["header"],
    service="ssh (the default), web (the sites of the hosts), all",
    **_SITE_HELP,
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
    return run(
        replace(
            options,
            deep=deep,
            capture=given_capture(capture),
            capture_file=capture,
            request=request,
            service=service,
        )
    )


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
    "guard": "SECONDS: after these a change undoes itself unless it is confirmed (default 60)",
    "source": "WHO: open the firewall for any, or for a network, instead of this client alone",
    "for_": "TIME: open what refuses a URL, for this client alone, for 15m, 2h, ...: then the host closes it",
}


@host_task(
    _HOST_HELP,
    iterable=["cause", "header"],
    **_CHANGE_HELP,
    **_SITE_HELP,
    cause="ID: only this cause (repeatable)",
    script="FILE: change nothing, write the plan there, as a script for the host's console",
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
    on: str = "",
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
    request = site_request(method, tuple(header), user_agent, data, ca, on, ipv4, ipv6)
    options = replace(options, capture=given_capture(capture), capture_file=capture, request=request)
    return run(options, wish, tuple(cause))


@host_task(
    _HOST_HELP,
    positional=["name"],
    iterable=["header"],
    **_CHANGE_HELP,
    **_SITE_HELP,
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
    request = site_request(method, tuple(header), user_agent, data, ca, on, ipv4, ipv6)
    return run(replace(options, request=request), wish, name, export=export_vars)


@host_task(_HOST_HELP)
def doors(options: Options) -> int:
    """Show every account's doors (SSH, su, sudo, the console), each with the smallest sets of factors."""
    from sshdoctor.commands.doors import run

    return run(options)


@host_task(_HOST_HELP, yes="ask nothing")
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
    _HOST_HELP,
    serve="offer the script at a short address, take the capture back, diagnose",
    listen="ADDRESS:PORT: at which the host can reach this machine (default: its own address, 8022)",
    certificate="FILE: a certificate in PEM, to serve by https",
    key="FILE: its private key, if that is not in the same file",
    output="FILE: write the script to this file; with --serve, the report",
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


_BOOK_HELP = {name: _CHANGE_HELP[name] for name in ("check", "diff", "yes", "guard")}


@host_task(
    _HOST_HELP,
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
    _HOST_HELP,
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


@host_task(_HOST_HELP)
def protection(options: Options) -> int:
    """Say what guards a host against guessed passwords, and whether it works. Changes nothing."""
    from sshdoctor.commands.protection import run

    return run(options)


@host_task(
    _HOST_HELP,
    without_host=["replay", "explain", "record", "report", "serve"],
    iterable=["maintenance", "header"],
    service="ssh (the default), web (the sites of the hosts), all",
    every="SECONDS: from one look at a target to the next (default 300)",
    state="FILE: what is remembered, one SQLite file; one watch at a time",
    once="look once, for cron; the exit code tells how it is",
    maintenance="WINDOW: nothing is told in it: 'sun 02:00-04:00', 2026-11-27T02:00/2h (repeatable)",
    replay="FILE: dial nothing; say what these looks, which were written down, come to",
    explain="TARGET: say why its state is what it is, by the state file",
    record="TARGET: print the looks at it that the state file remembers, for --replay",
    report="FILE: write the history as one page of HTML: now, 90 days, outages and their causes",
    serve="ADDRESS:PORT: show the history there: a page, status.json, feed.xml, badge.svg?target=NAME",
    exporter="ADDRESS:PORT: for Prometheus: /probe?target=NAME looks once; /metrics",
    unit="print a unit of systemd that runs this command",
    **_SITE_HELP,
)
def watch(
    options: Options,
    maintenance: Sequence[str],
    header: Sequence[str],
    service: str = "ssh",
    every: str = "300",
    state: str = "",
    once: bool = False,
    replay: str = "",
    explain: str = "",
    record: str = "",
    report: str = "",
    serve: str = "",
    exporter: str = "",
    unit: bool = False,
    on: str = "",
    method: str = "",
    user_agent: str = "",
    data: str = "",
    ca: str = "",
    ipv4: bool = False,
    ipv6: bool = False,
) -> int:
    """Keep looking from outside; tell people when a service is down, why, and when it is back."""
    from sshdoctor.commands import watch as watching

    if replay:
        return watching.run_replay(replay)
    if explain:
        return watching.run_explain(explain, state)
    if record:
        return watching.run_record(record, state, options)
    if report:
        return watching.run_report(report, state)
    if serve:
        return watching.run_serve(serve, state)
    if unit:
        return watching.run_unit()
    from sshdoctor.commands.shared.options import site_request
    from sshdoctor.commands.watch.run import WatchOptions, run, run_exporter

    request = site_request(method, tuple(header), user_agent, data, ca, on, ipv4, ipv6)
    wish = WatchOptions(every=every, state=state, once=once, maintenance=tuple(maintenance))
    options = replace(options, request=request, service=service)
    return run_exporter(options, exporter) if exporter else run(options, wish)


@host_task(
    {**_HOST_HELP, "only": "PARTS: of processes, persistence, mail, files, entry (a comma list)"},
    account="USER: only what is of this account",
    notice="FILE: what the provider wrote; with --format ticket its numbers and dates are answered",
)
def examine(options: Options, account: str = "", notice: str = "") -> int:
    """Find what runs, mails and comes back on a host that should not, what started it, how they got in."""
    from sshdoctor.commands.examine import run

    return run(options, account, notice)


@task(
    positional=["message"],
    auto_shortflags=False,
    help={
        "message": "MESSAGE: a client's words; -, or nothing: what standard input holds, ssh -v logs too",
        "format": "FORMAT: text, json",
    },
)
@exit_code_of
def explain(context: Context, message: str, format: str = "text") -> int:  # noqa: A002  # its name is public
    """Say what a client's words mean: which reply, how far it came, the causes, what would settle it."""
    from sshdoctor.commands.explain import run

    return run(message or "", format)


_VERDICT_HELP = {
    "rules": "FILE: a file, folder or -: of iptables-save, nft list ruleset, ipset save ... (repeatable)",
    "source": "ADDRESS: the client's address, as the host sees it (repeatable for a site)",
    "url": "URL: judge a web server's rules (what nginx -T prints, or /etc/nginx) for this URL (repeatable)",
    "method": "METHOD: of the request for --url (default GET)",
    "header": "NAME-VALUE: of the request for --url, as NAME: VALUE (repeatable)",
    "root": "FOLDER: with --url, one that holds the host's files, by their paths there",
    "destination": "ADDRESS: the host's own address that the client dials",
    "port": "N: the port that the client dials (default 22)",
    "in-interface": "NAME: the interface by which the client comes in",
    "out-interface": "NAME: the interface by which the host answers",
    "family": "FAMILY: ipv4 or ipv6 (default: that of the addresses)",
    "format": "FORMAT: text, json",
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


@task(
    auto_shortflags=False,
    help={
        "site": "instead: a site that refuses, opened for a while and seen to close",
        "seconds": "N: with --site: so long (default 120)",
    },
)
@exit_code_of
def demo(context: Context, site: bool = False, seconds: int = 120) -> int:
    """Break a throw-away container, diagnose it from both sides, repair it, show the proof."""
    from sshdoctor.commands.demo import run, run_site

    return run_site(int(seconds)) if site else run()


namespace = Collection(
    diagnose,
    remediate,
    playbook,
    examine,
    watch,
    doors,
    undo,
    rescue,
    protection,
    allow,
    unban,
    checks,
    playbooks,
    verdict,
    explain,
    completion,
    man,
    demo,
)


def main() -> NoReturn:
    """The ``sshdoctor`` command."""
    run_program(namespace, "sshdoctor")


if __name__ == "__main__":
    main()
