"""What was asked on the command line, and how the answer is written: the same for every task about hosts."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor import __version__
from sshdoctor.commands.shared.logins import LoginOptions, overruled, typed_variables
from sshdoctor.commands.shared.program import NOTHING_RUNS
from sshdoctor.commands.shared.progress import Progress, progress_of
from sshdoctor.diagnosis.next_steps import Asked, next_commands
from sshdoctor.diagnosis.outside import ProbeOptions, known_services
from sshdoctor.documents.reader import suggest
from sshdoctor.errors import UsageError
from sshdoctor.inventory import Request, dialled_from, find_sources, is_url, load_hosts, load_site, with_site
from sshdoctor.inventory.folders import check_folders
from sshdoctor.model import Host, HostReport, Login
from sshdoctor.reports import render
from sshdoctor.reports.layout.printable import printable

if TYPE_CHECKING:
    from sshdoctor.access.capture.capture import Capture


class Options(Struct, frozen=True, kw_only=True):
    """What was asked on the command line, as typed."""

    pattern: str
    inventories: tuple[str, ...]
    format: str
    output: str
    jobs: str
    timeout: str
    outside_only: bool
    only: tuple[str, ...]
    known_hosts: str
    accept_new_host_key: bool
    lang: str = "en"
    mask: bool = False
    limit: str = ""
    list_hosts: bool = False
    extra_vars: tuple[str, ...] = ()
    login: LoginOptions = LoginOptions()
    quiet: bool = False
    verbose: int = 0
    deep: bool = False
    capture: Capture | None = None
    """What the one host said, to be asked instead of it."""
    request: Request | None = None
    """How a URL is asked for."""
    service: str = ""
    capture_file: str = ""
    scheduler: str = ""
    """The address of a Dask scheduler whose workers look."""
    all_places: bool = False
    """Each of them looks."""
    held: bool = False
    """What refuses a URL is to be opened for a while."""

    def __post_init__(self) -> None:
        if not (self.pattern or self.limit):
            raise UsageError("--host is missing: a host, group, pattern, or user@address:port")
        if self.service and self.service not in (known := known_services()):
            there = f"there are {', '.join(known)}{suggest(self.service, known)}"
            raise UsageError(f"--service {self.service}: {there}")

    @property
    def again(self) -> tuple[str, ...]:
        """The options that the next command has to have as well, so that it means the same hosts."""
        valued = (
            *(("--inventory", name) for name in self.inventories),
            *(("-e", _without_secrets(word)) for word in self.extra_vars),
            ("--known-hosts", self.known_hosts),
            *self.login.valued,
        )
        words = (word for name, value in valued if value for word in (name, value))
        return (*words, *self.login.flags)

    @property
    def asked_so(self) -> tuple[str, ...]:
        """The options that say how a URL was asked for: of the next command, where it takes them."""
        valued = _asked_so(self.request) if self.request else ()
        return tuple(word for name, value in valued if value for word in (name, value))

    @property
    def sources(self) -> tuple[Path, ...]:
        """The inventories that are read: those that were named, else what is found. Raises InputError."""
        return sources_of(self.inventories)


def _asked_so(request: Request) -> Iterator[tuple[str, str]]:
    """How a URL was asked for; a header that may hold a secret is left to the person."""
    yield from (
        ("--on", request.on),
        ("--from", request.asked_from),
        ("--method", request.method),
        ("--user-agent", request.user_agent),
    )
    for header in request.headers:
        if not header.lower().startswith(("authorization", "cookie", "proxy-authorization")):
            yield "--header", header
    yield from (("--data", request.data), ("--ca", request.ca))


def sources_of(named: Sequence[str]) -> tuple[Path, ...]:
    """The inventories that were named, else those that are found. Raises InputError."""
    return find_sources([Path(name) for name in named], os.environ)


def probe_options(options: Options) -> ProbeOptions:
    """How to go about it. Raises UsageError."""
    return ProbeOptions(
        timeout=number("--timeout", options.timeout, 0.1, 600),
        outside_only=options.outside_only,
        accept_new_host_key=options.accept_new_host_key,
        deep=options.deep,
    )


def jobs_of(options: Options) -> int:
    """How many hosts at a time. Raises UsageError."""
    return int(number("--jobs", options.jobs, 1, 512))


def hosts_of(options: Options) -> list[Host]:
    """The hosts that the pattern means. Raises InventoryError, UsageError."""
    typed = typed_variables(options.login, options.extra_vars)
    request, sources = options.request or Request(), options.sources or None
    if is_url(options.pattern):
        host = load_site(options.pattern, request, sources, os.environ, __version__)
        return [dialled_from(host, request, sources, os.environ)]
    if request.asked_from and options.service != "web":
        raise UsageError("--from: a URL, or the sites of --service web, can be dialled from another host")
    found = load_hosts(options.pattern, sources, os.environ, typed, limit=options.limit)
    for note in overruled(found, options.login):
        print(f"sshdoctor: {note}", file=sys.stderr)
    if options.service in ("web", "all"):
        sites = [one for host in found for one in with_site(host, __version__, request)]
        sites = [dialled_from(one, request, sources, os.environ) for one in sites]
        return [*(found if options.service == "all" else ()), *sites]
    return [_with_known_hosts(host, options) for host in found]


def list_hosts(options: Options) -> int:
    """Say which hosts are meant, as Ansible says it."""
    names = [host.name for host in hosts_of(options)]
    show_text("\n".join([f"  hosts ({len(names)}):", *(f"    {printable(name)}" for name in names)]) + "\n")
    return 0


def site_request(
    method: str,
    headers: tuple[str, ...],
    user_agent: str,
    data: str,
    ca: str,
    on: str,
    ipv4: bool,
    ipv6: bool,
    asked_from: str = "",
) -> Request:
    """How a URL is asked for. Raises UsageError."""
    if ipv4 and ipv6:
        raise UsageError("--ipv4 --ipv6: one of them, or none for both")
    for name, file in (("--data", data), ("--ca", ca)):
        if file and not Path(file).is_file():
            raise UsageError(f"{name} {file}: there is no such file")
    family = "inet" if ipv4 else "inet6" if ipv6 else ""
    return Request(
        method=method,
        headers=headers,
        user_agent=user_agent,
        data=data,
        ca=ca,
        on=on,
        asked_from=asked_from,
        family=family,
    )


def one_host(options: Options, what: str) -> Host:
    """The one host that the pattern means; ``what`` is for no more than one. Raises UsageError."""
    hosts = hosts_of(options)
    if len(hosts) != 1:
        raise UsageError(f"{what}, and --host {options.pattern} means {len(hosts)}")
    return hosts[0]


def number(flag: str, text: str, least: float, most: float) -> float:
    """The number that a flag gives. Raises UsageError."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise UsageError(f"{flag} {text}: a number from {least:g} to {most:g}")
    return value


