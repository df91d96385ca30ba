"""What the servers' own error logs say of this request, and the cause that each message names.

Sources: the ngx_log_error calls of nginx's src/core and src/http; the APLOGNO numbers of httpd's server/ and modules/;
PHP-FPM's sapi/fpm; ModSecurity's and mod_evasive's own messages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from sshdoctor.access_rules.verdict import Rule
from sshdoctor.facts.web.explain import apache_rules, backend, paths, rules
from sshdoctor.facts.web.explain.case import FPM, Case, Found, evidence_of
from sshdoctor.facts.web.explain.lines import Said
from sshdoctor.model import Evidence

Handler = Callable[[Case, Said, re.Match[str]], Found | None]


def explain(case: Case) -> Found | None:
    """The cause that the newest telling line about this request names."""
    for one in reversed(case.said):
        for pattern, handler in _of(one).items():
            found = re.search(pattern, one.text, re.S)
            if found and (told := handler(case, one, found)) is not None:
                # PHP-FPM's own log names no client: another request may have been meant.
                return replace(told, sure=told.sure and one.server != "php-fpm")
    return _unclaimed(case)


def _of(one: Said) -> Mapping[str, Handler]:
    return {"nginx": _NGINX, "apache": _APACHE, "php-fpm": _PHP}[one.server]


def _unclaimed(case: Case) -> Found | None:
    """Lines that name no client, about what all clients meet."""
    for one in reversed(case.lines):
        told = re.search(r"24: Too many open|worker_connections are not enough|AH00484|AH00161", one.text)
        if told and (case.status >= 500 or case.word == "intermittent"):
            return _exhausted(case, one)
    return None


def _exhausted(case: Case, one: Said) -> Found:
    names: tuple[str, ...] = ("worker_rlimit_nofile", "worker_connections")
    if "worker_connections" in one.text:
        names = ("worker_connections",)
    if "MaxRequestWorkers" in one.text or "AH00" in one.text:
        lines = (
            [line.rule for line in case.apache.all("maxrequestworkers", "serverlimit")] if case.apache else []
        )
        return Found(
            cause="connections-exhausted",
            layer="server",
            text="Apache serves as many requests as MaxRequestWorkers allows.",
            fix="Raise MaxRequestWorkers if memory allows; find what holds the workers",
            evidence=(*case.proof(one), *evidence_of(*lines)),
        )
    events = case.nginx.first("events") if case.nginx else None
    settings = [f for level in (case.nginx, events) if level for name in names if (f := level.first(name))]
    told = ", ".join(f"{one_.rule.text} {one_.file}:{one_.line}" for one_ in settings)
    return Found(
        cause="connections-exhausted",
        layer="server",
        text=f"nginx may not open more files or connections ({told or 'LimitNOFILE of its unit'}).",
        fix="Raise worker_rlimit_nofile and worker_connections (or LimitNOFILE of the unit), restart nginx",
        evidence=(*case.proof(one), *evidence_of(*(each.rule for each in settings))),
    )


# ---- nginx


def _denied_file(case: Case, one: Said, found: re.Match[str]) -> Found | None:
    path = found["path"]
    basic = case.walked.setting("auth_basic_user_file") if case.walked else None
    if basic is not None and path.endswith(basic.args[0].rpartition("/")[2]):
        return auth_file(case, path, [basic.rule], one)
    if one.level == "crit" or case.status in (403, 404, 500):
        return paths.not_readable(case, path, "nginx", one)
    return None


def auth_file(case: Case, path: str, places: list[Rule], one: Said) -> Found:
    """The password file cannot be used."""
    entry = case.files.entries.get(path)
    modes = f" ({entry.mode.zfill(4)}, {entry.owner}:{entry.group})" if entry else ""
    user = case.worker_user("nginx" if case.by_nginx else "apache2")
    return Found(
        cause="auth-file-unusable",
        layer="request",
        text=f"The password file {path} cannot be read by {user}{modes}: {one.text[-80:]}",
        fix=f"chgrp {user} {path}; chmod 640 {path}",
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


def _too_large(case: Case, one: Said, found: re.Match[str]) -> Found:
    place = case.walked.setting("client_max_body_size") if case.walked else None
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
    return backend.php_said(case, found["text"], one)


def _big_header(case: Case, one: Said, found: re.Match[str]) -> Found:
    return backend.header_too_large(case, one)


def _cut(case: Case, one: Said, found: re.Match[str]) -> Found | None:
    return backend.cut_off(case, one) if case.status in (502, 504, 500) else None


def _slow(case: Case, one: Said, found: re.Match[str]) -> Found:
    return backend.busy(case, one)


def _user_unknown(case: Case, one: Said, found: re.Match[str]) -> Found | None:
    return rules.by_nginx(case, one) or Found(
        cause="authentication-required",
        layer="request",
        text=f"nginx does not accept the name and password: {one.text}",
        fix="The right name and password",
        evidence=case.proof(one),
    )


def _waf(case: Case, one: Said, found: re.Match[str]) -> Found:
    ids = [(told, ident) for told in (*case.said, one) for ident in re.findall(r'\[id "(\d+)"\]', told.whole)]
    real = [pair for pair in ids if not pair[1].startswith(("949", "959", "980"))]
    told, ident = (real or ids or [(one, "?")])[0]
    message = re.search(r'\[msg "([^"]*)"\]', told.whole)
    file = re.search(r'\[file "([^"]*)"\] \[line "(\d+)"\]', told.whole)
    place = (Evidence(f"{file[1]}:{file[2]}", f"id {ident}"),) if file else ()
    path = case.request().target.partition("?")[0]
    answer = (
        " It looks at the answer: nothing in the request is at fault."
        if ident.startswith(("95", "97"))
        else ""
    )
    return Found(
        cause="waf-blocked",
        layer="request",
        text=f"ModSecurity's rule {ident} refuses it ({message[1] if message else ''}).{answer}",
        fix=f"For this path alone: <Location {path}> SecRuleRemoveById {ident} </Location>",
        evidence=(*case.proof(*((told, one) if told is not one else (one,))), *place),
    )


def _upstream_tls(case: Case, one: Said, found: re.Match[str]) -> Found | None:
    walked = case.walked
    handler = walked.handler if walked else None
    if walked is None or walked.setting("proxy_ssl_server_name") is not None:
        return None
    return Found(
        cause="sni-missing",
        layer="tls",
        text="nginx sends no name in TLS to the backend, which needs one.",
        fix="proxy_ssl_server_name on; proxy_ssl_name $host;",
        evidence=(*case.proof(one), *(evidence_of(handler.rule) if handler else ())),
    )


_NGINX: Mapping[str, Handler] = {
    r"ModSecurity: Access denied": _waf,
    r"24: Too many open files": lambda case, one, found: _exhausted(case, one),
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
    r"SSL_do_handshake\(\) failed|upstream SSL": _upstream_tls,
    r"FastCGI sent in stderr: \"?(?P<text>.*)": _stderr,
    r"upstream prematurely closed|recv\(\) failed \(104|readv\(\) failed \(104|writev\(\) failed": _cut,
    r"upstream timed out|no live upstreams": _slow,
    r"was not found in|password mismatch|no user/password": _user_unknown,
    r'^(?>.*?(?:open|stat|lstat)\(\) ")(?P<path>.*)" failed \((?:2|20): ': _absent,
    r'^[^"]*"(?P<path>.*)" is not found \((?:2|20): ': _absent,
}

# ---- Apache


def _apache_denied(case: Case, one: Said, found: re.Match[str]) -> Found:
    if "evasive" in one.fields.get("module", ""):
        return _evasive(case, one)
    return apache_rules.denied(case, one, found["path"].strip())


def _evasive(case: Case, one: Said) -> Found:
    names = ("dospagecount", "dossitecount", "dospageinterval", "dosblockingperiod")
    lines = [each.rule for each in (case.apache.all(*names) if case.apache else ())]
    told = ", ".join(each.text for each in lines)
    return Found(
        cause="rate-limited",
        layer="request",
        text=f"mod_evasive blocks this address for a while ({told}); it answers 403, not 429.",
        fix="Wait for DOSBlockingPeriod; raise DOSPageCount or DOSWhitelist the address",
        evidence=(*case.proof(one), *evidence_of(*lines)),
    )


def _qos(case: Case, one: Said, found: re.Match[str]) -> Found:
    return Found(
        cause="rate-limited",
        layer="request",
        text=f"mod_qos limits this client: {one.text}",
        fix="Raise the limit that the message names",
        evidence=case.proof(one),
    )


def _apache_link(case: Case, one: Said, found: re.Match[str]) -> Found:
    path = found["path"].strip()
    entry = case.files.entries.get(path)
    governed = case.governed(path) if case.apache is not None else None
    option = governed.option("FollowSymLinks") if governed else None
    owner = governed.option("SymLinksIfOwnerMatch") if governed else None
    text = (option.text if option else "").lower()
    allowed = option is not None and (
        "all" in text.split() or ("followsymlinks" in text and "-followsymlinks" not in text)
    )
    target = entry.target if entry else ""
    real = target if target.startswith("/") else f"{path.rpartition('/')[0]}/{target}"
    if allowed or (
        owner is not None
        and "-symlinks" not in owner.text.lower()
        and "symlinksifownermatch" in owner.text.lower()
        and target
        and real not in case.files.entries
    ):
        if real.rstrip("/") not in case.files.entries:
            return paths.missing(case, path, "apache2", one)
        return paths.not_readable(case, real, "apache2", one)
    where = f"{option.file}:{option.line}: {option.text}" if option else "Options"
    return Found(
        cause="symlink-refused",
        layer="files",
        text=f"{path} is a symbolic link, which {where} does not allow there.",
        fix="Options +FollowSymLinks for that folder; apachectl -t && systemctl reload apache2",
        evidence=(*case.proof(one), *(evidence_of(option.rule) if option else ())),
    )


def _apache_search(case: Case, one: Said, found: re.Match[str]) -> Found:
    return paths.not_readable(case, found["path"], "apache2", one)


def _apache_index(case: Case, one: Said, found: re.Match[str]) -> Found:
    lines = case.governed(found["path"]).last("directoryindex") if case.apache is not None else []
    if not lines and case.apache is not None:
        lines = list(case.apache.all("directoryindex"))
    where = f"{lines[-1].file}:{lines[-1].line}: {lines[-1].text}" if lines else "DirectoryIndex index.html"
    return Found(
        cause="index-missing",
        layer="files",
        text=f"{found['path']} has none of the index files ({where}), and listing is off.",
        fix="DirectoryIndex with the file that is there (index.php), or Options +Indexes",
        evidence=(*case.proof(one), *evidence_of(*(each.rule for each in lines[-1:]))),
    )


def _htaccess(case: Case, one: Said, found: re.Match[str]) -> Found:
    path, what = found["path"], found["what"]
    number = found["line"] or ""
    words = re.findall(r"[A-Za-z]+", what)
    if not number:
        number = _line_of(case.files.htaccess.get(path, ""), words)
    line = ""
    lines = case.files.htaccess.get(path, "").split("\n")
    if number and int(number) <= len(lines):
        line = lines[int(number) - 1].strip()
    override = case.governed(path).last("allowoverride") if case.apache is not None else []
    overrides = [each.rule for each in override] or _overrides(case)
    return Found(
        cause="htaccess-invalid",
        layer="rewriting",
        text=f"{path}:{number or '?'}: {line or what}: Apache refuses it ({what}).",
        fix=f"Take that line out of {path}, or allow it (AllowOverride of the virtual host)",
        evidence=(*case.proof(one), Evidence(f"{path}:{number}", line or what), *evidence_of(*overrides)),
    )


def _overrides(case: Case) -> list[Rule]:
    scope = case.apache_host.block if case.apache is not None else None
    return [
        line.rule for one in (scope.all("directory") if scope else ()) for line in one.all("allowoverride")
    ]


def _line_of(text: str, words: list[str]) -> str:
    """The line that the words of a message name."""
    for number, line in enumerate(text.split("\n"), 1):
        first = (line.split() or [""])[0].lower()
        if (
            first
            and not first.startswith("#")
            and any(
                word.lower() == first
                or (first == "options" and word in line and word.lower() not in ("option", "not"))
                for word in words
            )
        ):
            return str(number)
    return ""


def _apache_cycle(case: Case, one: Said, found: re.Match[str]) -> Found:
    places: list[Rule] = []
    if case.apache is not None:
        for text, block in case.governed(case.apache_file).sections():
            places += [each.rule for each in block if each.name == "rewriterule" and text.startswith("/")]
        for scope in (case.apache_host.block, case.apache):
            places += [each.rule for each in (scope.all("rewriterule") if scope else ())]
    for path, text in case.files.htaccess.items():
        places += [
            Rule(file=path, line=number, text=line.strip())
            for number, line in enumerate(text.split("\n"), 1)
            if line.strip().lower().startswith("rewriterule")
            and "index" in line
            and not line.strip().endswith("- [L]")
        ]
    return Found(
        cause="rewrite-loop",
        layer="rewriting",
        text="Apache's RewriteRules go round in a circle (10 internal redirects)"
        + (f": {places[0].file}:{places[0].line}: {places[0].text}" if places else "."),
        fix="RewriteBase / in that .htaccess, or a RewriteCond that ends it",
        evidence=(*case.proof(one), *evidence_of(*places[:6])),
    )


def _apache_php(case: Case, one: Said, found: re.Match[str]) -> Found | None:
    return backend.php_said(case, found["text"], one)


def _apache_connect(case: Case, one: Said, found: re.Match[str]) -> Found:
    groups = found.groupdict()
    path = groups.get("path") or ""
    target = f"unix:{path}" if path.startswith("/") else path
    return backend.refused(case, target or "its backend", int(groups.get("errno") or 111), one)


def _apache_cut(case: Case, one: Said, found: re.Match[str]) -> Found | None:
    timed = "timeout" in one.text or "(70007)" in one.text
    return backend.busy(case, one) if timed else backend.cut_off(case, one)


def _apache_sni(case: Case, one: Said, found: re.Match[str]) -> Found:
    handler = case.walked.handler if case.walked and case.by_nginx else None
    return Found(
        cause="sni-missing",
        layer="tls",
        text="Apache got no name, or another one, in TLS: " + one.text.partition(": ")[2][:160],
        fix="proxy_ssl_server_name on; proxy_ssl_name $host; in the location that passes it on",
        evidence=(*case.proof(one), *(evidence_of(handler.rule) if handler else ())),
    )


def _apache_body(case: Case, one: Said, found: re.Match[str]) -> Found:
    lines = case.governed(case.apache_file).last("limitrequestbody") if case.apache is not None else []
    if not lines and case.apache is not None:
        scopes = [each for each in (case.apache_host.block, case.apache) if each]
        lines = [line for each in scopes for line in each.all("limitrequestbody")]
    return Found(
        cause="body-too-large",
        layer="request",
        text="The body is larger than Apache takes"
        + (f" ({lines[-1].file}:{lines[-1].line}: {lines[-1].text})." if lines else " (LimitRequestBody)."),
        fix="Raise LimitRequestBody there",
        evidence=(*case.proof(one), *evidence_of(*(each.rule for each in lines))),
    )


def _apache_password(case: Case, one: Said, found: re.Match[str]) -> Found:
    return apache_rules.password(case, one)


def _apache_auth_file(case: Case, one: Said, found: re.Match[str]) -> Found:
    lines = case.governed(case.apache_file).last("authuserfile") if case.apache is not None else []
    return auth_file(case, found["path"], [each.rule for each in lines], one)


def _apache_exhausted(case: Case, one: Said, found: re.Match[str]) -> Found:
    return _exhausted(case, one)


_APACHE: Mapping[str, Handler] = {
    r"ModSecurity: Access denied": _waf,
    r"mod_qos\(\d+\): access denied": _qos,
    r"client denied by server configuration: (?P<path>.*)": _apache_denied,
    r"AH00037: Symbolic link not allowed or link target not accessible: (?P<path>.*)": _apache_link,
    r"^(?>.*?AH00035: access to ).* denied \(filesystem path '(?P<path>[^']*)'\)": _apache_search,
    r"AH00132: file permissions deny server access: (?P<path>.*)": _apache_search,
    r"^(?>.*?AH00529: )(?P<path>.*?)/?\.htaccess pcfg_openfile": _apache_search,
    r"^(?>.*?AH01276: Cannot serve directory )(?P<path>.*?): No matching": _apache_index,
    r"AH00124": _apache_cycle,
    r"^(?P<path>/\S*?\.htaccess): (?:line (?P<line>\d+): )?(?P<what>.*)": _htaccess,
    r"AH00526: Syntax error on line (?P<line>\d+) of (?P<path>/\S+?):\s*(?P<what>.*)": _htaccess,
    r"AH01071: Got error '(?P<text>.*)'": _apache_php,
    r"AH02454: FCGI: attempt to connect to Unix domain socket (?P<path>\S+) ": _apache_connect,
    r"^\((?P<errno>\d+)\).*AH02454: FCGI: attempt to connect to Unix domain socket (?P<path>\S+)": _apache_connect,
    r"^\((?P<errno>\d+)\).*AH00957: \w+: attempt to connect to (?P<path>\S+) \(": _apache_connect,
    r"AH01067|AH01075|AH01102|AH01110|AH01068|AH02429": _apache_cut,
    r"AH02032|AH02033": _apache_sni,
    r"AH01587|AH00588|Requested content-length": _apache_body,
    r"AH01617|AH01618|AH01627|AH01629": _apache_password,
    r"AH01620: Could not open password file: (?P<path>\S+)": _apache_auth_file,
    r"AH00484|AH00161": _apache_exhausted,
}
# An attempt to connect that names its errno first says more than one that does not.
_APACHE = {key: _APACHE[key] for key in sorted(_APACHE, key=lambda one: not one.startswith(r"^\("))}


def _fpm_line(case: Case, one: Said, found: re.Match[str]) -> Found | None:
    return backend.php_said(case, one.text, one) if case.status >= 500 else None


def _fpm_busy(case: Case, one: Said, found: re.Match[str]) -> Found | None:
    return backend.busy(case, one) if case.status in (502, 503, 504) or case.word == "intermittent" else None


def _fpm_killed(case: Case, one: Said, found: re.Match[str]) -> Found | None:
    return backend.cut_off(case, one) if case.status in (502, 503, 504, 500) else None


_PHP: Mapping[str, Handler] = {
    r"PHP (?:Fatal|Parse) error": _fpm_line,
    r"No space left on device": _fpm_line,
    r"server reached pm.max_children": _fpm_busy,
    r"exited on signal|terminating|Connection disallowed": _fpm_killed,
}
__all__ = ["FPM", "auth_file", "explain"]
