"""Everything that is known of one answer of a site, from both sides, in one place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property

from msgspec import Struct

from sshdoctor.access_rules.apache.govern import Governed
from sshdoctor.access_rules.apache.host import Host, choose_host
from sshdoctor.access_rules.apache.mapping import below
from sshdoctor.access_rules.apache.place import Place
from sshdoctor.access_rules.apache.read import Line, Reader
from sshdoctor.access_rules.apache.walk import ApacheWalk
from sshdoctor.access_rules.apache.walk import walk as walk_apache
from sshdoctor.access_rules.nginx.read import Directive, read
from sshdoctor.access_rules.nginx.walk import Walk, walk
from sshdoctor.access_rules.verdict import Request, Rule
from sshdoctor.facts.web.explain.lines import Said, said
from sshdoctor.facts.web.php_fpm import PhpFpm
from sshdoctor.facts.web.web_config import WebConfig
from sshdoctor.facts.web.web_files import Entry, WebFiles
from sshdoctor.facts.web.web_log import WebLog
from sshdoctor.facts.web.web_state import Process, WebState
from sshdoctor.model import Answer, Evidence, Exchange, Site

_RECENT = 45
"""Seconds before the host was asked within which a line may be about this request."""
_SLACK = 2
"""Logs tell whole seconds, and so does the time of the dial."""
APACHES = ("apache2", "httpd")
FPM = "php-fpm"


class Found(Struct, frozen=True, kw_only=True):
    """A cause, what to tell of it, and how sure it is."""

    cause: str
    layer: str
    text: str
    fix: str = ""
    sure: bool = True
    evidence: tuple[Evidence, ...] = ()
    unit: str = ""
    """The unit that is to be started, without ``.service``; "" if that is not known, or not the way out."""
    behind: bool = False
    """A server behind the one that is dialled answers so."""


class Case:
    """One answer of a site; ``client`` is the client's address as the host sees it, "" if not known."""

    def __init__(
        self,
        site: Site,
        word: str,
        answer: Answer | None,
        client: str,
        address: str,
        own: bool,
        state: WebState,
        config: WebConfig,
        log: WebLog,
        files: WebFiles,
        fpm: PhpFpm,
    ) -> None:
        self.site, self.word, self.answer = site, word, answer
        self.client, self.address, self.own = client, address, own
        self.state, self.config, self.log, self.files, self.fpm = state, config, log, files, fpm

    # ---- What came back

    @cached_property
    def last(self) -> Exchange:
        last = self.answer.last if self.answer else None
        return last or Exchange(method=self.method, url=self.site.url)

    @property
    def status(self) -> int:
        return self.last.status

    @property
    def method(self) -> str:
        return self.site.method or "GET"

    @property
    def body(self) -> str:
        return self.last.body

    # ---- Who serves

    @cached_property
    def holder(self) -> str:
        """The program that listens on the port, "" if none does or it is not known."""
        there = self.state.on_port(self.site.port)
        family = ":" in self.address
        fits = [one for one in there if (":" in one.address) == family or one.address in ("*", "::")]
        program = next((one.program for one in fits or there if one.program), "")
        known = {one.pid: one.program for one in self.state.processes}
        return next((known[one.pid] for one in fits or there if one.pid in known), program)

    @property
    def by_nginx(self) -> bool:
        return self.holder.startswith("nginx")

    @property
    def by_apache(self) -> bool:
        return self.holder.startswith(APACHES)

    def process(self, program: str) -> Process | None:
        return next(iter(self.state.masters(program)), None)

    # ---- nginx

    @cached_property
    def nginx_files(self) -> Mapping[str, str]:
        return self.config.nginx or self.config.nginx_tree

    @cached_property
    def nginx(self) -> Directive | None:
        main = next((path for path in self.nginx_files if path.endswith("/nginx.conf")), "")
        return read(self.nginx_files, main) if main else None

    def request(self, url: str = "") -> Request:
        from urllib.parse import urlsplit

        parts = urlsplit(url or self.last.url)
        headers = {name.lower(): value for name, value in self.site.headers}
        headers.setdefault("user-agent", self.site.user_agent or self.site.token)
        if self.site.credentials:
            headers["authorization"] = "Basic"
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return Request(
            source=self.client or "192.0.2.1",
            method=self.last.method,
            scheme=parts.scheme,
            host=headers.get("host", parts.hostname or ""),
            port=port,
            target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
            headers=headers,
            address=self.address,
        )

    @cached_property
    def walked(self) -> Walk | None:
        """The way of the last request through nginx's rules."""
        return walk(self.nginx, self.request(), self.exists) if self.nginx else None

    def exists(self, path: str, kind: str) -> bool | None:
        """Whether there is a file, as far as it was looked for: what lies in a folder that was seen."""
        plain = path.rstrip("/").replace("//", "/")
        for _ in range(8):
            entry = self.files.entries.get(plain)
            if entry is None or "symbolic" not in entry.kind:
                break
            target = entry.target
            plain = target if target.startswith("/") else f"{plain.rpartition('/')[0]}/{target}"
        if entry is None:
            return self._listed(plain, kind)
        if kind == "any":
            return True
        return ("directory" in entry.kind) == (kind == "folder")

    def _listed(self, path: str, kind: str) -> bool | None:
        above, _, name = path.rpartition("/")
        names = self.files.folders.get(above)
        if names is None:
            top = above
            while top and top not in self.files.folders:
                top = top.rpartition("/")[0]
            first = path[len(top) + 1 :].partition("/")[0]
            absent = top and first not in self.files.folders[top]
            return False if absent or self._rootless(path) else None
        if name not in names:
            return False
        return True if kind == "any" else names[name] == (kind == "folder")

    def _rootless(self, path: str) -> bool:
        """Whether it lies in a root that was looked for, and is not there."""
        entries = self.files.entries
        return bool(entries) and any(
            (path == root or path.startswith(root + "/")) and root not in entries for root in self._roots
        )

    @cached_property
    def _roots(self) -> tuple[str, ...]:
        found: list[str] = []

        def collect(block: Directive) -> None:
            for one in block.block or ():
                if one.name in ("root", "alias") and one.args and "$" not in one.args[0]:
                    found.append(one.args[0].rstrip("/"))
                collect(one)

        if self.nginx is not None:
            collect(self.nginx)
        return tuple(dict.fromkeys(found))

    # ---- Apache

    @cached_property
    def apache_reader(self) -> Reader:
        root = "/etc/apache2" if any("apache2" in one for one in self.config.apache_tree) else "/etc/httpd"
        modules = self.config.apache_modules or None
        files = {**self.config.apache_tree, **self.config.apache}
        return Reader(files, self.config.apache_variables, modules, root)

    @cached_property
    def apache(self) -> Line | None:
        names = ("/apache2.conf", "/httpd.conf")
        main = next((path for path in self.config.apache_tree if path.endswith(names)), "")
        return self.apache_reader.read(main) if main else None

    @cached_property
    def apache_port(self) -> int:
        """Where Apache gets this request: the port itself, or that to which nginx passes it."""
        if self.by_apache:
            return self.site.port
        handler = self.walked.handler if self.walked else None
        if handler is not None and handler.name == "proxy_pass":
            port = handler.args[0].partition("://")[2].partition("/")[0].rpartition(":")[2]
            if port.isdecimal():
                return int(port)
        return next((one.port for one in self.state.sockets if one.program.startswith(APACHES)), 80)

    @cached_property
    def apache_host(self) -> Host:
        assert self.apache is not None  # noqa: S101 -- asked where there is one
        address = self.address if self.by_apache else ""
        return choose_host(self.apache, self.passed_name, self.apache_port, address)

    @cached_property
    def passed_name(self) -> str:
        """The name by which Apache is asked: the client's, or what nginx in front makes of it."""
        asked = self.request().host
        walked = self.walked if self.by_nginx else None
        if walked is None or walked.handler is None or walked.handler.name != "proxy_pass":
            return asked
        own = next(
            (lines for level in reversed(walked.levels) if (lines := level.all("proxy_set_header"))), ()
        )
        named = next((one.args[1] for one in own if len(one.args) > 1 and one.args[0].lower() == "host"), "")
        if "$" in named:
            return asked if named in ("$host", "$http_host", "$server_name", "$host:$server_port") else named
        return named or walked.handler.args[0].partition("://")[2].partition("/")[0].partition(":")[0]

    def governed(self, file: str) -> Governed:
        """Asked of a rule, it raises UnknownValue where it is not known whether a section holds."""
        assert self.apache is not None  # noqa: S101 -- asked where there is one
        path = self.request().target.partition("?")[0]
        block = self.apache_host.block
        place = Place.found(file, lambda part, kind: self.exists(part, kind) or None)
        return Governed(self.apache, block, place, path, self.files.htaccess, self.apache_reader)

    @cached_property
    def apache_walked(self) -> ApacheWalk | None:
        """The way of the last request through Apache's rules, None where another server gets it first."""
        if self.apache is None or not self.by_apache:
            return None
        return walk_apache(self.apache, self.request(), self.apache_reader, self.exists, self.files.htaccess)

    @cached_property
    def apache_alias(self) -> Line | None:
        """The Alias that is for the path."""
        path = self.request().target.partition("?")[0]
        scopes = [one for one in (self.apache_host.block, self.apache) if one is not None]
        lines = (one for scope in scopes for one in scope.all("alias") if len(one.args) > 1)
        return next((one for one in lines if below(path, one.args[0])), None)

    @cached_property
    def apache_file(self) -> str:
        """Where Apache looks for the path: by Alias, or in the document root."""
        if self.apache is None:
            return ""
        path = self.request().target.partition("?")[0]
        scopes = [one for one in (self.apache_host.block, self.apache) if one is not None]
        if (line := self.apache_alias) is not None:
            return line.args[1] + path[len(line.args[0]) :]
        root = next(
            (one.args[0] for scope in scopes for one in scope.all("documentroot") if one.args),
            "/var/www/html",
        )
        return root.rstrip("/") + path

    # ---- The host's own words

    @cached_property
    def lines(self) -> tuple[Said, ...]:
        """The recent lines of all error logs, the newest last."""
        return self.lines_of(_RECENT)

    def lines_of(self, seconds: float) -> tuple[Said, ...]:
        """Those of so many seconds before the host was asked."""
        now = self.state.now
        every = [
            one for one in said(self.log.errors, self.state.zone) if now - seconds <= one.time <= now + 5
        ]
        return tuple(sorted(every, key=lambda one: one.time))

    @cached_property
    def said(self) -> tuple[Said, ...]:
        """Those about this request."""
        return tuple(one for one in self.lines if self._is_ours(one))

    def _is_ours(self, one: Said) -> bool:
        if one.server == "php-fpm":
            return True
        client = one.fields.get("client", "").split("%")[0]
        if client and one.time < self.state.dialled - _SLACK:
            return False
        if not client:  # what Apache says of a backend names no client
            return re.search(r"AH02454|AH00957|AH00940", one.text) is not None
        if one.server == "nginx":
            words = one.fields.get("request", "").split(" ")
            targets = {made.url.partition("://")[2].partition("/")[2] for made in self.made}
            ours = len(words) > 1 and (words[1].lstrip("/") in targets)
            return ours and client in (self.client, *self._claimed)
        return client in (self.client, *self._claimed) or (not self.by_apache and client != "")

    @cached_property
    def _claimed(self) -> tuple[str, ...]:
        """Addresses that the request itself says that it comes from."""
        return tuple(
            part.strip()
            for name, value in self.site.headers
            if name.lower() in ("x-forwarded-for", "x-real-ip", "cf-connecting-ip", "forwarded")
            for part in value.split(",")
        ) + (("127.0.0.1", "::1") if not self.own else ())

    @property
    def made(self) -> tuple[Exchange, ...]:
        return self.answer.exchanges if self.answer else ()

    @cached_property
    def arrived(self) -> bool | None:
        """Whether the access logs have this request; None where that cannot be told."""
        if not self.site.token or self.site.user_agent:
            return None
        return bool(self.log.seen)

    def proof(self, *lines: Said) -> tuple[Evidence, ...]:
        return tuple(Evidence(one.file, one.whole[:500]) for one in lines)

    # ---- Files

    def blocked_part(self, path: str, program: str, links: int = 40) -> Entry | None:
        """The first part of ``path`` that a worker of ``program`` may not pass, or may not read.

        ``links``: after so many symbolic ones the kernel gives up (path_resolution(7)).
        """
        user, groups = self.worker_user(program), self.worker_groups(program)
        parts = path.strip("/").split("/")
        for number in range(len(parts)):
            part = "/" + "/".join(parts[: number + 1])
            entry = self.files.entries.get(part)
            if entry is None:
                return None
            if "symbolic" in entry.kind:
                target = entry.target
                real = target if target.startswith("/") else f"{part.rpartition('/')[0]}/{target}"
                if number < len(parts) - 1:
                    real += "/" + "/".join(parts[number + 1 :])
                return self.blocked_part(real, program, links - 1) if links else None
            needed = 1 if "directory" in entry.kind and number < len(parts) - 1 else 4
            if "directory" in entry.kind and number == len(parts) - 1:
                needed = 1
            digit = entry.mode[-3:]
            which = 0 if entry.owner == user else 1 if entry.group in groups else 2
            if not int(digit[which]) & needed:
                return entry
        return None

    def worker_user(self, program: str) -> str:
        worker = next(iter(self.state.workers(program)), None)
        return worker.user if worker else "www-data"

    def worker_groups(self, program: str) -> tuple[str, ...]:
        """Those that it runs with, which it was given when it started."""
        worker = next(iter(self.state.workers(program)), None)
        return (worker.groups if worker else ()) or (self.worker_user(program),)


def evidence_of(*rules: Rule) -> tuple[Evidence, ...]:
    """The lines, each once."""
    return tuple(Evidence(f"{one.file}:{one.line}", one.text) for one in dict.fromkeys(rules))
