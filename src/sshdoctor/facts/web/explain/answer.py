"""Why a site answered as it did: the part of the way that has the answer, asked in order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from shlex import quote

from msgspec.structs import replace

from sshdoctor.facts.web.explain import (
    apache_rules,
    hops,
    limits,
    logged,
    paths,
    php,
    redirects,
    rules,
    servers,
    tls,
)
from sshdoctor.facts.web.explain.case import FPM, Case, Found, evidence_of
from sshdoctor.model import Evidence
from sshdoctor.services.base import NETWORK_WORDS

_CDN = ("cf-ray", "x-sucuri-id", "x-amz-cf-id", "x-served-by", "x-akamai-request-id", "x-iinfo", "x-cdn")


def explain(case: Case) -> Found | None:
    """The first cause, None where nothing that the host says explains it (or nothing is wrong)."""
    if case.word in NETWORK_WORDS:
        return servers.explain(case) if case.word in ("rst", "refused") else None
    if case.word == "tls-failed" or case.word.startswith("certificate-"):
        return tls.explain(case)
    if (found := _elsewhere(case)) is not None:
        return found
    if case.word == "redirection":
        return redirects.loop(case)
    if case.word == "success":
        return _success(case)
    if (found := servers.another_site(case) or redirects.led_away(case)) is not None:
        return found
    return logged.explain(case) or _behind(case) or _unlogged(case)


def _own_rules(case: Case) -> Found | None:
    """The rules of the first server that gets the request."""
    return rules.by_nginx(case) if case.by_nginx else apache_rules.unlogged(case) if case.by_apache else None


def _behind(case: Case) -> Found | None:
    """The same asked of the server to which the first one passes the request on, unless its own rules decide."""
    hop = hops.behind(case)
    if hop is None or not (hop.case.by_nginx or hop.case.by_apache):
        return None
    if (own := _own_rules(case)) is not None:
        return own
    found = explain(hop.case)
    if found is None:
        return None
    evidence = dict.fromkeys((*found.evidence, *evidence_of(hop.rule)))
    return replace(found, sure=found.sure and hop.sure, evidence=tuple(evidence), behind=True)


def _elsewhere(case: Case) -> Found | None:
    """Another machine answered: the address is none of the host's, and its logs do not have the request."""
    if case.own or case.arrived is not False or case.word == "success":
        return None
    marks = [
        f"{name}: {value}"
        for name, value in case.last.headers
        if name in _CDN or "cloudflare" in value.lower()
    ]
    return Found(
        cause="answered-elsewhere",
        layer="request",
        text=f"{case.address} is none of the host's addresses, and the request is in none of its logs:"
        " a CDN or a proxy answered" + (f" ({marks[0]})." if marks else "."),
        fix="Change the rule there: in the firewall of the CDN or on the proxy",
        sure=bool(marks),
        evidence=(
            Evidence("the answer", "\n".join((f"HTTP {case.status}", *marks, case.body[:120].strip()))),
            Evidence("access logs of the host", f"none has {case.site.token}"),
        ),
    )


def _success(case: Case) -> Found | None:
    if case.body.lstrip().startswith("<?php") and case.last.url.partition("?")[0].endswith((".php", "/")):
        return Found(
            cause="php-not-executed",
            layer="backend",
            text="The source of the PHP script goes out, with all secrets in it: nothing runs it.",
            fix="At once: deny the path; then a handler (fastcgi_pass, SetHandler) and new passwords",
        )
    return servers.another_site(case)


def _unlogged(case: Case) -> Found | None:
    """What no log says: by the models and the states."""
    if case.by_nginx:
        if (found := rules.by_nginx(case)) is not None:
            return found
        handler = case.walked.handler if case.walked else None
        own = handler is None and case.status in (403, 404, 405, 410, 444, 503, 0)
        if own and (found := rules.stale(case)) is not None:
            return found
    for found in _states(case):
        return found
    old = rules.stale(case) if case.status in (403, 404, 500, 502, 503) else None
    return replace(old, sure=False) if old else None  # what stands behind may have answered so


def _states(case: Case) -> Iterator[Found]:
    status = case.status
    if status >= 500 and (found := _maintenance(case)) is not None:
        yield found
    if case.by_apache and case.apache is not None:
        if (found := apache_rules.unlogged(case)) is not None:
            yield found
        if status == 401:
            yield apache_rules.password(case, None)
        if status == 405 and (found := _apache_method(case)) is not None:
            yield found
        if status == 404 and (found := _apache_missing(case)) is not None:
            yield found
    if status in (403, 404) and "File not found" in case.body:
        yield paths.script_unknown(case)
    if status == 404 and "No input file specified" in case.body and (found := php.restricted(case)):
        yield found
    if status == 403 and "Access denied." in case.body:
        yield php.script_refused(case, case.lines[-1]) if case.lines else _extension(case)
    if status == 400 and case.by_nginx and (found := limits.certificate_wanted(case)) is not None:
        yield found
    if status == 400 and (found := limits.spoken_plainly(case)) is not None:
        yield found
    if status == 414:
        yield limits.header(case)
    if status in (400, 431, 494) and re.search(r"(?im)^(?>.*?header).*too (?:large|long)|exceeds", case.body):
        yield limits.header(case)
    if status == 413:
        yield limits.body(case)
    if status >= 400 and (found := php.old_code(case)) is not None:
        yield found
    if status >= 500 and (found := php.unreached(case, None)) is not None:
        yield found
    if status >= 500 and case.files.full:
        yield php.full(case)
    walked = case.walked
    if status == 404 and case.by_nginx and walked is not None and walked.file and walked.handler is None:
        absent = case.exists(walked.file, "any") is False
        if absent:
            yield paths.missing(case, walked.file, "nginx")


