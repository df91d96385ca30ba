"""Where Apache takes a path: to a file, to a backend, or to another URL.

Source: httpd's modules/mappers/mod_alias.c, modules/proxy/mod_proxy.c, server/util.c (ap_normalize_path).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from posixpath import normpath
from urllib.parse import unquote

from sshdoctor.access_rules.apache.read import Line
from sshdoctor.access_rules.unknown import UnknownValue, expression

_REDIRECTS = {"permanent": 301, "temp": 302, "seeother": 303, "gone": 410}
MOVED = ("redirect", "redirectmatch", "redirectpermanent", "redirecttemp")
"""The directives that send the client elsewhere, or refuse by a status."""


def proxied(scopes: Sequence[Line], path: str) -> bool:
    """Whether a backend answers for it. Raises UnknownValue."""
    return any(_proxied(line, path) for scope in scopes for line in scope.all("proxypass", "proxypassmatch"))


def _proxied(line: Line, path: str) -> bool:
    if line.name == "proxypassmatch":
        raise UnknownValue(line.text)
    return len(line.args) > 1 and line.args[1] != "!" and below(path, line.args[0])


def aliased(scopes: Sequence[Line], path: str) -> str:
    """The file by the first Alias that is for it, "" if there is none. Raises UnknownValue."""
    for scope in scopes:
        for line in scope.all("alias", "scriptalias", "aliasmatch", "scriptaliasmatch"):
            if len(line.args) < 2:
                raise UnknownValue(line.text)
            if line.name.endswith("match"):
                found = expression(line.args[0]).search(path)
                if found:
                    return re.sub(r"\$(\d)", lambda one: found[int(one[1])] or "", line.args[1])  # noqa: B023 -- used at once
            elif below(path, line.args[0]):
                return line.args[1] + path[len(line.args[0]) :]
    return ""


def root_of(scopes: Sequence[Line]) -> str:
    """The document root, without a slash at its end."""
    roots = (line.args[0] for scope in scopes for line in scope.all("documentroot") if line.args)
    return next(roots, "/var/www/html").rstrip("/")


def redirected(line: Line, path: str) -> int | None:
    """The status of a Redirect, None if it is for another path. Raises UnknownValue."""
    args = list(line.args)
    status = 301 if line.name == "redirectpermanent" else 302
    if args and (args[0].lower() in _REDIRECTS or args[0].isdecimal()):
        word = args.pop(0).lower()
        status = _REDIRECTS.get(word) or int(word)
    if not args:
        raise UnknownValue(line.text)
    if line.name == "redirectmatch":
        return status if expression(args[0]).search(path) else None
    if len(args) == 1 and (status < 400 or not args[0].startswith("/")):
        raise UnknownValue(line.text)
    return status if below(path, args[0]) else None


def below(path: str, prefix: str) -> bool:
    """As alias_matches has it: whole parts only."""
    if not path.startswith(prefix):
        return False
    return prefix.endswith("/") or path[len(prefix) :][:1] in ("", "/")


def normal(path: str) -> str | None:
    """As Apache has the path: decoded, without doubled slashes and dots; None where it answers 400."""
    if re.search(r"%(?![0-9A-Fa-f]{2})|%00", path) or not path.startswith("/"):
        return None
    merged = re.sub("/+", "/", unquote(path))
    if "/." not in merged:
        return merged
    depth = 0
    for part in merged.split("/")[1:]:
        depth += -1 if part == ".." else 1 if part not in ("", ".") else 0
        if depth < 0:
            return None
    plain = normpath(merged)
    return plain + "/" if merged.endswith(("/", "/.", "/..")) and plain != "/" else plain
