"""What would open one path of a site for one address, in front of the rule that refuses: tried on the models."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.access_rules.apache.read import Line, Reader
from sshdoctor.access_rules.apache.walk import walk as walk_apache
from sshdoctor.access_rules.nginx.choose import choose_location, modifier_of
from sshdoctor.access_rules.nginx.read import Directive, read
from sshdoctor.access_rules.nginx.values import Values
from sshdoctor.access_rules.nginx.walk import Walk, walk
from sshdoctor.access_rules.verdict import Request, Verdict
from sshdoctor.facts.web.derived.site import Opening
from sshdoctor.facts.web.explain.case import Case
from sshdoctor.model import Unknown

_STRANGERS = {4: "203.0.113.77", 6: "2001:db8:77::77"}
_PLAIN = re.compile(r"/[A-Za-z0-9._/~-]*")
_LISTS = ("allow", "deny")
_HANDLERS = ("fastcgi_pass", "proxy_pass", "uwsgi_pass", "scgi_pass", "memcached_pass")


class _Try(Struct, frozen=True):
    """One place for it: the line ``old`` of a file, what stands there then, and the text that is included."""

    file: str
    number: int
    old: str
    new: str
    text: str


def opening(case: Case) -> Opening | Unknown:
    """What opens exactly this path for exactly this client; Unknown says why there is nothing that does."""
    request = case.request()
    path = request.target.partition("?")[0]
    if not case.client:
        return Unknown("the client's address is not known")
    if not _PLAIN.fullmatch(path):
        return Unknown(f"the path {path} has marks that a rule might read otherwise")
    if case.by_nginx and case.nginx is not None:
        return _of_nginx(case, request, path)
    if case.by_apache and case.apache is not None:
        return _of_apache(case, request, path)
    return Unknown("the rules of the server that answers are not read")


def _kept(judge: Callable[[Request], Verdict], then: Callable[[Request], Verdict], request: Request) -> bool:
    """Whether the client gets in then, and others, and elsewhere, what they got before."""
    stranger = replace(request, source=_STRANGERS[ip_address(request.source).version])
    path = request.target.partition("?")[0]
    others = [stranger, replace(stranger, method="GET")]
    for target in (path + "x", path + "/x", "/", "/wp-login.php", path.rpartition("/")[0] + "/x.php"):
        others += [replace(one, target=target) for one in (request, stranger) if target != path]
    same = all(_of(judge(one)) == _of(then(one)) for one in others)
    return same and then(request).verdict == "accept" and _of(then(request))[1] is None


def _of(verdict: Verdict) -> tuple[str, int | None]:
    return verdict.verdict, verdict.status


def _with(files: Mapping[str, str], one: _Try, own: str) -> dict[str, str]:
    lines = files[one.file].split("\n")
    lines[one.number - 1] = one.new
    return {**files, one.file: "\n".join(lines), own: one.text}


def _real(case: Case, file: str) -> str:
    return case.config.links.get(file, file)


def _only(files: Mapping[str, str], file: str, number: int) -> str:
    """The line of that number, if it stands in its file once; "" if not."""
    lines = files.get(file, "").split("\n")
    line = lines[number - 1].rstrip() if 0 < number <= len(lines) and file.startswith("/etc/") else ""
    alone = [one.strip() for one in lines].count(line.strip()) == 1
    return line if line and alone and not line.endswith("\\") else ""


# ---- nginx

_NGINX_FILE = "/etc/nginx/sshdoctor-opening.conf"


def _of_nginx(case: Case, request: Request, path: str) -> Opening | Unknown:
    assert case.nginx is not None  # noqa: S101 -- asked where there is one
    configuration, walked = case.nginx, case.walked
    if walked is None or walked.verdict.rule is None or walked.verdict.verdict != "reject":
        return Unknown("the model of nginx's rules does not find the rule that refuses")
    if walked.uri != path:
        return Unknown(f"the path has become {walked.uri} before it is refused")

    def judge(request: Request) -> Verdict:
        return walk(configuration, request, case.exists).verdict

    for one in _places_of_nginx(case, walked, path):
        changed = read(_with(case.nginx_files, one, _NGINX_FILE), configuration.file)
        if _kept(judge, lambda asked: walk(changed, asked, case.exists).verdict, request):  # noqa: B023 -- at once
            return Opening(
                file=_NGINX_FILE, text=one.text, into=_real(case, one.file), after=one.old.strip(), line=one.new,
                path=path, client=request.source, unit="nginx", test=("nginx", "-t", "-q"),
            )  # fmt: skip
    return Unknown("no line was found by which this path alone is opened, for this address alone")


def _places_of_nginx(case: Case, walked: Walk, path: str) -> Iterator[_Try]:
    leaf, server, rule = walked.levels[-1], walked.levels[1], walked.verdict.rule
    rules = next((found for one in reversed(walked.levels) if (found := one.all(*_LISTS))), ())
    exact = leaf.name == "location" and modifier_of(leaf) == ("=", path)
    if rule in [one.rule for one in leaf.all("return")] and exact:
        yield from _before_return(case, leaf, server, path)
    if rule not in [one.rule for one in rules]:
        return
    listed = [f"allow {case.client};", *map(_written, rules)]
    if exact:
        own = {one.name for one in leaf.block or ()}
        body = [] if own & {*_HANDLERS} else _otherwise(case, leaf, server, path)
        if not _bound(body):
            more = [_written(one) for one in body if one.name not in {*own, *_LISTS}]
            yield from _into(case, leaf, "\n".join([*(listed[:1] if own & {*_LISTS} else listed), *more]))
        return
    body = (
        [] if leaf is server else [one for one in leaf.block or () if one.name not in (*_LISTS, "location")]
    )
    if len(walked.levels) > 3 or _bound(body):
        return
    inner = "\n".join(f"    {one}" for one in (*listed, *map(_written, body)))
    for one in server.block or ():
        if one.block is None and one.file == server.file:
            yield from _into(case, one, f"location = {path} {{\n{inner}\n}}")


def _into(case: Case, at: Directive, text: str) -> Iterator[_Try]:
    """Behind the brace that opens a block, or behind a directive."""
    line = _only(case.nginx_files, at.file, at.line)
    end = "{" if at.block is not None else ";"
    if line.count(end) == 1 and "#" not in line.partition(end)[0]:
        before, mark, rest = line.partition(end)
        yield _Try(at.file, at.line, line, f"{before}{mark} include {_NGINX_FILE};{rest}", text + "\n")


def _bound(body: list[Directive]) -> bool:
    """Whether it means something else in a location of its own."""
    return any(
        one.name in ("alias", "limit_except", "rewrite", "if", "return", "internal")
        or (one.name == "proxy_pass" and one.args[0].count("/") > 2)
        or any("$1" in arg for arg in one.args)
        for one in body
    )


def _otherwise(case: Case, leaf: Directive, server: Directive, path: str) -> list[Directive]:
    """What holds for the path where this location is not there: without it a page of PHP would be sent as text."""
    assert case.walked is not None  # noqa: S101 -- asked where there is one
    without = replace(server, block=tuple(one for one in server.block or () if one is not leaf))
    other = choose_location(without, path, Values(case.request(), case.walked.levels[0]))
    return [one for one in (other.block or () if other else ()) if one.name != "location"]


def _before_return(case: Case, leaf: Directive, server: Directive, path: str) -> Iterator[_Try]:
    """What would answer if this location were not there, for the client; for others what stands there goes on."""
    assert case.walked is not None  # noqa: S101 -- asked where there is one
    body = [one for one in _otherwise(case, leaf, server, path) if one.name != "try_files"]
    if len(case.walked.levels) > 3 or _bound(body):
        return
    answers = [one for one in body if one.name in _HANDLERS]
    inner = " ".join(["break;", *map(_written, answers)])
    settings = [_written(one) for one in body if one not in answers]
    yield from _into(case, leaf, "\n".join((*settings, f"if ($remote_addr = {case.client}) {{ {inner} }}")))


def _written(one: Directive) -> str:
    words = " ".join((one.name, *map(_quoted, one.args)))
    if one.block is None:
        return words + ";"
    return words + " { " + " ".join(map(_written, one.block)) + " }"


def _quoted(word: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_./:$=@,+~*?-]+", word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


# ---- Apache


def _of_apache(case: Case, request: Request, path: str) -> Opening | Unknown:
    walked, host = case.apache_walked, case.apache_host.block
    if walked is None or walked.verdict.verdict != "reject" or walked.verdict.rule is None:
        return Unknown("the model of Apache's rules does not find the rule that refuses")
    if not walked.verdict.rule.text.lower().startswith(("require", "<require", "deny", "order", "allow")):
        return Unknown(f"{walked.verdict.rule}: it is no rule of who is let in, which one could add to")
    assert case.apache is not None  # noqa: S101 -- asked where there is one
    configuration, root = case.apache, case.apache_reader.root
    own = f"{root}/sshdoctor-opening.conf"
    include = f"IncludeOptional {own}"
    compat = case.config.apache_modules and "access_compat" in case.config.apache_modules
    lines = ["Require all granted", *(["Order deny,allow", "Allow from all"] if compat else [])]
    inner = "\n".join(f"        {one}" for one in lines)
    text = f'<LocationMatch "^{re.escape(path)}$">\n    <If "-R \'{request.source}\'">\n{inner}\n'
    text += "    </If>\n</LocationMatch>\n"
    files = {**case.config.apache_tree, **case.config.apache}

    def judged(configuration: Line, reader: Reader, asked: Request) -> Verdict:
        return walk_apache(configuration, asked, reader, case.exists, case.files.htaccess).verdict

    program = "apache2" if "apache2" in root else "httpd"
    for one in _places_of_apache(files, host or configuration, include, text):
        modules, variables = case.config.apache_modules or None, case.config.apache_variables
        reader = Reader(_with(files, one, own), variables, modules, root)
        then = reader.read(configuration.file)
        if _kept(
            lambda asked: judged(configuration, case.apache_reader, asked),
            lambda asked: judged(then, reader, asked),  # noqa: B023 -- at once
            request,
        ):
            return Opening(
                file=own, text=text, into=_real(case, one.file), after=one.old.strip(), line=include, path=path,
                client=request.source, unit=program,
                test=("apache2ctl" if program == "apache2" else "apachectl", "-t"),
            )  # fmt: skip
    return Unknown("no line was found by which this path alone is opened, for this address alone")


def _places_of_apache(files: Mapping[str, str], host: Line, include: str, text: str) -> Iterator[_Try]:
    """The lines right in the virtual host, the last first: of sections for a path the last one rules."""
    for one in reversed(host.block or ()):
        own = one.block is None and one.file == host.file
        if own and (line := _only(files, one.file, one.line)):
            yield _Try(one.file, one.line, line, f"{line}\n{include}", text)
