"""Files that are not there, may not be read, or lie elsewhere."""

from __future__ import annotations

from shlex import quote

from sshdoctor.access_rules.nginx.choose import modifier_of
from sshdoctor.access_rules.nginx.read import Directive
from sshdoctor.facts.web.explain.case import FPM, Case, Found, evidence_of
from sshdoctor.facts.web.explain.lines import Said
from sshdoctor.facts.web.web_files import Entry
from sshdoctor.model import Evidence

_SANDBOX = (
    "ProtectHome",
    "ProtectSystem",
    "PrivateTmp",
    "InaccessiblePaths",
    "TemporaryFileSystem",
    "ReadOnlyPaths",
    "ReadWritePaths",
    "RootDirectory",
    "PrivateMounts",
)

_TAKEN = ".suspected"
"""What providers put behind the name of a file that they take for harmful (php1st.com/2579)."""


def unit_of(case: Case, program: str) -> str:
    """The unit of a program: PHP-FPM's has its version in it."""
    return next(
        (name for name in case.state.units if name.startswith(program[:3]) and program[-3:] in name), program
    )


def sandboxed(case: Case, path: str, program: str, *lines: Said) -> Found | None:
    """The unit of ``program`` hides ``path``, which is there."""
    hidden = next((paths for name, paths in case.files.hidden.items() if name.startswith(program)), ())
    plain = path.rstrip("/")
    if not any(one == plain or plain.startswith(one + "/") or one.startswith(plain + "/") for one in hidden):
        return None
    unit = unit_of(case, program)
    drop_in = case.state.drop_in(unit, *_SANDBOX)
    file, number, text = (*drop_in.split(":", 2), "", "")[:3] if drop_in else ("", "", "")
    setting = text or ", ".join(
        f"{name}={value}"
        for name in _SANDBOX
        if (value := case.state.units.get(unit, {}).get(name, "")) not in ("", "no")
    )
    place = (Evidence(f"{file}:{number}", text),) if drop_in else ()
    return Found(
        cause="service-sandboxed",
        layer="server",
        text=f"{unit} does not see {path} ({setting or 'its own mount namespace'}"
        + (f", {file}:{number}" if drop_in else "")
        + "); the modes are not to blame.",
        fix=f"systemctl edit {unit}: take {setting or 'that setting'} back (ProtectHome=read-only lets it read);"
        f" systemctl restart {unit}",
        evidence=(*case.proof(*lines), *place),
    )


def not_readable(case: Case, path: str, program: str, *lines: Said) -> Found:
    """``path`` may not be read by ``program``: by which part of it."""
    if (found := sandboxed(case, path, program, *lines)) is not None:
        return found
    user = case.worker_user(program)
    part = case.blocked_part(path, program)
    if part is not None and part.mode[-3:] == "000" and "directory" not in part.kind:
        return Found(
            cause="files-quarantined",
            layer="files",
            text=f"{part.path} has mode 000, as scanners leave what they suspect.",
            fix=f"Look at {part.path} first; if it is sound: chmod 644",
            evidence=(*case.proof(*lines), _shown(part)),
        )
    if part is None:
        return Found(
            cause="files-not-readable",
            layer="files",
            text=f"{user} may not read {path}, though its modes let it (an ACL, SELinux or AppArmor may forbid it).",
            fix=f"namei -l {quote(path)}; getfacl {quote(path)}",
            evidence=case.proof(*lines),
        )
    if user in case.state.members.get(part.group, ()) and part.group not in case.worker_groups(program):
        return _group_too_late(case, part, program, *lines)
    folder = "directory" in part.kind
    need = "x" if folder else "r"
    return Found(
        cause="files-not-readable",
        layer="files",
        text=f"{user} cannot {'pass' if folder else 'read'} {part.path}"
        f" ({part.mode.zfill(4)}, {part.owner}:{part.group}).",
        fix=f"chmod o+{need} {quote(part.path)} (or setfacl -m u:{user}:{need} {quote(part.path)})",
        evidence=(*case.proof(*lines), _shown(part)),
    )


def _group_too_late(case: Case, part: Entry, program: str, *lines: Said) -> Found:
    """Groups are those of the account at the time when a program starts (setgroups(2))."""
    user, unit = case.worker_user(program), unit_of(case, program)
    return Found(
        cause="files-not-readable",
        layer="files",
        text=f"{part.path} ({part.mode.zfill(4)}, {part.owner}:{part.group}) is closed to the workers of {unit}:"
        f" {user} was put into the group {part.group} after they had started, and they do not have it.",
        fix=f"systemctl restart {unit}",
        evidence=(
            *case.proof(*lines),
            _shown(part),
            Evidence("/etc/group", f"{part.group}: {', '.join(case.state.members[part.group])}"),
            Evidence("/proc/PID/status of a worker", f"Groups: {', '.join(case.worker_groups(program))}"),
        ),
    )


