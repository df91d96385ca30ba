"""The command ``examine``: what runs, mails and comes back on hosts that should not. It changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial

from msgspec.structs import replace

from sshdoctor.commands.shared import exit_codes
from sshdoctor.commands.shared.examined import in_words
from sshdoctor.commands.shared.letter import LANGUAGES, letter, notice_from
from sshdoctor.commands.shared.looking import Looked, look
from sshdoctor.commands.shared.options import (
    Options,
    hosts_of,
    jobs_of,
    probe_options,
    terminal,
    write_text,
)
from sshdoctor.commands.shared.ticking import ticking
from sshdoctor.diagnosis.outside import ProbeOptions
from sshdoctor.errors import SshdoctorError, UsageError
from sshdoctor.examination import FACTS
from sshdoctor.examination.document import host_entry
from sshdoctor.examination.findings import Examination
from sshdoctor.examination.narrow import PARTS, facts_of, narrowed
from sshdoctor.examination.notice import Notice
from sshdoctor.model import AccessUsed, Host

SCHEMA = "sshdoctor/examination/1"
FORMATS = ("json", "text", "ticket")
_PATIENCE = 5.0
_CODES = {"well": 0, "undecided": exit_codes.UNDECIDED}
"""Of a kind; all others are found: 1."""


def run(options: Options, account: str, notice: str = "") -> int:
    """Examine the hosts of ``options``, write the report, give the exit code. Raises UsageError."""
    _check(options)
    cited = notice_from(notice)
    parts = _parts(options.only)
    hosts, probing = hosts_of(options), probe_options(options)
    work = partial(_look, probing=probing, facts=facts_of(parts) if parts else FACTS)
    looked: list[Looked] = []
    names = hosts[0].name if len(hosts) == 1 else f"{len(hosts)} hosts"
    with ticking(lambda: f"examining {names}, {len(looked)} of {len(hosts)} done", quiet=options.quiet):
        for one in _each(hosts, work, jobs_of(options)):
            looked.append(replace(one, found=narrowed(one.found, parts, account)))
    write_text(_told(looked, options, cited), options.output)
    return max((_CODES.get(one.found.kind, 1) for one in looked), default=0)


def _check(options: Options) -> None:
    """Raises UsageError for a format or a language that there is not."""
    if options.format not in FORMATS:
        raise UsageError(f"--format {options.format}: there are {', '.join(FORMATS)}")
    if options.lang != "en" and (options.format != "ticket" or options.lang not in LANGUAGES):
        raise UsageError(f"--lang {options.lang}: only ticket is written in {' and '.join(LANGUAGES)}")


def _parts(only: Sequence[str]) -> tuple[str, ...]:
    """The parts that ``--only`` names. Raises UsageError."""
    words = tuple(word for text in only for word in text.split(",") if word)
    wrong = next((word for word in words if word not in PARTS), None)
    if wrong is not None:
        raise UsageError(f"--only {wrong}: there are {', '.join(PARTS)}")
    return words


def _each(hosts: Sequence[Host], work: partial[Looked], jobs: int) -> Iterator[Looked]:
    """Each host's, in the order of ``hosts``; what goes wrong with one is that one's."""
    if len(hosts) == 1:
        yield work(hosts[0])
        return
    from sshdoctor.commands.shared.workers import Workers

    done: dict[str, Looked] = {}
    with Workers(work, min(jobs, len(hosts)), _PATIENCE) as workers:
        for host, answer in workers.each(hosts):
            if isinstance(answer, SshdoctorError):
                raise answer
            nothing = Examination(kind="undecided", doubts=("internal error: its process was ended",))
            done[host.name] = answer or Looked(host=host.name, used=AccessUsed(via=None), found=nothing)
    yield from (done[host.name] for host in hosts)


def _look(host: Host, probing: ProbeOptions, facts: Sequence[str]) -> Looked:
    inside, found = look(host, probing, facts)
    if inside.access is not None:
        inside.access.close()
    return Looked(host=host.name, used=inside.used, found=found)


def _told(looked: Sequence[Looked], options: Options, notice: Notice) -> str:
    if options.format == "json":
        hosts = [host_entry(one.host, one.found) for one in looked]
        return json.dumps({"schema": SCHEMA, "hosts": hosts}, indent=2, ensure_ascii=True) + "\n"
    if options.format == "ticket":
        return "\n".join(letter(one.host, one.found, notice, options.lang) for one in looked)
    width = 80 if options.output else min(terminal()["width"], 80)
    return "\n".join(in_words(one.host, one.used, one.found, width) for one in looked)
