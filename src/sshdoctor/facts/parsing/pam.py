"""The stacks of PAM's services, as pam.d(5) has them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_DEEPEST = 8
_LINE = re.compile(r"-?(\w+)\s+(\[[^\]]*\]|\w+)\s+(\S+)\s*(.*)")


def modules(services: Mapping[str, str], service: str, phase: str, depth: int = 0) -> Iterator[str]:
    """The modules of a phase that must agree, through include, substack and @include.

    >>> sshd = "account required pam_nologin.so\\n@include common"
    >>> list(modules({"sshd": sshd, "common": "account optional a.so"}, "sshd", "account"))
    ['pam_nologin.so']
    """
    return (name for name, _ in entries(services, service, phase, depth))


def entries(
    services: Mapping[str, str], service: str, phase: str, depth: int = 0
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The same, each with its arguments."""
    for line in services.get(service, "").splitlines():
        words = line.split("#")[0].split()
        if words[:1] == ["@include"]:
            inner = words[1] if len(words) > 1 and depth < _DEEPEST else ""
            yield from entries(services, inner, phase, depth + 1)
        elif (found := _LINE.match(" ".join(words))) and found[1].lower() == phase:
            control = found[2].lower()
            if control in ("include", "substack"):
                inner = found[3] if depth < _DEEPEST else ""
                yield from entries(services, inner, phase, depth + 1)
            elif _must_agree(control):
                yield found[3].rpartition("/")[2], tuple(found[4].split())


def _must_agree(control: str) -> bool:
    if control.startswith("["):
        return not re.search(r"default=(ignore|ok|done|\d)", control)
    return control in ("required", "requisite")
