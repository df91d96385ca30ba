"""Cases as data: a host that is broken (or only looks it), how it is dialled, and the right answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from sshdoctor.documents.reader import read_yaml

FOLDER = Path(__file__).parent / "cases"
SCENARIOS = Path(__file__).parents[1] / "hosts" / "scenarios"
KINDS = ("reports", "causes", "pairs", "healthy")
"""From public reports; one for each cause (and more); several faults on one host; hosts that look ill."""

LESS_SURE = {"proved": ("proved", "likely"), "likely": ("likely", "possible"), "possible": ("possible",)}
"""Which confidence is as good where a scenario of tests/hosts names one: never more than that."""


class Struct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Data that is not changed, in which an unknown key is an error."""


class Dial(Struct, frozen=True, kw_only=True):
    """What the client dials.

    ``address``: ``ipv4`` or ``ipv6``, the host's own; ``nobody``, which no host has; or an address itself.
    By a name: ``both``, with the host's two addresses; ``elsewhere``, with nobody's; ``unresolved``, with
    none. ``known_hosts``: ``right``; ``wrong``, with another key; ``none``, an empty file; or the name of the
    machine whose keys it holds.
    """

    address: str = "ipv4"
    port: int = 22
    user: str = "deploy"
    known_hosts: str = "right"


class Client(Struct, frozen=True, kw_only=True):
    """This machine as the client: its files lie in $FOLDER, its ~/.ssh is $FOLDER/dotssh."""

    key: str = "right"
    """``right``, ``other`` (which no host knows), ``none``, or the name of a file in $FOLDER."""
    args: str = ""
    """``ansible_ssh_common_args``, in which $NAMES stand for variables."""
    config: str = ""
    """~/.ssh/config, in which $NAMES stand for variables."""
    agent: bool = False
    """An agent runs (SSH_AUTH_SOCK), which the script may give keys to."""
    script: str = ""
    """Run on this machine before the host is broken; $CONTAINER, $KEY and $FOLDER are set, too."""
    inventory: dict[str, Any] = {}
    """More variables of the inventory."""


class Machine(Struct, frozen=True, kw_only=True):
    """Another host of the case, as its name says: $JUMP4 its address, $JUMP the container, $JUMP_PID."""

    image: str = "debian12"
    break_: str = msgspec.field(default="true", name="break")


class Expect(Struct, frozen=True, kw_only=True):
    """The right answer. ``cause`` None: the host is healthy, and nothing may be found."""

    cause: str | None = None
    also: tuple[str, ...] = ()
    """Ids that are as right."""
    undecided: bool = False
    """Undecided is as right (where the program says that its own library cannot do it)."""
    role: str = "root"
    """Empty: any."""
    confidence: tuple[str, ...] = ()
    """The acceptable ones; none given: any."""
    fix: tuple[str, ...] = ()
    """What the fix must name: each a regular expression, whatever the case."""
    not_fix: tuple[str, ...] = ()
    """What the fix must not propose."""
    names: tuple[str, ...] = ()
    """What the summary, the evidence or the fix must name."""
    behind: tuple[str, ...] = ()
    """What else is wrong with the host, by id; ``a|b``: one of them."""
    absent: tuple[str, ...] = ()
    """Ids of what is not wrong with it."""

    @property
    def ids(self) -> set[str]:
        """Every id that is right as the first cause."""
        return {self.cause, *self.also} - {None}  # type: ignore[return-value]  # None is taken out

    def filled(self, variables: Mapping[str, str]) -> Expect:
        """With the values of variables where ``{NAME}`` stands in an expression."""

        def fill(patterns: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(
                re.sub(r"\{([A-Z][A-Z_0-9]+)\}", lambda found: re.escape(variables[found[1]]), pattern)
                for pattern in patterns
            )

        changed = {"fix": fill(self.fix), "not_fix": fill(self.not_fix), "names": fill(self.names)}
        return msgspec.structs.replace(self, **changed)


class Case(Struct, frozen=True, kw_only=True):
    """One host, from which tree of files or generator it may come."""

    name: str
    kind: str
    fault: str = ""
    right: str = ""
    """The answer in words, where the case comes from a report."""
    image: str = "debian12"
    without: str | None = None
    """A capability that the host does not have."""
    network: str = "near"
    """``near``: this machine is the client, on the host's own network. ``router``: the client is 203.0.113.9
    in a namespace of its own ($CLIENTNS), behind a router ($ROUTERNS, $ROUTER4)."""
    machines: dict[str, Machine] = {}
    break_: str = msgspec.field(default="true", name="break")
    outside: str = ""
    """Run on this machine after the host is broken; $PID is the host's first process."""
    wait: str = ""
    """Run on the host until it succeeds: the fault has taken effect."""
    powers_off: bool = False
    dial: Dial = Dial()
    client: Client = Client()
    expect: Expect


@cache
def load_cases() -> tuple[Case, ...]:
    """Every case, by kind and name. A key that means nothing raises msgspec.ValidationError."""
    from score.pairs import pairs  # it composes cases, too

    cases = [*_own(), *_scenarios(), *pairs()]
    assert len({case.name for case in cases}) == len(cases), "two cases have one name"
    return tuple(sorted(cases, key=lambda case: (KINDS.index(case.kind), case.name)))


def _own() -> Iterator[Case]:
    for path in sorted(FOLDER.glob("*/*.yml")):
        yield convert({"name": path.stem, "kind": path.parent.name, **read_yaml(path)}, path)


def _scenarios() -> Iterator[Case]:
    """The hosts that tests/hosts/test_scenarios.py breaks."""
    for path in sorted(SCENARIOS.glob("*.yml")):
        data = dict(read_yaml(path))
        expect = {key: it for key, it in data["expect"].items() if key not in ("reply", "exit", "verdict")}
        if "confidence" in expect:
            expect["confidence"] = LESS_SURE[expect["confidence"]]
        dial = dict(data.get("dial", {}))
        client = {"key": dial.pop("key", "right")}
        kind = "causes" if "cause" in expect else "healthy"
        yield convert(
            {"name": path.stem, "kind": kind, **data, "dial": dial, "client": client, "expect": expect}, path
        )


def convert(data: Mapping[str, Any], path: Path) -> Case:
    """The case that a file describes. Raises msgspec.ValidationError, which names the file."""
    try:
        return msgspec.convert(data, Case)
    except msgspec.ValidationError as error:
        raise msgspec.ValidationError(f"{path}: {error}") from None
