"""What stands behind the web server: PHP-FPM and other programs, and what they say."""

from __future__ import annotations

import re

from sshdoctor.access_rules.nginx.read import Directive
from sshdoctor.facts.web.explain.case import FPM, Case, Found, evidence_of
from sshdoctor.facts.web.explain.lines import Said
from sshdoctor.facts.web.explain.paths import not_readable, script_unknown, unit_of
from sshdoctor.facts.web.php_fpm import Pool
from sshdoctor.model import Evidence

_FATAL = re.compile(
    r"\A(?>.*?PHP (?:Fatal|Parse|Recoverable fatal) error:\s+)(?P<what>.*?)"
    r" in (?P<file>/[^\s:]+)(?::| on line )(?P<line>\d+)",
    re.S,
)


def refused(case: Case, target: str, error: int, *lines: Said) -> Found:
    """No connection to the backend ``target`` (``unix:/path`` or ``address:port``): by errno."""
    if error == 13:
        return _denied(case, target, *lines)
    if error == 11:
        return busy(case, *lines)
    running = case.process(FPM)
    pools = [pool for pool in case.fpm.pools if pool.value("listen")]
    asked = _handler(case)
    path = target.removeprefix("unix:")
    mine = next((pool for pool in pools if _same(pool.value("listen"), path)), None)
    is_fpm = (
        bool(asked and asked.name == "fastcgi_pass") or "fpm" in path or "php" in path or mine is not None
    )
    if is_fpm and running is not None and mine is None and pools:
        pool = pools[0]
        place = pool.place("listen")
        return Found(
            cause="backend-address-wrong",
            layer="backend",
            text=f"The web server asks {target}; the pool {pool.name} listens on {pool.value('listen')} ({place}).",
            fix="Make the two agree: fastcgi_pass (or SetHandler) and listen of the pool",
            evidence=(
                *case.proof(*lines),
                Evidence(place, f"listen = {pool.value('listen')}"),
                *(evidence_of(asked.rule) if asked else ()),
            ),
        )
    if is_fpm and running is not None and mine is not None:
        return Found(
            cause="backend-address-wrong" if error == 2 else "backend-stopped",
            layer="backend",
            text=f"PHP-FPM runs, and its pool {mine.name} does not listen on {target}, as its file says:"
            " it was not restarted, or its socket was taken away.",
            fix=f"systemctl restart {unit_of(case, FPM)}",
            evidence=(
                *case.proof(*lines),
                Evidence(mine.place("listen"), f"listen = {mine.value('listen')}"),
            ),
        )
    unit = unit_of(case, FPM) if is_fpm else "the program behind it"
    state = case.state.units.get(unit, {}).get("ActiveState", "")
    return Found(
        cause="backend-stopped",
        layer="backend",
        text=f"Nothing listens on {target}: {unit} is {state or 'not running'}.",
        fix=f"systemctl start {unit}" if is_fpm else f"Start what listens on {target}",
        unit=unit if is_fpm and case.state.units.get(unit, {}).get("LoadState") == "loaded" else "",
        evidence=(*case.proof(*lines), *(evidence_of(asked.rule) if asked else ())),
    )


def _same(listen: str, target: str) -> bool:
    if listen.startswith("/"):
        return listen == target
    port = listen.rpartition(":")[2]
    return target.rpartition(":")[2] == port


def _handler(case: Case) -> Directive | None:
    return case.walked.handler if case.walked and case.by_nginx else None


def _denied(case: Case, target: str, *lines: Said) -> Found:
    path = target.removeprefix("unix:")
    socket = case.fpm.sockets.get(path)
    program = "nginx" if case.by_nginx else "apache2"
    user = case.worker_user(program)
    pool = next((one for one in case.fpm.pools if one.value("listen") == path), None)
    places = [
        Evidence(pool.place(name), f"{name} = {pool.value(name)}")
        for name in ("listen.owner", "listen.group", "listen.mode", "listen")
        if pool and pool.value(name)
    ]
    what = (
        f"{path} is {socket.owner}:{socket.group} {socket.mode.zfill(4)}"
        if socket
        else f"{path} is closed to it"
    )
    file = pool.file if pool else "the pool's file"
    return Found(
        cause="backend-socket-denied",
        layer="backend",
        text=f"{what}, and {program} runs as {user}.",
        fix=f"listen.owner = {user} and listen.group = {user} in {file}; systemctl restart {unit_of(case, FPM)}"
        " (chmod of the socket does not last)",
        evidence=(*case.proof(*lines), *places),
    )


