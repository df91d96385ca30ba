"""Why a client cannot get in: by looking, by a script for the console, by words or rules that were mailed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from invoke.context import Context
from invoke.tasks import task
from msgspec.structs import replace

from sshdoctor.cli.help_texts import FROM_HELP, HOST_HELP, SITE_HELP
from sshdoctor.commands.shared.host_task import host_task
from sshdoctor.commands.shared.program import exit_code_of

if TYPE_CHECKING:
    from sshdoctor.commands.shared.options import Options


@host_task(
    HOST_HELP,
    capture="FILE: what the rescue script wrote on this host (- to paste it)",
    deep="where no SSH server answers: knock on other ports too, and find the hop where packets stop",
    iterable=["header"],
    service="SERVICE: ssh (the default), web (the sites of the hosts), all",
    scheduler="ADDRESS: a Dask scheduler whose workers look instead of this machine: tcp://HOST:8786",
    all_places="with --scheduler: every worker looks, the replies side by side",
    **SITE_HELP,
    **FROM_HELP,
)
def diagnose(
    options: Options,
    header: Sequence[str],
    capture: str = "",
    deep: bool = False,
    service: str = "ssh",
    scheduler: str = "",
    all_places: bool = False,
    on: str = "",
    from_: str = "",
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

    request = site_request(method, tuple(header), user_agent, data, ca, on, ipv4, ipv6, from_)
    return run(
        replace(
            options,
            deep=deep,
            capture=given_capture(capture),
            capture_file=capture,
            request=request,
            service=service,
            scheduler=scheduler,
            all_places=all_places,
        )
    )


@host_task(
    HOST_HELP,
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
    "header": "HEADER: of the request for --url, as NAME: VALUE (repeatable)",
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
