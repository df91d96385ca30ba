"""Scenarios as data: what is broken on a host, how it is dialled, and what must be found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from hosts.engine import podman
from hosts.testbed import TestHost
from sshdoctor.documents.reader import read_yaml

FOLDER = Path(__file__).parent / "scenarios"
NAME = "web1.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """What the client dials.

    ``address``: ``ipv4`` or ``ipv6``, the host's own; ``nobody``, which no host has. By a name:
    ``both``, with the host's two addresses; ``elsewhere``, with nobody's; ``unresolved``, with none.
    ``known_hosts``: ``right``, or ``wrong`` with another key. ``key``: ``right``, or ``other``.
    """

    address: str = "ipv4"
    port: int = 22
    user: str = "deploy"
    known_hosts: str = "right"
    key: str = "right"

    def destination(self, host: TestHost) -> str:
        literal = {"ipv4": "ADDRESS4", "ipv6": "ADDRESS6", "nobody": "NOBODY4"}
        return host.variables[literal[self.address]] if self.address in literal else NAME

    def names(self, host: TestHost) -> str | None:
        """The hosts(5) file to dial with, or None where no name is dialled."""
        variables = {"both": ("ADDRESS4", "ADDRESS6"), "elsewhere": ("NOBODY4",), "unresolved": ()}
        if self.address not in variables:
            return None
        return "".join(f"{host.variables[name]} {NAME}\n" for name in variables[self.address])


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What the report must say. ``cause`` None: the host is healthy, and nothing may be found."""

    reply: str | Mapping[str, str]
    """The reply word; where the families differ, one for each."""
    exit: int
    verdict: str
    cause: str | None = None
    role: str = "root"
    confidence: str | None = None
    behind: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def seconds(self) -> int:
        """How long a client must wait to see the reply.

        The kernel asks for a neighbour for three seconds; libwrap sleeps for five before it closes. What else
        answers does so at once, but on a machine where others run beside it.
        """
        longer = {"local-unreachable": 6, "closed-before-banner": 8}
        return longer.get(self.reply, 4) if isinstance(self.reply, str) else 4

    def faults(self, report: Mapping[str, Any], exit_code: int) -> list[str]:
        """Everything in which one host's part of a report differs."""
        causes = report["causes"]
        ids = {role: [c["id"] for c in causes if c["role"] == role] for role in ("root", "behind", "latent")}
        wanted = {role: [] if role != self.role or not self.cause else [self.cause] for role in ids}
        wanted["behind"] = sorted([*wanted["behind"], *self.behind])
        replies = {probe["family"]: probe["reply"] for probe in report["outside"]}
        seen: dict[str, tuple[object, object]] = {
            "exit code": (exit_code, self.exit),
            "verdict": (report["verdict"], self.verdict),
            "replies": (
                replies if isinstance(self.reply, Mapping) else {*replies.values()},
                _words(self.reply),
            ),
            "root causes": (ids["root"], wanted["root"]),
            "causes behind": (sorted(ids["behind"]), wanted["behind"]),
            "absent causes": ([c["id"] for c in causes if c["id"] in self.absent], []),
        }
        if self.role == "latent" or self.cause is None:
            seen["latent causes"] = (ids["latent"], wanted["latent"])
        if self.cause is None:  # a host that was not looked into is not known to be healthy
            seen["privileged"] = (report["access"]["privileged"], True)
        if self.cause:
            seen["confidence"] = (
                [c["confidence"] for c in causes if c["id"] == self.cause],
                [self.confidence],
            )
        return [f"{what}: {is_!r}, not {must!r}" for what, (is_, must) in seen.items() if is_ != must]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One file: the image, the script that breaks the host, a condition that says it is broken."""

    name: str
    break_: str
    expect: Expectation
    image: str = "debian12"
    wait: str = ""
    powers_off: bool = False
    dial: Dial = field(default_factory=Dial)

    @property
    def cause_ids(self) -> set[str]:
        """Everything that is wrong with the host."""
        return {self.expect.cause, *self.expect.behind} - {None}  # type: ignore[return-value]  # None is taken out

    def break_host(self, host: TestHost) -> None:
        wait = f"\nuntil (\n{self.wait}\n) >/dev/null 2>&1; do sleep 0.1; done" if self.wait else ""
        host.run(self.break_ + wait)
        if self.powers_off:
            podman("wait", host.container)


@cache
def load_scenarios() -> tuple[Scenario, ...]:
    """Every scenario, by name. A key that means nothing raises TypeError."""
    return tuple(_load(path) for path in sorted(FOLDER.glob("*.yml")))


def _load(path: Path) -> Scenario:
    data: dict[str, Any] = dict(read_yaml(path))
    expect: dict[str, Any] = {
        key: tuple(it) if isinstance(it, list) else it for key, it in data.pop("expect").items()
    }
    return Scenario(
        name=path.stem,
        break_=data.pop("break"),
        dial=Dial(**data.pop("dial", {})),
        expect=Expectation(**expect),
        **data,
    )


def _words(reply: str | Mapping[str, str]) -> object:
    return {reply} if isinstance(reply, str) else dict(reply)
