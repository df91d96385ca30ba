"""What looks ill on the host and is not, each with the reason: by owner and package, never by its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sshdoctor.examination.findings import Culprit, Innocent, Line
from sshdoctor.examination.known import Known
from sshdoctor.examination.places import base
from sshdoctor.examination.programs import Verdict, script_of
from sshdoctor.examination.sites import innocent_files
from sshdoctor.examination.ways import way_of
from sshdoctor.facts.frozen.running import Process

_COPIES = {
    "rsync",
    "tar",
    "restic",
    "borg",
    "duplicity",
    "rclone",
    "mysqldump",
    "mariadb-dump",
    "pg_dump",
    "gzip",
    "zstd",
}
_WORKS = {
    "updatedb.plocate",
    "updatedb",
    "apt",
    "apt-get",
    "dpkg",
    "unattended-upgr",
    "unattended-upgrade",
    "mandb",
}
_MOST = 40


def innocents(
    known: Known,
    judged: Sequence[tuple[Process, Verdict]],
    culprits: Sequence[Culprit],
    persistence: Sequence[Line],
) -> tuple[Innocent, ...]:
    """Each once."""
    bad = {one.process.pid for one in culprits}
    found: dict[str, Innocent] = {}
    for one in (*_processes(known, judged, bad), *_files(known, persistence), *innocent_files(known)):
        found.setdefault(one.what, one)
    return tuple(list(found.values())[:_MOST])


def _processes(known: Known, judged: Sequence[tuple[Process, Verdict]], bad: set[int]) -> Iterator[Innocent]:
    for process, verdict in judged:
        if process.pid in bad:
            continue
        what = " ".join(process.words)[:100].strip() or process.name
        package = _package(process.exe, known)
        name = base(process.exe)
        if verdict.innocent:
            yield Innocent(what, verdict.innocent)
        elif package and name in _COPIES:
            yield Innocent(what, f"{name} of the package {package}: a backup")
        elif package and name in _WORKS:
            yield Innocent(what, f"{name} of the package {package}: upkeep")
        elif package and process.words and process.words[0].startswith(("(", "[")):
            yield Innocent(what, f"it is {process.exe} of the package {package}")
        elif package and name in ("tmux", "tmux: server", "screen", "SCREEN"):
            yield Innocent(
                what, f"{name} of the package {package}: a session that {known.user(process.uid)} left open"
            )
        elif package and (script := script_of(process)) and _package(script, known):
            yield Innocent(what, f"a script of the package {_package(script, known)}")


def _package(path: str, known: Known) -> str:
    file = known.files.get(path.removesuffix(" (deleted)"))
    return file.owned.package if file and file.owned and file.owned.same is not False else ""


def _files(known: Known, persistence: Sequence[Line]) -> Iterator[Innocent]:
    named = {line.file for line in persistence}
    preload = known.files.get("/etc/ld.so.preload")
    if preload and preload.path not in named:
        for text in preload.text:
            if package := _package(text.strip(), known):
                yield Innocent(text.strip(), f"in {preload.path}, and of the package {package}")
    for path, file in sorted(known.files.items()):
        if (
            way_of(path) in ("cron", "at")
            and file.owned is None
            and file.kind == "file"
            and path not in named
            and file.text
        ):
            yield Innocent(path, "no package brought it, and nothing that it starts is odd: the owner's own")
