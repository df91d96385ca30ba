"""The configuration of nginx and Apache as it stands in files, and what both say of it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from sshdoctor.facts.parsing.section import Section
from sshdoctor.model import Evidence, Unknown

_TREE = r"""
find "$1" -type f -o -type l 2>/dev/null | sort | head -n 400 | while IFS= read -r file; do
  [ -f "$file" ] || continue
  case $file in *.pem|*.key|*.der|*.htpasswd|*htp*|*passw*|*.crt|*~) continue ;; esac
  echo "# configuration file $file:"
  head -c 200000 "$file"; echo
done
"""
COMMANDS = {
    "nginx": r"""
command -v nginx >/dev/null || exit 127
nginx -T 2>&1
""",
    "nginx_tree": f"set -- /etc/nginx\n[ -d $1 ] || exit 127\n{_TREE}",
    "nginx_times": r"find /etc/nginx -type f -o -type l 2>/dev/null | head -n 400 | xargs -r stat -L -c '%.Y %n' 2>/dev/null",
    "apache_test": r"""
control=$(command -v apache2ctl || command -v apachectl || command -v httpd) || exit 127
"$control" -t 2>&1
""",
    "apache_files": r"""
control=$(command -v apache2ctl || command -v apachectl || command -v httpd) || exit 127
"$control" -t -D DUMP_INCLUDES 2>/dev/null | sed -n 's/^ *([0-9*]*) //p' | head -n 400 | while IFS= read -r file; do
  [ -f "$file" ] || continue
  echo "# configuration file $file:"
  head -c 200000 "$file"; echo
done
""",
    "apache_tree": f"set -- /etc/apache2\n[ -d $1 ] || set -- /etc/httpd\n[ -d $1 ] || exit 127\n{_TREE}",
    "apache_modules": r"""
control=$(command -v apache2ctl || command -v apachectl || command -v httpd) || exit 127
"$control" -t -D DUMP_MODULES 2>/dev/null | sed -n 's/^ *\([a-z0-9_]*\)_module.*/\1/p'
""",
    "apache_variables": r"""
[ -r /etc/apache2/envvars ] || exit 0
( set +u; . /etc/apache2/envvars >/dev/null 2>&1; env | grep '^APACHE_' )
""",
    "apache_times": r"""
find /etc/apache2 /etc/httpd/conf /etc/httpd/conf.d -type f -o -type l 2>/dev/null |
  head -n 400 | xargs -r stat -L -c '%.Y %n' 2>/dev/null
""",
    "links": r"""
for folder in /etc/nginx /etc/apache2 /etc/httpd; do
  find "$folder" -type l 2>/dev/null | head -n 200 | while IFS= read -r link; do
    echo "$link|$(readlink -f "$link")"
  done
done
true
""",
    "certificates": r"""
grep -rhoE '^[[:space:]]*(ssl_certificate|SSLCertificateFile)[[:space:]]+[^;[:space:]]+' \
  /etc/nginx /etc/apache2 /etc/httpd 2>/dev/null | awk '{print $2}' | tr -d '"' | sort -u | head -n 20 |
