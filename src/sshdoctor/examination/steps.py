"""What would be done so that it stays stopped: first what brings it back, then the program; in this order the
site keeps answering. Of a file that is shared with the innocent, the guilty line alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from sshdoctor.examination.encoded import spelled
from sshdoctor.examination.findings import Culprit, Heap, Line, Step
from sshdoctor.examination.known import Known
from sshdoctor.examination.load import manager_of
from sshdoctor.examination.places import SYSTEM, base
from sshdoctor.examination.programs import DELETED
from sshdoctor.examination.sites import odd_includes
from sshdoctor.examination.traces import started
from sshdoctor.examination.ways import way_of
from sshdoctor.examination.whole import STEERING, is_whole

_NAMED = re.compile(r"(?<![\w.-])[\w.-]{1,120}\.(?:sh|php|pl|py)\b")
_QUOTED = re.compile(r"(?<![\w./-])[\w./-]*/[\w./-]+")
_PRELOAD = "/etc/ld.so.preload"
_ASIDE = "put aside, with owner, mode and times"


def steps(
    known: Known, culprits: Sequence[Culprit], persistence: Sequence[Line], heaps: Sequence[Heap]
) -> tuple[Step, ...]:
    """Each once, in order."""
    found: dict[str, Step] = {}
    for step in _every(known, culprits, persistence, heaps):
        found.setdefault(step.what, step)
    late = found.pop(_PRELOAD, None)
    return (*found.values(), *((late,) if late else ()))


def load_steps(culprits: Sequence[Culprit]) -> tuple[Step, ...]:
    found: dict[str, Step] = {}
    for one in culprits:
        if one.origin.started_by == "web request":
            name = manager_of(one.process)
            step = Step(
                f"reload:{name}",
                f"end the request: systemctl reload {name}; set request_terminate_timeout",
                "reload",
                name,
            )
        else:
            step = Step(
                _line_of(one.origin.file, one.program), "let it run once at a time: flock -n FILE COMMAND"
            )
        found.setdefault(step.what, step)
    return tuple(found.values())


def _every(
    known: Known, culprits: Sequence[Culprit], persistence: Sequence[Line], heaps: Sequence[Heap]
) -> Iterator[Step]:
    steered = [line for line in persistence if _leads(line, known)]
    for one in culprits:
        if one.program.endswith(DELETED) and steered:
            name = base(one.program.removesuffix(DELETED))
            yield Step(
                f"parent:{name}", "end this process first: it writes its files anew", "parent", one.program
            )
    for line in steered:
        included = base(line.file) not in STEERING
        named = _QUOTED.findall(spelled(line.text))[-1:] if included or "=" in line.text else []
        whole = not included and is_whole(line.file, steered, known)
        yield _of_file(line.file, (named or [line.text])[0], known, whole=whole)
    for one in culprits:
        yield from _of_culprit(one, persistence, known)
    dealt = {line for one in culprits for line in one.origin.lines}
    rest = [line for line in persistence if line not in dealt and line not in steered]
    late = [line for line in rest if line.file == _PRELOAD or _is_packages(line.file, known)]
    yield from _of_lines([line for line in rest if line not in late], persistence, known)
    for one in culprits:
        if _is_ours_to_move(one.program, known):
            yield _aside(one.program)
    yield from _of_lines(late, persistence, known)
    for line in rest:
        yield from (_aside(path) for path in started(line, known))
    yield from _of_heaps(heaps, culprits)


def _is_packages(path: str, known: Known) -> bool:
    """Whether it is a package's and would go as a whole: that one is installed anew, by a person."""
    file = known.files.get(path)
    return file is not None and file.owned is not None and is_whole(path, (), known)


def _of_lines(lines: Sequence[Line], guilty: Sequence[Line], known: Known) -> Iterator[Step]:
    for line in lines:
        if way_of(line.file) == "at":
            yield _at_jobs(_owner(line.file, known))
        elif line.file.endswith((".timer", ".service", ".socket", ".path")) and "/dbus-1/" not in line.file:
            yield _unit(base(line.file))
        elif line.file != "/etc/passwd":
            whole = line.file == _PRELOAD or is_whole(line.file, guilty, known)
            named = started(line, known) or _NAMED.findall(line.text)[-1:] or [line.text]
            yield _of_file(line.file, named[0], known, whole=whole)


def _of_heaps(heaps: Sequence[Heap], culprits: Sequence[Culprit]) -> Iterator[Step]:
    for heap in heaps:
        if heap.guilty and heap.by == "script" and not heap.abused and heap.name not in _programs(culprits):
            yield _aside(heap.name)
        elif heap.abused:
            how = "close the form, or let it send no copy: the file is the owner's, and stays"
            yield Step(heap.name, how, "close", heap.name)
        elif heap.guilty and heap.by == "login":
            how = "its owner changes the password; the letters are held"
            yield Step(f"login:{heap.name}", how, "login", heap.name)