def _shown(part: Entry) -> Evidence:
    return Evidence(f"stat {part.path}", f"{part.mode.zfill(4)} {part.owner}:{part.group} {part.kind}")


def missing(case: Case, path: str, program: str, *lines: Said) -> Found:
    """``path`` is not there: who looks for it at the wrong place, or where it went."""
    if (found := sandboxed(case, path, program, *lines)) is not None:
        return found
    if (found := _mapped_wrongly(case, path, *lines)) is not None:
        return found
    entries = case.files.entries
    parts = path.rstrip("/").split("/")
    for number in range(2, len(parts) + 1):
        entry = entries.get("/".join(parts[:number]))
        if entry is not None and "symbolic" in entry.kind:
            target = (
                entry.target
                if entry.target.startswith("/")
                else f"{'/'.join(parts[: number - 1])}/{entry.target}"
            )
            if target.rstrip("/") not in entries:
                return Found(
                    cause="files-missing",
                    layer="files",
                    text=f"{entry.path} is a link to {target}, which is not there.",
                    fix=f"Restore {target}, or point the link anew: ln -sfn",
                    evidence=(*case.proof(*lines), Evidence(f"readlink {entry.path}", entry.target)),
                )
    root = root_of(case)
    if root and root not in entries:
        walked = case.walked
        place = walked.setting("root") if walked and case.by_nginx else None
        return Found(
            cause="document-root-missing",
            layer="files",
            text=f"The document root {root} is not there.",
            fix=f"Restore {root}, or correct root / DocumentRoot",
            evidence=(*case.proof(*lines), *(evidence_of(place.rule) if place else ())),
        )
    if (taken := _taken_away(case, path)) is not None:
        return Found(
            cause="files-quarantined",
            layer="files",
            text=f"{path} is not there; {taken} is, as providers rename what they suspect.",
            fix=f"Ask the provider, and look at {taken}; if it is sound, its owner (not root) gives it its name back",
            sure=False,
            evidence=(*case.proof(*lines), Evidence(f"ls {taken}", "is there")),
        )
    return Found(
        cause="files-missing",
        layer="files",
        text=f"{path} is not there.",
        fix=f"Restore {path}, or correct the link to it",
        sure=bool(lines),
        evidence=case.proof(*lines),
    )


def _taken_away(case: Case, path: str) -> str | None:
    """The same file under the name that a provider gives it."""
    folder, _, name = path.rstrip("/").rpartition("/")
    there = case.files.folders.get(folder, {})
    return f"{folder}/{name}{_TAKEN}" if f"{name}{_TAKEN}" in there else None


def root_of(case: Case) -> str:
    walked = case.walked if case.by_nginx else None
    if walked is not None:
        found = walked.setting("root")
        return found.args[0].rstrip("/") if found and "$" not in found.args[0] else ""
    if case.apache is not None:
        scopes = [one for one in (case.apache_host.block, case.apache) if one is not None]
        roots = [one.args[0].rstrip("/") for scope in scopes for one in scope.all("documentroot") if one.args]
        return roots[0] if roots else ""
    return ""


