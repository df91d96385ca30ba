"""What would bring something back, whether it runs now or not: libraries before all programs, modules of PAM,
a second root, and lines that start what lies hidden or in temporary folders.

Sources: ld.so(8) (/etc/ld.so.preload), pam.conf(5), passwd(5) (who has the number 0 is root), bash(1)
(/dev/tcp).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sshdoctor.examination.findings import Line
from sshdoctor.examination.known import Known
from sshdoctor.examination.origin import timer_of, trigger
from sshdoctor.examination.places import SYSTEM, TEMPORARY, base, hidden
from sshdoctor.examination.ways import is_setting, way_of
from sshdoctor.facts.frozen.mechanisms import HostFile

_PATH = re.compile(r"/[\w.@%+~/-]+")
_FETCHED = re.compile(
    r"(?:curl|wget|fetch)\b[^|;]{0,300}\|\s{0,9}(?:sudo\s{1,9})?(?:ba|da|z|k)?sh\b|base64\s{1,9}(?:-d|--decode)\b[^|;]{0,300}\|\s{0,9}\w{0,9}sh\b"
    r"|/dev/(?:tcp|udp)/"
)
_PRELOAD = "/etc/ld.so.preload"


def traces(known: Known) -> Iterator[Line]:
    """The guilty lines of the host's own files, whatever runs."""
    yield from preloaded(known)
    yield from _libraries(known)
    yield from _modules(known)
    yield from _replaced(known)
    yield from _second_roots(known)
    yield from _servants_with_sudo(known)
    yield from _settings(known)
    for path, file in sorted(known.files.items()):
        if way_of(path) is not None and file.kind == "file":
            found = [*_lines(file, known)]
            timer = timer_of(base(path), known) if found and path.endswith(".service") else None
            yield from trigger(timer) if timer else ()
            yield from found


def _settings(known: Known) -> Iterator[Line]:
    """The lines of other settings that start what should not be there, or put it there anew."""
    settings = [file for path, file in sorted(known.files.items()) if is_setting(path) and file.text]
    odd = {path for path, file in known.files.items() if way_of(path) and [*_lines(file, known)]}
    odd = {path for path in odd if known.files[path].owned is None}
    for file in settings:
        if file.owned is not None and file.owned.same is True:
            continue
        for place, text in enumerate(file.text, 1):
            named = [] if text.lstrip().startswith(("#", ";")) else _PATH.findall(text)
            if any(path in odd or _is_odd(path, known, added=False) for path in named):
                yield Line(file.path, place, text.strip())


def preloaded(known: Known) -> Iterator[Line]:
    """The lines of ld.so.preload that name a library which no package brought."""
    file = known.files.get(_PRELOAD)
    if file is None or not known.packages:
        return
    for place, text in enumerate(file.text, 1):
        for name in re.split(r"[\s:]+", text.partition("#")[0].strip()):
            library = known.files.get(name)
            if name and (library is None or library.owned is None or library.owned.same is False):
                yield Line(_PRELOAD, place, text.strip())


_BEFORE = re.compile(r"\bLD_PRELOAD\s{0,9}=\s{0,9}[\"']?(/[\w.@%+~/-]+)")


def _libraries(known: Known) -> Iterator[Line]:
    """Lines that put a library of nobody's before the programs of a service or a login."""
    for path, file in sorted(known.files.items()):
        if (way_of(path) is None and not path.startswith("/etc/default/")) or not known.packages:
            continue
        for place, text in enumerate(file.text, 1):
            found = None if text.lstrip().startswith("#") else _BEFORE.search(text)
            library = known.files.get(found[1]) if found else None
            if found and library is not None and library.owned is None and _is_no_place(found[1]):
                yield Line(path, place, text.strip())


def _is_no_place(path: str) -> bool:
    """Whether nobody but a package, or an intruder, puts a file there."""
    return bool(TEMPORARY.match(path)) or hidden(path) or bool(SYSTEM.match(path))


def _modules(known: Known) -> Iterator[Line]:
    for path, file in known.files.items():
        if re.match(r"/(?:usr/)?lib\d*/(?:[^/]+/)?security/pam_[^/]+\.so$", path) and known.packages:
            if file.owned is None:
                yield from _naming(
                    base(path), known
                )  # before it: a stack that misses a module lets nobody in
                yield Line(path, None, "a module of PAM that no package brought")
            elif file.owned.same is False:
                yield Line(path, None, f"a module of PAM, not as the package {file.owned.package} brought it")