while IFS= read -r file; do
  case $file in /*) ;; *) file=/etc/nginx/$file ;; esac
  echo "@ $file $(grep -c 'BEGIN CERTIFICATE' "$file" 2>/dev/null)"
  openssl x509 -in "$file" -noout -sha256 -fingerprint -startdate -enddate -subject -ext subjectAltName 2>&1
done
""",
}


class CertificateFile(Struct, frozen=True, kw_only=True):
    """``count``: how many certificates the file holds; ``said`` is what openssl says of the first."""

    path: str
    count: int
    fingerprint: str
    ends: str
    said: str


class WebConfig(Struct, frozen=True, kw_only=True):
    """Texts of files by their paths, in the order in which they are read.

    ``nginx`` and ``apache`` are what is loaded; ``nginx_tree`` and ``apache_tree`` all that lies there.
    ``…_error`` is what the server's own test says, "" where it is content; None where there is no such server.
    """

    nginx: Mapping[str, str]
    nginx_tree: Mapping[str, str]
    nginx_error: str | None
    nginx_times: Mapping[str, float]
    apache: Mapping[str, str]
    apache_tree: Mapping[str, str]
    apache_error: str | None
    apache_modules: tuple[str, ...]
    apache_variables: Mapping[str, str]
    apache_times: Mapping[str, float]
    certificates: tuple[CertificateFile, ...]
    links: Mapping[str, str]
    """The real file behind each symbolic link."""
    evidence: tuple[Evidence, ...]


VALUE = WebConfig
WRITERS = {"": "root"}


def parse(sections: Mapping[str, Section]) -> WebConfig | Unknown:
    nginx, apache = sections["nginx"], sections["apache_test"]
    nginx_error = _error(nginx, "nginx: ")
    apache_error = _error(apache, "")
    if "ermission denied" in (nginx_error or "") and "/etc/" not in (nginx_error or ""):
        return Unknown("not permitted")
    evidence = []
    if nginx_error:
        evidence.append(Evidence("nginx -t", nginx_error[:600]))
    if apache_error:
        evidence.append(Evidence("apachectl -t", apache_error[:600]))
    return WebConfig(
        nginx=files(nginx.output) if nginx.ok else {},
        nginx_tree=files(sections["nginx_tree"].output),
        nginx_error=nginx_error,
        nginx_times=_times(sections["nginx_times"].output),
        apache=files(sections["apache_files"].output),
        apache_tree=files(sections["apache_tree"].output),
        apache_error=apache_error,
        apache_modules=tuple(sections["apache_modules"].output.split()),
        apache_variables=dict(
            line.split("=", 1) for line in sections["apache_variables"].output.splitlines() if "=" in line
        ),
        apache_times=_times(sections["apache_times"].output),
        certificates=tuple(_certificates(sections["certificates"].output)),
        links={
            link: real
            for line in sections["links"].output.splitlines()
            for link, bar, real in [line.partition("|")]
            if bar and real
        },
        evidence=tuple(evidence),
    )


_STAMP = re.compile(r"^\d{4}/\d\d/\d\d [\d:]{8} \[(\w+)\] \d+#\d+: ")


def _error(section: Section, beginning: str) -> str | None:
    if section.status in (None, 127):
        return None
    if section.ok:
        return ""
    whole = [_STAMP.sub(r"nginx: [\1] ", line) for line in section.output.splitlines() if line.strip()]
    lines = [line for line in whole if line.startswith(beginning)]
    wrong = [
        line
        for before, line in zip(["", *lines], lines, strict=False)
        if "[emerg]" in line or "error" in line.lower() or "AH0" in line or before.endswith(":")
    ]
    return "\n".join((wrong or lines)[:6]) or f"it ended with status {section.status}"


def files(text: str) -> dict[str, str]:
    """The files of what ``nginx -T`` prints.

    >>> files("# configuration file /etc/nginx/nginx.conf:\\nevents {}\\n")
    {'/etc/nginx/nginx.conf': 'events {}'}
    """
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.split("\n"):
        if line.startswith("# configuration file ") and line.endswith(":"):
            lines = found.setdefault(line[21:-1], [])
        else:
            lines.append(line)
    return {path: "\n".join(own).rstrip("\n") for path, own in found.items()}


def _times(text: str) -> dict[str, float]:
    pairs = (line.partition(" ") for line in text.splitlines())
    return {path: float(time) for time, _, path in pairs if time.replace(".", "", 1).isdecimal()}


def _certificates(text: str) -> list[CertificateFile]:
    found = []
    for block in ("\n" + text).split("\n@ ")[1:]:
        head, _, said = block.partition("\n")
        path, _, count = head.rpartition(" ")
        values = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
        print_ = next((value for key, value in values.items() if "ingerprint" in key), "")
        found.append(
            CertificateFile(
                path=path or count,
                count=int(count) if count.isdecimal() else 0,
                fingerprint=print_.replace(":", "").lower(),
                ends=values.get("notAfter", ""),
                said=said[:500],
            )
        )
    return found
