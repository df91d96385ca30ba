"""Nobody answers, or somebody else does: the server's own state."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sshdoctor.access_rules.nginx.choose import Server, servers
from sshdoctor.access_rules.nginx.read import Directive
from sshdoctor.facts.web.explain.case import APACHES, Case, Found
from sshdoctor.facts.web.explain.lines import Said, said
from sshdoctor.model import Evidence

_TAKEN = re.compile(r"bind\(\) to (\S+) failed \(98|could not bind to address (\S+)|Address already in use")
_WHERE = re.compile(
    r" in (?P<file>/\S+):(?P<line>\d+)\s*$"
    r"|on line (?P<number>\d+) of (?P<read>/\S+?):(?:\s|$)"
    r"|(?:of|file) (?P<named>/\S+?)(?:(?::? line |: ?| )(?P<at>\d+))?:?\s*$"
)


def meant(case: Case) -> str:
    """The server that is to serve this site: whose configuration names it."""
    name = case.site.name.lower()
    if case.nginx is not None:
        http = case.nginx.first("http")
        if http is not None:
            for one in servers(http):
                if name in one.names and any(listen.port == case.site.port for listen in one.listens):
                    return "nginx"
    if case.apache is not None and any(
        name in (arg.lower() for arg in line.args)
        for block in case.apache.all("virtualhost")
        for line in block.all("servername", "serveralias")
    ):
        return "apache2"
    if name and any(name in text for text in case.config.nginx_tree.values()):
        return "nginx"
    if any(name in text for text in case.config.apache_tree.values()):
        return "apache2"
    return next((one for one in ("nginx", "apache2", "httpd") if one in case.state.programs), "")


def naming(case: Case) -> tuple[str, ...]:
    """The servers whose configuration has this site's name."""
    return tuple(program for program in ("nginx", "apache2") if _names(case, program))


def listener(case: Case) -> str:
    """The server whose configuration has this port, where one alone has it; "" where that is not so."""
    found = []
    http = case.nginx.first("http") if case.nginx is not None else None
    if http is not None and any(
        listen.port == case.site.port for one in servers(http) for listen in one.listens
    ):
        found.append("nginx")
    if case.apache is not None and any(
        line.args and line.args[0].rpartition(":")[2] == str(case.site.port)
        for line in case.apache.all("listen")
    ):
        found.append("httpd" if "httpd" in case.state.programs else "apache2")
    return found[0] if len(found) == 1 else ""


def explain(case: Case) -> Found | None:
    """Why nobody answers on the port, or why another program does."""
    program = listener(case) or meant(case)
    unit = case.state.units.get(program, {})
    if not program and not case.state.on_port(case.site.port):
        return Found(
            cause="web-server-missing",
            layer="server",
            text="No web server is installed that could serve this site.",
            fix="apt install nginx",
        )
    running = case.process(program) if program else None
    listening = case.state.on_port(case.site.port)
    if running is None:
        return _not_running(case, program, unit)
    if not listening:
        return Found(
            cause="listens-elsewhere",
            layer="server",
            text=f"{program} runs, and nothing listens on port {case.site.port}"
            f" (it listens on {_ports(case, program)}).",
            fix=f"Add the port to the site's listen or Listen, then reload {program}.",
            evidence=case.state.evidence,
        )
    family = ":" in case.address
    fits = [
        one
        for one in listening
        if one.address in ("*", case.address)
        or one.address == ("::" if family else "0.0.0.0")  # noqa: S104 -- compared, not bound
        or (one.address == "::" and one.program == "")
    ]
    if not fits and case.own:
        there = ", ".join(dict.fromkeys(f"{one.address}:{one.port}" for one in listening))
        return Found(
            cause="listens-elsewhere",
            layer="server",
            text=f"{program} listens on {there}, and not on {case.address}.",
            fix=f"listen [::]:{case.site.port};" if family else f"listen {case.site.port};",
        )
    return None


def _ports(case: Case, program: str) -> str:
    found = [one.port for one in case.state.sockets if one.program.startswith(program) and one.port]
    return ", ".join(map(str, dict.fromkeys(found))) or "no port"


def _not_running(case: Case, program: str, unit: dict[str, str] | object) -> Found:
    error = case.config.nginx_error if program == "nginx" else case.config.apache_error
    words = tuple(line.partition(": ")[2] for line in case.state.words if line.startswith(f"{program}: "))
    state = case.state.units.get(program, {}).get("ActiveState", "not running")
    holder = next((one for one in case.state.on_port(case.site.port)), None)
    if error and not _bind(error):
        return invalid(case, program, error)
    taken = next((line for line in reversed(words) if _bind(line)), "") or (
        (_bind(error or "") and error) or ""
    )
    if holder is not None and holder.program and not holder.program.startswith(program):
        return taken_port(case, program, taken)
    if (refusal := _last_words(case, program)) is not None:
        return refusal
    test = "nginx -t" if program == "nginx" else "apachectl -t"
    wrong = [line for line in words if "[emerg]" in line or "AH0" in line or "yntax error" in line]
    return Found(
        cause="web-server-stopped",
        layer="server",
        text=f"{program} is not running ({state})" + (f"; its last words: {wrong[-1]}" if wrong else "."),
        fix=f"{test} && systemctl start {program}",
        unit=program if case.state.units.get(program, {}).get("LoadState") == "loaded" else "",
        evidence=(Evidence(f"journalctl -u {program}", "\n".join(words[-4:])),) if words else (),
    )


