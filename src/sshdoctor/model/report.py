"""What was found: the answer for one host."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from sshdoctor.model.host import Login
from sshdoctor.model.repair import Repair
from sshdoctor.model.reply import Reply
from sshdoctor.model.words import Evidence

Role = Literal["root", "behind", "latent"]
Confidence = Literal["proved", "likely", "possible"]
Proof = Literal["said", "excluded", "repaired"]
Status = Literal["pass", "fail", "warn", "blocked", "unknown", "skipped"]
Verdict = Literal["healthy", "blocked", "undecided"]


class Cause(Struct, frozen=True, kw_only=True):
    """Why a client does not get in (or will not, if latent)."""

    id: str
    role: Role
    confidence: Confidence
    proof: Proof | None = None
    """By what it is proved: the host's own words about this dial, all else being excluded, or the repair."""
    layer: str
    summary: str
    evidence: tuple[Evidence, ...] = ()
    fix: str = ""
    playbooks: tuple[str, ...] = ()


class Finding(Struct, frozen=True, kw_only=True):
    """What one check came to."""

    id: str
    title: str
    layer: str
    status: Status
    summary: str
    causes: tuple[str, ...] = ()


class Attempt(Struct, frozen=True):
    """A way in that was tried, and what it answered (``ok`` for the one in use)."""

    via: str
    reply: str
    detail: str = ""


class AccessUsed(Struct, frozen=True, kw_only=True):
    """The way in that was used, or ``via=None`` if none worked."""

    via: str | None
    detail: str = ""
    privileged: bool | None = None
    tried: tuple[Attempt, ...] = ()


class Prediction(Struct, frozen=True, kw_only=True):
    """What a client must see by what the host says; ``agrees`` is None where that is not known."""

    reply: str
    agrees: bool | None
    why: str


class Change(Struct, frozen=True):
    """Something that changed on the host; ``when`` in seconds since 1970."""

    when: float
    what: str


class History(Struct, frozen=True, kw_only=True):
    """What changed since a login last worked, the oldest first: where a person looks, and no proof.

    ``since`` is when that was, in seconds since 1970, ``user`` who it was, "" if nobody is named.
    """

    since: float
    user: str
    changes: tuple[Change, ...]
    unseen: tuple[str, ...] = ()
    """Kinds of change that this host cannot be asked for: files, packages, units."""


class HostReport(Struct, frozen=True, kw_only=True):
    """The answer for one host."""

    host: str
    service: str
    """The name of what was dialled."""
    url: str | None = None
    """Where what was dialled has one."""
    login: Login
    verdict: Verdict
    outside: tuple[Reply, ...]
    access: AccessUsed
    prediction: Prediction | None
    causes: tuple[Cause, ...]
    checks: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    possible: tuple[Cause, ...] = ()
    """Where nobody looked inside and nothing was found: what the replies alone may come from."""
    when: float | None = None
    """When the host was dialled, in seconds since 1970; None where nobody looked at a clock."""
    history: History | None = None
    """None where the client gets in, or no login that worked is known."""
    repair: Repair | None = None
    managed: str | None = None
    """The name of the provider who runs the host."""
    own_key: bool | None = None
    """Whether a host key that nobody here knew is the host's own, as seen inside; None: not compared."""
    next: tuple[str, ...] = ()
    """The commands to type now, in this order."""
