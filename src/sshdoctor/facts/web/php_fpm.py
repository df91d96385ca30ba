"""PHP-FPM's pools and their sockets as they stand in files and on the system."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

COMMANDS = {
    "pools": r"""
for file in /etc/php/*/fpm/pool.d/*.conf /etc/php-fpm.d/*.conf; do
  [ -f "$file" ] || continue
  grep -Hn '^[[:space:]]*[^;[:space:]]' "$file"
done 2>/dev/null
true
""",
    "sockets": r"""
{ ss -Hlxn | awk '{ print $5 }'; grep -rhoE 'unix:/[^:;|"[:space:]]+' /etc/nginx /etc/apache2 2>/dev/null | sed 's/^unix://'
  grep -hoE '^[[:space:]]*listen[[:space:]]*=[[:space:]]*/.*' /etc/php/*/fpm/pool.d/*.conf /etc/php-fpm.d/*.conf \
    2>/dev/null | sed 's/^[^/]*//'; } | grep -E 'php|fpm|fcgi|sock' | sort -u | head -n 40 |
while IFS= read -r path; do
  stat -c '%a|%U|%G|%F|%n' "$path" 2>/dev/null || echo "-||||$path"
done
true
""",
    "settings": r"""
grep -HnE '^[[:space:]]*(open_basedir|auto_(prepend|append)_file|memory_limit|post_max_size|upload_max_filesize|opcache\.[a-z_]+)[[:space:]]*=' \
  /etc/php/*/fpm/php.ini /etc/php/*/fpm/conf.d/*.ini /etc/php.ini 2>/dev/null
true
""",
}


class Pool(Struct, frozen=True, kw_only=True):
    """``settings``: each with ``file:line``."""

    name: str
    file: str
    settings: Mapping[str, tuple[str, str]]

    def value(self, name: str) -> str:
        return self.settings.get(name, ("", ""))[0]

    def place(self, name: str) -> str:
        return self.settings.get(name, ("", self.file))[1]


class PoolSocket(Struct, frozen=True, kw_only=True):
    """A socket's file; ``mode`` "" where it is not there."""

    path: str
    mode: str
    owner: str
    group: str


class PhpFpm(Struct, frozen=True, kw_only=True):
    pools: tuple[Pool, ...]
    sockets: Mapping[str, PoolSocket]
    settings: tuple[str, ...]
    evidence: tuple[Evidence, ...]


VALUE = PhpFpm
WRITERS = {"": "root"}


def parse(sections: Mapping[str, Section]) -> PhpFpm | Unknown:
    pools: list[Pool] = []
    settings: dict[str, tuple[str, str]] = {}
    file = ""
    for line in sections["pools"].output.splitlines():
        path, _, rest = line.partition(":")
        number, _, text = rest.partition(":")
        text = text.strip()
        if text.startswith("["):
            settings = {}
            file = path
            pools.append(Pool(name=text.strip("[]"), file=file, settings=settings))
        elif "=" in text and pools and path == file:
            key, _, value = text.partition("=")
            settings[key.strip()] = (value.partition(";")[0].strip(), f"{path}:{number}")
    sockets = {}
    for line in sections["sockets"].output.splitlines():
        fields = line.split("|", 4)
        if len(fields) == 5:
            mode = "" if fields[0] == "-" else fields[0]
            sockets[fields[4]] = PoolSocket(path=fields[4], mode=mode, owner=fields[1], group=fields[2])
    return PhpFpm(
        pools=tuple(pools),
        sockets=sockets,
        settings=tuple(sections["settings"].output.splitlines()),
        evidence=(),
    )
