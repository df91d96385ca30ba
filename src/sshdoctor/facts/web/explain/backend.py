"""What stands behind the web server: PHP-FPM and other programs, how they are reached and how they end."""

from __future__ import annotations

import re

from msgspec.structs import replace

from sshdoctor.access_rules.nginx.read import Directive
from sshdoctor.facts.web.explain import hops, servers
from sshdoctor.facts.web.explain.case import FPM, Case, Found, evidence_of
from sshdoctor.facts.web.explain.lines import Said
from sshdoctor.facts.web.explain.paths import unit_of
from sshdoctor.facts.web.php_fpm import Pool
from sshdoctor.model import Evidence


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
    if (
        not is_fpm
        and (found := _web_server(case, target, *lines) or _moved(case, target, *lines)) is not None
    ):
        return found
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


_AS_BACKEND = {"web-server-stopped": "backend-stopped", "listens-elsewhere": "backend-address-wrong"}


def _web_server(case: Case, target: str, *lines: Said) -> Found | None:
    """Where nginx or Apache is to listen on ``target``: why it does not."""
    hop = hops.behind(case)
    if hop is None or not target.endswith(f":{hop.case.site.port}"):
        return None
    program = servers.listener(hop.case)
    named = servers.meant(hop.case) if not program else ""
    if not program and (named not in servers.naming(hop.case) or case.process(named) is None):
        return None
    found = servers.explain(hop.case)
    if found is None:
        return None
    cause = _AS_BACKEND.get(found.cause, found.cause)
    evidence = dict.fromkeys((*case.proof(*lines), *found.evidence, *evidence_of(hop.rule)))
    text = f"Nothing listens on {target}: {found.text}"
    layer = "backend" if cause.startswith("backend") else found.layer
    return replace(found, cause=cause, layer=layer, text=text, sure=bool(program), evidence=tuple(evidence))


def _moved(case: Case, target: str, *lines: Said) -> Found | None:
    """The port is listened on at another address: nginx takes a name's when it starts (ngx_http_proxy_module)."""
    port = target.rpartition(":")[2]
    there = case.state.on_port(int(port)) if port.isdecimal() else []
    asked = _handler(case)
    if not there or asked is None:
        return None
    other = there[0]
    name = asked.args[0].partition("://")[2].partition("/")[0].rpartition(":")[0]
    named = re.search(r"[A-Za-z]", name) is not None and "$" not in name
    since = f": nginx took that for the address of {name} when it started" if named else ""
    return Found(
        cause="backend-address-wrong",
        layer="backend",
        text=f"Nothing listens on {target}{since}; {other.program or 'a program'} listens on"
        f" {other.address}:{port} ({asked.file}:{asked.line}: {asked.rule.text}).",
        fix="systemctl reload nginx, which asks for the name anew"
        if named
        else f"{asked.name} to that address",
        sure=False,
        evidence=(
            *case.proof(*lines),
            Evidence("ss -ltnp", f"{other.address}:{port} {other.program}"),
            *evidence_of(asked.rule),
        ),
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
