"""What Apache does with one request: the virtual host, the path on the disk, who is let in, what is sent on.

Source: httpd's server/request.c (ap_process_request_internal), modules/mappers/mod_dir.c, mod_rewrite.c.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.access_rules.apache.admission import Refusal, admit
from sshdoctor.access_rules.apache.asked import Asked
from sshdoctor.access_rules.apache.condition import section_holds
from sshdoctor.access_rules.apache.folder_rules import index_files, rules_of_folder, sent_to_slash
from sshdoctor.access_rules.apache.govern import Governed, Section
from sshdoctor.access_rules.apache.host import choose_host
from sshdoctor.access_rules.apache.mapping import MOVED, aliased, normal, proxied, redirected, root_of
from sshdoctor.access_rules.apache.others import MAY_REFUSE, UNREAD, is_on
from sshdoctor.access_rules.apache.place import Exists, Place, nowhere
from sshdoctor.access_rules.apache.read import Line, Reader
from sshdoctor.access_rules.apache.requirements import flat
from sshdoctor.access_rules.apache.rewrite import REWRITING, Rewriter, Rewritten
from sshdoctor.access_rules.unknown import UnknownValue
from sshdoctor.access_rules.verdict import Request, Rule, Verdict

_CYCLES = 10
_ENV = ("setenvif", "setenvifnocase", "browsermatch", "browsermatchnocase", "setenvifexpr")


class ApacheWalk(Struct, frozen=True, kw_only=True):
    """The verdict, and the way that led to it; ``file`` is what the path is mapped to, "" if to a backend."""

    verdict: Verdict
    host: Line | None = None
    file: str = ""
    because: tuple[Rule, ...] = ()
    method_alone: bool = False
    redirected: bool = False


def walk(
    configuration: Line,
    request: Request,
    reader: Reader,
    exists: Exists = nowhere,
    htaccess: Mapping[str, str] | None = None,
) -> ApacheWalk:
    """What Apache does with ``request``; ``htaccess`` None: those files were not seen."""
    host = choose_host(configuration, request.host, request.port, request.address)
    walker = _Walker(configuration, host.block, request, reader, exists, htaccess)
    try:
        verdict = walker.verdict()
    except UnknownValue as error:
        verdict = Verdict(verdict="unknown", why=f"{error} is not known")
    return replace(walker.walked, verdict=verdict, host=host.block)


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
        self.admitted: list[Section] = []
        """The sections that let it in: under the same, nothing is asked again for what comes of it."""

    def verdict(self) -> Verdict:
        if not self._listens():
            return Verdict(verdict="unknown", why=f"nothing listens on port {self.request.port}")
        path, _, query = self.request.target.partition("?")
        for _ in range(_CYCLES + 1):
            uri = normal(path)
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
                return Verdict(
                    verdict="depends", status=outcome.status, rule=rule, why=f"{why}; {self.doubts[0]}"
                )
            return Verdict(verdict="reject", status=outcome.status, rule=rule, why=why.removeprefix("!"))
        if self.doubts:
            return Verdict(verdict="depends", rule=rule, why=self.doubts[0])
        for line in self._lines(*MAY_REFUSE):
            if is_on(line):
                return Verdict(verdict="depends", rule=line.rule, why=f"{line.rule}: {MAY_REFUSE[line.name]}")
        why = why or f"the file {self.walked.file}"
        return Verdict(verdict="accept", status=outcome.status, rule=rule, why=why)

    def _lines(self, *names: str) -> list[Line]:
        """In the main server first, then in the virtual host: the last one holds."""
        return [line for scope in reversed(self.scopes) for line in scope.all(*names)]

    # ---- One request, or a part of one

    def _process(self, asked: Asked, inner: bool) -> _Outcome:
        if not inner:
            if unread := self._lines(*UNREAD):
                raise UnknownValue(unread[0].text)
            asked.told_by_proxies(self.scopes)
            asked.set_by(self._lines(*_ENV))
        asked.root = root_of(self.scopes)
        asked.file = asked.uri
        translated = self._translate(asked, inner)
        if isinstance(translated, _Outcome):
            return translated
        place = Place.found(translated, self.exists)
        asked.file = place.file
        return self._govern(asked, place, inner)

    def _govern(self, asked: Asked, place: Place, inner: bool) -> _Outcome:
        host = self.scopes[0] if len(self.scopes) > 1 else None
        condition = partial(section_holds, asked=asked)
        rules = (self.configuration, host, place, asked.uri, self.htaccess or {}, self.reader, condition)
        afresh = False if inner else None if self.walked.redirected else True
        governed = Governed(*rules, whole=self.htaccess is not None, afresh=afresh)
        sections = governed.all()
        self.walked = replace(self.walked, file=place.file + place.info)
        if governed.refused is not None:
            why = f"{governed.refused.rule} (AllowOverride does not allow it)"
            return _Outcome(500, governed.refused, why)
        for one in governed.unseen[-1:]:
            self.doubts.append(f"{one.file} was not seen, which {one.why.rule} allows to rule")
        if not inner:
            ruling = [section for section in sections if section.kind != "server"]
            kept = [one.line for section in ruling for one in flat(section.block)]
            asked.set_by([line for line in kept if line.name in _ENV])
        refusal = None if sections == self.admitted else admit(sections, asked)
        if refusal is not None:
            return self._refused(refusal, governed, sections)
        self.admitted = self.admitted if inner else sections
        return self._fixups(asked, place, governed, sections, inner)

    def _refused(self, refusal: Refusal, governed: Governed, sections: Sequence[Section]) -> _Outcome:
        self.walked = replace(self.walked, method_alone=refusal.method_alone)
        stronger = ("location", "locationmatch", "if", "elseif", "else")
        ruling = (one for one in reversed(sections) if any(line.holds(refusal.line) for line in one.block))
        last = next(ruling, None)
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
            asked.uri = rewritten.target
        path = rewritten.target if rewritten else asked.uri
        if proxied(self.scopes, path):
            return ""
        for line in [one for scope in self.scopes for one in scope.all(*MOVED)]:
            if (status := redirected(line, path)) is not None:
                return _Outcome(status, line)
        return aliased(self.scopes, path) or asked.root + path

    # ---- Rewriting

    def _rewritten_by_server(self, asked: Asked, inner: bool) -> Rewritten | None:
        own = self.scopes[0].all(*REWRITING)
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
        outcome = self._rewritten_by_folder(asked, place, governed, sections, inner)
        if outcome is not None and outcome.status is not None:
            return outcome
        again = outcome.again if outcome is not None else ""
        for section in reversed(sections):
            moved = [line for line in section.block if line.name in MOVED]
            for line in moved if section.kind != "server" else ():
                if (status := redirected(line, asked.uri)) is not None:
                    return _Outcome(status, line)
        slash = asked.uri.endswith("/")
        if place.kind == "folder" and not slash and sent_to_slash(sections):  # before what is rewritten
            return _Outcome(301, why=f"{place.file} is a folder: the client is sent to {asked.uri}/")
        if again:
            return _Outcome(None, again=again)
        if place.kind == "folder" and not inner:
            return self._index(asked, governed, sections, index_files(sections) if slash else ())
        return _Outcome(None)

    def _rewritten_by_folder(
        self, asked: Asked, place: Place, governed: Governed, sections: Sequence[Section], inner: bool
    ) -> _Outcome | None:
        rules = None if self.ended else rules_of_folder(sections)
        if rules is None or place.file == rules.folder.rstrip("/"):
            return None
        if not {"followsymlinks", "symlinksifownermatch"} & governed.options():
            return _Outcome(403, governed.option("FollowSymLinks") or rules.engine)
        rewritten = Rewriter(rules.lines, rules.folder, asked, self.exists, inner).run(place.info)
        if rewritten is None or rewritten.what == "proxy":
            return None
        if rewritten.what != "path":
            return self._of_rewriting(rewritten, asked)
        self.ended = rewritten.ends
        if rewritten.target == place.file:
            return None
        return _Outcome(None, again=rules.as_uri(rewritten.target, asked.root))

    # ---- A folder

    def _index(
        self, asked: Asked, governed: Governed, sections: Sequence[Section], names: Sequence[str]
    ) -> _Outcome:
        refused: _Outcome | None = None
        for name in names:
            part = Asked(replace(self.request, method="GET"), asked.uri + name, asked.query, dict(asked.env))
            if name.startswith("/"):
                part.uri = name
            part.source = asked.source
            folder = self.walked.file
            outcome = self._process(part, inner=True)
            found = self.walked.file
            self.walked = replace(self.walked, file=folder)
            if outcome.status is not None and 300 <= outcome.status < 400:
                return outcome
            if outcome.status is not None:
                refused = outcome if outcome.status != 404 else refused
            else:
                there = self.exists(found, "file")
                if there is not False and outcome.again:
                    return outcome
                if there is not False:
                    self.walked = replace(self.walked, file=found)
                    return _Outcome(None, why="" if there else f"the folder {folder}")
        if refused is not None:
            return refused
        if self.request.method not in ("GET", "HEAD"):  # others are for files alone; it is taken for one
            status = 404 if self.request.method == "POST" else None
            return _Outcome(status, why=f"{self.walked.file} is a folder")
        if "indexes" in governed.options() or "multiviews" in governed.options():
            return _Outcome(None, why=f"the list of {self.walked.file}")
        option = governed.option("Indexes")
        return _Outcome(403, option, f"{self.walked.file} has no index file, and listing is off")
