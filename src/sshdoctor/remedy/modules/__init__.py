"""The actions: Ansible modules, each a table of arguments and a body in POSIX sh, side by side.

The filename is the registry (``assert_`` stands for ``assert``). A body runs in a subshell, with one shell
variable ``arg_NAME`` for each argument; see host.sh for what it stands on.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

from sshdoctor import services


@cache
def known() -> dict[str, ModuleType | None]:
    """Every action by its short name, and by the name with its collection once it is loaded."""
    return {name.rstrip("_"): None for _, name, _ in iter_modules(__path__)}


def load(name: str) -> ModuleType | None:
    """The action ``name``, short or with its collection; None if there is none."""
    collection, _, short = name.rpartition(".")
    if short not in known():
        return None
    module = import_module(f"{__name__}.{_file(short)}")
    return module if collection in ("", module.COLLECTION, "ansible.legacy") else None


def name_of(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2].rstrip("_")


def body(module: ModuleType) -> str:
    """The shell text of an action, or empty if the compiler does all of it."""
    path = Path(__path__[0]) / f"{module.__name__.rpartition('.')[2]}.sh"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def parts(module: ModuleType) -> tuple[str, ...]:
    """The names of the shell texts that several actions share and this one needs."""
    found: tuple[str, ...] = getattr(module, "PARTS", ())
    return found


def part(name: str) -> str:
    """The text of such a part; one that is not here is the services'."""
    path = Path(__path__[0]) / "parts" / f"{name}.sh"
    return path.read_text(encoding="utf-8") if path.is_file() else services.shell(name)


def changes(module: ModuleType) -> bool:
    """Whether an action may change the host: not one that only asks, waits or speaks."""
    return not getattr(module, "READS_ONLY", False)


def _file(short: str) -> str:
    return f"{short}_" if short in ("assert",) else short
