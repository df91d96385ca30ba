"""What PHP says about the script that it ran, or did not."""

from __future__ import annotations

import re

from msgspec.structs import replace

from sshdoctor.facts.web.explain.case import FPM, Case, Found, evidence_of
from sshdoctor.facts.web.explain.lines import Said
from sshdoctor.facts.web.explain.paths import not_readable, script_unknown, unit_of
from sshdoctor.model import Evidence

_FATAL = re.compile(
    r"\A(?>.*?PHP (?:Fatal|Parse|Recoverable fatal) error:\s+)(?P<what>.*?)"
    r" in (?P<file>/[^\s:]+)(?::| on line )(?P<line>\d+)",
    re.S,
)


_WRAPPED = re.compile(r"Failed opening required '(?P<path>/[^'\n]{1,4096})'")
"""What is run before or after every script is not there: no file and line of its own asks for it."""


def php_said(case: Case, text: str, line: Said) -> Found | None:
    """What PHP wrote about this request, through the web server's log or its own."""
    if "Primary script unknown" in text:
        restricted = _open_basedir(case)
        if restricted is not None and "No input file" in case.body:
            return _restricted(case, line)
        return script_unknown(case, line)
    if "security.limit_extensions" in text:
        return script_refused(case, line)
    if "open_basedir" in text or "Operation not permitted" in text:
        return _restricted(case, line)
    wrapped = _WRAPPED.search(text) if " in Unknown on line 0" in text else None
    if wrapped and "Permission denied" not in text:
        return _wrapper_gone(case, wrapped["path"], line)
    if "Unable to open primary script" in text or "Failed opening required" in text:
        path = re.search(r"(?:script: |required ')(/[^\s')]+)", text)
        if path and ("Permission denied" in text or case.blocked_part(path[1], FPM)):
            return not_readable(case, path[1], FPM, line)
    if "No space left on device" in text:
        return full(case, line)
    writes = re.search(r"[Ff]ailed to open stream|mkdir|file_put_contents", text) is not None
    if writes and "Permission denied" in text and (case.status >= 500 or not _FATAL.search(text)):
        return _not_writable(case, text, line)
    fatal = _FATAL.search(text)
    if fatal:
        return _fatal(case, fatal, line)
    refused = _REFUSED.search(text)
    return unreached(case, refused, line) if refused and case.status >= 500 else None


_REFUSED = re.compile(
    r"PHP Warning:\s{1,9}(?P<call>[\w:]{1,80})\(\): (?P<what>[^\n]{0,300}?"
    r"(?:Connection refused|Connection timed out|No such file or directory|getaddrinfo[^\n]{0,40}failed))"
    r"[^\n]{0,20} in (?P<file>/[^\s:]+) on line (?P<line>\d+)"
)
"""A connection that the script wanted: mysqli, PDO, fsockopen, Redis, ..."""
_NO_DATABASE = "Error establishing a database connection"
"""WordPress' own page (wp-includes/functions.php, dead_db)."""


def unreached(case: Case, said: re.Match[str] | None, *lines: Said) -> Found | None:
    """The application does not reach what it needs, a database mostly; its page or its log says so."""
    told = _NO_DATABASE in case.body
    if not told and said is None:
        return None
    who = "The application says that it cannot reach its database" if told else "The application was refused"
    where = f": {said['call']}: {said['what']} ({said['file']}:{said['line']})" if said else ""
    return Found(
        cause="application-error",
        layer="backend",
        text=f"{who}{where}.",
        fix="Start the database (systemctl status mariadb mysql), or correct its address in the configuration"
        " of the application",
        sure=told and said is not None,
        evidence=(
            *case.proof(*lines),
            *((Evidence("the page", _NO_DATABASE),) if told else ()),
            *((Evidence(f"{said['file']}:{said['line']}", said["what"]),) if said else ()),
        ),
    )


def _wrapper_gone(case: Case, path: str, line: Said) -> Found:
    """auto_prepend_file (or auto_append_file) names a file that is not there: every page is a 500."""
    rows = [(one, *one.split(":", 2)[2:]) for one in case.fpm.settings if path in one]
    places = [one.rpartition(f":{text}")[0] for one, text in rows if text.strip().startswith("auto_")]
    places += [
        pool.place(name)
        for pool in case.fpm.pools
        for name, (value, _) in pool.settings.items()
        if "auto_" in name and value.strip("\"'") == path
    ]
    where = places[0] if places else "a .user.ini or .htaccess of the site"
    return Found(
        cause="application-error",
        layer="backend",
        text=f"PHP is to run {path} with every script (auto_prepend_file or auto_append_file, in {where}), and it is"
        " not there.",
        fix=f"Take that line out of {where}, then reload PHP-FPM; or restore {path}",
        evidence=case.proof(line),
    )


def _fatal(case: Case, fatal: re.Match[str], line: Said) -> Found:
    file, number, what = fatal["file"], fatal["line"], fatal["what"].split("\n")[0][:300]
    if (old := _stale(case, file, line)) is not None:
        return old
    if "Allowed memory size" in what:
        return Found(
            cause="application-error",
            layer="backend",
            text=f"PHP ran out of memory in {file}:{number}: {what}",
            fix="Raise memory_limit, or find what takes so much",
            evidence=(*case.proof(line), Evidence(f"{file}:{number}", what)),
        )
    empty = [one.path for one in case.files.entries.values() if one.size == 0 and one.path.endswith(".php")]
    plugin = re.search(r"/wp-content/(plugins|themes)/([^/]+)", file)
    of = f" (the {plugin[1][:-1]} {plugin[2]})" if plugin else ""
    fix = (
        f"Move {plugin[0].lstrip('/')} away, then install it anew"
        if plugin
        else f"Restore {file} from its release"
    )
    return Found(
        cause="application-error",
        layer="backend",
        text=f"PHP: {what} in {file}:{number}{of}." + (f" {empty[0]} is empty." if empty else ""),
        fix=fix,
        evidence=(*case.proof(line), Evidence(f"{file}:{number}", what)),
    )


