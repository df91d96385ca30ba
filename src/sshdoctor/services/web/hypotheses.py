"""What a reply of a site alone may come from, and what would settle it."""

from __future__ import annotations

from sshdoctor.services.base import Hypothesis

_STOPPED = Hypothesis(
    "web-server-stopped",
    "server",
    "The web server is not running.",
    "At the console, `systemctl status nginx apache2` says so.",
)
_INVALID = Hypothesis(
    "web-config-invalid",
    "server",
    "The web server refuses its configuration and did not start again.",
    "At the console, `nginx -t` or `apachectl -t` names the file and the line.",
)
_REJECTS = Hypothesis(
    "firewall-rejects",
    "firewall",
    "The host's own firewall refuses this client.",
    "At the console, `iptables-save; ip6tables-save; nft list ruleset` has the rule.",
)
_DROPS = Hypothesis(
    "firewall-drops",
    "firewall",
    "The host's own firewall drops the packets.",
    "At the console, `tcpdump -ni any tcp port {port}` shows the SYN arrive while you ask, and no answer.",
)
_BANNED = Hypothesis(
    "client-banned",
    "firewall",
    "The host has banned this client's address (fail2ban and its like).",
    "Ask from another network, such as a telephone's: if that gets an answer, it is the address.",
)
_UPSTREAM = Hypothesis(
    "upstream-filter",
    "route",
    "A firewall before the host (the provider's, a security group, a router) stops the packets.",
    "At the console, `tcpdump -ni any tcp port {port}` shows no SYN arrive while you ask.",
)
_DOWN = Hypothesis(
    "host-down",
    "route",
    "The host is off, still booting, or no longer at {address}.",
    "The provider's panel or console shows whether it runs.",
)
_RULE = Hypothesis(
    "access-denied-by-rule",
    "request",
    "A rule of the web server or of an .htaccess refuses this path, address, method or user agent.",
    "Ask as another: another path, from another network, as another user agent; the error log has the rule.",
)
_PROVIDER = Hypothesis(
    "closed-by-provider",
    "request",
    "The provider or a CDN has closed this path (to foreign addresses, often).",
    "Ask the provider for its switch; a CDN names itself in the answer's headers.",
)
_WAF = Hypothesis(
    "waf-blocked", "request", "A web application firewall refuses it.", "Its log names the rule by number."
)
_FILES = Hypothesis(
    "files-not-readable",
    "files",
    "The web server may not read the files.",
    'At the console, the error log has "13: Permission denied"; `namei -l` shows the part.',
)
_MISSING = Hypothesis(
    "files-missing",
    "files",
    "What was asked for is not there.",
    'At the console, the error log has "2: No such file or directory" and the path.',
)
_REWRITE = Hypothesis(
    "rewrite-wrong",
    "rewriting",
    "The rules that lead to the application are not read, or lead elsewhere.",
    "Ask for /index.php: if that answers, it is the rewriting.",
)
_BACKEND = Hypothesis(
    "backend-stopped",
    "backend",
    "The program behind the web server does not run (502, 503).",
    "At the console, `systemctl status 'php*-fpm'` and the web server's error log say so.",
)
_APPLICATION = Hypothesis(
    "application-error",
    "backend",
    "The application fails (500).",
    "Its log has the file and the line.",
)
_BUSY = Hypothesis(
    "backend-busy",
    "backend",
    "All workers of the backend are at work.",
    'At the console, the log of PHP-FPM has "max_children".',
)
_LOOP = Hypothesis(
    "redirect-loop",
    "rewriting",
    "Two settings send each other the client.",
    "The Location headers of `curl -IL` show which; compare the siteurl with the front's https.",
)
_PLAIN = Hypothesis(
    "tls-not-spoken",
    "tls",
    "The port speaks plain HTTP, or no protocol in common.",
    "`curl -v http://{address}:{port}/` shows whether it answers.",
)
_TAKEN = Hypothesis(
    "port-taken",
    "server",
    "Another program holds port {port}.",
    "At the console, `ss -ltnp 'sport = :{port}'` names it.",
)
_VHOST = Hypothesis(
    "wrong-virtual-host",
    "server",
    "The default server answers, not this site's.",
    "At the console, `nginx -T | grep server_name` or `apachectl -S` shows whose the name is.",
)
_EXHAUSTED = Hypothesis(
    "connections-exhausted",
    "server",
    "The web server has as many connections as it may.",
    'At the console, its error log has "worker_connections" or "MaxRequestWorkers".',
)


def _certificate(word: str, say: str) -> tuple[Hypothesis, ...]:
    settle = "`openssl s_client -connect {address}:{port} -servername NAME` shows what is served."
    return (Hypothesis(word, "tls", say, settle), _VHOST)


_BY_REPLY = {
    "rst": (_STOPPED, _INVALID, _REJECTS, _BANNED),
    "refused": (_STOPPED, _INVALID, _REJECTS, _BANNED),
    "silence": (_DROPS, _UPSTREAM, _BANNED, _DOWN),
    "unreachable": (_UPSTREAM, _REJECTS, _DOWN),
    "local-unreachable": (_DOWN, _UPSTREAM),
    "intermittent": (_BUSY, _EXHAUSTED, _RULE),
    "tls-failed": (_PLAIN, _TAKEN),
    "not-http": (_TAKEN, _PLAIN),
    "certificate-expired": _certificate(
        "certificate-expired", "The certificate was not renewed or not loaded."
    ),
    "certificate-mismatch": _certificate("certificate-mismatch", "The certificate is for other names."),
    "certificate-untrusted": _certificate("certificate-untrusted", "A part of the chain is missing."),
    "blocked": (_RULE, _PROVIDER, _FILES, _WAF),
    "client": (_MISSING, _REWRITE, _RULE),
    "server": (_APPLICATION, _BACKEND, _BUSY),
    "redirection": (_LOOP, _VHOST),
    "content": (_VHOST, _APPLICATION),
}
_OF_ICMP = (_REJECTS, _BANNED, _UPSTREAM)


def hypotheses(word: str) -> tuple[Hypothesis, ...]:
    """What the reply ``word`` may come from."""
    return _OF_ICMP if word.startswith("icmp") else _BY_REPLY.get(word, ())


def elsewhere(port: int) -> Hypothesis:
    """Where a web server was seen to answer on ``port``."""
    return _STOPPED._replace(say=f"A web server answers on port {port}, and not on port {{port}}.")
