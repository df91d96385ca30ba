"""A request led through nginx's phases: server, rewriting, location, access, and what makes the content.

Sources: nginx's manual; ngx_http_core_module.c (the phases and their order), ngx_http_access_module.c,
ngx_http_auth_basic_module.c, ngx_http_try_files_module.c.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from posixpath import normpath
from typing import Literal
from urllib.parse import unquote

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.access_rules.nginx.access import Access, inherited, limited, real_ip
from sshdoctor.access_rules.nginx.choose import Chosen, choose_location, choose_server, modifier_of, servers
from sshdoctor.access_rules.nginx.read import Directive
from sshdoctor.access_rules.nginx.rewrite import Exists, Returned, Rewriter
from sshdoctor.access_rules.nginx.values import Values
from sshdoctor.access_rules.unknown import UnknownValue
from sshdoctor.access_rules.verdict import Request, Rule, Verdict

_HANDLERS = (
    "proxy_pass",
    "fastcgi_pass",
    "uwsgi_pass",
    "scgi_pass",
    "grpc_pass",
    "memcached_pass",
    "stub_status",
)
_CYCLES = 10


class Walk(Struct, frozen=True, kw_only=True):
    """The verdict, and the way that led to it; ``file`` is what the URI is mapped to, "" if to a handler."""

    verdict: Verdict
    chosen: Chosen | None = None
    location: Directive | None = None
    levels: tuple[Directive, ...] = ()
    """http, server and locations, the innermost last: what a directive is inherited by."""
    uri: str = ""
    file: str = ""
    handler: Directive | None = None
    because: tuple[Rule, ...] = ()
    method_alone: bool = False
    """What refuses asks for the method, and for nothing else."""
    rewritten: Rule | None = None

    def setting(self, name: str) -> Directive | None:
        """The directive that holds here, by inheritance."""
        return next((found for one in reversed(self.levels) if (found := one.first(name))), None)


def _nowhere(path: str, kind: str) -> bool | None:
    return None


def walk(configuration: Directive, request: Request, exists: Exists = _nowhere) -> Walk:
    """What nginx does with ``request``; ``exists`` tells of files, None where that is not known."""
    http = configuration.first("http")
    if http is None:
        return Walk(verdict=Verdict(verdict="unknown", why="there is no http block"))
    values = Values(request, http)
    path, _, query = request.target.partition("?")
    values.special |= {"uri": _normal(path), "args": query}
    return _Walker(http, values, exists).walk()


def _normal(path: str) -> str:
    """As nginx has $uri: decoded, without doubled slashes and dots."""
    decoded = unquote(path)
    merged = re.sub("/+", "/", decoded)
    plain = normpath(merged) if "/." in merged else merged
    return plain + "/" if merged.endswith(("/", "/.", "/..")) and not plain.endswith("/") else plain


class _Walker:
    def __init__(self, http: Directive, values: Values, exists: Exists) -> None:
        self.http, self.values, self.exists = http, values, exists
        self.walked = Walk(verdict=Verdict(verdict="unknown"))

    def walk(self) -> Walk:
        try:
            verdict = self._walk()
        except UnknownValue as error:
            verdict = Verdict(verdict="unknown", why=f"{error} is not known")
        return replace(self.walked, verdict=verdict)

    def note(self, **values: object) -> None:
        self.walked = replace(self.walked, **values)

    def _walk(self) -> Verdict:
        real_ip(self.values, self.http, self.http)
        chosen = choose_server(servers(self.http), self.values.request, self.values)
        if chosen is None:
            return Verdict(verdict="unknown", why=f"no server listens on port {self.values.request.port}")
        server = chosen.server.block
        real_ip(self.values, self.http, server)
        self.note(chosen=chosen, levels=(self.http, server))
        names = [one for one in chosen.server.names if not one.startswith("~")]
        self.values.special["server_name"] = names[0] if names else ""
        uri = self.values.special["uri"]
        self.values.special["document_root"] = self._root((self.http, server))
        self.values.special["request_filename"] = self._file((self.http, server), uri)
        self.values.referers = inherited((self.http, server), "valid_referers")
        rewriter = Rewriter(self.values, self._exists)
        returned = rewriter.run(server.block or ())
        if returned:
            return self._returned(returned)
        self.note(rewritten=rewriter.last_rewrite)
        for _ in range(_CYCLES + 1):
            levels = self._located(server)
            internal = levels[-1].first("internal") if len(levels) > 2 else None
            if internal is not None and self.walked.rewritten is None and not self._redirected:
                return Verdict(verdict="reject", status=404, rule=internal.rule, why=str(internal.rule))
            rewriter = Rewriter(self.values, self._exists)
            own = (
                len(levels) > 2 and limited(levels, self.values.request.method) is None
            )  # limit_except has none of its location's
            returned = rewriter.run(levels[-1].block or ()) if own else None
            if returned:
                return self._returned(returned)
            if rewriter.uri_changed:
                self.note(rewritten=rewriter.last_rewrite)
                continue
            verdict = self._access(levels) or self._content(levels)
            if verdict is not None:
                return verdict
        rule = self.walked.rewritten
        return Verdict(verdict="reject", status=500, rule=rule, why="rewrite or internal redirection cycle")

    def _exists(self, path: str, kind: str) -> bool | None:
        return self.exists(path, kind)

    def _located(self, server: Directive) -> tuple[Directive, ...]:
        uri = self.values.special["uri"]
        location = choose_location(server, uri, self.values)
        levels = (self.http, server, *(_way_to(server, location) if location else ()))
        self.values.split = inherited(levels, "fastcgi_split_path_info")
        self.values.referers = inherited(levels, "valid_referers")
        self.values.links = inherited(levels, "secure_link"), inherited(levels, "secure_link_md5")
        self.values.special["document_root"] = self._root(levels)
        self.values.special["request_filename"] = self._file(levels, uri)
        self.note(levels=levels, location=location, uri=uri, file=self._file(levels, uri), handler=None)
        return levels

    def _returned(self, returned: Returned) -> Verdict:
        status = returned.status
        conditions = [rule.text for rule in returned.because if rule.text.startswith("if ")]
        alone = bool(conditions) and all("$request_method" in text for text in conditions)
        self.note(because=returned.because, method_alone=alone)
        stands = f"return {status}" if status != 302 else returned.rule.text
        verdict: Literal["reject", "accept"] = "reject" if status >= 400 else "accept"
        text = returned.rule.text
        why = f"{returned.rule.file}:{returned.rule.line}: {text}" if text else stands
        return Verdict(verdict=verdict, status=status, rule=returned.rule, why=why)

    def _access(self, levels: Sequence[Directive]) -> Verdict | None:
        """What refuses in the access phase, None if nothing does."""
        access = Access(self.values, self._asked_before)
        refused = access.refusal(levels)
        self.note(method_alone=access.method_alone)
        return refused

    def _asked_before(self, uri: str) -> Verdict:
        """What a subrequest of auth_request comes to. Raises UnknownValue."""
        outer = self.walked, dict(self.values.special), self._redirected
        self.values.special["uri"], self._redirected = uri, True
        levels = self._located(outer[0].levels[1])
        rewriter = Rewriter(self.values, self._exists)
        returned = rewriter.run(levels[-1].block or ()) if len(levels) > 2 else None
        if rewriter.uri_changed:
            raise UnknownValue(f"what {uri} says, which is rewritten")
        verdict = self._returned(returned) if returned else self._access(levels) or self._content(levels)
        handler = self.walked.handler
        self.walked, self.values.special, self._redirected = outer
        if verdict is None or (verdict.status is None and handler is not None):
            raise UnknownValue(f"what {uri} says" + (f" ({handler.rule})" if handler else ""))
        return verdict

    _redirected = False

    def _content(self, levels: Sequence[Directive]) -> Verdict | None:
        """What answers, None where the URI was changed and all begins anew."""
        tries = levels[-1].first("try_files") if limited(levels, self.values.request.method) is None else None
        if tries is not None:
            tried = self._try(tries, levels)
            if not isinstance(tried, str):
                return tried
        handler = next((found for name in _HANDLERS if (found := levels[-1].first(name))), None)
        self.note(handler=handler, file=self._file(levels, self.values.special["uri"]))
        if handler is not None:
            return Verdict(verdict="accept", why=f"{handler.rule} answers")
        return self._static(levels)

    def _static(self, levels: Sequence[Directive]) -> Verdict | None:
        uri = self.values.special["uri"]
        if not uri.endswith("/") or self.values.request.method not in ("GET", "HEAD", "POST"):
            return Verdict(verdict="accept", why=f"the file {self.walked.file}")
        index = inherited(levels, "index")
        for name in index.args if index else ("index.html",):
            path = f"{self._file(levels, uri).rstrip('/')}/{name}"
            known = self.exists(path, "any")
            if known is None:
                return Verdict(verdict="accept", why=f"the folder {self.walked.file}")
            if known:
                self.values.special["uri"] = name if name.startswith("/") else uri + name
                self._redirected = True
                return None
        return Verdict(
            verdict="accept",
            rule=index.rule if index else None,
            why=f"the folder {self.walked.file}, which has none of its index files",
        )

    def _try(self, tries: Directive, levels: Sequence[Directive]) -> Verdict | str | None:
        *files, last = tries.args
        for name in files:
            uri = self.values.fill(name)
            folder = name.endswith("/")
            known = self.exists(self._file(levels, uri).rstrip("/"), "folder" if folder else "file")
            if known is None:
                return Verdict(verdict="accept", why=f"{tries.rule}: files decide")
            if known:  # of a folder's name its slash is taken away: one is left only if the path had one
                self.values.special["uri"] = uri[:-1] if folder else uri
                return "found"
        self.note(rewritten=tries.rule)
        if last.startswith("="):
            status = int(last[1:])
            return Verdict(verdict="reject", status=status, rule=tries.rule, why=str(tries.rule))
        if last.startswith("@"):
            return self._named(last, tries)
        path, question, query = self.values.fill(last).partition("?")
        if question:
            self.values.special["args"] = query
        self.values.special["uri"] = path
        self._redirected = True
        return None

    def _named(self, name: str, tries: Directive) -> Verdict | None:
        server = self.walked.levels[1]
        location = next((one for one in server.all("location") if one.args[:1] == (name,)), None)
        if location is None:
            return Verdict(verdict="reject", status=500, rule=tries.rule, why=f"there is no location {name}")
        levels = (self.http, server, location)
        self._redirected = True
        self.note(levels=levels, location=location)
        rewriter = Rewriter(self.values, self._exists)
        returned = rewriter.run(location.block or ())
        if returned:
            return self._returned(returned)
        if rewriter.uri_changed:
            return None
        return self._access(levels) or self._content(levels)

    def _root(self, levels: Sequence[Directive]) -> str:
        for one in reversed(levels):
            found = one.first("alias") or one.first("root")
            if found:
                try:
                    return self.values.fill(found.args[0])
                except UnknownValue:
                    return found.args[0]
        return "/usr/share/nginx/html"

    def _file(self, levels: Sequence[Directive], uri: str) -> str:
        """Where ``uri`` lies by ``root`` or ``alias``."""
        alias = levels[-1].first("alias") if len(levels) > 2 else None
        if alias is None:
            return self._root(levels).rstrip("/") + uri
        modifier, text = modifier_of(levels[-1])
        if modifier in ("~", "~*"):
            return self._root(levels)
        return self._root(levels) + uri[len(text) :]


def _way_to(block: Directive, location: Directive) -> tuple[Directive, ...]:
    """The locations from ``block`` down to ``location``."""
    for one in block.all("location"):
        if one is location:
            return (one,)
        below = _way_to(one, location)
        if below:
            return (one, *below)
    return ()
