"""What the playbooks that change doors have in common: the doors now and then, and the work on one host."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sshdoctor.access.base import Access
from sshdoctor.access.ssh.openssh import ask_openssh
from sshdoctor.commands.shared.doors.compared import changes, shut_out, table
from sshdoctor.commands.shared.doors.gather import FACTS, setup_of
from sshdoctor.diagnosis.asked import ask_through
from sshdoctor.diagnosis.pipeline import Diagnosis
from sshdoctor.doors.model import Setup
from sshdoctor.doors.table import Doors, doors_of
from sshdoctor.errors import RemedyError
from sshdoctor.model import Host, HostReport, Login, Unknown
from sshdoctor.remedy.about import clients
from sshdoctor.remedy.consent import Choice
from sshdoctor.remedy.named import run_named
from sshdoctor.remedy.playbook.model import Playbook
from sshdoctor.remedy.repair import Agree, CarryOut
from sshdoctor.remedy.setup import RepairSetup
from sshdoctor.reports.layout.printable import printable


class Seen(Struct, frozen=True):
    """The host as it is, and by the model as it will be; None where no forecast can be made."""

    setup: Setup
    now: Doors
    then: Doors | None


class Work(Struct, frozen=True):
    """What belongs to the work on one host, through the way in that is open."""

    host: Host
    before: Diagnosis
    repairing: RepairSetup
    choice: Choice
    agree: Agree
    playbook: Playbook

    @property
    def access(self) -> Access:
        assert self.before.inside.access is not None  # noqa: S101 -- see is_closed
        return self.before.inside.access

    @property
    def is_closed(self) -> bool:
        """Nothing can be looked at or changed there: the ordinary way says why."""
        return self.before.inside.access is None or bool(self.host.managed) or self.before.on_disk

    @property
    def patience(self) -> float:
        return self.repairing.probing.timeout

    def look(self) -> Setup:
        """The host's own words about its doors, now. Raises RemedyError."""
        client = next((each for each in clients(self.before) if each), "")
        asked = ask_through(self.access, self.host, FACTS, client, self.repairing.probing)
        for name in FACTS:
            if isinstance(fact := asked.facts[name], Unknown):
                raise RemedyError(f"{self.host.name}: its doors could not be seen: {fact.reason}")
        return setup_of(asked)

    def login(self, account: str) -> Login:
        return replace(self.host.login, user=account)

    def opens(self, account: str) -> bool:
        """Whether the person's own ssh gets in as this account now, with nothing typed."""
        answer = ask_openssh(self.login(account), self.patience)
        return answer is not None and answer.word == "ok"

    def run(
        self, extra: Mapping[str, Any], forecast: str = "", carry_out: CarryOut | None = None
    ) -> HostReport:
        return run_named(
            self.host,
            self.before,
            self.repairing,
            self.choice,
            self.agree,
            named=[(self.playbook, extra)],
            forecast=forecast,
            carry_out=carry_out,
        )

    def tell(self, seen: Seen) -> None:
        """The table, before anything is asked."""
        head = f"{self.host.name}: the doors of every account, now and (->) then"
        lines = [head, *table(seen.now, seen.then or seen.now)]
        sys.stderr.write("\n".join(map(printable, lines)) + "\n")

    def doors_against(self, seen: Seen) -> str:
        """What the doors as they are now have against what was planned; "" if nothing. Raises RemedyError."""
        after = doors_of(self.look())
        if seen.then is None:
            out = shut_out(seen.now, after)
            return f"no door of SSH is left to {', '.join(out)}" if out else ""
        other = changes(seen.then, after)
        return f"the doors are not those of the plan: {'; '.join(other)}" if other else ""