def _extension(case: Case) -> Found:
    location = case.walked.location if case.walked else None
    return Found(
        cause="script-refused",
        layer="backend",
        text="PHP-FPM refuses the file by security.limit_extensions.",
        fix=r"Hand on \.php$ alone",
        sure=False,
        evidence=evidence_of(location.rule) if location else (),
    )


def _maintenance(case: Case) -> Found | None:
    for path, (time, text) in case.files.application.items():
        root = paths.root_of(case)
        if not path.endswith("/.maintenance") or case.status != 503 or not path.startswith(root):
            continue
        age = case.state.now - time
        never = re.search(r"\$upgrading\s*=\s*time\s*\(", text) is not None
        old = f"{age // 86400} days" if age >= 86400 else f"{age // 60} minutes"
        why = (
            "it sets $upgrading = time(), and so never runs out" if never else "it runs out after ten minutes"
        )
        return Found(
            cause="maintenance-mode",
            layer="rewriting",
            text=f"{path} is {old} old; {why}.",
            fix=f"rm {quote(path)}",
            evidence=(Evidence(f"{path}:1", text.split("\n")[0][:200]),),
        )
    return None


def _apache_method(case: Case) -> Found | None:
    lines = [line for _, block in case.governed(case.apache_file).sections() for line in block]
    ruling = [line.rule for line in lines if line.name in ("limit", "limitexcept", "dav", "allowmethods")]
    return Found(
        cause="method-refused",
        layer="request",
        text=f"{case.method} alone is refused here.",
        fix=f"Allow {case.method} there, or ask by GET",
        sure=bool(ruling),
        evidence=evidence_of(*ruling),
    )


def _apache_missing(case: Case) -> Found | None:
    file = case.apache_file
    assert case.apache is not None  # noqa: S101 -- asked where there is one
    root = paths.root_of(case)
    if root and root not in case.files.entries:
        return paths.missing(case, file, "apache2")
    if (found := paths.sandboxed(case, file, "apache2") or paths.alias_by_apache(case, file)) is not None:
        return found
    return _unrewritten(case, file) or (
        paths.missing(case, file, "apache2") if case.exists(file, "any") is False else None
    )


def _unrewritten(case: Case, file: str) -> Found | None:
    """The .htaccess that would rewrite the path is not read, or its rules are skipped."""
    if case.exists(file, "any"):
        return None
    for path, text in case.files.htaccess.items():
        folder = path.rpartition("/")[0]
        if not file.startswith(folder + "/") or "rewriterule" not in text.lower():
            continue
        number = next(n for n, line in enumerate(text.split("\n"), 1) if "rewriterule" in line.lower())
        place = Evidence(f"{path}:{number}", text.split("\n")[number - 1].strip())
        if case.config.apache_modules and "rewrite" not in case.config.apache_modules:
            return Found(
                cause="rewrite-wrong",
                layer="rewriting",
                text=f"mod_rewrite is not loaded, so that the rules of {path} are skipped without a word.",
                fix="a2enmod rewrite; systemctl restart apache2",
                evidence=(place, Evidence("apachectl -M", "no rewrite_module")),
            )
        read = [heading for heading, _ in case.governed(file).sections()]
        if path not in read:
            override = case.governed(file).last("allowoverride")
            rule = [override[-1].rule] if override else []
            return Found(
                cause="rewrite-wrong",
                layer="rewriting",
                text=f"{path} is not read"
                + (
                    f" ({rule[0].file}:{rule[0].line}: {rule[0].text})." if rule else " (AllowOverride None)."
                ),
                fix="AllowOverride All (or FileInfo) for that folder; systemctl reload apache2",
                evidence=(place, *evidence_of(*rule)),
            )
        if not _engine_on(case, file):
            return Found(
                cause="rewrite-wrong",
                layer="rewriting",
                text=f"The rules of {path} are skipped: no RewriteEngine On holds there.",
                fix=f"RewriteEngine On, before the first rule of {path}",
                evidence=(place,),
            )
        base = re.search(r"(?im)^[^\S\n]*RewriteBase[^\S\n]+(\S+)", text)
        if base is not None and base[1] != "/":
            line = text[: base.start()].count("\n") + 1
            return Found(
                cause="rewrite-wrong",
                layer="rewriting",
                text=f"{path}:{line}: RewriteBase {base[1]} sends the path elsewhere.",
                fix="RewriteBase /",
                sure=False,
                evidence=(Evidence(f"{path}:{line}", base[0].strip()), place),
            )
    return None


def _engine_on(case: Case, file: str) -> bool:
    """By the last line that says so of the sections that hold for ``file``."""
    sections = case.governed(file).sections()
    said = [one.args[0].lower() for _, block in sections for one in block if one.name == "rewriteengine"]
    return said[-1:] == ["on"]


__all__ = ["FPM", "explain"]
