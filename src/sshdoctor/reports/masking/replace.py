"""``--mask``: addresses, names and fingerprints replaced, the same by the same: a report to show.

It works on the report, before a format is chosen, and on every string of it that is not a word of the
contract: a field that is added later is masked too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.model import (
    AccessUsed,
    Attempt,
    Cause,
    Finding,
    Hop,
    HostReport,
    Neighbour,
    Planned,
    Prediction,
    Repair,
    Reply,
    TaskResult,
)
from sshdoctor.reports.masking.addresses import Address, is_common, read, split
from sshdoctor.reports.masking.names import domain, hosts_of, spellings, users_of

_WORDS: dict[type, set[str]] = {
    HostReport: {"verdict", "service"},
    Reply: {"family", "word"},
    Neighbour: {"reply"},
    Hop: {"reply"},
    Cause: {"id", "role", "confidence", "layer", "playbooks"},
    Finding: {"id", "layer", "status", "causes"},
    AccessUsed: {"via"},
    Attempt: {"via", "reply"},
    Prediction: {"reply"},
    Repair: {"outcome", "mended"},
    Planned: {"playbook", "mends", "risk"},
    TaskResult: {"playbook", "status"},
}
"""The fields that hold words of the contract, which say nothing of whose host it is."""

_MARKS = (
    r"(?P<fingerprint>SHA256:[A-Za-z0-9+/]{43}=?)",
    r"(?P<key>\bAAAA[A-Za-z0-9+/]{16,}={0,2})",
    # Six pairs are an Ethernet address, fourteen the header in a log, sixteen an MD5 fingerprint.
    r"(?P<hardware>(?<![0-9A-Fa-f:])(?:[0-9A-Fa-f]{2}:){5,}[0-9A-Fa-f]{2}(?![0-9A-Fa-f:]))",
)
_NUMBERS = (
    r"(?P<dashed>(?<![0-9])[0-9]{1,3}(?:-[0-9]{1,3}){3}(?![0-9]))",  # as in ip-192-0-2-7
    r"(?P<numbers>[0-9A-Fa-f:.]{2,})",
)


def masked(reports: Sequence[HostReport]) -> tuple[HostReport, ...]:
    """``reports`` with CLIENT-1, ADDRESS-1, HOST-1, USER-1, FINGERPRINT-1 ... instead.

    Loopback and unspecified addresses, ``localhost`` and ``root`` stay: they are the same everywhere.
    """
    texts: list[str] = []

    def noted(text: str) -> str:
        texts.append(text)
        return text

    for report in reports:
        _each(report, noted)
    mask = _Mask(
        clients=[reply.source for report in reports for reply in report.outside if reply.source],
        dialled=[reply.address for report in reports for reply in report.outside if reply.address],
        hosts=[name for report in reports for name in hosts_of(report, texts)],
        users=[name for report in reports for name in users_of(report, texts)],
    )
    return tuple(cast(HostReport, _each(report, mask)) for report in reports)


def _each(value: Any, said: Callable[[str], str]) -> Any:
    """``value`` with ``said`` of every string in it that is not a word of the contract."""
    if isinstance(value, str):
        return said(value)
    if isinstance(value, tuple):
        return tuple(_each(one, said) for one in value)
    if isinstance(value, Mapping):
        return {key: _each(one, said) for key, one in value.items()}
    if isinstance(value, Struct):
        free = (name for name in value.__struct_fields__ if name not in _WORDS.get(type(value), ()))
        return replace(value, **{name: _each(getattr(value, name), said) for name in free})
    return value


class _Mask:
    """The replacement of a text; one and the same thing gets one and the same mask in all of them."""

    def __init__(
        self, *, clients: Iterable[str], dialled: Iterable[str], hosts: Iterable[str], users: Iterable[str]
    ) -> None:
        self._given: dict[object, str] = {}
        self._counts: dict[str, int] = {}
        for kind, texts in (("CLIENT", clients), ("ADDRESS", dialled)):
            for text in texts:
                address = read(text.split("%")[0])
                if address is not None and not is_common(address):
                    self._give(kind, address)
        self._pattern = re.compile("|".join((*_MARKS, *self._names(hosts, users), *_NUMBERS)))

    def __call__(self, text: str) -> str:
        return self._pattern.sub(self._replaced, text)

    def _names(self, hosts: Iterable[str], users: Iterable[str]) -> list[str]:
        """The patterns of names, longest first; a host's first label is the host too."""
        lower = list(dict.fromkeys(name.lower() for name in hosts))
        domains = sorted({re.escape(domain(name)) for name in lower if domain(name)})
        for name in lower:
            whole = self._give("HOST", name)
            for spelling in spellings(name):
                self._given.setdefault(spelling, whole)
        named = sorted({one for name in lower for one in spellings(name)}, key=len, reverse=True)
        people = sorted(set(users), key=len, reverse=True)
        patterns = {
            "host": [*map(re.escape, named)],
            "user": [*map(re.escape, people)],
            "neighbour": [rf"(?:[A-Za-z0-9-]{{1,63}}\.){{0,4}}{one}" for one in domains],
        }
        order = ("neighbour", "host", "user")
        return [_word(kind, patterns[kind]) for kind in order if patterns[kind]]

    def _replaced(self, match: re.Match[str]) -> str:
        kind, found = match.lastgroup or "", match[0]
        if kind == "dashed":
            address = read(found.replace("-", "."))
            return self._address(found, address) if address else found
        if kind == "numbers":
            return self._numbers(match)
        if kind in ("host", "neighbour"):
            return self._give("HOST", found.lower())
        return self._give(kind.upper(), found)

    def _numbers(self, match: re.Match[str]) -> str:
        before, after = match.string[: match.start()][-1:], match.string[match.end() :][:1]
        parts = split(match[0], self._given, after_word=before.isalpha(), before_word=after.isalpha())
        return "".join(part if isinstance(part, str) else self._address(*part) for part in parts)

    def _address(self, text: str, address: Address) -> str:
        return text if is_common(address) else self._give("ADDRESS", address)

    def _give(self, kind: str, thing: object) -> str:
        if thing not in self._given:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._given[thing] = f"{kind}-{self._counts[kind]}"
        return self._given[thing]


def _word(kind: str, patterns: Sequence[str]) -> str:
    any_of = "|".join(patterns)
    flag = "" if kind == "user" else "i"
    return rf"(?P<{kind}>(?<![A-Za-z0-9_])(?{flag}:{any_of})(?![A-Za-z0-9_]))"
