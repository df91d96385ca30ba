"""Files of the sites that should not be there: those that start a culprit, that mail in masses, that are
asked for where no program belongs, that stand before every page; and the provider's own locks.

Sources: php.ini (auto_prepend_file), Apache's core documentation (SetHandler, FilesMatch, Require).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sshdoctor.examination.encoded import spelled
from sshdoctor.examination.findings import Culprit, Heap, Innocent, Line
from sshdoctor.examination.known import Known
from sshdoctor.examination.origin import served_file
from sshdoctor.examination.places import OF_CACHES, OF_UPLOADS, base
from sshdoctor.examination.programs import DELETED
from sshdoctor.facts.frozen.site_files import SiteFile

_INCLUDED = re.compile(r"\b(?:include|require)(?:_once)?\b[^;'\"]{0,200}['\"]([^'\"]{1,300})['\"]", re.I)
_HIDDEN = re.compile(r"/\.[^/.]")
_ODD_FOLDERS = re.compile(
    r"^/(?:tmp|var/tmp|dev/shm)/|/uploads/[^'\"]{0,300}\.\w{1,20}$|\.(?:ico|jpe?g|png|gif|txt)$", re.I
)
_RUNS = re.compile(
    r"(?<![\w>:$])(?:shell_exec|exec|passthru|system|popen|proc_open|pcntl_exec|eval|assert|create_function|gzinflate"
    r"|move_uploaded_file|mail)\s*\(",
    re.I,
)
_MAILS = re.compile(r"\b\w{0,60}?(?:mail|send)\w{0,60}\s{0,9}\(", re.I)
_CALL = re.compile(r"^(?!\s*(?://|\*|#|function\b|(?:include|require)(?:_once)?\b)).*\b[a-z_]\w*\s*\(", re.I)
_STARTS = re.compile(r"(?<![\w>:$])(?:shell_exec|exec|passthru|system|popen|proc_open|pcntl_exec)\s*\(", re.I)
_PREPEND = re.compile(r"auto_(?:prepend|append)_file\"?\]?\s*[=\s]\s*\"?([^\s\"';]+)", re.I)
_HANDLER = re.compile(r"(?:AddHandler|SetHandler|AddType)\b.{0,300}(?:php|cgi)", re.I)
_LOCKS = re.compile(r"Require\s+all\s+denied|Deny\s+from\s+all", re.I)
_FIRM = re.compile(r"ticket|abuse|locked|suspend|provider|hosting", re.I)


def guilty_files(known: Known, culprits: Sequence[Culprit], heaps: Sequence[Heap]) -> Iterator[Line]:
    """The lines of sites that start what should not run, mail, or bring it back."""
    names = {base(one.program.removesuffix(DELETED)) for one in culprits}
    begun = {one.origin.file for one in culprits}
    mailing = {heap.name for heap in heaps if heap.guilty}
    led = {*_led(known)}
    for path, file in known.sites.files.items():
        if path in begun:
            continue
        if path in led:
            yield from _lines(file, _RUNS, names) or (Line(file.path, None, "the whole file"),)
            continue
        if path in mailing:
            yield from _lines(file, _MAILS, names) or _calls(file)
        elif base(path) in (".htaccess", ".user.ini", "php.ini") or path.startswith("/etc/"):
            yield from _steering(file, names, known)
        elif odd := tuple(odd_includes(file)):
            yield from odd
        elif _asked_for(path, file, known):
            yield from _lines(file, _RUNS, names)


def _led(known: Known) -> Iterator[str]:
    """The files that guilty lines include, or put before every page."""
    for path, file in known.sites.files.items():
        for text in file.lines.values():
            if (found := _PREPEND.search(text)) and _is_odd(found[1]):
                yield found[1]
        for line in odd_includes(file):
            for name in _INCLUDED.findall(spelled(line.text)):
                yield name
                yield f"{path.rpartition('/')[0]}/{name.lstrip('/')}"


def odd_includes(file: SiteFile) -> Iterator[Line]:
    """Lines that include what is hidden, temporary or among the uploads."""
    for place, text in file.lines.items():
        found = _INCLUDED.search(spelled(text))
        if found and (_HIDDEN.search(found[1]) or _ODD_FOLDERS.search(found[1])):
            yield Line(file.path, place, text.strip())


def _calls(file: SiteFile) -> tuple[Line, ...]:
    """Where it calls whatever it includes; the whole file where nothing of it was kept."""
    called = _lines(file, _CALL, set())
    return called or (Line(file.path, None, "the whole file"),)


def _lines(file: SiteFile, pattern: re.Pattern[str], names: set[str]) -> tuple[Line, ...]:
    return tuple(
        Line(file.path, place, text.strip())
        for place, text in file.lines.items()
        if pattern.search(text) or any(name in text for name in names)
    )


def _asked_for(path: str, file: SiteFile, known: Known) -> bool:
    """A program in a folder for uploads that somebody called, or one that starts programs there."""
    root = next((one for one in known.sites.roots if path.startswith(f"{one}/")), "")
    inside = path.removeprefix(root)
    if not OF_UPLOADS.search(inside) or OF_CACHES.search(inside):
        return False
    uploads = re.search(r"/uploads?/", inside, re.I)
    if uploads and any(_STARTS.search(text) for text in file.lines.values()):
        return True
    asked = any(served_file(one.path, known) == path and one.method == "POST" for one in known.requests)
    return asked and any(_RUNS.search(text) for text in file.lines.values())


def _steering(file: SiteFile, names: set[str], known: Known) -> Iterator[Line]:
    stems = {name.rpartition(".")[0] or name for name in names if len(name) > 4}
    for place, text in file.lines.items():
        prepended = _PREPEND.search(text)
        odd_file = prepended is not None and _is_odd(prepended[1])
        in_uploads = bool(OF_UPLOADS.search(file.path.removeprefix(_root(file.path, known))))
        handler = _HANDLER.search(text) and in_uploads
        if odd_file or handler or any(re.search(rf"\b{re.escape(stem)}\b", text) for stem in stems):
            yield Line(file.path, place, text.strip())


def _root(path: str, known: Known) -> str:
    return next((one for one in known.sites.roots if path.startswith(f"{one}/")), "")


def _is_odd(path: str) -> bool:
    """Whether a file that is put before every page is one that should not be there."""
    if re.match(r"/(?:tmp|var/tmp|dev/shm)/", path) or "/." in path:
        return True
    return bool(re.search(r"/(?:uploads?|sessions?)/", path, re.I))


def provider_did(known: Known) -> Iterator[str]:
    """What somebody with root's rights has locked in a user's site: told, and never undone."""
    for path, file in known.sites.files.items():
        if base(path) == ".htaccess" and _owned_by_root(file) and _locks(file):
            said = next((text.strip("# ") for text in file.lines.values() if _FIRM.search(text)), "")
            yield f"{path} refuses everybody; root put it there{f': {said}' if said else ''}"
        elif file.mode == 0:
            yield f"{path} has mode 000"
    yield from _elsewhere(known)


def _elsewhere(known: Known) -> Iterator[str]:
    yield from (f"mail() is taken from PHP: {line}" for line in known.sites.off)
    yield from (f"letters were taken out of the queue: {line}" for line in known.letters.removed)


def is_lock(path: str, known: Known) -> bool:
    file = known.sites.files.get(path)
    return file is not None and base(path) == ".htaccess" and _owned_by_root(file) and _locks(file)


def _owned_by_root(file: SiteFile) -> bool:
    return file.uid == 0


def _locks(file: SiteFile) -> bool:
    return any(_LOCKS.search(text) for text in file.lines.values())


def innocent_files(known: Known) -> Iterator[Innocent]:
    """Programs where a site itself writes them."""
    cached = [
        path
        for path in known.sites.files
        if OF_CACHES.search(path.removeprefix(_root(path, known))) and path.endswith(".php")
    ]
    if cached:
        yield Innocent(
            f"{len(cached)} PHP files in caches, such as {cached[0]}", "a site writes its cache itself"
        )
