"""Apache's configuration as it is mailed: the folder /etc/apache2 or /etc/httpd, a file, or an .htaccess."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from sshdoctor.access_rules.apache.place import Exists
from sshdoctor.access_rules.apache.read import Line, Reader
from sshdoctor.access_rules.apache.walk import walk
from sshdoctor.access_rules.verdict import Request, Verdict

_MAINS = {"apache2.conf": "/etc/apache2/", "conf/httpd.conf": "/etc/httpd/", "httpd.conf": "/etc/httpd/conf/"}
_OURS = re.compile(
    r"(?im)^[ \t]*(?:</?(?:VirtualHost|Directory|Location|Files|IfModule)\b"
    r"|DocumentRoot\s|LoadModule\s|RewriteEngine\s)"
)
_BUILT_IN = ("core", "so", "http", "log_config", "logio", "version", "unixd", "watchdog", "mpm_event")
_EXPORT = re.compile(r"^[ \t]*(?:export[ \t]+)?(APACHE_\w+)=[\"']?([^\"'#\s$]*)", re.MULTILINE)
_LARGEST = 2**20
_ALONE = """DocumentRoot "{0}"
<Directory "{0}">
    AllowOverride All
    Require all granted
</Directory>
"""


class Apache(Struct, frozen=True, kw_only=True):
    """A configuration that was read; ``htaccess`` has the files that came with it."""

    reader: Reader
    configuration: Line
    htaccess: Mapping[str, str] = {}

    @staticmethod
    def of_htaccess(text: str, path: str) -> Apache:
        """An .htaccess alone, as if all of it were allowed."""
        main = "(around the .htaccess)"
        reader = Reader({main: _ALONE.format(path.rpartition("/")[0])})
        return Apache(reader=reader, configuration=reader.read(main), htaccess={path: text})

    def judge(self, request: Request, exists: Exists, root: Path | None) -> Verdict:
        """``root`` stands for the host's ``/``, None where its files were not mailed."""
        seen = self.htaccess or (None if root is None else _Below(root))
        return walk(self.configuration, request, self.reader, exists, seen).verdict


class _Below(Mapping[str, str]):
    """The .htaccess files below a folder that stands for the host's ``/``, by their paths there."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __getitem__(self, path: str) -> str:
        file = self.root / path.lstrip("/")
        if not file.is_file():
            raise KeyError(path)
        return file.read_bytes()[:_LARGEST].decode("utf-8", "replace")

    def __contains__(self, path: object) -> bool:
        return (self.root / str(path).lstrip("/")).is_file()

    def __iter__(self) -> Iterator[str]:
        return (f"/{file.relative_to(self.root)}" for file in self.root.rglob(".htaccess"))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def is_apache(files: Mapping[str, str]) -> bool:
    """Whether files are Apache's, not nginx's."""
    if any(name.rpartition("/")[2] == "nginx.conf" for name in files):
        return False
    return any(_main_of(name) for name in files) or (
        len(files) == 1 and any(_OURS.search(text) for text in files.values())
    )


def _main_of(name: str) -> str:
    return next((main for main in _MAINS if name == main or name.endswith(f"/{main}")), "")


def apache_in(files: Mapping[str, str], path: str) -> Apache:
    """The configuration in ``files``, by paths below a folder or on the host."""
    mains = sorted((name for name in files if _main_of(name)), key=len)
    if not mains:
        return _read(files, next(iter(files)), path.rpartition("/")[0] or ".")
    main = mains[0]
    root = _MAINS[_main_of(main)]
    before = main.removesuffix(_main_of(main))
    if main.startswith("/"):
        return _read(files, main, root.rstrip("/").removesuffix("/conf"))
    placed = {root + name.removeprefix(before): text for name, text in files.items()}
    return _read(placed, root + _main_of(main), root.rstrip("/").removesuffix("/conf"))


def _read(files: Mapping[str, str], main: str, root: str) -> Apache:
    variables = {name: value for text in files.values() for name, value in _EXPORT.findall(text)}
    first = Reader(files, variables, None, root).read(main)
    loaded = [
        line.args[0].removesuffix("_module")
        for line in _all(first)
        if line.name == "loadmodule" and line.args
    ]
    reader = Reader(files, variables, [*_BUILT_IN, *loaded] if loaded else None, root)
    return Apache(reader=reader, configuration=reader.read(main))


def _all(line: Line) -> Iterator[Line]:
    for one in line.block or ():
        yield one
        yield from _all(one)
