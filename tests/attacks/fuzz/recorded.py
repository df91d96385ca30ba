"""What real hosts printed, as the fuzzer begins with it: captures of a healthy and of a sick host."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor import facts
from sshdoctor.access.capture.capture import Capture, read_capture
from sshdoctor.checks.load import Check
from sshdoctor.diagnosis.captured import read_capture_facts
from sshdoctor.diagnosis.inside import Inside
from sshdoctor.diagnosis.outside import Outside
from sshdoctor.diagnosis.probe import ProbeResult
from sshdoctor.diagnosis.report import build_report, facts_by_address
from sshdoctor.diagnosis.setup import load_checks
from sshdoctor.documents.resources import shipped
from sshdoctor.model import AccessUsed, Host, HostReport, Login, Reply, WayIn

SEEDS = Path(__file__).parent / "seeds"


class Recorded(Struct, frozen=True):
    """A capture, as the rescue script's ``--plain`` prints it, and what a client got at that time."""

    name: str
    text: str
    word: str

    @property
    def capture(self) -> Capture:
        return read_capture(self.text.encode("utf-8", "surrogateescape"), self.name)


@cache
def recorded() -> tuple[Recorded, ...]:
    return tuple(_recorded(path) for path in sorted(SEEDS.glob("*.capture")))


def _recorded(path: Path) -> Recorded:
    """The name of a seed is NAME.WORD.capture."""
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    return Recorded(path.name, text, path.name.split(".")[1])


@cache
def checks() -> tuple[Check, ...]:
    return load_checks([shipped("checks")])


def report(capture: Capture, word: str) -> HostReport:
    """What a diagnosis makes of ``capture`` while a client gets ``word``. Raises CaptureError."""
    asked = capture.asked
    login = Login(address=asked.name, port=asked.port, user=asked.user)
    way = WayIn(connection="ssh", login=login)
    host = Host(name=asked.host, service="ssh", login=login, ways=(way,))
    seat = asked.seats[0]
    dialled = Reply(
        address=seat.address, family="ipv4", port=asked.port, word=word, source=seat.client or None
    )
    said = read_capture_facts(host, [dialled], facts.names(), {}, capture, now=capture.taken)
    return report_of(host, dialled, said.answer)


def report_of(host: Host, reply: Reply, answer: ProbeResult) -> HostReport:
    inside = Inside(used=AccessUsed(via="capture", privileged=True), views=answer.views)
    outside = Outside(replies=(reply,))
    return build_report(host, outside, inside, checks(), facts_by_address(host, outside, inside))


def proved(found: HostReport) -> frozenset[str]:
    return frozenset(cause.id for cause in found.causes if cause.confidence == "proved")


def with_output(capture: Capture, output: str) -> Capture:
    """The same as if the probe had printed ``output``."""
    return replace(capture, output=output.encode("utf-8", "surrogateescape"))


def texts(*patterns: str, root: Path = Path(__file__).parents[2]) -> tuple[str, ...]:
    """The files of this suite that match, as what the fuzzer begins with."""
    found = [path for pattern in patterns for path in sorted(root.glob(pattern))]
    assert found
    return tuple(path.read_bytes().decode("utf-8", "surrogateescape") for path in found)