_TOOLS = re.compile(r"^(?:/usr)?/s?bin/[^/]+$")


def _replaced(known: Known) -> Iterator[Line]:
    """Programs by which people and this examination look, that are not as their package brought them."""
    running = {one.exe for one in known.processes}
    for path, file in sorted(known.files.items()):
        if _TOOLS.match(path) and file.owned and file.owned.same is False and path not in running:
            yield Line(path, None, f"not as the package {file.owned.package} brought it")


def _naming(module: str, known: Known) -> Iterator[Line]:
    """The lines of PAM's stacks that call the module."""
    for path, file in sorted(known.files.items()):
        if not re.match(r"/etc/pam\.(?:d/|conf$)", path):
            continue
        for place, text in enumerate(file.text, 1):
            if module in [base(word) for word in text.partition("#")[0].split()]:
                yield Line(path, place, text.strip())


def _second_roots(known: Known) -> Iterator[Line]:
    for place, one in enumerate(known.mechanisms.users, 1):
        if one.uid == 0 and one.name not in ("root", "toor"):
            yield Line("/etc/passwd", place, f"{one.name}:x:0: a second root")


def _servants_with_sudo(known: Known) -> Iterator[Line]:
    """Lines of sudoers by which a daemon's account becomes root without a password."""
    servants = {one.name for one in known.mechanisms.users if 0 < one.uid < 1000}
    for path, file in known.files.items():
        if not re.match(r"/etc/sudoers(?:$|\.d/)", path) or (file.owned and file.owned.same is not False):
            continue
        for place, text in enumerate(file.text, 1):
            words = text.split()
            if words and words[0] in servants and re.search(r"NOPASSWD:\s*ALL\b", text):
                yield Line(path, place, text.strip())


def _lines(file: HostFile, known: Known) -> Iterator[Line]:
    if file.owned is not None and file.owned.same is not False:
        return
    for place, text in enumerate(file.text, 1):
        if text.lstrip().startswith(("#", ";")):
            continue
        added = file.owned is not None  # a line in a file that a package brought otherwise
        paths = _PATH.findall(text)
        if _FETCHED.search(text) or any(_is_odd(path, known, added=added) for path in paths):
            yield Line(file.path, place, text.strip())


def started(line: Line, known: Known) -> list[str]:
    """The programs that a guilty line starts and that should not be there."""
    file = known.files.get(line.file)
    added = file is not None and file.owned is not None
    return [path for path in _PATH.findall(line.text) if _is_odd(path, known, added=added)]


def _is_odd(path: str, known: Known, *, added: bool = False) -> bool:
    """Whether a line that names this starts something that lies where no program should; ``added``: to a
    package's own file."""
    file = known.files.get(path)
    if file is None or file.kind != "file" or not file.mode & 0o111 or file.owned is not None:
        return False
    return _is_no_place(path) and (added or not SYSTEM.match(path) or hidden(path))


def doubts(known: Known) -> Iterator[str]:
    """What cannot be trusted on this host, or was not seen."""
    if any(preloaded(known)):
        yield (
            f"{_PRELOAD} puts a library that no package brought before every program: nothing that a program"
            " of this host prints can be trusted; look at its disk from a rescue system"
        )
    if known.hidden:
        shown = ", ".join(map(str, known.hidden[:8]))
        yield f"processes that the kernel has and the listing of /proc does not show: {shown}"
    if known.privileged is False:
        yield "it was not looked at as root: programs, files and logs of others were not seen"
    for subject in known.unseen:
        yield f"not seen: {subject}"
    if known.sites.total and not known.web_logs:
        yield "no access log of a web server was found: who asked for what is not known"
    if databases := [path for path in known.sites.files if base(path) == "wp-config.php"]:
        yield f"the databases of {', '.join(databases[:4])} were not looked at: their options and users"
    if known.sites.unread:
        yield f"{known.sites.unread} lines of file names with a line feed in them were not looked at"
    if known.files and not known.packages:
        yield "no database of packages is known here: what packages brought could not be told from the rest"