def _owner(path: str, known: Known) -> str:
    file = known.files.get(path)
    return known.user(file.uid) if file else ""


def _leads(line: Line, known: Known) -> bool:
    """Whether the line makes the server run another file: it goes before that one does."""
    file = known.sites.files.get(line.file)
    if line.file in known.sites.files and line.file.startswith("/etc/"):
        return True
    return base(line.file) in STEERING or (file is not None and line in tuple(odd_includes(file)))


def _programs(culprits: Sequence[Culprit]) -> set[str]:
    return {one.program for one in culprits}


def _of_culprit(one: Culprit, persistence: Sequence[Line], known: Known) -> Iterator[Step]:
    origin = one.origin
    if origin.started_by in ("unit", "timer") and origin.unit:
        yield from _of_units(one, known)
    elif origin.started_by == "rc" and origin.unit:
        yield _unit(origin.unit)
        yield _of_file(origin.file, one.program, known, whole=True)
    elif origin.started_by == "at" and origin.file:
        yield _at_jobs(one.user)
    elif origin.started_by == "supervisor" and origin.file:
        section = _section(origin.file, origin.lines, known)
        yield Step(
            f"supervisor:{section}", "supervisorctl stop, then the section goes", "supervisor", section
        )
        yield _of_file(origin.file, one.program, known, whole=is_whole(origin.file, origin.lines, known))
    elif origin.file and origin.lines:
        named = origin.through[0] if origin.through else one.program
        guilty = [*origin.lines, *persistence]
        step = _of_file(origin.file, named, known, whole=is_whole(origin.file, guilty, known))
        yield replace(step, reread=origin.reread)
    for script in origin.through:
        if _is_ours_to_move(script, known):
            yield _aside(script)


def _of_units(one: Culprit, known: Known) -> Iterator[Step]:
    own = known.files.get(one.origin.file)
    if own is not None and own.owned is not None:
        return  # a package's service, out of which it came: that serves others
    files = list(dict.fromkeys(line.file for line in one.origin.lines))
    user, _, name = one.origin.unit.rpartition(":")
    if user:
        units = [base(file) for file in files if re.search(r"\.(?:timer|service|path|socket)$", file)]
        for each in dict.fromkeys([*units, name]):
            how = f"systemctl --user disable --now {each}, as {user}"
            yield Step(f"user-unit:{user}:{each}", how, "user-unit", each, user)
        for file in files:
            yield _aside(file)
        return
    names = dict.fromkeys([name, *(base(file) for file in files)])
    for each in names:
        yield _unit(each)


def _is_ours_to_move(program: str, known: Known) -> bool:
    if not program.startswith("/") or program.endswith(DELETED):
        return False
    file = known.files.get(program)
    return not SYSTEM.match(program) if file is None else file.owned is None


def _section(path: str, lines: Sequence[Line], known: Known) -> str:
    """The program's name in a file of supervisor."""
    file, at = known.files.get(path), next((line.line for line in lines if line.line), 1)
    names = [
        found[1]
        for text in (file.text[:at] if file else ())
        if (found := re.match(r"\s*\[program:([^\]]+)", text))
    ]
    return names[-1] if names else base(path)


def _of_file(path: str, named: str, known: Known, *, whole: bool) -> Step:
    note = ""
    file = known.files.get(path)
    if whole and file is not None and file.owned is not None:
        return Step(path, f"install the package {file.owned.package} anew: the host may need this file")
    if file is not None and file.immutable:
        note = "; it is immutable (lsattr i): that is taken off first, and comes back on undo"
    if whole:
        return Step(path, _ASIDE + note, "file", path)
    how = "this line alone goes: the file is shared with others" + note
    return Step(_line_of(path, named), how, "lines", path)


def _aside(path: str) -> Step:
    return Step(path, _ASIDE, "file", path)


def _unit(name: str) -> Step:
    return Step(f"unit:{name}", f"systemctl disable --now {name}", "unit", name)


def _at_jobs(user: str) -> Step:
    return Step(f"atjobs:{user}", "atrm of the jobs that name it", "atjobs", user=user)


def _line_of(path: str, named: str) -> str:
    return f"{path}:/{_plain(base(named.removesuffix(DELETED)).split(' ')[-1])}/" if path else named


def _plain(name: str) -> str:
    """
    >>> _plain("q.php"), _plain("a+b")
    ('q.php', 'a\\\\+b')
    """
    return re.sub(r"([^\w.-])", r"\\\1", name)
