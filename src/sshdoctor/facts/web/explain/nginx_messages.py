"""What nginx's error log says of this request.

Source: the ngx_log_error calls of nginx's src/core and src/http.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from shlex import quote

from sshdoctor.facts.web.explain import backend, paths, php, rules, tls_behind
from sshdoctor.facts.web.explain.case import Case, Found, evidence_of
from sshdoctor.facts.web.explain.limits import size
from sshdoctor.facts.web.explain.lines import Said
from sshdoctor.facts.web.explain.shared_messages import Handler, auth_file, exhausted, waf


def _denied_file(case: Case, one: Said, found: re.Match[str]) -> Found | None:
    path = found["path"]
    basic = case.walked.setting("auth_basic_user_file") if case.walked else None
    if basic is not None and path.endswith(basic.args[0].rpartition("/")[2]):
        return auth_file(case, path, [basic.rule], one)
    if _OF_BODIES.search(path):
        return _temporary(case, one, path)
    if one.level == "crit" or case.status in (403, 404, 500):
        return paths.not_readable(case, path, "nginx", one)
    return None


_OF_BODIES = re.compile(
    r"/\d{10}$|/(?:body|proxy|fastcgi|uwsgi|scgi|client_body|\w{1,20}_temp)(?:/\d{1,3}){0,3}$"
)
"""A temporary file of nginx, or a folder of such: a number of ten digits (ngx_create_temp_file)."""


def _temporary(case: Case, one: Said, path: str) -> Found:
    user = case.worker_user("nginx")
    names = ("client_body_temp_path", "proxy_temp_path", "fastcgi_temp_path")
    places = [found.rule for name in names if case.walked and (found := case.walked.setting(name))]
    folder = path
    while folder.rpartition("/")[2].isdecimal():
        folder = folder.rpartition("/")[0]
    part = case.blocked_part(folder, "nginx")
    return Found(
        cause="not-writable",
        layer="files",
        text=f"nginx runs as {user} and may not write its temporary files in {folder}"
        + (f" ({part.path} is {part.owner}:{part.group} {part.mode.zfill(4)})." if part else "."),
        fix=f"chown {user} {quote(folder)}; chmod 700 {quote(folder)}",
        evidence=(*case.proof(one), *evidence_of(*places)),
    )


def _absent(case: Case, one: Said, found: re.Match[str]) -> Found | None:
    path = found["path"]
    basic = case.walked.setting("auth_basic_user_file") if case.walked else None
    if basic is not None and path.endswith(basic.args[0].rpartition("/")[2]):
        return auth_file(case, path, [basic.rule], one)
    return paths.missing(case, path, "nginx", one) if case.status in (403, 404, 500) else None


def _by_rule(case: Case, one: Said, found: re.Match[str]) -> Found | None:
    told = rules.by_nginx(case, one)
    if told is not None:
        return told
    if (old := rules.stale(case)) is not None:
        return old
    return Found(
        cause="access-denied-by-rule",
        layer="request",
        text="nginx refuses this request by an allow and deny list.",
        fix="grep -rn 'deny' /etc/nginx",
        evidence=case.proof(one),
    )


def _no_index(case: Case, one: Said, found: re.Match[str]) -> Found:
    walked = case.walked
    index = walked.setting("index") if walked else None
    place = f"{index.file}:{index.line}: {index.rule.text}" if index else "index.html by default"
    there = [
        name
        for name in ("index.php", "index.html", "index.htm")
        if found["path"].rstrip("/") + "/" + name in case.files.entries
    ]
    fix = f"Add {there[0]} to index" if there else "Put an index file there, or autoindex on"
    return Found(
        cause="index-missing",
        layer="files",
        text=f"{found['path']} has none of the index files ({place}), and listing is off."
        + (f" It has {there[0]}." if there else ""),
        fix=f"{fix}; nginx -t && systemctl reload nginx",
        evidence=(*case.proof(one), *(evidence_of(index.rule) if index else ())),
    )


def _linked(case: Case, one: Said, found: re.Match[str]) -> Found:
    place = case.walked.setting("disable_symlinks") if case.walked else None
    return Found(
        cause="symlink-refused",
        layer="files",
        text=f"{found['path']} leads over a symbolic link that disable_symlinks forbids.",
        fix="disable_symlinks off; or let the link's owner be the file's",
        evidence=(*case.proof(one), *(evidence_of(place.rule) if place else ())),
    )


def _cycle(case: Case, one: Said, found: re.Match[str]) -> Found:
    walked = case.walked
    php = [
        each.rule
        for level in (walked.levels[1:2] if walked else ())
        for each in level.all("location")
        if "php" in " ".join(each.args)
    ]
    tries = walked.setting("try_files") if walked else None
    return Found(
        cause="rewrite-loop",
        layer="rewriting",
        text=f"nginx goes round in a circle: {one.text}",
        fix="Correct the last argument of try_files, or the location that should take it",
        evidence=(*case.proof(one), *evidence_of(*([tries.rule] if tries else []), *php)),
    )


def _too_large(case: Case, one: Said, found: re.Match[str]) -> Found | None:
    place = case.walked.setting("client_max_body_size") if case.walked else None
    if place is not None and len(case.site.body) <= size(place.args[0]):
        return None  # the line is of an earlier request, before the limit was raised
    where = (
        f"{place.file}:{place.line}: {place.rule.text}" if place else "client_max_body_size, 1m by default"
    )
    return Found(
        cause="body-too-large",
        layer="request",
        text=f"The body is larger than nginx takes here ({where}).",
        fix="Raise client_max_body_size in that server or location; nginx -t && systemctl reload nginx",
        evidence=(*case.proof(one), *(evidence_of(place.rule) if place else ())),
    )


def _limited(case: Case, one: Said, found: re.Match[str]) -> Found | None:
    if case.status not in (429, 503, 403, 444, 0) and "delaying" in one.text:
        return None
    zone = re.search(r'by zone "([^"]+)"', one.text)
    places = [
        each.rule
        for level in (case.walked.levels if case.walked else ())
        for each in level.all("limit_req", "limit_conn", "limit_req_zone", "limit_conn_zone")
        if zone is None or zone[1] in each.rule.text
    ]
    return Found(
        cause="rate-limited",
        layer="request",
        text=f"nginx limits this client: {one.text}",
        fix="Wait; or raise rate and burst of that zone",
        evidence=(*case.proof(one), *evidence_of(*places)),
    )


def _connect(case: Case, one: Said, found: re.Match[str]) -> Found:
    target = f"unix:{found['path']}" if found["path"] else ""
    if not target:
        upstream = one.fields.get("upstream", "")
        target = re.sub(r"^\w+://", "", upstream).partition("/")[0] or "its backend"
    return backend.refused(case, target, int(found["errno"]), one)


def _stderr(case: Case, one: Said, found: re.Match[str]) -> Found | None:
    return php.php_said(case, found["text"], one)


def _big_header(case: Case, one: Said, found: re.Match[str]) -> Found:
    return backend.header_too_large(case, one)


def _cut(case: Case, one: Said, found: re.Match[str]) -> Found | None:
    return backend.cut_off(case, one) if case.status in (502, 504, 500) else None


def _slow(case: Case, one: Said, found: re.Match[str]) -> Found:
    return backend.busy(case, one)


def _none_alive(case: Case, one: Said, found: re.Match[str]) -> Found:
    """Every server of the upstream was given up before: why, the lines before this one say."""
    for before in reversed(case.lines):
        if before.server == "nginx" and before.time <= one.time:
            if told := re.search(
                r"connect\(\) (?:to unix:(?P<path>\S+) )?failed \((?P<errno>\d+):", before.text
            ):
                return _connect(case, before, told)
            if "upstream timed out" in before.text:
                return backend.busy(case, before, one)
    handler = case.walked.handler if case.walked else None
    return Found(
        cause="backend-stopped",
        layer="backend",
        text=f"Every server of the upstream is taken for dead: {one.fields.get('upstream', '')}",
        fix="Start what listens there; the lines before this one say which",
        sure=False,
        evidence=(*case.proof(one), *(evidence_of(handler.rule) if handler else ())),
    )


def _unresolved(case: Case, one: Said, found: re.Match[str]) -> Found:
    handler = case.walked.handler if case.walked else None
    place = case.walked.setting("resolver") if case.walked else None
    rules = [each.rule for each in (handler, place) if each]
    where = f" ({handler.file}:{handler.line}: {handler.rule.text})" if handler else ""
    return Found(
        cause="backend-address-wrong",
        layer="backend",
        text=f"nginx cannot tell the address of {found['name']}, which a variable names{where}: {one.text}.",
        fix="A resolver line in that server (or an address, or an upstream block with the name), and nginx -t",
        evidence=(*case.proof(one), *evidence_of(*rules)),
    )


def _user_unknown(case: Case, one: Said, found: re.Match[str]) -> Found | None:
    return rules.by_nginx(case, one) or Found(
        cause="authentication-required",
        layer="request",
        text=f"nginx does not accept the name and password: {one.text}",
        fix="The right name and password",
        evidence=case.proof(one),
    )


NGINX: Mapping[str, Handler] = {
    r"ModSecurity: Access denied": waf,
    r"24: Too many open files": lambda case, one, found: exhausted(case, one),
    r'^(?>.*?(?:open|stat|lstat|opendir|openat|fstatat)\(\) ")(?P<path>.*)" failed \(13: Permission denied\)': _denied_file,
    r'^[^"]*"(?P<path>.*)" is forbidden \(13: Permission denied\)': _denied_file,
    r'^(?>.*?directory index of ")(?P<path>.*)" is forbidden': _no_index,
    r'^[^"]*"(?P<path>.*)" (?:failed|is not found) \(40: Too many': _linked,
    r"access forbidden by rule": _by_rule,
    r"rewrite or internal redirection cycle": _cycle,
    r"client intended to send too large": _too_large,
    r"limiting (?:requests|connections)": _limited,
    r"connect\(\) (?:to unix:(?P<path>\S+) )?failed \((?P<errno>\d+):": _connect,
    r"upstream sent too big header": _big_header,
    r"SSL_do_handshake\(\) failed|upstream SSL": tls_behind.explain,
    r"FastCGI sent in stderr: \"?(?P<text>.*)": _stderr,
    r"upstream prematurely closed|recv\(\) failed \(104|readv\(\) failed \(104|writev\(\) failed": _cut,
    r"upstream timed out": _slow,
    r"no live upstreams": _none_alive,
    r"no resolver defined to resolve (?P<name>[^\s,]+)": _unresolved,
    r"^(?P<name>[^\s,]+) could not be resolved \(": _unresolved,
    r"(?:invalid (?:host|port)|no host|no port) in upstream \"(?P<name>[^\"]*)\"": _unresolved,
    r"was not found in|password mismatch|no user/password": _user_unknown,
    r'^(?>.*?(?:open|stat|lstat)\(\) ")(?P<path>.*)" failed \((?:2|20): ': _absent,
    r'^[^"]*"(?P<path>.*)" is not found \((?:2|20): ': _absent,
}
