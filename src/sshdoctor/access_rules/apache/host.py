"""Which of Apache's virtual hosts answers a request.

Source: httpd's server/vhost.c; the manual's "An In-Depth Discussion of Virtual Host Matching".
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from msgspec import Struct

from sshdoctor.access_rules.apache.read import Line

_PATTERN = frozenset("*?[")


class Host(Struct, frozen=True, kw_only=True):
    """The virtual host that answers; ``by_name``: the name is its own. ``block`` None: the main server."""

    block: Line | None
    by_name: bool


def choose_host(configuration: Line, name: str, port: int, address: str = "") -> Host:
    """By the addresses first, then by the Host header ``name``; the first there is is the default."""
    name = (name if name.endswith("]") else name.partition(":")[0]).rstrip(".").lower()
    there = [one for one in configuration.all("virtualhost") if _listens(one, port, address)]
    exact = [one for one in there if any(not arg.startswith(("*", "_default_")) for arg in one.args)]
    there = exact or there
    for one in there:
        names = [arg.partition(":")[0] for line in one.all("servername", "serveralias") for arg in line.args]
        names = [known.removeprefix("http//").lower() for known in names]
        if any(name == known or (_PATTERN & set(known) and fnmatchcase(name, known)) for known in names):
            return Host(block=one, by_name=True)
    return Host(block=there[0] if there else None, by_name=False)


def _listens(one: Line, port: int, address: str) -> bool:
    for arg in one.args:
        where, _, number = arg.rpartition(":") if ":" in arg.rpartition("]")[2] else (arg, "", "")
        if number not in ("", "*", str(port)):
            continue
        if where.strip("[]") in ("*", "_default_", address, "0.0.0.0") or not address:  # noqa: S104 -- what a file says
            return True
    return False
