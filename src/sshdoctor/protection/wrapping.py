"""What hosts.allow and hosts.deny make of an address, where sshd asks them (hosts_access(5))."""

from __future__ import annotations

from typing import Any

from sshdoctor.facts.ssh.parsing.hosts_access import decide
from sshdoctor.facts.ssh.wrappers import Wrappers
from sshdoctor.model import Unknown


class Wrapping:
    """``asked``: sshd asks them at all."""

    def __init__(self, wrappers: Any) -> None:
        self.asked = isinstance(wrappers, Wrappers) and wrappers.linked is True
        self._allow = getattr(wrappers, "allow", ())
        self._deny = getattr(wrappers, "deny", ())

    def admitted(self, address: str) -> str:
        """The rule of hosts.allow that lets ``address`` in before hosts.deny is asked, "" if none does."""
        if isinstance(self._allow, Unknown):
            return ""
        found = decide(self._allow, (), address, Unknown("which address it dials is not asked"))
        if found.rule is None or found.admits is not True:
            return ""
        return f"{found.rule.file}:{found.rule.line}: {found.rule.text}"

    def refused(self) -> frozenset[str]:
        """The addresses that hosts.deny names, and hosts.allow does not let in before."""
        if not self.asked or not isinstance(self._deny, tuple):
            return frozenset()
        named = (word.strip("[]") for rule in self._deny for word in rule.clients)
        return frozenset(each for each in named if not self.admitted(each))
