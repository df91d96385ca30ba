"""Which file of a way names a program: itself, through scripts that it runs, or behind base64.

What a package brought and nobody has changed names nobody's program but its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sshdoctor.examination.encoded import decoded
from sshdoctor.examination.findings import Line, Origin, StartedBy
from sshdoctor.examination.known import Known
from sshdoctor.examination.places import base
from sshdoctor.examination.programs import DELETED
from sshdoctor.examination.ways import is_setting, way_of
from sshdoctor.facts.frozen.mechanisms import HostFile

_COMMENT = re.compile(r"^\s*(?:#|;|$)")


def mentions(program: str, known: Known, ways: Iterable[StartedBy]) -> Origin | None:
    """The file of one of these ways that names ``program``, itself or through scripts that it runs."""
    target = program.removesuffix(DELETED)
    wanted, scripts = set(ways), _scripts_naming(target, known)
    for path, file in sorted(known.files.items()):
        way = way_of(path)
        if way is None or way not in wanted or file.kind != "file" or not file.text or _as_it_came(file):
            continue
        for names, through in ((names_of(target), ()), *((names_of(s), (s,)) for s in scripts)):
            lines = tuple(_naming(file, names))
            if lines and way == "at" and (script := through[0] if through else _handed_in(file, known)):
                renews = tuple(_naming(known.files[script], names_of(target)))
                return Origin(started_by=way, file=script, lines=(*renews, *lines), through=(script,))
            if lines:
                return Origin(started_by=way, file=path, lines=lines, through=through)
    return None


def _handed_in(job: HostFile, known: Known) -> str:
    """The script that a job hands in again: the job's own file has a new name each time."""
    names = (
        found[1] for text in job.text if (found := re.search(r"\bat\b.{0,200}?\s-f\s{1,20}(/\S+)", text))
    )
    return next((name for name in names if name in known.files), "")


def names_of(program: str) -> re.Pattern[str]:
    """Where a text means ``program``: by its path, or by its name alone where that is telling."""
    name = base(program)
    short = rf"|(?<![\w.-]){re.escape(name)}(?![\w.-])" if len(name) >= 4 and name not in _COMMON else ""
    return re.compile(rf"{re.escape(program)}(?![\w.-]){short}")


_COMMON = {
    "index.php",
    "clean",
    "update",
    "conf",
    "cache",
    "cron",
    "node",
    "backup",
    "start",
    "main",
    "config",
}


def named_in_settings(program: str, known: Known) -> Origin | None:
    """The settings of some program that name this one: whoever reads them started it."""
    target = program.removesuffix(DELETED)
    settings = [file for path, file in sorted(known.files.items()) if is_setting(path)]
    for named in (target, *_scripts_naming(target, known)):
        whole = re.compile(rf"(?<![\w./-]){re.escape(named)}(?![\w.-])")  # a name alone may be another's
        for file in settings:
            if not _as_it_came(file) and (lines := tuple(_naming(file, whole))):
                through = (named,) if named != target else ()
                return Origin(started_by="unit", file=file.path, lines=lines, through=through)
    return None


def _scripts_naming(target: str, known: Known) -> list[str]:
    """Scripts that belong to no way by themselves and run ``target``."""
    names = names_of(target)
    return [
        path
        for path, file in known.files.items()
        if way_of(path) is None
        and file.owned is None
        and path != target
        and (file.mode & 0o111 or path.endswith((".sh", ".pl", ".py", ".php")))
        and any(names.search(line) for line in file.text if not _COMMENT.match(line))
    ]


def _as_it_came(file: HostFile) -> bool:
    return file.owned is not None and file.owned.same is True


def _naming(file: HostFile, names: re.Pattern[str]) -> Iterator[Line]:
    for place, text in enumerate(file.text, 1):
        if not _COMMENT.match(text) and (names.search(text) or names.search(decoded(text))):
            yield Line(file.path, place, text.strip())