def _with_known_hosts(host: Host, options: Options) -> Host:
    """Where keys are accepted, the file may be a new one: the first key makes it."""
    if not (file := options.known_hosts):
        return host
    new = options.accept_new_host_key and not os.path.lexists(file) and Path(file).absolute().parent.is_dir()
    if not (Path(file).is_file() or new):
        raise UsageError(f"--known-hosts {file}: there is no such file")

    def told(login: Login) -> Login:
        return replace(login, known_hosts=(file,))

    ways = tuple(replace(way, login=told(way.login)) if way.login else way for way in host.ways)
    return replace(host, login=told(host.login), ways=ways)


def _without_secrets(word: str) -> str:
    """An ``-e`` of the person's as it may be shown again: a playbook's value may be meant for no output.

    >>> _without_secrets("ansible_port=22"), _without_secrets("token=abc"), _without_secrets("@vars.yml")
    ('ansible_port=22', 'token=...', '@vars.yml')
    >>> _without_secrets("ansible_port=22 token=abc"), _without_secrets('{"token": "abc=="}')
    ('...', '...')
    """
    name, sign, value = word.partition("=")
    if word.startswith("@"):
        return word
    if not sign or not name.isidentifier() or " " in value:  # several, or JSON
        return "..."
    shown = name.startswith(("ansible_", "sshdoctor_")) and "pass" not in name
    return word if shown else f"{name}=..."


class Interrupted(KeyboardInterrupt):
    """A person ended it; ``reports`` are those of the hosts that were done.

    ``left``: so many are not known. ``running`` says what still runs.
    """

    def __init__(self, reports: list[HostReport], left: int, running: str) -> None:
        super().__init__()
        self.reports, self.left, self.running = reports, left, running

    def __str__(self) -> str:
        return f"{self.left} host{'s are' if self.left != 1 else ' is'} not known"


