"""What a client dials: one folder a service, found by its name, and what all of them come to together."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path

from sshdoctor.model import Unknown
from sshdoctor.services.base import NETWORK_WORDS, Service

__all__ = [
    "Service",
    "default",
    "find_servers",
    "layers",
    "load",
    "names",
    "progress",
    "reply_words",
    "shell",
    "works",
]


@cache
def names() -> tuple[str, ...]:
    """The names of all services, sorted."""
    return tuple(sorted(file.parent.name for file in Path(__file__).parent.glob("*/__init__.py")))


@cache
def load(name: str) -> Service:
    """The service ``name``. Raises ModuleNotFoundError if there is none."""
    found: Service = import_module(f"{__name__}.{name}").SERVICE
    return found


def default() -> Service:
    """The service that is meant where none is named."""
    return next(service for service in map(load, names()) if service.default)


@cache
def layers() -> tuple[str, ...]:
    """The layers of all services, in the order in which a client passes them."""
    return tuple(dict.fromkeys(layer for name in names() for layer in load(name).layers))


@cache
def reply_words() -> tuple[str, ...]:
    """Every word that a client may get."""
    return (*NETWORK_WORDS, *(word for name in names() for word in load(name).words))


def shell(name: str) -> str:
    """The shell text ``name`` (see base.py) of every service, one after the other."""
    files = (Path(__file__).parent / service / f"{name}.sh" for service in names())
    return "".join(file.read_text(encoding="utf-8") for file in files if file.is_file())


def find_servers() -> str:
    """Shell functions that tell which processes are servers (servers.sh)."""
    return (Path(__file__).parent / "servers.sh").read_text(encoding="utf-8")


def progress(word: str | Unknown) -> int:
    """How far a client came that got ``word``; nowhere (0), as far as is known, where that is not known.

    >>> progress("rst") < progress("no-banner") < progress("auth-denied") < progress("ok")
    True
    """
    return 0 if isinstance(word, Unknown) else _progress().get(word, 0)


def works(word: str) -> bool:
    """Whether ``word`` is one with which a client gets in, or as far as it tried."""
    return any(word in load(name).working for name in names())


@cache
def _progress() -> dict[str, int]:
    return {word: far for name in names() for word, far in load(name).words.items()}
