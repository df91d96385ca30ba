"""What a place in the file tree says of a program in it."""

from __future__ import annotations

import re
from pathlib import Path

SYSTEM = re.compile(r"^/(?:usr/(?!local/)|bin/|sbin/|lib(?:32|64|x32)?/|etc/|boot/)")
"""Where packages put their files, and nobody else should."""
TEMPORARY = re.compile(r"^/(?:tmp|var/tmp|dev/shm|run/shm|var/run/shm|dev/mqueue)/|^/dev/[^/]+$")
OF_UPLOADS = re.compile(
    r"/(?:uploads?|cache|images?|img|pictures?|photos?|media|fonts?|css|js|tmp|temp|files|gallery|avatars?)/",
    re.I,
)
"""Folders of a site in which no program belongs. Of a cache, see ``OF_CACHES``."""
OF_CACHES = re.compile(r"/(?:cache|tmp|temp)/", re.I)
"""Where a site's own programs write programs."""
_HOME = re.compile(r"^(?:/home/[^/]+|/root|/var/www|/srv/[^/]+)(?=/)")
_HIDDEN = re.compile(r"/\.[^/]")
_NAMES = [
    name
    for line in (Path(__file__).parent / "tools.txt").read_text().splitlines()
    if not line.startswith("#")
    for name in line.split()
]
_TOOLS = re.compile(rf"/\.(?:{'|'.join(map(re.escape, _NAMES))})/")
"""An intruder may use such a folder as well: then something else has to speak against him."""
INTERPRETERS = re.compile(
    r"(?:perl|python|php|ruby|node|nodejs|lua|tclsh|sh|dash|bash|zsh|ksh|busybox|java|gawk|mawk)[\d.]*(?:-\d+)?$"
)


def base(path: str) -> str:
    """
    >>> base("/usr/sbin/cron")
    'cron'
    """
    return path.rpartition("/")[2]


def hidden_in_home(path: str) -> bool:
    """Whether it lies in a hidden folder of a home, or is hidden there, and no known tool's.

    >>> hidden_in_home("/home/a/.x"), hidden_in_home("/home/a/.nvm/versions/node/v20/bin/node")
    (True, False)
    """
    home = _HOME.match(path)
    return bool(home and _HIDDEN.search(path[home.end() :]) and not _TOOLS.search(path))


def of_a_tool(path: str) -> bool:
    """Whether it lies where a known tool of developers keeps programs in a home."""
    return bool(_HOME.match(path) and _TOOLS.search(path))


def hidden(path: str) -> bool:
    """Whether a part of its path is hidden, anywhere but in a home, and is no known tool's.

    >>> hidden("/opt/.sys/clean"), hidden("/home/a/.x")
    (True, False)
    """
    return not _HOME.match(path) and bool(_HIDDEN.search(path)) and not _TOOLS.search(path)


def is_interpreter(exe: str) -> bool:
    """
    >>> is_interpreter("/usr/bin/python3.11"), is_interpreter("/usr/sbin/sshd")
    (True, False)
    """
    return bool(INTERPRETERS.match(base(exe)))