def shown_progress(hosts: Sequence[Host], options: Options, *, asks: bool = False) -> Progress:
    """How far it is, as a person wants to see it; ``asks``: there are questions between the hosts."""
    names = [host.name for host in hosts]
    return progress_of(names, quiet=options.quiet, asks=asks, told=options.verbose > 0)


def in_order(
    hosts: Sequence[Host],
    reports: Generator[HostReport],
    options: Options,
    *,
    asks: bool = False,
    running: str = NOTHING_RUNS,
) -> list[HostReport]:
    """All reports in the order of ``hosts``; how far it is, is shown.

    ``asks``: there are questions between them. ``running``: what runs on when they are ended early.
    Raises Interrupted, when all that can be ended is.
    """
    done: dict[str, HostReport] = {}
    shown = shown_progress(hosts, options, asks=asks)

    def known() -> list[HostReport]:
        return [done[host.name] for host in hosts if host.name in done]

    try:
        with closing(reports), shown:
            for report in reports:
                done[report.host] = report
                shown.ended(report)
    except KeyboardInterrupt:
        raise Interrupted(known(), len(hosts) - len(done), running) from None
    return known()


def write(reports: Sequence[HostReport], options: Options, to_name: Collection[str] = ()) -> None:
    """The reports, each with what to type next, to where the person wants them. Raises UsageError.

    ``to_name``: the causes that are mended only if they are named.
    """
    asked = Asked(
        again=options.again,
        request=options.asked_so,
        held=options.held,
        capture=options.capture_file,
        outside_only=options.outside_only,
        deep=options.deep,
        to_name=to_name,
    )
    reports = [replace(report, next=next_commands(report, asked)) for report in reports]
    if options.quiet and options.format == "text":
        reports = [report for report in reports if _is_news(report)]
        if not reports:
            return
    told = partial(
        render,
        reports,
        options.format,
        lang=options.lang,
        mask=options.mask,
        own_checks=check_folders(options.sources)[1:],
    )
    if not options.output:
        show_text(told(**terminal()))
        return
    try:
        Path(options.output).write_text(told(), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--output {options.output}: {error.strerror}") from None


def _is_news(report: HostReport) -> bool:
    """Whether there is something to say of a host: it is not well, may not stay so, or was changed."""
    tried = report.repair is not None and report.repair.outcome != "nothing-to-do"
    return report.verdict != "healthy" or bool(report.causes) or tried


_PLAIN_SIGNS = str.maketrans({"…": "...", "→": "->", "·": "-"})


def write_program(file: str, text: str, flag: str) -> None:
    """``text`` as a program that may be run. Raises UsageError, which names ``flag``, that gave ``file``."""
    path = Path(file)
    try:
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
        path.chmod(path.stat().st_mode | 0o111)
    except OSError as error:
        raise UsageError(f"{flag} {file}: {error.strerror}") from None


def write_text(text: str, output: str) -> None:
    """To the file ``output``, or else to standard output. Raises UsageError."""
    if not output:
        show_text(text)
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--output {output}: {error.strerror}") from None


def show_text(text: str) -> None:
    """To standard output, at once; what its encoding has not, in plain signs. Raises UsageError.

    That is raised for a text in another script than the encoding has.
    """
    encoding = sys.stdout.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        plain = text.translate(_PLAIN_SIGNS)
        if sum(not char.isascii() for char in plain) > len(plain) / 20:
            raise UsageError(
                f"standard output takes {encoding} alone, and this is written in other letters: --output FILE"
            ) from None
        text = plain.encode(encoding, "backslashreplace").decode(encoding)
    sys.stdout.write(text)
    sys.stdout.flush()


def terminal() -> dict[str, Any]:
    """How wide the report may be, in columns, and whether coloured: only on a terminal that takes colours."""
    if not sys.stdout.isatty():
        return {"colour": False, "width": 80}
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return {"colour": not plain, "width": max(40, min(shutil.get_terminal_size().columns, 100))}


def given_capture(file: str) -> Capture | None:
    """The capture that ``--capture`` names, if it does; ``-`` is one that is pasted. Raises CaptureError."""
    if not file:
        return None
    from sshdoctor.access.capture.capture import read_capture, read_capture_file
    from sshdoctor.access.capture.lines import LARGEST

    if file != "-":
        return read_capture_file(file)
    if sys.stdin.isatty():
        print("Paste the capture, then type Ctrl-D on a line of its own.", file=sys.stderr)
    return read_capture(sys.stdin.buffer.read(LARGEST + 1), "standard input")
