"""The stacks of PAM's services, as pam.d(5) has them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

_DEEPEST = 8
_INCLUDING = (["include"], ["substack"])
_LINE = re.compile(r"(-?)(\w+)\s+(\[[^\]]*\]|\w+)\s+(\S+)\s*(.*)")


FITTING = r"""
# fitting KIND PATTERN FILE...: of each FILE a heading, KIND and its name, and its lines that fit.
fitting() {
  kind=$1 wanted=$2; shift 2
  grep -aiHE -- "$wanted" "$@" /dev/null 2>/dev/null | {
    seen='' left=2000
    heading() { [ "$kind" != pam ] || set -- "${1##*/}"; echo "## $kind $1"; }
    while [ $left -gt 0 ] && IFS= read -r line; do
      file=${line%%:*} left=$((left - 1))
      case $seen in *"|$file|") ;; *) seen="$seen|$file|"; heading "$file" ;; esac
      printf '%.400s\n' "${line#*:}"
    done
    for file; do case $seen in *"|$file|"*) ;; *) heading "$file" ;; esac; done
  }
}
# stacks PATTERN: the same of every service of PAM.
stacks() {
  for file in /usr/lib/pam.d/* /etc/pam.d/*; do
    case $file in /usr/*) [ ! -r "/etc/pam.d/${file##*/}" ] || continue ;; esac
    [ ! -f "$file" ] || [ ! -r "$file" ] || set -- "$@" "$file"
  done
  fitting pam "$@"
}
"""
"""Of many files in few processes: a probe that starts two for each takes the host's time."""


class Line(Struct, frozen=True):
    """One line of a stack that asks a module."""

    text: str
    control: str
    path: str
    """The module as it is written: a name, or a whole path."""
    arguments: tuple[str, ...]
    spared: bool
    """It begins with "-": a module that is not there is passed over."""

    @property
    def module(self) -> str:
        """The name of the module's file."""
        return self.path.rpartition("/")[2]

    @property
    def name(self) -> str:
        return self.module.removesuffix(".so")

    @property
    def must_agree(self) -> bool:
        if self.control.startswith("["):
            return not re.search(r"default=(ignore|ok|done|\d)", self.control)
        return self.control in ("required", "requisite")

    @property
    def jumps(self) -> bool:
        """Where it agrees, lines after it are passed over."""
        return re.search(r"\bsuccess=\d", self.control) is not None

    @property
    def optional(self) -> bool:
        """Its refusal alone changes nothing: the stack goes on as if it had not been asked."""
        return self.control in ("optional", "sufficient") or (
            self.control.startswith("[") and not self.must_agree and not self.jumps
        )


def entries(services: Mapping[str, str], service: str, phase: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The modules of a phase that must agree, each with its arguments, through whatever is included.

    >>> sshd = "account required pam_nologin.so file=/a\\n@include common"
    >>> list(entries({"sshd": sshd, "common": "account optional a.so"}, "sshd", "account"))
    [('pam_nologin.so', ('file=/a',))]
    """
    return ((line.module, line.arguments) for line in lines(services, service, phase) if line.must_agree)


def lines(
    services: Mapping[str, str], service: str, phase: str, above: tuple[str, ...] = ()
) -> Iterator[Line]:
    """All lines of a phase that ask a module, in their order, through include, substack and @include.

    A file that is among those ``above`` it is not read again: PAM would not come to an end.
    """
    if service in above or len(above) > _DEEPEST:
        return
    chain = (*above, service)
    for text in services.get(service, "").splitlines():
        words = text.split("#")[0].split()
        if words[:1] == ["@include"]:
            yield from lines(services, "".join(words[1:2]), phase, chain)
        elif (found := _LINE.match(" ".join(words))) and found[2].lower() == phase:
            control = found[3].lower()
            if control in ("include", "substack"):
                yield from lines(services, found[4], phase, chain)
            else:
                yield Line(found[0].strip(), control, found[4], tuple(found[5].split()), found[1] == "-")


def files(services: Mapping[str, str], service: str) -> frozenset[str]:
    """The names of the files that a service's stacks are made of.

    >>> sorted(files({"sshd": "@include common\\nauth substack more", "common": "@include sshd"}, "sshd"))
    ['common', 'more', 'sshd']
    """
    found: set[str] = set()
    todo = [service]
    while todo:
        if (name := todo.pop()) in found:
            continue
        found.add(name)
        for text in services.get(name, "").splitlines():
            words = text.split("#")[0].split()
            todo += (
                words[1:2] if words[:1] == ["@include"] else words[2:3] if words[1:2] in _INCLUDING else []
            )
    return frozenset(found)
