"""What a host said when it was asked, kept in a file, and judged again from there: without the host."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import msgspec
from msgspec import Struct

from sshdoctor.diagnosis.inside import Inside
from sshdoctor.diagnosis.outside import Outside, ProbeOptions, look_outside
from sshdoctor.diagnosis.probe import Probe, ProbeResult
from sshdoctor.diagnosis.setup import Wanted
from sshdoctor.facts.protection.engines import Engines
from sshdoctor.model import AccessUsed, Host, Login, Reply, Unknown, WayIn
from sshdoctor.protection.audit import FACTS, Audited, judged, looked
from sshdoctor.protection.pages import Asked, asked, asked_besides
from sshdoctor.protection.state import Protection
from sshdoctor.protection.yours import source_towards

Heard = Callable[[bytes], bytes]
_MARK = "5d0c5d0c5d0c"


class Recording(Struct, frozen=True):
    """``output`` is what the one script printed, with ``mark`` in its fences; packed, in base64."""

    mark: str
    output: str
    replies: tuple[Reply, ...]
    pages: tuple[Asked, ...]
    sources: dict[str, str | None]
    """This machine's own address towards each of the host's."""


def record(host: Host, file: Path) -> Protection:
    """Ask ``host`` as the command does, and keep what it said in ``file``."""
    probing = ProbeOptions(timeout=6)
    outside = look_outside(host, probing)
    dialled = [str(reply.address) for reply in outside.replies if reply.address]
    pages = asked(host, dialled, _MARK, 3)
    wanted = Wanted(facts=FACTS, given={"token": _MARK})
    with _heard() as heard:
        inside = looked(host, outside, wanted, probing)
    ports = getattr(inside.views[0].facts["seen_requests"], "ports", ())
    pages += asked_besides(host, dialled, _MARK, 3, ports)
    mark, output = heard[-1]
    packed = base64.b64encode(gzip.compress(output, 9, mtime=0)).decode()
    addresses = getattr(inside.views[0].facts["addresses"], "all_addresses", ())
    sources = {each: source_towards(each) for each in addresses}
    kept = Recording(mark, packed, outside.replies, pages, sources)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=1))
    return judged(host.name, outside, inside, pages).told


@contextmanager
def _heard() -> Iterator[list[tuple[str, bytes]]]:
    """The output of each probe that is read meanwhile, with its mark."""
    heard: list[tuple[str, bytes]] = []
    read = Probe.read

    def listening(probe: Probe, output: bytes) -> ProbeResult:
        heard.append((probe.mark, output))
        return read(probe, output)

    with patch.object(Probe, "read", listening):
        yield heard


def judged_again(file: Path, heard: Heard = bytes) -> Protection:
    """What comes of the recording in ``file``."""
    return audited_again(file, heard).told


def audited_again(file: Path, heard: Heard = bytes) -> Audited:
    """The same, with what it rests on. ``heard``: what the host says instead of what was recorded."""
    kept = msgspec.json.decode(file.read_bytes(), type=Recording)
    inside = Inside(used=AccessUsed(via="ssh"), views=_answer(kept, heard).views)
    return judged("web1", Outside(replies=kept.replies), inside, kept.pages, kept.sources.get)


def held_again(file: Path) -> set[str]:
    """Whom fail2ban held when ``file`` was recorded."""
    engines = _answer(msgspec.json.decode(file.read_bytes(), type=Recording)).views[0].facts["engines"]
    assert isinstance(engines, Engines)
    jails = engines.jails
    return set() if isinstance(jails, Unknown) else {each for jail in jails for each in jail.banned}


def _answer(kept: Recording, heard: Heard = bytes) -> ProbeResult:
    first = kept.replies[0]
    login = Login(address=str(first.address), port=first.port, user="root")
    host = Host(name="web1", service="ssh", login=login, ways=(WayIn(connection="ssh", login=login),))
    probe = Probe(host, kept.replies, FACTS, {}, mark=kept.mark)
    return probe.read(heard(gzip.decompress(base64.b64decode(kept.output))))
