"""Web servers' rules as they are mailed: what ``nginx -T`` prints, a folder like /etc/nginx, an .htaccess."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from sshdoctor.access_rules.apache.mailed import Apache, apache_in, is_apache
from sshdoctor.access_rules.nginx.read import Directive, read
from sshdoctor.access_rules.nginx.rewrite import Exists
from sshdoctor.access_rules.nginx.walk import walk
from sshdoctor.access_rules.verdict import Request, Verdict

_MOST = 4000
_LARGEST = 4 * 2**20
_HEADER = re.compile(r"^# configuration file (\S+):$", re.MULTILINE)


class NoRulesError(ValueError):
    """The file or folder holds no web server's configuration; the message says what was looked for."""


class Row(Struct, frozen=True, kw_only=True):
    """One request, and what the rules come to for it."""

    url: str
    source: str
    method: str
    verdict: Verdict


def judge(
    rules: str,
    urls: Sequence[str],
    sources: Sequence[str],
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    root: str = "",
) -> list[Row]:
    """A row for each pair of URL and source. Raises NoRulesError, ValueError (a URL)."""
    exists = _files_under(Path(root)) if root else _unknown
    server = _apache(Path(rules))
    configuration = load(Path(rules)) if server is None else None
    rows = []
    for url in urls:
        for source in sources:
            request = asked(url, source, method, headers or {})
            if server is not None:
                verdict = server.judge(request, exists, Path(root) if root else None)
            else:
                assert configuration is not None  # noqa: S101 -- it is either of the two
                verdict = walk(configuration, request, exists).verdict
            rows.append(Row(url=url, source=source, method=method, verdict=verdict))
    return rows


def _apache(path: Path) -> Apache | None:
    """Apache's configuration, None if it is none. Raises NoRulesError if its main file is not there."""
    if path.is_file() and path.name.endswith("htaccess"):
        text = path.read_bytes()[:_LARGEST].decode("utf-8", "replace")
        return Apache.of_htaccess(text, str(path.resolve()))
    files = dict(_folder(path, "")) if path.is_dir() else _dump(path)
    return apache_in(files, str(path)) if is_apache(files) else None


def asked(url: str, source: str, method: str, headers: Mapping[str, str]) -> Request:
    """The request for a URL. Raises ValueError if it is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is no URL of a site")
    lower = {name.lower(): value for name, value in headers.items()}
    return Request(
        source=source,
        method=method.upper(),
        scheme=parts.scheme,
        host=lower.get("host", parts.hostname),
        port=parts.port or (443 if parts.scheme == "https" else 80),
        target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        headers=lower,
    )


def load(path: Path) -> Directive:
    """The configuration in a dump, a folder, or a single file. Raises NoRulesError."""
    files = dict(_folder(path, "/etc/nginx/")) if path.is_dir() else _dump(path)
    mains = [name for name in files if name.endswith("nginx.conf")] or list(files)[:1]
    if not mains:
        raise NoRulesError(
            f"{path}: neither what `nginx -T` prints nor a folder with nginx.conf or apache2.conf"
        )
    configuration = read(files, min(mains, key=len))
    if configuration.first("http") is None and configuration.first("server") is not None:
        return Directive(name="", args=(), file=str(path), line=0, block=(_as_http(configuration),))
    if configuration.first("http") is None:
        raise NoRulesError(f"{path}: there is no http block of nginx in it")
    return configuration


def _as_http(configuration: Directive) -> Directive:
    """A file of server blocks alone, as it is included."""
    return Directive(name="http", args=(), file=configuration.file, line=0, block=configuration.block)


def _dump(path: Path) -> dict[str, str]:
    text = path.read_bytes()[:_LARGEST].decode("utf-8", "replace")
    heads = list(_HEADER.finditer(text))
    if not heads:
        return {str(path): text}
    ends = [*(head.start() for head in heads[1:]), len(text)]
    return {head[1]: text[head.end() + 1 : end] for head, end in zip(heads, ends, strict=True)}


def _folder(path: Path, below: str) -> Iterator[tuple[str, str]]:
    """Its files by the paths that they have on the host, where that is known: below /etc/nginx."""
    for number, file in enumerate(sorted(path.rglob("*"))):
        if number > _MOST:
            return
        if file.is_file() and file.stat().st_size <= _LARGEST:
            name = f"{below}{file.relative_to(path)}"
            yield name, file.read_bytes().decode("utf-8", "replace")


def _unknown(path: str, kind: str) -> bool | None:
    return None


def _files_under(root: Path) -> Exists:
    """Whether files are there, below a folder that stands for the host's ``/``."""

    def exists(path: str, kind: str) -> bool | None:
        there = root / path.lstrip("/")
        if kind == "any":
            return there.exists()
        return there.is_dir() if kind == "folder" else there.is_file()

    return exists