def old_code(case: Case) -> Found | None:
    """No log says it: the page that was asked for is newer than what OPcache has of it."""
    walked = case.walked
    file = walked.file if walked is not None and case.by_nginx else case.apache_file
    found = _stale(case, file) if file.endswith(".php") else None
    return replace(found, sure=False) if found else None


def _stale(case: Case, file: str, *lines: Said) -> Found | None:
    """OPcache does not look whether ``file`` has changed, and it has since PHP-FPM started."""
    entry, master = case.files.entries.get(file), case.process(FPM)
    off = re.compile(r"opcache\.validate_timestamps\]?\s*=\s*(?:0|off|no)\b", re.IGNORECASE)
    rows = [one for one in case.fpm.settings if off.search(one)]
    for pool in case.fpm.pools:
        name = "php_admin_value[opcache.validate_timestamps]"
        rows += (
            [f"{pool.place(name)}:{name} = {pool.value(name)}"] if pool.value(name) in ("0", "off") else []
        )
    if entry is None or master is None or not rows or entry.time <= master.began + 1:
        return None
    place, number, text = (*rows[-1].split(":", 2), "", "")[:3]
    return Found(
        cause="stale-code",
        layer="backend",
        text=f"{file} has changed since PHP-FPM started, and {place}:{number} ({text.strip()}) lets OPcache serve"
        " the older one.",
        fix=f"systemctl reload {unit_of(case, FPM)} after each deployment",
        evidence=(*case.proof(*lines), Evidence(f"{place}:{number}", text.strip())),
    )


def full(case: Case, *lines: Said) -> Found:
    """No room, or no inodes."""
    where = case.files.full[0] if case.files.full else ""
    return Found(
        cause="disk-full",
        layer="files",
        text="A file system has no room left" + (f": {where}" if where else " (No space left on device)."),
        fix="df -h; df -i; then remove what is not needed",
        sure=bool(lines),
        evidence=(*case.proof(*lines), *(Evidence("df", one) for one in case.files.full)),
    )


def _not_writable(case: Case, text: str, line: Said) -> Found:
    path = re.search(r"(?<![\w./@+-])(/[\w./@+-]+)(?=[),:' ])", text)
    user = case.worker_user(FPM)
    where = path[1] if path else "a folder"
    return Found(
        cause="not-writable",
        layer="files",
        text=f"{user} may not write {where}.",
        fix=f"chown {user} {where} (or the folder above it)",
        evidence=case.proof(line),
    )


def script_refused(case: Case, line: Said) -> Found:
    """PHP-FPM runs only files with certain endings."""
    walked = case.walked
    rules = [walked.location.rule] if walked and walked.location else []
    where = f"{rules[0].file}:{rules[0].line}: {rules[0].text}" if rules else "The web server"
    return Found(
        cause="script-refused",
        layer="backend",
        text=f"{where} hands this file to PHP-FPM, which refuses it by security.limit_extensions.",
        fix=r"Hand on \.php$ alone; do not widen security.limit_extensions",
        evidence=(*case.proof(line), *evidence_of(*rules)),
    )


def _open_basedir(case: Case) -> tuple[str, str] | None:
    """Where open_basedir is set, and the line."""
    walked = case.walked if case.by_nginx else None
    for level in reversed(walked.levels if walked else ()):
        for one in level.all("fastcgi_param"):
            if one.args[0] in ("PHP_ADMIN_VALUE", "PHP_VALUE") and "open_basedir" in one.args[1]:
                return f"{one.file}:{one.line}", one.rule.text
    for pool in case.fpm.pools:
        for name in ("php_admin_value[open_basedir]", "php_value[open_basedir]"):
            if pool.value(name):
                return pool.place(name), f"{name} = {pool.value(name)}"
    for line in case.fpm.settings:
        file, number, text = (*line.split(":", 2), "", "")[:3]
        if text.strip().startswith("open_basedir") and text.partition("=")[2].strip():
            return f"{file}:{number}", text.strip()
    for path, text in case.nginx_files.items():
        for at, row in enumerate(text.split("\n"), 1):
            if "open_basedir" in row and not row.strip().startswith("#"):
                return f"{path}:{at}", row.strip()
    return None


def restricted(case: Case, *lines: Said) -> Found | None:
    """open_basedir forbids the script itself, so that PHP has no input file."""
    return _restricted(case, *lines) if _open_basedir(case) else None


def _restricted(case: Case, *lines: Said) -> Found:
    place = _open_basedir(case)
    where = f" ({place[0]})" if place else ""
    return Found(
        cause="php-restricted",
        layer="backend",
        text=f"open_basedir{where} does not allow where the file lies (a link is followed first).",
        fix="Add that folder to open_basedir there, or drop the setting",
        evidence=(*case.proof(*lines), *((Evidence(*place),) if place else ())),
    )
