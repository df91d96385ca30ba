"""What Apache's error log says of this request.

Sources: the APLOGNO numbers of httpd's server/ and modules/; ModSecurity's and mod_evasive's own messages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sshdoctor.access_rules.verdict import Rule
from sshdoctor.facts.web.explain import apache_rules, backend, paths, php, programs
from sshdoctor.facts.web.explain.case import Case, Found, evidence_of
from sshdoctor.facts.web.explain.lines import Said
from sshdoctor.facts.web.explain.shared_messages import Handler, auth_file, exhausted, waf
from sshdoctor.model import Evidence


def _denied(case: Case, one: Said, found: re.Match[str]) -> Found:
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


def _link(case: Case, one: Said, found: re.Match[str]) -> Found:
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


def _search(case: Case, one: Said, found: re.Match[str]) -> Found:
    return paths.not_readable(case, found["path"], "apache2", one)


def _index(case: Case, one: Said, found: re.Match[str]) -> Found:
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


def _cycle(case: Case, one: Said, found: re.Match[str]) -> Found:
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


def _php(case: Case, one: Said, found: re.Match[str]) -> Found | None:
    return php.php_said(case, found["text"], one)


def _connect(case: Case, one: Said, found: re.Match[str]) -> Found:
    groups = found.groupdict()
    path = groups.get("path") or ""
    target = f"unix:{path}" if path.startswith("/") else path
    return backend.refused(case, target or "its backend", int(groups.get("errno") or 111), one)


def _cut(case: Case, one: Said, found: re.Match[str]) -> Found | None:
    timed = "timeout" in one.text or "(70007)" in one.text
    return backend.busy(case, one) if timed else backend.cut_off(case, one)


def _sni(case: Case, one: Said, found: re.Match[str]) -> Found:
    handler = case.walked.handler if case.walked and case.by_nginx else None
    return Found(
        cause="sni-missing",
        layer="tls",
        text="Apache got no name, or another one, in TLS: " + one.text.partition(": ")[2][:160],
        fix="proxy_ssl_server_name on; proxy_ssl_name $host; in the location that passes it on",
        evidence=(*case.proof(one), *(evidence_of(handler.rule) if handler else ())),
    )


def _body(case: Case, one: Said, found: re.Match[str]) -> Found:
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


def _password(case: Case, one: Said, found: re.Match[str]) -> Found:
    return apache_rules.password(case, one)


def _auth_file(case: Case, one: Said, found: re.Match[str]) -> Found:
    lines = case.governed(case.apache_file).last("authuserfile") if case.apache is not None else []
    return auth_file(case, found["path"], [each.rule for each in lines], one)


def _no_authentication(case: Case, one: Said, found: re.Match[str]) -> Found:
    """Who may come in is asked for (Require valid-user, user, group), and no AuthType says how."""
    lines = case.governed(case.apache_file).last("require") if case.apache is not None else []
    places = [each.rule for each in lines]
    where = f"{places[-1].file}:{places[-1].line}: {places[-1].text}" if places else "A Require line"
    return Found(
        cause="auth-file-unusable",
        layer="request",
        text=f"{where} asks for a user, and nothing says how one is known (no AuthType, no AuthUserFile).",
        fix="Add AuthType Basic, AuthName and AuthUserFile beside that line; or take it out",
        evidence=(*case.proof(one), *evidence_of(*places)),
    )


def _exhausted(case: Case, one: Said, found: re.Match[str]) -> Found:
    return exhausted(case, one)


_NOT_RUN = (
    "Options ExecCGI is off in this directory|script not found or unable to stat"
    "|file permissions deny server execution|attempt to invoke directory as script"
)
"""As mod_cgi and mod_cgid have it: before the file's name, or, in newer ones, behind it."""


APACHE: Mapping[str, Handler] = {
    r"ModSecurity: Access denied": waf,
    r"mod_qos\(\d+\): access denied": _qos,
    r"client denied by server configuration: (?P<path>.*)": _denied,
    r"AH00037: Symbolic link not allowed or link target not accessible: (?P<path>.*)": _link,
    r"^(?>.*?AH00035: access to ).* denied \(filesystem path '(?P<path>[^']*)'\)": _search,
    r"AH00132: file permissions deny server access: (?P<path>.*)": _search,
    r"^(?>.*?AH00529: )(?P<path>.*?)/?\.htaccess pcfg_openfile": _search,
    r"^(?>.*?AH01276: Cannot serve directory )(?P<path>.*?): No matching": _index,
    r"AH00124": _cycle,
    r"^(?P<path>/\S*?\.htaccess): (?:line (?P<line>\d+): )?(?P<what>.*)": _htaccess,
    r"AH00526: Syntax error on line (?P<line>\d+) of (?P<path>/\S+?):\s*(?P<what>.*)": _htaccess,
    r"AH01071: Got error '(?P<text>.*)'": _php,
    r"AH02454: FCGI: attempt to connect to Unix domain socket (?P<path>\S+) ": _connect,
    r"^\((?P<errno>\d+)\).*AH02454: FCGI: attempt to connect to Unix domain socket (?P<path>\S+)": _connect,
    r"^\((?P<errno>\d+)\).*AH00957: \w+: attempt to connect to (?P<path>\S+) \(": _connect,
    r"AH01067|AH01075|AH01102|AH01110|AH01068|AH02429": _cut,
    r"AH02032|AH02033": _sni,
    r"AH01587|AH00588|Requested content-length": _body,
    r"AH01617|AH01618|AH01627|AH01629": _password,
    r"AH00027": _no_authentication,
    r"AH01620: Could not open password file: (?P<path>\S+)": _auth_file,
    r"AH00484|AH00161|AH03490": _exhausted,
    rf"(?:{_NOT_RUN}): (?P<path>/.*)": programs.not_run,
    rf"^(?>.*?stderr from )(?P<path>/\S*): (?:{_NOT_RUN})": programs.not_run,
    r"AH01241: exec of '(?P<path>/[^']*)' failed": programs.not_run,
    r"End of script output before headers: (?P<path>.*)": programs.not_run,
    r"^(?>.*?AH022[12]9: access to )(?P<path>/.*) failed, reason: (?P<why>.*)": programs.by_tls,
}
# An attempt to connect that names its errno first says more than one that does not.
APACHE = {key: APACHE[key] for key in sorted(APACHE, key=lambda one: not one.startswith(r"^\("))}
