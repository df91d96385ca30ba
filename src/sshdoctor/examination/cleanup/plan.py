"""From what an examination found to what is done about it: tasks in order, each a piece of shell text.

Freeze first and keep the evidence, hold the letters, take away what brings it back, end the processes, then
watch that nothing returns. Whatever a host said is quoted.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from msgspec import Struct

from sshdoctor.examination.cleanup.proof import seconds_of
from sshdoctor.examination.findings import Culprit, Examination, Line, Step

_DELETED = " (deleted)"
_QUEUE_NAME = re.compile(r"[A-Za-z0-9-]{5,40}")


class Task(Struct, frozen=True):
    """One step: ``call`` is shell text over the functions of clean.sh, ``step`` what of the plan it does."""

    name: str
    call: str
    step: Step | None = None
    changes: bool = True
    watches: bool = False
    """It looks whether something comes back."""


def tasks(found: Examination) -> tuple[Task, ...]:
    """What is done, in order; nothing where nothing is to be done by a program."""
    steps = [step for step in found.stop if step.action not in ("login", "advice")]
    held = [*_letters(found)]
    culprits = found.culprits if found.kind == "misuse" else ()
    if not (steps or held or culprits):
        return ()
    return (
        *_sites_before(steps),
        *(_freeze(one) for one in culprits),
        *held,
        *(task for step in steps for task in _of_step(step, found)),
        *(_end(one) for one in culprits),
        *_watch(culprits, found),
        Task("look whether every site answers", "clean_answers", changes=False),
    )


def by_hand(found: Examination) -> tuple[str, ...]:
    """What a person does: passwords, and what no program may decide."""
    rest = [f"{one.what}: {one.how}" for one in found.stop if one.action in ("login", "advice")]
    second = [line for line in found.persistence if line.file == "/etc/passwd"]
    rest += [
        f"/etc/passwd:{one.line}: {one.text}: take it out with vipw, if nobody needs it" for one in second
    ]
    return tuple(rest)


def passwords(found: Examination) -> tuple[str, ...]:
    """Those that must be changed, and by whom; none is changed for anybody."""
    if found.kind != "misuse":
        return ()
    named = [f"{heap.name}: by its owner" for heap in (found.mail.heaps if found.mail else ())
             if heap.guilty and heap.by == "login"]  # fmt: skip
    users = {one.user for one in found.culprits}
    users |= {heap.uid for heap in (found.mail.heaps if found.mail else ()) if heap.guilty and heap.uid}
    entry = re.search(r"Accepted \S+ for (\S+) from", found.entry.line) if found.entry else None
    users |= {entry[1]} if entry else set()
    for user in sorted(users):
        whose = (
            "by everybody who has one on this host, and every key is looked at"
            if user == "root"
            else "by its owner"
        )
        named.append(f"{user}: {whose}")
    if any("public_html" in line.file or "/www/" in line.file for line in found.persistence):
        named.append("the site's administrators and its database: by the site's owner")
    return tuple(dict.fromkeys(named))


def _sites_before(steps: Sequence[Step]) -> Iterator[Task]:
    """A visit would run what was found in a site: it is asked before only where nothing was found there."""
    if not any(step.action in ("file", "lines", "close") and _of_a_site(step.target) for step in steps):
        yield Task("look which sites answer", 'clean_sites >"$work/sites.before"', changes=False)


def _of_a_site(path: str) -> bool:
    return not re.match(r"/(?:etc|usr|lib|bin|sbin|boot|opt|var/(?!www))", path)


def _freeze(one: Culprit) -> Task:
    process = one.process
    call = f"clean_freeze {process.pid} {round(process.since * 100)} {process.uid}"
    return Task(f"freeze process {process.pid} of {one.user} ({one.program}), and keep its evidence", call)


def _end(one: Culprit) -> Task:
    process = one.process
    call = f"clean_end {process.pid} {round(process.since * 100)}"
    if one.program.startswith("/"):
        call += f"\nclean_end_all {_who(one)}"
    return Task(f"end process {process.pid} of {one.user} ({one.program})", call)


def _who(one: Culprit) -> str:
    program = one.program.removesuffix(_DELETED)
    return shlex.join([str(one.process.uid), program, _as_pattern(program)])


def _as_pattern(path: str) -> str:
    r"""For find's -lname.

    >>> _as_pattern("/tmp/a[1]*")
    '/tmp/a\\[1\\]\\*'
    """
    return re.sub(r"([*?\[\]\\])", r"\\\1", path)


def _letters(found: Examination) -> Iterator[Task]:
    mail = found.mail
    if mail is None or found.kind != "misuse" or mail.server not in ("postfix", "exim"):
        return
    for heap in mail.heaps:
        names = [name for name in heap.letters if _QUEUE_NAME.fullmatch(name)]
        if heap.guilty and not heap.abused and names:
            of = f"{len(names)} of {heap.count}" if heap.count > len(names) else str(len(names))
            call = f"clean_hold {mail.server} {shlex.quote(' '.join(names))}"
            yield Task(f"hold {of} letters by {heap.by} {heap.name}", call)


def _of_step(step: Step, found: Examination) -> Iterator[Task]:
    call = _CALLS[step.action](step, found)
    if call and step.reread:
        call = f"clean_reread={shlex.quote(step.reread)}\n{call}\nclean_reread="
    if call:
        yield Task(f"{step.what}: {step.how}", call, step)


def _file(step: Step, found: Examination) -> str:
    return f"clean_aside {shlex.quote(step.target)} ''"


def _lines(step: Step, found: Examination) -> str:
    word = re.sub(r"\\(.)", r"\1", step.what.partition(":/")[2].removesuffix("/"))
    every = [line for line in guilty_lines(found) if line.file == step.target and line.line]
    meant = [line for line in every if word and word in line.text] or every
    if not meant:
        return ""
    spec = "\n".join(f"{line.line}\t{line.text}" for line in meant)
    return f"clean_lines {shlex.quote(step.target)} {shlex.quote(spec)}"


def guilty_lines(found: Examination) -> list[Line]:
    """Each once: what brings back, and what started the processes."""
    lines = [*found.persistence, *(line for one in found.culprits for line in one.origin.lines)]
    return list(dict.fromkeys(lines))


def _unit(step: Step, found: Examination) -> str:
    return f"clean_unit {shlex.join([step.target, _as_pattern(step.target)])}"


def _user_unit(step: Step, found: Examination) -> str:
    own = next(one for one in found.culprits if one.origin.unit.startswith(f"{step.user}:"))
    home = re.sub(r"/\.(?:config|local)/.*", "", own.origin.file)
    words = [step.user, str(own.process.uid), home, step.target, _as_pattern(step.target)]
    return f"clean_user_unit {shlex.join(words)}"


def _jobs(step: Step, found: Examination) -> str:
    own = [one for one in found.culprits if one.user == step.user]
    names = [name for one in own for name in (one.program.removesuffix(_DELETED), *one.origin.through)]
    names += [other.target for other in found.stop if other.action == "file"]
    uid = str(own[0].process.uid) if own else f"$(id -u {shlex.quote(step.user)})"
    return f"clean_jobs {uid} {shlex.join(dict.fromkeys(names))}" if names else ""


def _supervisor(step: Step, found: Examination) -> str:
    return f"clean_section {shlex.quote(step.target)}"


def _parent(step: Step, found: Examination) -> str:
    own = [one for one in found.culprits if one.program == step.target]
    return "\n".join(f"clean_end {one.process.pid} {round(one.process.since * 100)}" for one in own)


def _reload(step: Step, found: Examination) -> str:
    return f"! would || run systemctl reload {shlex.quote(step.target)}"


def _close(step: Step, found: Examination) -> str:
    return f"clean_close {shlex.quote(step.target)}"


_CALLS = {
    "file": _file,
    "lines": _lines,
    "unit": _unit,
    "user-unit": _user_unit,
    "atjobs": _jobs,
    "supervisor": _supervisor,
    "parent": _parent,
    "reload": _reload,
    "close": _close,
}


def _watch(culprits: Sequence[Culprit], found: Examination) -> Iterator[Task]:
    seconds = seconds_of(found)
    programs = "\n".join(
        "\t".join([str(one.process.uid), path, _as_pattern(path)])
        for one in culprits
        if (path := one.program.removesuffix(_DELETED)).startswith("/") and not re.search(r"[\t\n]", path)
    )
    if seconds and programs:
        call = f"clean_list={shlex.quote(programs)}\nclean_watch {seconds}"
        name = f"watch for {seconds} seconds that nothing comes back"
        yield Task(name, call, changes=False, watches=True)


def still_there(before: Examination, after: Examination) -> str:
    """What of the plan is there again, "" for nothing; letters that are held are no fault."""
    if before.kind != "misuse":
        return ""
    programs = {one.program.removesuffix(_DELETED) for one in before.culprits}
    again = [one.program for one in after.culprits if one.program.removesuffix(_DELETED) in programs]
    by_a_person = {"/etc/passwd", *(step.what for step in before.stop if step.action in ("login", "advice"))}
    had = {(line.file, line.text) for line in guilty_lines(before) if line.file not in by_a_person}
    again += [line.file for line in guilty_lines(after) if (line.file, line.text) in had]
    if again:
        return f"it is there again: {', '.join(dict.fromkeys(again))}"
    lost = [text for text in after.doubts if text.startswith("not seen: ")]
    return f"it could not be looked at again: {'; '.join(lost)}" if lost else ""
