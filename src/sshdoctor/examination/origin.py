"""What started a process: its unit and its ancestors say by which way, the texts of that way which file.

Sources: systemd.unit(5) (folders, and which comes first), systemd.timer(5) (Unit=, the default), cron(8),
at(1), supervisord's manual, pam_exec(8), update-motd(5). The cgroup is the kernel's word, and survives the
parent; an orphan has no other trace of who began it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import replace

from sshdoctor.examination.encoded import decoded
from sshdoctor.examination.findings import Line, Origin, StartedBy
from sshdoctor.examination.known import Known
from sshdoctor.examination.mentions import mentions, named_in_settings, names_of
from sshdoctor.examination.places import base, is_interpreter
from sshdoctor.examination.programs import DELETED, in_a_request, judge, script_of
from sshdoctor.examination.ways import DAEMONS, UNITS, WAYS, is_setting
from sshdoctor.facts.frozen.entries import Entry
from sshdoctor.facts.frozen.mechanisms import HostFile
from sshdoctor.facts.frozen.requests import Request
from sshdoctor.facts.frozen.running import Process

_NOTHING = HostFile(
    path="",
    kind="other",
    uid=0,
    mode=0,
    modified=0,
    changed=0,
    size=0,
    target="",
    owned=None,
    immutable=False,
)


def origin_of(process: Process, program: str, known: Known) -> Origin:
    """What started ``process``, whose program (or script) is ``program``."""
    way = _way(process, known)
    if way == "web request":
        return _by_request(process, program, known)
    if way in ("unit", "unknown") and (unit := _unit_of(process)):
        return _by_unit(program, unit, known)
    for ways in ((way,), _alike(way), tuple(name for name, _ in WAYS)):
        found = mentions(program, known, ways)
        if found is not None:
            return found
    if settings := named_in_settings(program, known):
        return replace(settings, started_by=way)
    above = known.process(process.parent)
    if (
        above is not None
        and above.pid > 1
        and above.exe
        and not (known.files.get(above.exe) or _NOTHING).owned
    ):
        return Origin(started_by="parent", file=above.exe)
    return Origin(started_by=way, file=_login_of(process, known) if way == "login" else "")


def _login_of(process: Process, known: Known) -> str:
    """The login that left the process, in words; "" if the log has none."""
    user = known.user(process.uid)
    accepted = login_before(process, user, known)
    return f"{accepted.method} login of {user}" if accepted else ""


def login_before(process: Process, user: str, known: Known) -> Entry | None:
    """The last login of ``user`` before the process began."""
    fits = [
        one
        for one in known.entries.entries
        if one.kind == "accepted" and one.user == user and process.since - one.at >= -2
    ]
    return fits[-1] if fits else None


def _alike(way: StartedBy) -> tuple[StartedBy, ...]:
    """What may begin in the same unit: a login runs start files as well."""
    return ("login", "profile") if way == "login" else (way,)


def _way(process: Process, known: Known) -> StartedBy:
    if process.inner:
        return "container"
    if in_a_request(process, known):
        return "web request"
    for unit in reversed(process.units):
        for way, pattern in UNITS:
            if pattern.match(unit):
                return way
        if unit.endswith(".service") and not unit.startswith("user@"):
            return "unit"
    seen, at = {process.pid}, known.process(process.parent)
    while at is not None and at.pid not in seen:
        began = DAEMONS.get(base(at.exe.removesuffix(DELETED)))
        if began:
            return began
        seen.add(at.pid)
        at = known.process(at.parent)
    return "unknown"


def _unit_of(process: Process) -> str:
    """The innermost unit, with the user's number before it where it is one of a user's own."""
    names = [unit for unit in process.units if unit.endswith(".service")]
    if not names:
        return ""
    manager = next(
        (re.fullmatch(r"user@(\d+)\.service", name) for name in names if name.startswith("user@")), None
    )
    return f"{manager[1]}:{names[-1]}" if manager and len(names) > 1 else names[-1]


def _by_unit(program: str, unit: str, known: Known) -> Origin:
    uid, _, name = unit.rpartition(":")
    user = known.user(int(uid)) if uid else ""
    files = _unit_files(name, known, known.home(user) if user else "")
    service = next(iter(files), None)
    timer = timer_of(name, known)
    if timer is None and service is not None and service.owned is not None:
        # What was added to a package's unit, or to what it reads.
        more = mentions(program, known, ("unit",)) or named_in_settings(program, known)
        if more is not None:
            return replace(more, started_by="unit", reread=name if is_setting(more.file) else "")
    where = timer or service
    script = known.files.get(f"/etc/init.d/{name.removesuffix('.service')}")
    if where is None and script is not None and script.owned is None:
        named = mentions(program, known, ("rc",))
        return Origin(started_by="rc", file=script.path, lines=named.lines if named else (), unit=name)
    if where is None:
        return Origin(started_by="unit", unit=f"{user}:{name}" if user else name)
    if timer is None and service is not None and _serves_others(program, name, service, known):
        return Origin(started_by="unit", file=service.path)
    lines = [*(trigger(timer) if timer else ()), *(_starts(service) if service else ())]
    lines += _woken(name, known)
    if user and (linger := known.files.get(f"/var/lib/systemd/linger/{user}")):
        lines.append(Line(linger.path, None, "linger: it starts with the host"))
    return Origin(
        started_by="timer" if timer else "unit",
        file=where.path,
        lines=tuple(lines),
        unit=f"{user}:{name}" if user else (timer and base(timer.path)) or name,
    )


def _serves_others(program: str, unit: str, service: HostFile, known: Known) -> bool:
    """Whether the unit's own program is another one that still runs, is not odd itself, and names nothing
    of this: it was begun through that one. Of one whose text was not read this is not known: an intruder may
    have brought a launcher of his own."""
    starts = [*_matching(service, _EXECUTES)]
    for one in known.processes:
        own = (script_of(one) if is_interpreter(one.exe) else "") or one.exe
        if unit in one.units and own != program and own and any(own in line.text for line in starts):
            text = known.files[own].text if own in known.files else ()
            return (
                bool(text)
                and not judge(one, known).why
                and not any(names_of(program.removesuffix(DELETED)).search(line) for line in text)
            )
    return False


def _unit_files(name: str, known: Known, home: str) -> list[HostFile]:
    """The files of a unit, the one that holds first."""
    folders = [f"{home}/.config/systemd/user", f"{home}/.local/share/systemd/user", "/etc/systemd/user"]
    if not home:
        folders = ["/etc/systemd/system", "/run/systemd/system", "/run/systemd/transient"]
        folders += ["/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"]
    names = [name, re.sub(r"@.{0,255}\.", "@.", name)]
    paths = [f"{folder}/{each}" for each in names for folder in folders]
    return [known.files[path] for path in paths if path in known.files]


def timer_of(service: str, known: Known) -> HostFile | None:
    """A timer that starts the service, and is no package's."""
    stem = service.removesuffix(".service")
    for path, file in known.files.items():
        if not path.endswith(".timer") or file.kind != "file" or file.owned is not None:
            continue
        named = [line.partition("=")[2].strip() for line in file.text if re.match(r"\s*Unit\s*=", line)]
        if service in named or (not named and base(path) == f"{stem}.timer"):
            return file
    return None


