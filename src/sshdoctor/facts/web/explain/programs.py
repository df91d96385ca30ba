"""What Apache says of programs that it does not run, and of requests that come without TLS.

Sources: the APLOGNO numbers of modules/generators/mod_cgi.c, mod_cgid.c and modules/ssl/ssl_engine_kernel.c.
"""

from __future__ import annotations

import re

from sshdoctor.facts.web.explain import paths
from sshdoctor.facts.web.explain.case import Case, Found, evidence_of
from sshdoctor.facts.web.explain.lines import Said


def not_run(case: Case, one: Said, found: re.Match[str]) -> Found | None:
    """What mod_cgi and mod_cgid say of a program that they do not run."""
    path = found["path"].strip()
    if "ExecCGI" in one.text:
        option = case.governed(path).option("ExecCGI") if case.apache is not None else None
        where = f"{option.file}:{option.line}: {option.text}" if option else "Options without ExecCGI"
        return Found(
            cause="script-refused",
            layer="request",
            text=f"{path} is a program, and programs are not run there: {where}.",
            fix="Options +ExecCGI for that folder; apachectl -t && systemctl reload apache2",
            evidence=(*case.proof(one), *(evidence_of(option.rule) if option else ())),
        )
    if "not found or unable to stat" in one.text:
        return paths.missing(case, path, "apache2", one)
    if "permissions deny" in one.text or "Permission denied" in one.text:
        return paths.not_readable(case, path, "apache2", one)
    return Found(
        cause="application-error",
        layer="backend",
        text=f"The CGI program {path} gave no answer: {one.text[:200]}",
        fix=f"Run {path} by hand as the web server's user: its own words are in the error log",
        evidence=case.proof(one),
    )


def by_tls(case: Case, one: Said, found: re.Match[str]) -> Found:
    """SSLRequireSSL, SSLRequire and what asks for a certificate of the client."""
    names = ("sslrequiressl", "sslrequire", "sslverifyclient")
    lines = [line.rule for name in names for line in case.governed(found["path"].strip()).last(name)]
    where = f" by {lines[0].file}:{lines[0].line}: {lines[0].text}" if lines else ""
    return Found(
        cause="access-denied-by-rule",
        layer="request",
        text=f"Apache refuses {found['path'].strip()}{where}: {found['why'].strip()}.",
        fix="Ask by https (a redirect in the server of port 80), or take the line away",
        evidence=(*case.proof(one), *evidence_of(*lines)),
    )
