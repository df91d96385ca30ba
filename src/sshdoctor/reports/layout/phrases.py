"""The sentences of a ticket, by language: templates/reports/ticket.LANG.yml, and each cause in its check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from sshdoctor.document import read_yaml
from sshdoctor.resources import shipped


class TicketRequest(Struct, frozen=True):
    """What a cause is called, and who is asked to do what; ``ask`` holds ``{host}``, ``{port}`` ..."""

    name: str
    ask: str


class Phrases(Struct, frozen=True, kw_only=True):
    """The sentences of one language."""

    said: Mapping[str, str]
    """What came back, in plain words, by reply word."""
    means: Mapping[str, str]
    """What that means, where it does not say so itself."""
    asks: Mapping[str, str]
    """What to ask while no cause is known, by reply word; a reply that works has none."""
    causes: Mapping[str, TicketRequest]
    other: TicketRequest
    """For a cause of a check of the user's own."""
    passed: Mapping[str, str]
    """What a check has ruled out by passing, by check; a check that passes for other reasons too has none."""
    confidence: Mapping[str, str]
    unknown_client: str
    unknown_user: str


def phrases(lang: str, own_checks: Sequence[Path] = ()) -> Phrases:
    """The sentences in ``lang``, one of ``sshdoctor.reports.languages("ticket")``.

    ``own_checks`` are folders of the user's own, beside the checks that came with this program.
    """
    data = read_yaml(shipped("templates") / "reports" / f"ticket.{lang}.yml")
    replies = data["replies"]
    return Phrases(
        said={word: one["said"] for word, one in replies.items()},
        means={word: one["means"] for word, one in replies.items() if "means" in one},
        asks={word: one["ask"] for word, one in replies.items() if "ask" in one},
        causes=dict(_requests(lang, (shipped("checks"), *own_checks))),
        other=TicketRequest(data["other"]["name"], data["other"]["ask"]),
        passed=data["passed"],
        confidence=data["confidence"],
        unknown_client=data["unknown"]["client"],
        unknown_user=data["unknown"]["user"],
    )


def _requests(lang: str, folders: Sequence[Path]) -> Iterator[tuple[str, TicketRequest]]:
    for path in sorted(path for folder in folders for path in folder.rglob("*.yml")):
        for cause in read_yaml(path)["causes"]:
            if "ticket" in cause:
                request = cause["ticket"][lang]
                yield cause["id"], TicketRequest(request["name"], request["ask"])
