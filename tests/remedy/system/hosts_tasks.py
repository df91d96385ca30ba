"""One task on a real host, as the compiled script runs it: with --check, then, again, then undone."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sshdoctor.documents.reader import read_yaml
from sshdoctor.remedy import modules as actions
from sshdoctor.remedy.playbook.arguments import bind
from sshdoctor.remedy.script import head

SHELLS = ("sh", "bash", "busybox sh")
MARK = "5e7f00d"
SOURCES = Path(__file__).parent / "sources.sh"
STAGES = ("check", "first", "second")

# The guard's own words (guard.sh), written down instead of kept in its state.
_STUBS = r"""
keep() { echo "$1" >>"$work/kept"; }
inverse() {
  line=
  for word do line="$line '$(printf %s "$word" | sed "s/'/'\\\\''/g")'"; done
  echo "$line" >>"$work/inverse"
}
guard_touch() { :; }
watch() { say "$1"; env -i PATH="$PATH" bash -c "$watched" 2>&1; }
undo() { sed '1!G;h;$!d' "$work/inverse" >"$work/undo"; sh "$work/undo" 2>&1 </dev/null; }
stage() {
  rm -f "$work/inverse" "$work/kept" "$work/journal"
  : >"$work/inverse"
  begin 1
  ( check=$1; assign; action ) || died
  finish 1 ''
  say inverse; cat "$work/inverse"
  say kept; cat "$work/kept" 2>/dev/null
}
"""


@dataclass(frozen=True, slots=True)
class Case:
    """``before`` makes the state, ``watch`` prints what of it is compared. ``after`` is what it prints when
    the task has run; None if the task must leave it alone. ``says`` is in the failed task's message.
    """

    case: str
    module: str
    arguments: Mapping[str, Any]
    watch: str
    before: str = ""
    after: str | None = None
    image: str = "debian12"
    says: str = ""
    gives: Mapping[str, str] = field(default_factory=dict)
    keeps: tuple[str, ...] = ()
    undoes: bool = True
    changed: bool = True
    changes_again: bool = False
    """A restart or a reload; ``after`` may be left out then."""
    fails_only_then: bool = False
    """--check cannot know that it fails."""


@dataclass(frozen=True, slots=True)
class Stage:
    values: Mapping[str, str]
    inverse: str
    kept: tuple[str, ...]

    @property
    def changed(self) -> bool:
        return self.values["changed"] == "true"

    @property
    def message(self) -> str | None:
        return self.values.get("msg", "") if self.values["failed"] == "true" else None


@dataclass(frozen=True, slots=True)
class Story:
    """What each run of the task came to, and what ``watch`` printed at each point."""

    stages: Mapping[str, Stage]
    seen: Mapping[str, str]


def read_cases(folder: Path) -> Iterator[Case]:
    for path in sorted(folder.glob("*.yml")):
        for item in read_yaml(path):
            yield Case(**{"module": path.stem, **item, "keeps": tuple(item.get("keeps", ()))})


def tell(container: str, case: Case, shell: str = "sh") -> Story:
    """Run the case's task in the container: --check, for real, once more; and put it back."""
    return _read(execute(container, _script(case), shell))


def execute(container: str, script: str, shell: str = "sh", *, quiet: bool = True) -> str:
    """What a script prints that ``shell`` runs in the container, as root, for 100 seconds at most.

    ``quiet``: nothing may stand on standard error.
    """
    command = f"cat >/run/task && SSHDOCTOR_RUN=a-task timeout 100 {shell} /run/task"
    podman = ["podman", "exec", "--interactive", container, "sh", "-c", command]
    done = subprocess.run(podman, input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"exit {done.returncode}: {done.stderr}{done.stdout}"
    assert not (quiet and done.stderr), done.stderr
    return done.stdout


def task_functions(module: str, arguments: Mapping[str, Any]) -> str:
    """Shell text: ``action``, the module's body, and ``assign``, which gives it its arguments."""
    action = actions.load(module)
    assert action is not None
    parts = "".join(map(actions.part, actions.parts(action)))
    assigned = "".join(_assigned(name, value) for name, value in bind(action, arguments).items())
    return f"{parts}action() {{\n{actions.body(action)}}}\nassign() {{\n{assigned}}}\n"


def _script(case: Case) -> str:
    return "\n".join(
        [
            head(MARK, check=False),
            _STUBS,
            task_functions(case.module, case.arguments),
            f"watched={shlex.quote(case.watch)}",
            f'begun=$(env -i PATH="$PATH" bash -ec {shlex.quote(case.before)} 2>&1 </dev/null) ||',
            '  { say broken; echo "$begun"; }',
            "watch before",
            "stage 1; watch check",
            'stage ""; watch first; cp "$work/inverse" "$work/inverse.first"; failed=$(is_failed && echo 1)',
            'stage ""; watch second; cp "$work/inverse.first" "$work/inverse"',
            'say undo; [ -n "$failed" ] || undo; watch undone; say over',
        ]
    )


def _read(printed: str) -> Story:
    pieces = re.split(rf"\n@@{MARK} (.*?)@@\n", f"\n{printed}")
    stages: list[Stage] = []
    values: dict[str, str] = {}
    seen: dict[str, str] = {}
    inverse = ""
    for key, text in zip(pieces[1::2], pieces[2::2], strict=True):
        assert key != "broken", f"the case's `before` failed: {text}"
        word, _, name = key.partition(" ")
        if word == "task":
            values = {}
        elif word == "value":
            values[name] = text
        elif word == "inverse":
            inverse = text
        elif word == "kept":
            stages.append(Stage(values, inverse, tuple(text.split("\n")[:-1])))
        elif word not in ("end", "over"):
            seen[word] = text.rstrip("\n")
    return Story(dict(zip(STAGES, stages, strict=True)), seen)


def _assigned(name: str, value: Any) -> str:
    if value is None:
        return f"unset arg_{name}\n"
    if isinstance(value, bool):
        return f"arg_{name}={'1' if value else ''}\n"
    text = shlex.join(value) if isinstance(value, tuple) else str(value)
    return f"arg_{name}={shlex.quote(text)}\n"
