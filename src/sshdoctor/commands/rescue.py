"""The task ``rescue``: write the script, or offer it and go on with what comes back."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from shlex import join, quote
from tempfile import NamedTemporaryFile

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.commands.shared.options import Options, one_host, probe_options, show_text, write_program
from sshdoctor.diagnosis.setup import load_checks, wanted_by
from sshdoctor.errors import UsageError
from sshdoctor.inventory.folders import check_folders
from sshdoctor.model import Host
from sshdoctor.reports import check_format
from sshdoctor.reports.layout.printable import printable
from sshdoctor.rescue.script import LONGEST_LINE, Rescue, longest_line


class Offer(Struct, frozen=True, kw_only=True):
    """What ``--serve`` adds, as typed."""

    listen: str = ""
    certificate: str = ""
    key: str = ""


def write_script(options: Options, offer: Offer) -> int:
    """Write the rescue script for the one host of ``options``; nothing is dialled. Raises UsageError."""
    if offer != Offer():
        raise UsageError("--listen, --certificate and --key need --serve")
    rescue = _rescue(options)
    text = rescue.script("")
    _warn(text)
    if not options.output:
        show_text(text)
        return 0
    write_program(options.output, text, "--output")
    name = quote(options.output)
    then = join(["sshdoctor", "diagnose", "--host", options.pattern, *options.again])
    print(
        f"Run it at the console of {printable(rescue.host.name)}, and keep what it prints:\n"
        f"    sh {name} --plain > capture.txt\nThen, here:\n    {then} --capture capture.txt",
        file=sys.stderr,
    )
    return 0


def receive(options: Options, offer: Offer) -> Options:
    """``options`` with the capture that came back for the script. Raises UsageError, RescueError."""
    from sshdoctor.rescue.serve import Post

    check_format(options.format, options.lang)
    rescue = _rescue(options)
    with Post(offer.listen, rescue.replies, offer.certificate, offer.key) as post:
        post.offer(rescue.script(post.return_url))
        _explain(rescue.host, post.lines)
        capture = post.wait()
    kept = _keep(rescue.host.name, post.data)
    again = join(["sshdoctor", "diagnose", "--host", options.pattern, *options.again, "--capture", kept])
    print(f"The capture is here, and kept as {kept}; this reads it again:\n    {again}", file=sys.stderr)
    return replace(options, capture=capture, capture_file=kept)


def _keep(host: str, data: bytes) -> str:
    """The name of a new file of the user's own with the capture."""
    stem = re.sub(r"[^\w.-]+", "_", host).strip(".-") or "host"
    with NamedTemporaryFile(prefix=f"{stem}-", suffix=".capture", dir=".", delete=False) as file:
        file.write(data)
    return Path(file.name).name


def _rescue(options: Options) -> Rescue:
    host = one_host(options, "a rescue script is for one host")
    own = wanted_by(load_checks(check_folders(options.sources))).own
    return Rescue.of(host, own, probe_options(options).timeout)


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
