"""The letter that a provider waits for: what was found, how they got in, what will be done.

letter.yml has its words, in English and Japanese. What is done, and how it is proved, is told of what was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sshdoctor.commands.shared.answers import answers, prevention
from sshdoctor.commands.shared.letter_words import LANGUAGES, Words, words_of
from sshdoctor.errors import UsageError
from sshdoctor.examination.document import moment
from sshdoctor.examination.findings import Examination, Incident
from sshdoctor.examination.notice import Notice, read_notice
from sshdoctor.reports.layout.printable import printable

_MOST = 10
_LONGEST = 200_000
__all__ = ["LANGUAGES", "letter", "notice_from"]


def letter(
    host: str,
    found: Examination,
    notice: Notice,
    lang: str,
    *,
    proofs: Sequence[str] = (),
    done: bool = False,
) -> str:
    """The letter about one host in the language ``lang``. Unless all of the plan is ``done``, and ``proofs``
    tell how each step is proved, it promises nothing done."""
    words = words_of(lang)
    tickets = f" ({', '.join(notice.tickets)})" if notice.tickets else ""
    lines = [words.say("subject", host=host, tickets=tickets), "", words.say("dear", host=host), ""]
    lines.append(words.say(found.kind))
    for title, rows in _parts(found, notice, words, proofs if done else ()):
        told = [*rows]
        if told:
            lines += ["", words.say(title), *(f"- {printable(row)}" for row in told[:_MOST])]
            lines += [f"- (+{len(told) - _MOST})"] if len(told) > _MOST else []
    asked = "please_well" if found.kind == "well" else "please_done" if done else "please"
    lines += ["", words.say(asked)]
    return printable("\n".join(lines), lines=True) + "\n"


def notice_from(file: str) -> Notice:
    """What the provider's notice cites, nothing if no file is named. Raises UsageError."""
    if not file:
        return Notice((), ())
    try:
        return read_notice(Path(file).read_text(encoding="utf-8", errors="replace")[:_LONGEST])
    except OSError as error:
        raise UsageError(f"--notice {file}: {error.strerror}") from None


def _parts(
    found: Examination, notice: Notice, words: Words, proofs: Sequence[str]
) -> Iterator[tuple[str, Iterator[str]]]:
    yield "answers", answers(found, notice, words)
    yield "found", _found(found, words)
    yield "way", _way(found, words)
    yield "incidents", _incidents(found, notice, words)
    yield "yours", (words.told(text) for text in found.provider_did)
    steps = [f"{step.what}: {words.told(step.how)}" for step in found.stop]
    yield "plan", iter(() if proofs else steps)
    yield (
        "done",
        (
            words.say(f"proved_by_{proof.replace(' ', '_')}", step=step)
            for step, proof in zip(steps, proofs, strict=False)
        ),
    )
    yield "prevention", prevention(found, words)
    yield "unseen", (words.told(text) for text in found.doubts)


def _found(found: Examination, words: Words) -> Iterator[str]:
    for one in found.culprits:
        yield words.say(
            "process",
            pid=one.process.pid,
            user=one.user,
            program=one.program,
            since=moment(one.process.since),
            way=words.told(one.origin.started_by),
            file=one.origin.file or "-",
        )
    for line in found.persistence:
        place = f":{line.line}" if line.line else ""
        yield words.say("line", file=line.file, place=place, text=line.text[:120])
    for heap in found.mail.heaps if found.mail else ():
        if heap.guilty or heap.abused or heap.open:
            yield words.say("heap", count=heap.count, by=words.told(heap.by), name=heap.name)


def _way(found: Examination, words: Words) -> Iterator[str]:
    if found.entry is not None:
        yield words.say("entry", log=found.entry.log, line=found.entry.line[:300])
        if found.entry.first_use:
            yield words.say("first")
    elif found.kind == "misuse":
        yield words.say("untold")


def _incidents(found: Examination, notice: Notice, words: Words) -> Iterator[str]:
    for one in found.incidents:
        yield words.say(
            "ended" if one.ended else "now",
            what=words.told(one.what),
            first=moment(one.first),
            last=moment(one.last),
            log=words.told(one.log),
        )
    for day in notice.days:
        if _is_of_an_ended_one(day, found):
            yield words.say("other", day=day.isoformat())


def _is_of_an_ended_one(day: date, found: Examination) -> bool:
    covers = [one for one in found.incidents if _covers(one, day)]
    return bool(covers) and all(one.ended for one in covers) and any(not one.ended for one in found.incidents)


def _covers(one: Incident, day: date) -> bool:
    """To a day, for the clocks of both differ."""
    first, last = (datetime.fromtimestamp(when, UTC).date() for when in (one.first, one.last))
    return first - timedelta(days=1) <= day <= last + timedelta(days=1)