_LAST = 5


def _last_words(case: Case, program: str) -> Found | None:
    """Its own test is content, and its start is not (keys, certificates): the end of its error log says why."""
    server = "nginx" if program == "nginx" else "apache"
    own = sorted((one for one in said(case.log.errors, case.state.zone) if one.server == server), key=_time)
    refusals = [one for one in own[-_LAST:] if one.level == "emerg" and not _bind(one.text)]
    if not refusals or case.state.units.get(program, {}).get("ActiveState") not in (None, "failed"):
        return None
    told = next((one for one in refusals if "AH00016" not in one.text), refusals[0])
    return Found(
        cause="web-config-invalid",
        layer="server",
        text=f"{program} does not start: {told.text.partition(chr(10))[0]}",
        fix=f"Mend what that names; then systemctl start {program}",
        evidence=case.proof(*refusals),
    )


def _time(one: Said) -> float:
    return one.time


def _bind(text: str) -> bool:
    return _TAKEN.search(text) is not None


def taken_port(case: Case, program: str, said: str) -> Found:
    """Another program has the port."""
    other = case.holder
    return Found(
        cause="port-taken",
        layer="server",
        text=f"{other} holds port {case.site.port}, so {program}, which has this site, did not start"
        + (f": {said}" if said else "."),
        fix=f"systemctl disable --now {other}; systemctl start {program}",
        evidence=(
            Evidence("ss -ltnp", f"{case.site.port}: {other}"),
            *((Evidence(f"journalctl -u {program}", said),) if said else ()),
        ),
    )


def invalid(case: Case, program: str, error: str) -> Found:
    """The server refuses its configuration."""
    lines = error.splitlines()
    line = next((one for one in lines if "[emerg]" in one), lines[0])
    if line.endswith(":") and lines.index(line) + 1 < len(lines):  # Apache says in the next one what is wrong
        line += " " + lines[lines.index(line) + 1]
    test = "nginx -t" if program == "nginx" else "apachectl -t"
    places = list(_places(case, line))
    where = f" ({places[0].source})" if places else ""
    return Found(
        cause="web-config-invalid",
        layer="server",
        text=f"{program} refuses its configuration{where}: {line}",
        fix=f"Mend or take away that line{where}; then {test} && systemctl restart {program}",
        evidence=(Evidence(test, error[:600]), *places),
    )


def _places(case: Case, line: str) -> Iterator[Evidence]:
    """Where the line stands that the message is about: by file and line, or by the file that it names."""
    found = _WHERE.search(line)
    file = (found["file"] or found["read"] or found["named"]) if found else None
    number = (found["line"] or found["number"] or found["at"]) if found else None
    if file and number:
        yield Evidence(f"{file}:{number}", line[:200])
        return
    for named in re.findall(r'"(/[^"]+)"', line):
        for path, text in {**case.config.nginx_tree, **case.config.apache_tree}.items():
            for number, one in enumerate(text.split("\n"), 1):
                if named in one and not one.strip().startswith("#"):
                    yield Evidence(f"{path}:{number}", one.strip())
                    return


def another_site(case: Case) -> Found | None:
    """The port is another program's, or the name is nobody's: what came back is another site's page."""
    program = meant(case)
    holder = case.holder
    other = (
        program and holder and not holder.startswith(program) and not (program in APACHES and case.by_apache)
    )
    down = other and case.process(program) is None
    if down and _names(case, program) and not _names(case, holder):
        said = [line for line in case.state.words if line.startswith(f"{program}: ") and _bind(line)]
        return taken_port(case, program, said[-1].partition(": ")[2] if said else "")
    if case.by_nginx:
        return nobodys_name(case)
    if case.by_apache and case.apache is not None and not case.apache_host.by_name:
        return _apache_default(case)
    return None


def _names(case: Case, program: str) -> bool:
    trees = case.config.nginx_tree if program.startswith("nginx") else case.config.apache_tree
    return any(
        re.search(rf"(?im)^(?>.*?server(?:_name|name|alias)\b).*\b{re.escape(case.site.name)}\b", text)
        for text in trees.values()
    )


