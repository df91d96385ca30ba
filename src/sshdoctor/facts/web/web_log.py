"""What web servers and PHP-FPM wrote: the end of their error logs, and the lines of access logs with our word.

Anybody who sends requests has a part in these lines, so that each is read only up to what they could choose.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

_NAMED = r"""
named=$(grep -rhoE \
  '^[[:space:]]*(error_log|ErrorLog|access_log|CustomLog|php_admin_value\[error_log\])[[:space:]=]+"?/[^";[:space:]]+' \
  /etc/nginx /etc/apache2 /etc/httpd/conf /etc/httpd/conf.d /etc/php /etc/php-fpm.d 2>/dev/null |
  grep -oE '/[^"]+$' | sort -u | head -n 20)
"""
COMMANDS = {
    "errors": _NAMED
    + r"""
for file in /var/log/nginx/*error*log /var/log/apache2/*error*log /var/log/httpd/*error*log \
  /var/log/php*fpm*log /var/log/php*fpm*/*log $named; do
  case $file in *access*) continue ;; esac
  [ -f "$file" ] && [ ! -h "$file" ] || continue
  echo "@ $file"
  tail -n 250 "$file" | cut -c1-3000 | sed 's/^/|/'
done
true
""",
    "seen": _NAMED
    + r"""
[ -n "$token" ] || exit 0
for file in /var/log/nginx/*access*log /var/log/apache2/*access*log /var/log/httpd/*access*log $named; do
  [ -f "$file" ] && [ ! -h "$file" ] || continue
  tail -n 2000 "$file" | grep -aF "$token" | tail -n 8 | cut -c1-600 | sed "s|^|$file: |"
done
true
""",
}


class WebLog(Struct, frozen=True, kw_only=True):
    """``errors``: the last lines of each error log, by its path. ``seen``: ``file: line`` with our word."""

    errors: Mapping[str, tuple[str, ...]]
    seen: tuple[str, ...]
    evidence: tuple[Evidence, ...]


VALUE = WebLog
WRITERS = {"": "root", "errors": "anyone", "seen": "anyone"}


def parse(sections: Mapping[str, Section]) -> WebLog | Unknown:
    errors: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in sections["errors"].output.splitlines():
        if line.startswith("@ "):
            lines = errors.setdefault(line[2:], [])
        elif line.startswith("|"):
            lines.append(line[1:])
    seen = tuple(dict.fromkeys(sections["seen"].output.splitlines()))
    return WebLog(
        errors={path: tuple(own) for path, own in errors.items()},
        seen=seen,
        evidence=(Evidence("access log", "\n".join(seen[:4])),) if seen else (),
    )