def busy(case: Case, *lines: Said) -> Found:
    """Every worker of the backend is at work, or one takes too long."""
    told = [one for one in case.lines if one.server == "php-fpm" and "max_children" in one.text]
    pool = _pool(case, told)
    setting = (
        f" (pm.max_children = {pool.value('pm.max_children')}, {pool.place('pm.max_children')})"
        if pool
        else ""
    )
    return Found(
        cause="backend-busy",
        layer="backend",
        text=f"The backend does not answer in time{setting if told or case.status != 504 else ''}.",
        fix="Find the slow requests (request_slowlog_timeout); raise pm.max_children if memory allows",
        sure=bool(lines or told),
        evidence=(
            *case.proof(*lines, *told[-1:]),
            *((Evidence(pool.place("pm.max_children"), setting.strip(" ()")),) if pool and told else ()),
        ),
    )


def _pool(case: Case, told: list[Said]) -> Pool | None:
    named = re.search(r"\[pool ([\w.-]+)\]", told[-1].text) if told else None
    pools = [one for one in case.fpm.pools if named is None or one.name == named[1]]
    return pools[0] if pools else None


def cut_off(case: Case, *lines: Said) -> Found:
    """The backend closed the connection before it answered."""
    for one in reversed(case.lines):
        if one.server == "php-fpm" and "Connection disallowed" in one.text:
            return _clients(case, one, *lines)
    for one in reversed(case.lines):
        if one.server == "php-fpm" and re.search(r"exited on signal|terminating|timed out", one.text):
            return _killed(case, one, *lines)
    handler = _handler(case)
    limited = next((one for one in case.fpm.pools if one.value("listen.allowed_clients")), None)
    over_tcp = handler is not None and "unix:" not in handler.args[0]
    if limited is not None and over_tcp and "127.0.0.1" not in limited.value("listen.allowed_clients"):
        return _clients(case, None, *lines)
    return Found(
        cause="backend-killed",
        layer="backend",
        text="The backend ended the connection before it answered.",
        fix="Read its log: a signal, a limit of time, out of memory",
        sure=False,
        evidence=case.proof(*lines),
    )


def _clients(case: Case, said: Said | None, *lines: Said) -> Found:
    pool = next((one for one in case.fpm.pools if one.value("listen.allowed_clients")), None)
    place = pool.place("listen.allowed_clients") if pool else ""
    value = pool.value("listen.allowed_clients") if pool else ""
    return Found(
        cause="backend-socket-denied",
        layer="backend",
        text=f"PHP-FPM takes connections from {value or 'others'} alone (listen.allowed_clients, {place}).",
        fix=f"Add the web server's address to listen.allowed_clients; systemctl restart {unit_of(case, FPM)}",
        evidence=(
            *case.proof(*lines, *((said,) if said else ())),
            Evidence(place, f"listen.allowed_clients = {value}"),
        ),
    )


def _killed(case: Case, said: Said, *lines: Said) -> Found:
    pool = _pool(case, [said])
    limit = pool.value("request_terminate_timeout") if pool else ""
    timed = "terminating" in said.text or "timed out" in said.text
    text = f"PHP-FPM ended the script: {said.text}"
    place = pool.place("request_terminate_timeout") if pool and timed and limit else ""
    return Found(
        cause="backend-killed",
        layer="backend",
        text=text + (f" (request_terminate_timeout = {limit}, {place})" if place else ""),
        fix="Raise request_terminate_timeout, or make the script faster"
        if timed
        else "Look at dmesg (out of memory) and at what PHP extension crashes",
        evidence=(
            *case.proof(*lines, said),
            *((Evidence(place, f"request_terminate_timeout = {limit}"),) if place else ()),
        ),
    )


def header_too_large(case: Case, *lines: Said) -> Found:
    """The backend's answer has more header than fits."""
    walked = case.walked
    prefix = "fastcgi" if "fastcgi" in lines[-1].fields.get("upstream", "fastcgi") else "proxy"
    place = walked.setting(f"{prefix}_buffer_size") if walked else None
    rules = [one.rule for one in (place, walked.handler if walked else None) if one]
    return Found(
        cause="header-too-large",
        layer="backend",
        text=f"The backend's answer has a larger header (cookies mostly) than {prefix}_buffer_size holds.",
        fix=f"{prefix}_buffer_size 32k; {prefix}_buffers 8 32k; or fewer cookies",
        evidence=(*case.proof(*lines), *evidence_of(*rules)),
    )


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
    if "Unable to open primary script" in text or "Failed opening required" in text:
        path = re.search(r"(?:script: |required ')(/[^\s')]+)", text)
        if path and ("Permission denied" in text or case.blocked_part(path[1], case.worker_user(FPM))):
            return not_readable(case, path[1], FPM, line)
    if "No space left on device" in text:
        return full(case, line)
    writes = re.search(r"[Ff]ailed to open stream|mkdir|file_put_contents", text) is not None
    if writes and "Permission denied" in text and (case.status >= 500 or not _FATAL.search(text)):
        return _not_writable(case, text, line)
    fatal = _FATAL.search(text)
    if fatal:
        return _fatal(case, fatal, line)
    return None


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


def _stale(case: Case, file: str, line: Said) -> Found | None:
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
        evidence=(*case.proof(line), Evidence(f"{place}:{number}", text.strip())),
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
