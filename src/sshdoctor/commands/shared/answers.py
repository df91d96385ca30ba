"""The letter's answers to a provider's notice, one for each complaint; what prevents it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from sshdoctor.commands.shared.letter_words import Words
from sshdoctor.examination.cleanup.plan import passwords
from sshdoctor.examination.findings import Culprit, Examination
from sshdoctor.examination.notice import Notice, Subject

_NAMED = 4
_SITES = re.compile(r"public_html|/www/|/htdocs|/httpdocs")


def answers(found: Examination, notice: Notice, words: Words) -> Iterator[str]:
    """A line for the deadline, then one for each complaint; its sentence is cited once."""
    if notice.deadline:
        yield words.say("deadline", deadline=notice.deadline)
    cited: set[str] = set()
    for one in notice.complaints:
        answer = "; ".join(_ANSWERS[one.subject](found, words))
        about = words.say(f"about_{one.subject}")
        said = "you_wrote" if one.text in cited else "you_write"
        cited.add(one.text)
        yield words.say(said, about=about, text=f"“{one.text}”", answer=answer)


def prevention(found: Examination, words: Words) -> Iterator[str]:
    """What keeps it from coming back, beside what the clean-up took away."""
    yield from dict.fromkeys(_prevention(found, words))


def _prevention(found: Examination, words: Words) -> Iterator[str]:
    entry = found.entry if found.kind == "misuse" else None
    line = entry.line if entry else ""
    if entry and not entry.first_use and (upload := re.search(r'"(?:POST|PUT) (/[^ ?"]{1,200})', line)):
        yield words.say("prevent_upload", path=upload[1])
    if re.search(r"Accepted password|sasl_username=", line):
        yield words.say("prevent_login")
    for text in passwords(found):
        yield words.say("prevent_password", name=words.told(text.rpartition(": ")[0]))
    if found.kind == "misuse" and any(_SITES.search(one.file) for one in found.persistence):
        yield words.say("prevent_site")
    for heap in found.mail.heaps if found.mail else ():
        if heap.abused:
            yield words.say("prevent_form", name=heap.name)
    if found.kind == "load":
        for one in found.culprits:
            page = one.origin.started_by == "web request"
            yield words.say("prevent_page") if page else words.say("prevent_cron", file=one.origin.file)


def _processes(found: Examination, words: Words) -> Iterator[str]:
    if found.kind == "misuse" and found.culprits:
        yield words.say("foreign", names=_names(one.program for one in found.culprits))
    elif found.kind == "load":
        yield from _own(found.culprits, words)
    else:
        yield _none(found, words, _innocent(found, words) or words.say("why_processes"))


def _load(found: Examination, words: Words) -> Iterator[str]:
    if found.kind == "load":
        yield from _own(found.culprits, words)
    elif found.kind == "misuse" and found.culprits:
        seconds = sum(one.process.cpu for one in found.culprits)
        names = _names(one.program for one in found.culprits)
        yield words.say("load_by", names=names, seconds=f"{seconds:.0f}")
    else:
        jobs = [one.what for one in found.innocent if one.what.startswith("/etc/cron")]
        yield _none(found, words, _innocent(found, words) or words.say("why_load"))
        if found.kind == "well":
            yield from (words.say("your_cron", file=job) for job in jobs[:_NAMED])


def _own(culprits: Sequence[Culprit], words: Words) -> Iterator[str]:
    told = []
    for one in culprits:
        key = "own_page" if one.origin.started_by == "web request" else "own_cron"
        key = "your_cron" if key == "own_cron" and one.process.uid == 0 else key
        told.append(words.say(key, file=one.origin.file))
    yield from dict.fromkeys(told)


def _mail(found: Examination, words: Words) -> Iterator[str]:
    heaps = found.mail.heaps if found.mail else ()
    direct = [one.program for one in found.culprits if one.process.mails]
    if direct:
        yield words.say("direct", names=_names(direct))
    bad = [one for one in heaps if one.guilty or one.abused or one.open]
    for heap in bad:
        key = "heap_abused" if heap.abused else "heap_guilty" if heap.guilty else "heap_open"
        yield words.say(key, count=str(heap.count), by=words.told(heap.by), name=heap.name)
    if not (direct or bad):
        queued = str(found.mail.queued if found.mail else 0)
        names = _names(f"{one.name} ({one.count})" for one in heaps)
        why = words.say("why_heaps", names=names) if names else words.say("why_mail", queued=queued)
        yield _none(found, words, why)


def _files(found: Examination, words: Words) -> Iterator[str]:
    named = [line.file for line in found.persistence]
    heaps = found.mail.heaps if found.mail else ()
    named += [heap.name for heap in heaps if heap.guilty and heap.by == "script"]
    if named:
        yield words.say("files_found", names=_names(named))
    else:
        yield _none(found, words, words.say("why_files"))


def _attacks(found: Examination, words: Words) -> Iterator[str]:
    if found.kind == "misuse" and found.culprits:
        yield words.say("may_have", names=_names(one.program for one in found.culprits))
    else:
        yield _none(found, words, words.say("why_attacks"))


def _locked(found: Examination, words: Words) -> Iterator[str]:
    did = [words.told(text) for text in found.provider_did]
    yield words.say("your_lock", names=_names(did)) if did else words.say("no_lock")


_ANSWERS: dict[Subject, Callable[[Examination, Words], Iterator[str]]] = {
    "processes": _processes,
    "load": _load,
    "mail": _mail,
    "files": _files,
    "attacks": _attacks,
    "locked": _locked,
}


def _none(found: Examination, words: Words, why: str) -> str:
    """Nothing of it was found: a plain no only where all could be seen."""
    if found.kind == "undecided":
        return words.say("undecided_point")
    return words.say("not_from_here" if found.kind == "well" else "none_found", why=why)


def _innocent(found: Examination, words: Words) -> str:
    running = [one.what for one in found.innocent if not one.what.startswith("/")]
    return words.say("why_innocent", names=_names(running)) if running and found.kind == "well" else ""


def _names(names: Iterable[str]) -> str:
    each = list(dict.fromkeys(names))
    return ", ".join(each[:_NAMED]) + (f" (+{len(each) - _NAMED})" if len(each) > _NAMED else "")
