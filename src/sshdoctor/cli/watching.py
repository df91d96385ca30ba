"""The watch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from sshdoctor.cli.help_texts import HOST_HELP, SITE_HELP
from sshdoctor.commands.shared.host_task import host_task

if TYPE_CHECKING:
    from sshdoctor.commands.shared.options import Options


@host_task(
    HOST_HELP,
    without_host=["replay", "explain", "record", "report", "serve"],
    iterable=["maintenance", "header"],
    service="SERVICE: ssh (the default), web (the sites of the hosts), all",
    every="SECONDS: from one look at a target to the next (default 300)",
    state="FILE: what is remembered, one SQLite file; one watch at a time",
    format="FORMAT: text, json, jsonl",
    once="look once, for cron; the exit code tells how it is",
    maintenance="WINDOW: nothing is told in it: 'sun 02:00-04:00', 2026-11-27T02:00/2h (repeatable)",
    replay="FILE: dial nothing; say what these looks, which were written down, come to",
    explain="TARGET: say why its state is what it is, by the state file",
    record="TARGET: print the looks at it that the state file remembers, for --replay",
    report="FILE: write the history as one page of HTML: now, 90 days, outages and their causes",
    serve="ADDRESS:PORT: show the history there: a page, status.json, feed.xml, badge.svg?target=NAME",
    scheduler="ADDRESS: the workers of this Dask scheduler are witnesses as well: tcp://HOST:8786",
    exporter="ADDRESS:PORT: for Prometheus: /probe?target=NAME looks once; /metrics",
    unit="print a unit of systemd that runs this command",
    **SITE_HELP,
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
    scheduler: str = "",
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
    options = replace(options, request=request, service=service, scheduler=scheduler)
    return run_exporter(options, exporter) if exporter else run(options, wish)
