"""What an examination finds: frozen values, in the words of the contract."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from sshdoctor.facts.frozen.running import Process

Kind = Literal["misuse", "abuse", "load", "well", "undecided"]
StartedBy = Literal[
    "cron",
    "at",
    "timer",
    "unit",
    "supervisor",
    "rc",
    "profile",
    "pam",
    "web request",
    "login",
    "parent",
    "container",
    "udev",
    "mail",
    "unknown",
]


class Line(Struct, frozen=True):
    """A line of a file; ``line`` is its number, None where the whole file is meant."""

    file: str
    line: int | None
    text: str


class Origin(Struct, frozen=True, kw_only=True):
    """What started a process: ``file`` is where that stands, ``lines`` those that do it; ``through`` are the
    scripts between the two."""

    started_by: StartedBy
    file: str = ""
    lines: tuple[Line, ...] = ()
    through: tuple[str, ...] = ()
    unit: str = ""
    """The unit that holds it, with "USER:" before one of a user's own."""
    reread: str = ""
    """A package's unit that reads ``file``, and starts the process anew until it reads it again."""


class Culprit(Struct, frozen=True, kw_only=True):
    """A process that should not run. ``program`` is what runs: a program, or an interpreter's script."""

    process: Process
    user: str
    program: str
    title_is_a_lie: bool
    why: tuple[str, ...]
    origin: Origin


class Way(Struct, frozen=True):
    """The log's line of the way in, or of the first time that it was used."""

    log: str
    line: str
    first_use: bool


class Heap(Struct, frozen=True, kw_only=True):
    """Letters of one cause; ``by`` is script, login, user, process or list, ``name`` which."""

    by: Literal["script", "login", "user", "process", "list"]
    name: str
    count: int
    guilty: bool = False
    abused: bool = False
    """The site's own, which strangers use."""
    open: bool = False
    """Masses of which it was not found what sent them."""
    why: str = ""
    uid: str = ""
    client: str = ""
    shown_in: str = ""
    letters: tuple[str, ...] = ()
    """The names in the queue of those that were opened."""


class Mail(Struct, frozen=True):
    """``server`` is postfix or exim, "" where none was found."""

    queued: int
    heaps: tuple[Heap, ...]
    sampled: bool
    server: str = ""


Action = Literal[
    "file",
    "lines",
    "unit",
    "user-unit",
    "atjobs",
    "supervisor",
    "parent",
    "reload",
    "close",
    "login",
    "advice",
]
"""What a step does: "file" puts one aside, "lines" takes the guilty lines out of one that is shared, "close"
takes a form's rights away; "login" and "advice" are for a person."""


class Step(Struct, frozen=True):
    """Something that would be done, so that it stays stopped: ``what`` and ``how`` in words.

    ``target`` is the path, or the name of the unit, the section, the login; ``user`` whose unit or jobs.
    """

    what: str
    how: str
    action: Action = "advice"
    target: str = ""
    user: str = ""
    reread: str = ""
    """The unit that is to read the file again afterwards."""


class Innocent(Struct, frozen=True):
    what: str
    why: str


class Incident(Struct, frozen=True, kw_only=True):
    what: str
    first: float
    last: float
    log: str
    ended: bool


class Examination(Struct, frozen=True, kw_only=True):
    """All that was found on one host. ``doubts`` are what cannot be trusted or was not seen."""

    kind: Kind
    culprits: tuple[Culprit, ...] = ()
    persistence: tuple[Line, ...] = ()
    mail: Mail | None = None
    entry: Way | None = None
    stop: tuple[Step, ...] = ()
    provider_did: tuple[str, ...] = ()
    innocent: tuple[Innocent, ...] = ()
    incidents: tuple[Incident, ...] = ()
    doubts: tuple[str, ...] = ()
