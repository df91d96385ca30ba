"""The task ``rescue``: write the script, or offer it and go on with what comes back."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from shlex import quote
from typing import TYPE_CHECKING

from msgspec import Struct

from sshdoctor import facts
from sshdoctor.command_line.catalogs import load_checks, wanted_by
from sshdoctor.command_line.options import Options, hosts_of, probe_options, show_text, write_program
from sshdoctor.diagnosis.inside import Wanted
from sshdoctor.errors import UsageError
from sshdoctor.inventory import complete
from sshdoctor.model import Host, Reply
from sshdoctor.reports import check_format
from sshdoctor.rescue.script import LONGEST_LINE, addresses_asked, longest_line, rescue_script

if TYPE_CHECKING:
    from sshdoctor.access.capture.capture import Capture


class Offer(Struct, frozen=True, kw_only=True):
    """What ``--serve`` adds, as typed."""

    listen: str = ""
    certificate: str = ""
    key: str = ""


class _Rescue(Struct, frozen=True):
    """One host, the addresses at which it would be dialled, and the script for its console."""

    host: Host
    replies: tuple[Reply, ...]
    script: Callable[[str], str]
    """The script that sends its capture to this URL, or to none ("")."""


def write_script(options: Options) -> int:
    """Write the rescue script for the one host of ``options``; nothing is dialled. Raises UsageError."""
    rescue = _rescue(options)
    text = rescue.script("")
    _warn(text)
    if not options.output:
        show_text(text)
        return 0
    write_program(options.output, text, "--output")
    name = quote(options.output)
    print(
        f"Run it at the console of {rescue.host.name}: sh {name}\nThen: sshdoctor diagnose --host "
        f"{quote(options.pattern)} --capture FILE",
        file=sys.stderr,
    )
    return 0


def receive(options: Options, offer: Offer) -> Capture:
    """Offer the script once, and take the capture that comes back. Raises UsageError, RescueError."""
    from sshdoctor.rescue.serve import Post

    check_format(options.format, options.lang)
    rescue = _rescue(options)
    with Post(offer.listen, rescue.replies, offer.certificate, offer.key) as post:
        post.offer(rescue.script(post.return_url))
        _explain(rescue.host, post.lines)
        capture = post.wait()
    print("The capture is here. Diagnosing.", file=sys.stderr)
    return capture


def _rescue(options: Options) -> _Rescue:
    hosts = hosts_of(options)
    if len(hosts) != 1:
        raise UsageError(f"a rescue script is for one host, and --host {options.pattern} means {len(hosts)}")
    host = complete(hosts[0])
    own = wanted_by(load_checks(options.sources)).own
    wanted = Wanted(facts=facts.names(), own=own)  # whatever is asked of the capture later, it is there
    replies = addresses_asked(host.login, probe_options(options).timeout)
    made = time.time()
    return _Rescue(host, replies, lambda url: rescue_script(host, replies, wanted, made=made, url=url))


def _warn(script: str) -> None:
    length = longest_line(script)
    if length > LONGEST_LINE or "\t" in script:
        print(
            f"A check of yours has a tab, or a line of {length} characters: that may not survive a paste. "
            "Carry the file over, or use --serve.",
            file=sys.stderr,
        )


def _explain(host: Host, lines: tuple[str, ...]) -> None:
    typed = "\n".join(f"    {line}" for line in lines)
    print(
        f"At the console of {host.name}, as root, type one of these; it works once, within ten minutes:\n\n"
        f"{typed}\n\nCtrl-C ends the offer.",
        file=sys.stderr,
        flush=True,
    )
