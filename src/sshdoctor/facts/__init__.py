"""Facts: what a host says of itself. One file a fact: its commands, and a pure ``parse``.

The filename is the registry, the folder says whom it concerns. A fact ``NAME.py`` has ``COMMANDS`` (name to
POSIX sh text), ``VALUE`` (a frozen Struct) and ``parse(sections)``, which gives a VALUE or an Unknown;
``WRITERS`` says who could have written what stands in it (see ``Writer``). One that files alone can tell has
``on_disk(disk, user)`` as well: the same VALUE, of a system that does not run. Of one that
lets the client in a fact with ``OF_REFUSALS`` is not asked. ``ONCE`` is what its commands need to know and
others' as well: the probe asks it once. One in a folder ``derived`` is made of others
(``NEEDS``), and of what the client met, by ``derive(known)``.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from sshdoctor.facts.offline.accounts_and_paths import OFF
from sshdoctor.facts.parsing.output import NOT_PERMITTED, RepeatedPartError
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.parsing.words import OddWordError
from sshdoctor.model import Unknown
from sshdoctor.services import default

if TYPE_CHECKING:
    from sshdoctor.disk import Disk

_READERS = ("parsing", "offline")

Writer = Literal["kernel", "root", "account", "client", "anyone"]
"""The least privileged one who could have written something, which is what it counts for.

``kernel``: its own state, whatever brought it about. ``account``: the one who logs in, about this login.
``client``: this side. ``anyone``: every user of the host, or who only dialled it: it is shown, it proves
nothing, and no command has it in it.
"""
Writers = Mapping[str, str]
"""A Writer for each field of a fact that is named, and "" for all others."""

__all__ = [
    "OFF",
    "DerivedFact",
    "Fact",
    "Writer",
    "Writers",
    "about_doors",
    "asked_once",
    "commands",
    "derived",
    "left_out",
    "load",
    "names",
    "parse_all",
    "read_disk",
]


class Fact(Protocol):
    """What the module of a fact offers."""

    COMMANDS: Mapping[str, str]
    VALUE: type[Any]
    WRITERS: Writers

    def parse(self, sections: Mapping[str, Section]) -> Any: ...


class DerivedFact(Protocol):
    """What the module of a derived fact offers."""

    NEEDS: tuple[str, ...]
    VALUE: type[Any]
    WRITERS: Writers

    def derive(self, known: Mapping[str, Any]) -> Any: ...


@cache
def names(service: str = "") -> tuple[str, ...]:
    """The names of all facts about a host and ``service`` ("" for the one that is meant if none is named).

    >>> "listeners" in names(), "listeners" in names("web")
    (True, False)
    """
    return tuple(sorted({**_found("host"), **_found(service or default().name)}))


@cache
def about_doors() -> tuple[str, ...]:
    """The names of the facts on which the doors of accounts hang: they are asked where those are wanted."""
    return tuple(sorted(_found("doors")))


def left_out(chosen: Iterable[str]) -> tuple[str, ...]:
    """Those that tell nothing of a host that lets the client in: every check that reads them is skipped."""
    return tuple(name for name in chosen if getattr(load(name), "OF_REFUSALS", False))


def load(name: str) -> Fact:
    """The module of the fact ``name``. Raises KeyError if there is none."""
    return cast(Fact, importlib.import_module(_modules()[name]))


@cache
def derived() -> Mapping[str, DerivedFact]:
    """The modules of all derived facts, by the facts' names."""
    found = _found("*/derived")
    return {name: cast(DerivedFact, importlib.import_module(path)) for name, path in found.items()}


@cache
def _modules() -> Mapping[str, str]:
    return _found("*")


def _found(folders: str) -> dict[str, str]:
    """The modules in ``folders``, by the name of the file."""
    here = Path(__file__).parent
    files = [file.relative_to(here).with_suffix("").parts for file in here.glob(f"{folders}/[a-z]*.py")]
    return {parts[-1]: ".".join((__name__, *parts)) for parts in files if parts[0] not in _READERS}


def commands(chosen: Iterable[str]) -> dict[str, str]:
    """The commands of the chosen facts, by ``fact.command``: the sections of one probe.

    >>> list(commands(["listeners"]))
    ['listeners.sockets']
    """
    return {f"{name}.{key}": text for name in chosen for key, text in load(name).COMMANDS.items()}


def asked_once(chosen: Iterable[str]) -> dict[str, str]:
    """What several of the chosen facts need to know, by the shell variable that has it in their commands."""
    return {key: text for name in chosen for key, text in getattr(load(name), "ONCE", {}).items()}


def parse_all(chosen: Iterable[str], sections: Mapping[str, Section]) -> dict[str, Any]:
    """The values of the chosen facts, by name. Whatever a host printed, this raises nothing.

    A fact of which nothing came back, or whose output its parser cannot read, is Unknown.
    """
    return {name: _parse(name, sections) for name in chosen}


def read_disk(chosen: Iterable[str], disk: Disk, user: str, seconds: float) -> dict[str, Any]:
    """The values of the chosen facts on a disk whose system does not run, by name; it raises nothing.

    What only a running system could say is Unknown, with just that reason; what would be read after so many
    ``seconds`` as well.
    """
    disk.begin_all(seconds)
    return {name: _on_disk(name, disk, user) for name in chosen}


def _on_disk(name: str, disk: Disk, user: str) -> Any:
    reader = getattr(load(name), "on_disk", None)
    if reader is None:
        return OFF
    from sshdoctor.disk import EndlessDiskError  # which a host that runs has no need of

    try:
        disk.begin()
        return reader(disk, user)
    except PermissionError:
        return NOT_PERMITTED
    except EndlessDiskError as error:
        return Unknown(str(error))
    except Exception as error:  # a disk's files are hostile until proved otherwise
        return Unknown(f"its files could not be read: {type(error).__name__}")


def _parse(name: str, sections: Mapping[str, Section]) -> Any:
    fact = load(name)
    never = Section("", None, "never ran")
    own = {key: sections.get(f"{name}.{key}", never) for key in fact.COMMANDS}
    if all(section.cut for section in own.values()):
        return Unknown(f"its command {next(iter(own.values())).cut}")
    try:
        return fact.parse(own)
    except RepeatedPartError:
        return Unknown("a part of its output came twice")
    except OddWordError as error:
        return Unknown(str(error))
    except Exception as error:  # a host's output is hostile until proved otherwise
        return Unknown(f"its output could not be read: {type(error).__name__}")
