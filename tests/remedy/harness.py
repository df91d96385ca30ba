"""Runs an action's body for real, three times: with --check, then, then again."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sshdoctor.documents.reader import read_yaml
from sshdoctor.remedy import modules as actions
from sshdoctor.remedy.playbook.arguments import bind

HOST_SH = Path(actions.__file__).parent.parent / "host.sh"
THEIRS_SH = HOST_SH.with_name("theirs.sh")
STAGES = ("check", "first", "second")
SHELLS = ("dash", "bash", "busybox")
_BACKUP = re.compile(r"\.\d+\.\d{4}-\d\d-\d\d@[\d:]+~$")
_STUBS = """\
keep() { printf 'keep %s\\0' "$1" >>"$work/calls"; }
inverse() { printf 'inverse %s\\0' "$*" >>"$work/calls"; }
guard_touch() { :; }
"""

Tree = dict[str, tuple[str, ...]]
"""Path below the root to kind, mode, owner, group and text (or a link's target)."""


@dataclass(frozen=True, slots=True)
class Case:
    """One task and what was there before it; ``{tree}`` in any text is the folder that it works in."""

    title: str
    module: str
    before: Mapping[str, Any]
    arguments: Mapping[str, Any]
    changed: bool
    changed_again: bool
    failed: bool
    after: Mapping[str, str | None]
    result: Mapping[str, str]
    says: str
    root: bool
    as_ansible: bool

    def arguments_in(self, tree: Path) -> Any:
        return _filled(self.arguments, tree)

    def make(self, tree: Path) -> None:
        """What is there before."""
        tree.mkdir()
        tree.chmod(0o755)
        for name, what in self.before.items():
            _make(tree / name, _filled(what, tree))


@dataclass(frozen=True, slots=True)
class Stage:
    """What one run left: the tree, the task's values, what the guard was told, what the journal says."""

    tree: Tree
    values: Mapping[str, str]
    kept: tuple[str, ...]
    journal: str


def read_cases(folder: Path) -> Iterator[Case]:
    for path in sorted(folder.glob("*.yml")):
        for item in read_yaml(path):
            yield Case(
                title=f"{path.stem}: {item.pop('case')}",
                module=path.stem,
                before=item.pop("before", {}),
                arguments=item.pop("arguments"),
                changed=item.pop("changed", True),
                changed_again=item.pop("changed_again", False),
                failed=item.pop("failed", False),
                after=item.pop("after", {}),
                result=item.pop("result", {}),
                says=item.pop("says", ""),
                root=item.pop("root", False),
                as_ansible=item.pop("as_ansible", True),
            )
            assert not item, f"{path}: unknown keys {list(item)}"


def run_case(case: Case, shell: str, folder: Path, applets: Path) -> dict[str, Stage]:
    """The three runs, one after another on the same tree. Busybox's has busybox's programs alone."""
    tree, work = folder / "tree", folder / "work"
    case.make(tree)
    work.mkdir()
    script = folder / "script"
    script.write_text(_script(case, folder), encoding="utf-8")
    command = [str(applets / "sh"), str(script)] if shell == "busybox" else [shell, str(script)]
    if case.module == "user":
        command = [*with_etc(tree), *command]
    path = str(applets) if shell == "busybox" else "/usr/sbin:/usr/bin:/sbin:/bin"
    run = subprocess.run(command, env={"PATH": path}, capture_output=True, timeout=60, check=False)
    assert run.returncode == 0 and not run.stderr, run.stderr.decode(errors="replace")
    root = Path("/etc") if case.module == "user" else tree
    return {stage: _stage(folder / stage, tree, root) for stage in STAGES}


def with_etc(tree: Path) -> list[str]:
    """Words before a command that is to see ``tree`` as /etc, in a mount namespace of its own."""
    return ["/usr/bin/unshare", "-m", "/bin/sh", "-c", '/bin/mount --bind "$0" /etc && exec "$@"', str(tree)]


def _script(case: Case, folder: Path) -> str:
    module = actions.load(case.module)
    assert module is not None
    parts = "".join(map(actions.part, actions.parts(module)))
    bound = bind(module, case.arguments_in(folder / "tree"))
    body = actions.body(module)
    for part in actions.parts(module):
        body = body.removeprefix(actions.part(part))
    lines = [f"mark=MARK folder={shlex.quote(str(folder))} umask=022; work=$folder/work; umask 022\n"]
    lines += [
        HOST_SH.read_text(encoding="utf-8"),
        THEIRS_SH.read_text(encoding="utf-8"),
        _STUBS,
        parts,
        f"action() {{\n{body}}}\n",
    ]
    for stage in STAGES:
        check = "1" if stage == "check" else ""
        lines.append(f'rm -f "$work/calls" "$work/journal"; begin 1 >/dev/null\n(check={check}\n')
        lines += [_assigned(name, value) for name, value in bound.items()]
        lines.append("action) || died; finish 1 '' >/dev/null\n")
        lines.append(f'mkdir "$folder/{stage}"; cp -pR "$folder/tree" "$work/task" "$folder/{stage}"\n')
        lines.append(f'cp "$work/calls" "$work/journal" "$folder/{stage}" 2>/dev/null || :\n')
    return "".join(lines)


def _assigned(name: str, value: Any) -> str:
    if value is None:
        return f"unset arg_{name}\n"
    if isinstance(value, bool):
        return f"arg_{name}={'1' if value else ''}\n"
    text = shlex.join(value) if isinstance(value, tuple) else str(value)
    return f"arg_{name}={shlex.quote(text)}\n"


def _stage(folder: Path, tree: Path, root: Path) -> Stage:
    calls, journal = folder / "calls", folder / "journal"
    kept = calls.read_text(encoding="utf-8").split("\0")[:-1] if calls.exists() else []
    return Stage(
        tree=seen(folder / "tree", tree),
        values={path.name: path.read_text(encoding="utf-8") for path in (folder / "task").iterdir()},
        kept=tuple(_plain(call.partition(" ")[2], root) for call in kept),
        journal=journal.read_text(encoding="utf-8") if journal.exists() else "",
    )


def seen(folder: Path, said: Path) -> Tree:
    """Everything below ``folder``, where texts name it ``said``; a backup's number and date are left out."""
    found: Tree = {}
    for path in (folder, *sorted(folder.rglob("*"))):
        status = path.lstat()
        owner = (str(status.st_uid), str(status.st_gid))
        name = _BACKUP.sub(".BACKUP", str(path.relative_to(folder)))
        if path.is_symlink():
            target = str(path.readlink()).replace(str(said), "{tree}")
            found[name] = ("link", "", *owner, target)
            continue
        mode = f"{stat.S_IMODE(status.st_mode):04o}"
        kind = "directory" if path.is_dir() else "file"
        text = "" if path.is_dir() else path.read_bytes().decode("utf-8", "backslashreplace")
        found[name] = (kind, mode, *owner, text.replace(str(said), "{tree}"))
    return found


def install_applets(folder: Path) -> Path:
    """Busybox's programs by their names, and nothing else but shadow's usermod."""
    folder.mkdir()
    busybox = shutil.which("busybox")
    assert busybox, "busybox is needed: apt-get install busybox"
    for name in subprocess.run(
        [busybox, "--list"], capture_output=True, text=True, check=True
    ).stdout.split():
        (folder / name).symlink_to(busybox)
    (folder / "usermod").symlink_to("/usr/sbin/usermod")
    return folder


def _plain(path: str, root: Path) -> str:
    return _BACKUP.sub(".BACKUP", os.path.relpath(path, root))


def _filled(value: Any, tree: Path) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(inner, tree) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, tree) for inner in value]
    return value.replace("{tree}", str(tree)) if isinstance(value, str) else value


def _make(path: Path, what: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    spec: Mapping[str, Any] = {"text": what} if isinstance(what, str) else what
    if "link" in spec:
        path.symlink_to(spec["link"])
        return
    if "text" in spec:
        path.write_bytes(spec["text"].encode())
    else:
        path.mkdir()
    path.chmod(int(spec.get("mode", "644" if "text" in spec else "755"), 8))
    if "owner" in spec:
        os.chown(path, spec["owner"], spec["owner"])