def nobodys_name(case: Case) -> Found | None:
    """The default server answers a name that another block has, or a file that is not loaded; or refuses it."""
    chosen = case.walked.chosen if case.walked else None
    if chosen is None or chosen.by_name or re.fullmatch(r"[\d.:]+", case.site.name):
        return None
    unread, near = _unread(case), _near(case, chosen.server)
    if not unread and near is None and not _closed_to_strangers(case):
        return None
    block = chosen.server.block
    names = ", ".join(name for name in chosen.server.names if name)
    text = (
        f"No server_name is {case.site.name} on this port and family: the default server answers,"
        f" {block.file}:{block.line} ({names or 'without a name'})"
    )
    evidence = [Evidence(f"{block.file}:{block.line}", " ".join(("server_name", *chosen.server.names)))]
    rule = case.walked.verdict.rule if case.walked else None
    if rule is not None:
        evidence.append(Evidence(f"{rule.file}:{rule.line}", rule.text))
    fix = f"Add {case.site.name} to the site's server_name (or listen); nginx -t && systemctl reload nginx"
    if unread:
        text += f"; {unread[0]} has the name, and is not loaded"
        evidence += [Evidence(place, said) for place, said in (unread, *_includes(case, unread[0]))]
        fix = f"Include {unread[0]} (compare nginx.conf's include lines); nginx -t && systemctl reload nginx"
    elif near is not None:
        evidence.append(Evidence(f"{near.file}:{near.line}", near.rule.text))
    return Found(
        cause="wrong-virtual-host", layer="server", text=text + ".", fix=fix, evidence=tuple(evidence)
    )


def _near(case: Case, chosen: Server) -> Directive | None:
    """The server_name of another block that has the name, with www or without it, on any port."""
    http = case.nginx.first("http") if case.nginx else None
    bare = case.site.name.removeprefix("www.")
    wanted = {bare, f"www.{bare}"}
    if http is None or wanted & set(chosen.names):
        return None
    found = (one.block.first("server_name") for one in servers(http) if wanted & set(one.names))
    return next((one for one in found if one is not None), None)


def _closed_to_strangers(case: Case) -> bool:
    """The default server has names of its own or none, others stand beside it, and it refuses all."""
    walked = case.walked
    http = case.nginx.first("http") if case.nginx else None
    if case.word == "success" or walked is None or walked.chosen is None or http is None:
        return False
    rule = walked.verdict.rule
    own = {one.rule for one in walked.chosen.server.block.block or ()}
    there = [one for one in servers(http) if any(each.port == case.site.port for each in one.listens)]
    return rule in own and len(there) > 1


def _unread(case: Case) -> tuple[str, str] | None:
    """A file with the name that lies where loaded ones lie, and is not among them."""
    pattern = re.compile(
        rf"(?m)^[^\S\n]*server_name\s(?:(?!server_name)[^;#])*\b{re.escape(case.site.name)}\b"
    )
    links = case.config.links
    loaded = set(case.config.nginx) | {links.get(path, path) for path in case.config.nginx}
    kept = ("/sites-enabled/", "/conf.d/", "/sites-available/")
    for folder in kept:
        for path, text in case.config.nginx_tree.items():
            if (
                folder in path
                and path not in loaded
                and case.config.nginx
                and (found := pattern.search(text))
            ):
                return path, found[0].strip()
    return None


def _includes(case: Case, path: str) -> list[tuple[str, str]]:
    folder = path.rpartition("/")[0]
    return [
        (f"{file}:{number}", line.strip())
        for file, text in case.config.nginx.items()
        for number, line in enumerate(text.split("\n"), 1)
        if re.match(r"\s*include\s", line) and folder in line
    ]


def _apache_default(case: Case) -> Found | None:
    block = case.apache_host.block
    if block is None or re.fullmatch(r"[\d.:]+", case.site.name):
        return None
    names = [arg for line in block.all("servername", "serveralias") for arg in line.args]
    elsewhere = [
        path
        for path, text in case.config.apache_tree.items()
        if "/sites-" in path
        and re.search(rf"(?im)^[^\S\n]*Server(?:Name|Alias)[^\S\n].*\b{re.escape(case.site.name)}\b", text)
    ]
    if not elsewhere and not (names and case.word != "success"):
        return None
    return Found(
        cause="wrong-virtual-host",
        layer="server",
        text=f"No virtual host of port {case.site.port} is named {case.site.name}: the first one answers,"
        f" {block.file}:{block.line} ({', '.join(names) or 'without a name'})."
        + (f" {elsewhere[0]} has the name." if elsewhere else ""),
        fix=f"ServerAlias {case.site.name}, or a2ensite; apachectl -t && systemctl reload apache2",
        sure=bool(elsewhere),
        evidence=(Evidence(f"{block.file}:{block.line}", block.text),),
    )


def not_loaded(case: Case, program: str) -> tuple[str, float] | None:
    """A file that was changed after the workers started, and by how many seconds."""
    workers = case.state.workers(program)
    if not workers:
        return None
    started = max(one.began for one in workers)
    times = case.config.nginx_times if program == "nginx" else case.config.apache_times
    loaded = set(case.nginx_files) if program == "nginx" else set(case.config.apache)
    newer = {path: time for path, time in times.items() if path in loaded and time > started + 0.05}
    if not newer:
        return None
    path = max(newer, key=lambda one: newer[one])
    return path, newer[path] - started