_EXECUTES = re.compile(r"^[ \t]{0,40}ExecStart\w{0,20}[ \t]{0,40}=")
_WAKES = re.compile(r"^[ \t]{0,40}(?:Path|Listen|Directory)\w{0,40}[ \t]{0,40}=")


def _woken(service: str, known: Known) -> Iterator[Line]:
    """The lines of paths and sockets of nobody's that start the service."""
    stem = service.removesuffix(".service")
    for path, file in known.files.items():
        if not path.endswith((".path", ".socket")) or file.kind != "file" or file.owned is not None:
            continue
        settings = [line.partition("=") for line in file.text]
        named = [value.strip() for name, _, value in settings if name.strip() in ("Unit", "Service")]
        if service in named or (not named and base(path).rpartition(".")[0] == stem):
            yield from _matching(file, _WAKES)


def trigger(timer: HostFile) -> Iterator[Line]:
    yield from _matching(timer, re.compile(r"^[ \t]{0,40}On[A-Z]\w{1,40}[ \t]{0,40}="))


def _starts(service: HostFile) -> Iterator[Line]:
    yield from _matching(
        service, re.compile(r"^[ \t]{0,40}(?:ExecStart\w{0,20}|ExecStop\w{0,20}|Restart)[ \t]{0,40}=")
    )


def _matching(file: HostFile, pattern: re.Pattern[str]) -> Iterator[Line]:
    for place, text in enumerate(file.text, 1):
        if pattern.match(text):
            yield Line(file.path, place, text.strip())


def _by_request(process: Process, program: str, known: Known) -> Origin:
    target = program.removesuffix(DELETED)
    names = names_of(target)
    for path, site in known.sites.files.items():
        lines = tuple(
            Line(path, place, text.strip())
            for place, text in site.lines.items()
            if names.search(text) or names.search(decoded(text))
        )
        if lines and path != target:
            return Origin(started_by="web request", file=path, lines=lines)
    found = mentions(program, known, ("unit", "timer"))
    if found is not None:
        return found
    for request in at_the_second(process.since, known):
        file = served_file(request.path, known)
        if file:
            return Origin(started_by="web request", file=file, lines=(Line(request.log, None, request.line),))
    return Origin(started_by="web request")


def at_the_second(since: float, known: Known) -> list[Request]:
    """The requests that were being answered when a process began, the nearest first."""
    near = [one for one in known.requests if -1.5 <= one.at - since <= 3]
    return sorted(near, key=lambda one: abs(one.at - since))


def served_file(path: str, known: Known) -> str:
    """The file of a site that a request's path names; "" if there is none."""
    tries = (f"{root}{path}" for root in known.sites.roots)
    return next((one for one in tries if one in known.sites.files), "")
