"""TLS: what is served against what lies on disk and what the configuration says."""

from __future__ import annotations

import calendar
import time

from sshdoctor.access_rules.nginx.read import Directive
from sshdoctor.facts.web.explain.case import Case, Found
from sshdoctor.facts.web.web_config import CertificateFile
from sshdoctor.model import Evidence


def explain(case: Case) -> Found | None:
    """Why the handshake failed, or the certificate is refused."""
    if case.word == "tls-failed":
        return _not_spoken(case) or _rejected(case)
    file, place = _configured(case)
    shown = case.answer.certificate if case.answer else None
    evidence = [Evidence("the certificate that is served", _told(shown))] if shown else []
    if place is not None:
        evidence.append(Evidence(f"{place.file}:{place.line}", place.rule.text))
    if file is not None:
        evidence.append(Evidence(f"openssl x509 -in {file.path}", file.said))
    newer = (
        file is not None and shown is not None and file.fingerprint and file.fingerprint != shown.fingerprint
    )
    server = "nginx" if case.by_nginx else "apache2"
    if newer and case.own and file is not None and _ends(file.ends) > case.state.now:
        return Found(
            cause=case.word,
            layer="tls",
            text=f"{file.path} is another certificate than the running {server} serves (valid until {file.ends}):"
            f" it was renewed, and {server} was not reloaded.",
            fix=f"systemctl reload {server}; and a hook in /etc/letsencrypt/renewal-hooks/deploy that does so",
            evidence=tuple(evidence),
        )
    return _by_word(case, file, tuple(evidence))


def _by_word(case: Case, file: CertificateFile | None, evidence: tuple[Evidence, ...]) -> Found:
    shown = case.answer.certificate if case.answer else None
    server = "nginx" if case.by_nginx else "apache2"
    if case.word == "certificate-expired":
        text, fix = _dates(case, server)
    elif case.word == "certificate-mismatch":
        names = ", ".join(shown.names) if shown else "unknown"
        text = f"The certificate is for {names}, not for {case.site.name}."
        fix = (
            f"certbot --expand with {case.site.name}, or the right ssl_certificate; systemctl reload {server}"
        )
    elif file is not None and file.count == 1 and shown and f"CN={case.site.name}" not in shown.issuer:
        text = f"{file.path} holds one certificate, and its issuer ({shown.issuer}) is not sent along: the chain is missing."
        fix = f"Serve the chain as well (fullchain.pem in the place of cert.pem); systemctl reload {server}"
    else:
        text = f"Nobody whom this machine trusts issued the certificate ({shown.issuer if shown else 'unknown'})."
        fix = "A certificate of a known authority, or --ca FILE if yours issued it"
    return Found(cause=case.word, layer="tls", text=text, fix=fix, evidence=evidence)


def _dates(case: Case, server: str) -> tuple[str, str]:
    shown = case.answer.certificate if case.answer else None
    if shown and shown.begins > case.state.now:
        begins = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(shown.begins))
        text = f"The certificate is not valid before {begins}."
        return (
            text,
            f"Serve the one before it until then, or a new one; systemctl reload {server}; timedatectl",
        )
    ended = time.strftime("%Y-%m-%d", time.gmtime(shown.ends)) if shown else "an unknown day"
    return f"The certificate ended on {ended}.", f"certbot renew; systemctl reload {server}"


def _told(shown: object) -> str:
    names = getattr(shown, "names", ())
    ends = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(getattr(shown, "ends", 0)))
    return f"{', '.join(names)}; issued by {getattr(shown, 'issuer', '')}; until {ends}"


def _ends(text: str) -> float:
    try:
        return calendar.timegm(time.strptime(text, "%b %d %H:%M:%S %Y GMT"))
    except ValueError:
        return 0.0


def _configured(case: Case) -> tuple[CertificateFile | None, Directive | None]:
    walked = case.walked if case.by_nginx else None
    place = walked.setting("ssl_certificate") if walked else None
    path = place.args[0] if place else ""
    if case.by_apache and case.apache is not None:
        block = case.apache_host.block
        lines = block.all("sslcertificatefile") if block else ()
        if lines:
            path = lines[-1].args[0]
            place = Directive(
                name="SSLCertificateFile", args=lines[-1].args, file=lines[-1].file, line=lines[-1].line
            )
    return next((one for one in case.config.certificates if one.path == path), None), place


def _rejected(case: Case) -> Found | None:
    """The server block that is chosen by the name in the handshake rejects it (ngx_http_ssl_module)."""
    walked = case.walked if case.by_nginx else None
    chosen = walked.chosen if walked else None
    place = chosen.server.block.first("ssl_reject_handshake") if chosen else None
    if chosen is None or place is None or place.args[:1] != ("on",):
        return None
    block = chosen.server.block
    where = f"{place.file}:{place.line}: {place.rule.text}"
    if chosen.by_name:
        cause, layer = "access-denied-by-rule", "request"
        text = f"The server block of {case.site.name} rejects all handshakes ({where})."
        fix = f"ssl_certificate in the place of {place.rule.text}"
    else:
        cause, layer = "wrong-virtual-host", "server"
        text = f"No server_name is {case.site.name} on this port: the default server rejects it ({where})."
        fix = f"Add {case.site.name} to the site's server_name; nginx -t && systemctl reload nginx"
    return Found(
        cause=cause,
        layer=layer,
        text=text,
        fix=fix,
        evidence=(
            Evidence(f"{place.file}:{place.line}", place.rule.text),
            Evidence(f"{block.file}:{block.line}", " ".join(("server_name", *chosen.server.names))),
        ),
    )


def _not_spoken(case: Case) -> Found | None:
    if not (case.answer and case.answer.plain):
        return None
    chosen = case.walked.chosen if case.walked and case.by_nginx else None
    listen = chosen.listen.directive if chosen and not chosen.listen.tls else None
    evidence = [Evidence(f"http://{case.site.name}:{case.site.port}/", "answers in plain HTTP")]
    if listen is not None:
        evidence.append(Evidence(f"{listen.file}:{listen.line}", listen.rule.text))
    block = case.apache_host.block if case.by_apache and case.apache is not None else None
    engine = block.all("sslengine")[-1:] if block is not None else []
    evidence += [Evidence(f"{one.file}:{one.line}", one.text) for one in (block, *engine) if one is not None]
    where = f" ({listen.file}:{listen.line}: {listen.rule.text})" if listen else ""
    where = where or "".join(f" ({one.file}:{one.line}: {one.text})" for one in engine)
    fix = f"listen {case.site.port} ssl;" if case.by_nginx else "SSLEngine on"
    return Found(
        cause="tls-not-spoken",
        layer="tls",
        text=f"Port {case.site.port} speaks plain HTTP, not TLS{where}.",
        fix=f"{fix} and reload",
        evidence=tuple(evidence),
    )
