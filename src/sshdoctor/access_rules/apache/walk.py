"""What Apache does with one request: the virtual host, the path on the disk, who is let in, what is rewritten.

Source: httpd's server/request.c (ap_process_request_internal), modules/mappers/mod_alias.c, mod_dir.c, mod_rewrite.c.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from posixpath import normpath
from urllib.parse import unquote

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.access_rules.apache.admission import Refusal, admit, flat
from sshdoctor.access_rules.apache.asked import Asked
from sshdoctor.access_rules.apache.condition import holds
from sshdoctor.access_rules.apache.govern import Governed, Section, choose_host
from sshdoctor.access_rules.apache.place import Exists, Place
from sshdoctor.access_rules.apache.read import Line, Reader
from sshdoctor.access_rules.apache.rewrite import Rewriter, Rewritten
from sshdoctor.access_rules.unknown import UnknownValue, expression
from sshdoctor.access_rules.verdict import Request, Rule, Verdict

_REDIRECTS = {"permanent": 301, "temp": 302, "seeother": 303, "gone": 410}
_CYCLES = 10
_REWRITING = ("rewriteengine", "rewriterule", "rewritecond", "rewritebase", "rewriteoptions")
_ENV = ("setenvif", "setenvifnocase", "browsermatch", "browsermatchnocase", "setenvifexpr")
_OTHERS = {
    "secruleengine": "ModSecurity's rules may refuse it",
    "doshashtablesize": "mod_evasive may refuse it with 403 if the address asks often",
    "dospagecount": "mod_evasive may refuse it with 403 if the address asks often",
    "qs_srvmaxconnperip": "mod_qos may refuse it if the address asks often",
}
_UNREAD = ("use", "luahookaccesschecker", "perlaccesshandler", "virtualdocumentroot", "virtualscriptalias")


class ApacheWalk(Struct, frozen=True, kw_only=True):
    """The verdict, and the way that led to it; ``file`` is what the path is mapped to, "" if to a backend."""

    verdict: Verdict
    host: Line | None = None
    file: str = ""
    because: tuple[Rule, ...] = ()
    method_alone: bool = False
    redirected: bool = False


def _nowhere(path: str, kind: str) -> bool | None:
    return None


def walk(
    configuration: Line,
    request: Request,
    reader: Reader,
    exists: Exists = _nowhere,
    htaccess: Mapping[str, str] | None = None,
) -> ApacheWalk:
    """What Apache does with ``request``; ``htaccess`` None: those files were not seen."""
    host = choose_host(configuration, _name(request.host), request.port, request.address)
    walker = _Walker(configuration, host.block, request, reader, exists, htaccess)
    try:
        verdict = walker.verdict()
    except UnknownValue as error:
        verdict = Verdict(verdict="unknown", why=f"{error} is not known")
    return replace(walker.walked, verdict=verdict, host=host.block)


def _name(host: str) -> str:
    return (host if host.endswith("]") else host.partition(":")[0]).rstrip(".")


class _Outcome(Struct, frozen=True):
    """The status by a rule, or None: then what the path leads to answers."""

    status: int | None
    line: Line | None = None
    why: str = ""
    again: str = ""
    """The path of an internal redirect."""


class _Walker:
    def __init__(
        self,
        configuration: Line,
        host: Line | None,
        request: Request,
        reader: Reader,
        exists: Exists,
        htaccess: Mapping[str, str] | None,
    ) -> None:
        self.configuration, self.request, self.reader = configuration, request, reader
        self.scopes = ([host] if host else []) + [configuration]
        self.exists, self.htaccess = exists, htaccess
        self.walked = ApacheWalk(verdict=Verdict(verdict="unknown"))
        self.doubts: list[str] = []
        self.ended = False

    def verdict(self) -> Verdict:
        if not self._listens():
            return Verdict(verdict="unknown", why=f"nothing listens on port {self.request.port}")
        path, _, query = self.request.target.partition("?")
        for _ in range(_CYCLES + 1):
            uri = _normal(path)
            if uri is None:
                return Verdict(verdict="reject", status=400, why="the path is no valid one")
            if "%2f" in path.lower():
                return Verdict(verdict="reject", status=404, why="a slash is encoded in the path (%2F)")
            asked = Asked(self.request, uri, query)
            outcome = self._process(asked, inner=False)
            if not outcome.again:
                return self._judged(outcome)
            path, query = outcome.again.replace("%", "%25"), asked.query
            self.walked = replace(self.walked, redirected=True)
        return Verdict(verdict="reject", status=500, why="more than 10 internal redirects")

    def _listens(self) -> bool:
        ports = [line.args[0].rpartition(":")[2] for line in self.configuration.all("listen") if line.args]
        return not ports or str(self.request.port) in ports

    def _judged(self, outcome: _Outcome) -> Verdict:
        rule = outcome.line.rule if outcome.line else None
        why = outcome.why or (str(rule) if rule else "")
        if outcome.status is not None and outcome.status >= 400:
            if self.doubts and not why.startswith("!"):
                return Verdict(verdict="depends", status=outcome.status, rule=rule, why=f"{why}; {self.doubts[0]}")
            return Verdict(verdict="reject", status=outcome.status, rule=rule, why=why.removeprefix("!"))
        if self.doubts:
            return Verdict(verdict="depends", rule=rule, why=self.doubts[0])
        for line in self._lines(*_OTHERS):
            if line.args and line.args[0].lower() not in ("off", "detectiononly"):
                return Verdict(verdict="depends", rule=line.rule, why=f"{line.rule}: {_OTHERS[line.name]}")
        return Verdict(verdict="accept", status=outcome.status, rule=rule, why=why or f"the file {self.walked.file}")

    def _lines(self, *names: str) -> list[Line]:
        """In the main server first, then in the virtual host: the last one holds."""
        return [line for scope in reversed(self.scopes) for line in scope.all(*names)]

    # ---- One request, or a part of one

    def _process(self, asked: Asked, inner: bool) -> _Outcome:
        if not inner:
            if unread := self._lines(*_UNREAD):
                raise UnknownValue(unread[0].text)
            remote = [scope.all(*_remote(scope)) for scope in self.scopes]
            asked.told_by_proxies(next((lines for lines in remote if lines), ()))
            asked.set_by(self._lines(*_ENV))
        asked.root = self._root()
        asked.file = asked.uri
        translated = self._translate(asked, inner)
        if isinstance(translated, _Outcome):
            return translated
        place = Place.found(translated, self.exists)
        asked.file = place.file
        return self._govern(asked, place, inner)

    def _govern(self, asked: Asked, place: Place, inner: bool) -> _Outcome:
        seen = self.htaccess if self.htaccess is not None else {}

        def condition(line: Line) -> bool:
            text = line.text[1:].rpartition(">")[0].split(None, 1)[-1].strip()
            return holds(line.args[0] if text[:1] in ("'", '"') else text, asked)

        governed = Governed(
            self.configuration, self.scopes[0] if len(self.scopes) > 1 else None, place, asked.uri, seen,
            self.reader, condition, self.htaccess is not None,
        )  # fmt: skip
        sections = governed.all()
        self.walked = replace(self.walked, file=place.file + place.info)
        if governed.refused is not None:
            return _Outcome(500, governed.refused, f"{governed.refused.rule} (AllowOverride does not allow it)")
        for one in governed.unseen[-1:]:
            self.doubts.append(f"{one.file} was not seen, which {one.why.rule} allows to rule")
        if not inner:
            kept = [one.line for section in sections if section.kind != "server" for one in flat(section.block)]
            asked.set_by([line for line in kept if line.name in _ENV])
        refusal = admit(sections, asked)
        if refusal is not None:
            return self._refused(refusal, governed, sections)
        return self._fixups(asked, place, governed, sections, inner)

    def _refused(self, refusal: Refusal, governed: Governed, sections: Sequence[Section]) -> _Outcome:
        self.walked = replace(self.walked, method_alone=refusal.method_alone)
        stronger = ("location", "locationmatch", "if", "elseif", "else")
        last = next((one for one in reversed(sections) if _has(one.block, refusal.line)), None)
        why = str(refusal.line.rule) if refusal.line else ""
        if last is not None and last.kind in stronger:  # no .htaccess comes after it
            return _Outcome(refusal.status, refusal.line, "!" + why)
        return _Outcome(refusal.status, refusal.line, why)

    # ---- From the path to a file

    def _translate(self, asked: Asked, inner: bool) -> str | _Outcome:
        """The file, "" where a backend answers, or what ends it."""
        rewritten = self._rewritten_by_server(asked, inner)
        if rewritten is not None:
            if rewritten.what != "path":
                return self._of_rewriting(rewritten, asked) if rewritten.what != "proxy" else ""
            if not rewritten.passes:
                top = "/" + rewritten.target.strip("/").partition("/")[0]
                there = self.exists(top, "any")
                if there is None and top != "/":
                    there = rewritten.target.startswith(asked.root + "/")
                plain = rewritten.target
                return plain if there and top != "/" else asked.root + plain
        path = rewritten.target if rewritten else asked.uri
        for scope in self.scopes:
            for line in scope.all("proxypass", "proxypassmatch"):
                if self._proxied(line, path):
                    return ""
        for line in [one for scope in self.scopes for one in scope.all("redirect", "redirectmatch", *_MOVED)]:
            if (status := _redirected(line, path)) is not None:
                return _Outcome(status, line)
        return self._aliased(path) or asked.root + path

    def _proxied(self, line: Line, path: str) -> bool:
        if line.name == "proxypassmatch":
            raise UnknownValue(line.text)
        return len(line.args) > 1 and line.args[1] != "!" and _below(path, line.args[0])

    def _aliased(self, path: str) -> str:
        for scope in self.scopes:
            for line in scope.all("alias", "scriptalias", "aliasmatch", "scriptaliasmatch"):
                if len(line.args) < 2:
                    raise UnknownValue(line.text)
                if line.name.endswith("match"):
                    found = expression(line.args[0]).search(path)
                    if found:
                        return re.sub(r"\$(\d)", lambda one: found[int(one[1])] or "", line.args[1])  # noqa: B023
                elif _below(path, line.args[0]):
                    return line.args[1] + path[len(line.args[0]) :]
        return ""

    def _root(self) -> str:
        roots = (line.args[0] for scope in self.scopes for line in scope.all("documentroot") if line.args)
        return next(roots, "/var/www/html").rstrip("/")

    # ---- Rewriting

    def _rewritten_by_server(self, asked: Asked, inner: bool) -> Rewritten | None:
        own = self.scopes[0].all(*_REWRITING)
        if any(line.name == "rewriteoptions" for line in own):
            raise UnknownValue("RewriteOptions")
        engines = [line for line in self._lines("rewriteengine") if line.args]
        if not engines or engines[-1].args[0].lower() != "on":
            return None
        rewritten = Rewriter(own, "", asked, self.exists, inner).run()
        self.ended = self.ended or (rewritten is not None and rewritten.ends)
        return rewritten

    def _of_rewriting(self, rewritten: Rewritten, asked: Asked) -> _Outcome:
        conditions = tuple(line.rule for line in rewritten.conditions)
        alone = bool(conditions) and all("REQUEST_METHOD" in rule.text for rule in conditions)
        self.walked = replace(self.walked, because=conditions, method_alone=alone)
        return _Outcome(rewritten.status, rewritten.line)

    def _fixups(
        self, asked: Asked, place: Place, governed: Governed, sections: Sequence[Section], inner: bool
    ) -> _Outcome:
        again = ""
        outcome = self._rewritten_by_folder(asked, place, governed, sections, inner)
        if outcome is not None and outcome.status is not None:
            return outcome
        if outcome is not None:
            again = outcome.again
        for section in reversed(sections):
            moved = [line for line in section.block if line.name in ("redirect", "redirectmatch", *_MOVED)]
            for line in moved if section.kind != "server" else ():
                if (status := _redirected(line, asked.uri)) is not None:
                    return _Outcome(status, line)
        if again:
            return _Outcome(None, again=again)
        if place.kind == "folder" and asked.uri.endswith("/") and not inner:
            return self._index(asked, governed, sections)
        return _Outcome(None)

    def _rewritten_by_folder(
        self, asked: Asked, place: Place, governed: Governed, sections: Sequence[Section], inner: bool
    ) -> _Outcome | None:
        rules = [one for one in sections if any(line.name in _REWRITING for line in one.block)]
        rules = [one for one in rules if one.kind != "server"]
        engines = [line for one in rules for line in one.block if line.name == "rewriteengine" and line.args]
        if not engines or engines[-1].args[0].lower() != "on" or self.ended:
            return None
        section = rules[-1]
        if place.file == section.folder.rstrip("/"):
            return None
        if not {"followsymlinks", "symlinksifownermatch"} & governed.options():
            return _Outcome(403, governed.option("FollowSymLinks") or engines[-1])
        lines = [line for line in section.block if line.name in _REWRITING]
        if any(line.name == "rewriteoptions" for line in lines):
            raise UnknownValue("RewriteOptions")
        if not section.folder and any(line.name == "rewriterule" for line in lines):
            raise UnknownValue(f"a RewriteRule in {section.heading}")
        rewritten = Rewriter(lines, section.folder, asked, self.exists, inner).run(place.info)
        if rewritten is None or rewritten.what == "proxy":
            return None
        if rewritten.what != "path":
            return self._of_rewriting(rewritten, asked)
        self.ended = rewritten.ends
        if rewritten.target == place.file:
            return None
        return _Outcome(None, again=self._as_uri(rewritten.target, section, lines, asked))

    def _as_uri(self, target: str, section: Section, lines: Sequence[Line], asked: Asked) -> str:
        bases = [line.args[0] for line in lines if line.name == "rewritebase" and line.args]
        if bases and target.startswith(section.folder):
            return bases[-1].rstrip("/") + "/" + target[len(section.folder) :]
        if target.startswith(asked.root + "/"):
            return target[len(asked.root) :]
        return target

    # ---- A folder

    def _index(self, asked: Asked, governed: Governed, sections: Sequence[Section]) -> _Outcome:
        lists = [line for one in sections for line in one.block if line.name == "directoryindex"]
        own = [line for line in lists if line in sections[-1].block] or lists[-1:]
        names = [name for line in own[-1:] for name in line.args] or ["index.html"]
        refused: _Outcome | None = None
        for name in names if names != ["disabled"] else []:
            part = Asked(replace(self.request, method="GET"), asked.uri + name, asked.query, dict(asked.env))
            if name.startswith("/"):
                part.uri = name
            part.source = asked.source
            folder = self.walked.file
            outcome = self._process(part, inner=True)
            found = self.walked.file
            self.walked = replace(self.walked, file=folder)
            if outcome.status is not None and outcome.status >= 400:
                refused = outcome
            elif outcome.status is None:
                there = True if outcome.again else self.exists(found, "file")
                if there is not False:
                    self.walked = replace(self.walked, file=found)
                    return _Outcome(None, why="" if there else f"the folder {folder}")
        if refused is not None:
            return refused
        if "indexes" in governed.options() or "multiviews" in governed.options():
            return _Outcome(None, why=f"the list of {self.walked.file}")
        option = governed.option("Indexes")
        return _Outcome(403, option, f"{self.walked.file} has no index file, and listing is off")


_MOVED = ("redirectpermanent", "redirecttemp")


def _redirected(line: Line, path: str) -> int | None:
    """The status of a Redirect, None if it is for another path."""
    args = list(line.args)
    status = 301 if line.name == "redirectpermanent" else 302
    if args and (args[0].lower() in _REDIRECTS or args[0].isdecimal()):
        word = args.pop(0).lower()
        status = _REDIRECTS.get(word) or int(word)
    if not args:
        raise UnknownValue(line.text)
    if line.name == "redirectmatch":
        return status if expression(args[0]).search(path) else None
    if len(args) == 1 and (status < 400 or not args[0].startswith("/")):
        raise UnknownValue(line.text)
    return status if _below(path, args[0]) else None


def _below(path: str, prefix: str) -> bool:
    """As alias_matches has it: whole parts only."""
    if not path.startswith(prefix):
        return False
    return prefix.endswith("/") or path[len(prefix) :][:1] in ("", "/")


def _has(block: Sequence[Line], wanted: Line | None) -> bool:
    return any(line is wanted or _has(line.block or (), wanted) for line in block)


def _remote(scope: Line) -> list[str]:
    return list({line.name for line in scope.block or () if line.name.startswith("remoteip")})


def _normal(path: str) -> str | None:
    """As Apache has the path: decoded, without doubled slashes and dots; None where it answers 400."""
    if re.search(r"%(?![0-9A-Fa-f]{2})|%00", path) or not path.startswith("/"):
        return None
    merged = re.sub("/+", "/", unquote(path))
    if "/." not in merged:
        return merged
    depth = 0
    for part in merged.split("/")[1:]:
        depth += -1 if part == ".." else 1 if part not in ("", ".") else 0
        if depth < 0:
            return None
    plain = normpath(merged)
    return plain + "/" if merged.endswith(("/", "/.", "/..")) and plain != "/" else plain