def _mapped_wrongly(case: Case, path: str, *lines: Said) -> Found | None:
    """An alias without its slash, a root that repeats the location's name, or a root that is another's."""
    if case.by_apache and case.apache is not None:
        return alias_by_apache(case, path, *lines)
    walked = case.walked if case.by_nginx else None
    if walked is None or walked.location is None:
        return None
    location = walked.location
    modifier, text = modifier_of(location)
    alias, root = location.first("alias"), location.first("root")
    if alias is not None and modifier in ("", "^~") and text.endswith("/") != alias.args[0].endswith("/"):
        return Found(
            cause="path-mapped-wrongly",
            layer="files",
            text=f"{alias.file}:{alias.line}: {alias.rule.text} and location {text} do not both end with a slash:"
            f" nginx looks for {path}.",
            fix=f"alias {alias.args[0].rstrip('/')}/; in location {text.rstrip('/')}/",
            evidence=(*case.proof(*lines), *evidence_of(alias.rule, location.rule)),
        )
    if modifier in ("~", "~*") and (found := _displaced(case, location, path, *lines)) is not None:
        return found
    place = alias or root
    if place is not None and "$" not in place.args[0]:
        rest = case.request().target.partition("?")[0]
        base = place.args[0].rstrip("/")
        shorter = rest[len(text.rstrip("/")) :] if modifier in ("", "^~") else rest
        for other in {f"{base}{shorter}", f"{base}{rest}"}:
            if (
                other.rstrip("/") != path.rstrip("/")
                and other.rstrip("/") in case.files.entries
                and other.strip("/")
            ):
                return Found(
                    cause="path-mapped-wrongly",
                    layer="files",
                    text=f"{place.file}:{place.line}: {place.rule.text} leads to {path}; the file is {other}.",
                    fix=f"{'root' if alias else 'alias'} in the place of {place.name} there",
                    evidence=(*case.proof(*lines), *evidence_of(place.rule, location.rule)),
                )
    return None


def _displaced(case: Case, location: Directive, path: str, *lines: Said) -> Found | None:
    """A regular expression goes before a prefix that has the file (ngx_http_core_module, location)."""
    walked = case.walked
    server = walked.chosen.server.block if walked is not None and walked.chosen is not None else None
    uri = case.request().target.partition("?")[0]
    for one in server.all("location") if server is not None else ():
        modifier, text = modifier_of(one)
        place = one.first("alias") or one.first("root")
        if modifier or not uri.startswith(text) or place is None or "$" in place.args[0]:
            continue
        base = place.args[0].rstrip("/")
        there = f"{base}/{uri[len(text) :].lstrip('/')}" if place.name == "alias" else f"{base}{uri}"
        if there == path or there not in case.files.entries:
            continue
        return Found(
            cause="path-mapped-wrongly",
            layer="files",
            text=f"{location.file}:{location.line}: {location.rule.text} goes before location {text}"
            f" ({one.file}:{one.line}): nginx looks for {path}; the file is {there}.",
            fix=f"location ^~ {text}, which no regular expression goes before",
            evidence=(*case.proof(*lines), *evidence_of(location.rule, one.rule, place.rule)),
        )
    return None


def alias_by_apache(case: Case, path: str, *lines: Said) -> Found | None:
    """mod_alias puts what is left of the path right behind the folder, whose slash at the end is missing."""
    alias = case.apache_alias
    if alias is None or not alias.args[0].endswith("/") or alias.args[1].endswith("/"):
        return None
    asked, folder = alias.args[0].rstrip("/"), alias.args[1]
    meant = f"{folder}/{case.request().target.partition('?')[0][len(alias.args[0]) :]}"
    return Found(
        cause="path-mapped-wrongly",
        layer="files",
        text=f"{alias.file}:{alias.line}: {alias.text} has a slash at one end alone: Apache looks for {path}.",
        fix=f"Alias {asked}/ {folder}/",
        sure=case.exists(meant, "any") is True,
        evidence=(*case.proof(*lines), *evidence_of(alias.rule)),
    )


def script_unknown(case: Case, *lines: Said) -> Found:
    """PHP-FPM does not find the script that it was told to run."""
    path = case.walked.file if case.walked and case.by_nginx else case.apache_file
    if path.endswith("/"):
        path += "index.php"
    if (found := sandboxed(case, path, FPM, *lines)) is not None:
        return found
    entry = case.files.entries.get(path)
    handler = case.walked.levels[-1] if case.walked and case.walked.levels else None
    named = [
        one for one in (handler.all("fastcgi_param") if handler else ()) if one.args[0] == "SCRIPT_FILENAME"
    ]
    if (entry is not None or path in case.files.entries) and case.blocked_part(path, FPM) is not None:
        return not_readable(case, path, FPM, *lines)
    rules = [one.rule for one in named] + ([handler.rule] if handler is not None and handler.args else [])
    asked = named[-1].args[1] if named else path
    if (
        entry is None
        and path.endswith(".php")
        and not any("$document_root" not in one.args[1] for one in named)
    ):
        root = root_of(case)
        if root in case.files.entries or not root:
            return missing(case, path, FPM, *lines)
    return Found(
        cause="path-mapped-wrongly",
        layer="files",
        text=f"PHP-FPM is told to run a script that it does not find (SCRIPT_FILENAME {asked}).",
        fix="fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; with the right root",
        evidence=(*case.proof(*lines), *evidence_of(*rules)),
    )
