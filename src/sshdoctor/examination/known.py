"""All that a host said, in one value; what it could not say is empty here, and told in ``unseen``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from sshdoctor.facts.frozen.entries import Entries
from sshdoctor.facts.frozen.letters import Letters
from sshdoctor.facts.frozen.mechanisms import HostFile, Mechanisms
from sshdoctor.facts.frozen.requests import Request, Requests
from sshdoctor.facts.frozen.running import Process, Running
from sshdoctor.facts.frozen.site_files import SiteFiles
from sshdoctor.model import Unknown

_SUBJECTS = {
    "running": "what runs",
    "mechanisms": "what starts programs, and what packages brought",
    "site_files": "the files of the sites",
    "requests": "what was asked of the sites",
    "letters": "the letters that wait",
    "entries": "who logged in",
}
_NO_MAIL = Letters(server="", queued=0, waiting=(), logged=(), logins=(), removed=(), evidence=())
_NO_FILES = Mechanisms(files={}, users=(), packages=False, late=frozenset(), evidence=())
_NO_SITES = SiteFiles(
    roots=(), files={}, total=0, modified=0, changed=0, off=(), unread=0, late=frozenset(), evidence=()
)


class Known(Struct, frozen=True, kw_only=True):
    """``now`` in seconds since 1970, by the host's clock."""

    now: float
    privileged: bool | None
    processes: tuple[Process, ...]
    hidden: tuple[int, ...]
    mechanisms: Mechanisms
    sites: SiteFiles
    requests: tuple[Request, ...]
    web_logs: tuple[str, ...]
    letters: Letters
    entries: Entries
    unseen: tuple[str, ...]

    @property
    def files(self) -> Mapping[str, HostFile]:
        return self.mechanisms.files

    @property
    def packages(self) -> bool:
        """Whether it is known what packages brought."""
        return self.mechanisms.packages

    def user(self, uid: int) -> str:
        return next((one.name for one in self.mechanisms.users if one.uid == uid), str(uid))

    def home(self, user: str) -> str:
        return next((one.home for one in self.mechanisms.users if one.name == user), "")

    def process(self, pid: int) -> Process | None:
        return next((one for one in self.processes if one.pid == pid), None)


def known(facts: Mapping[str, Any]) -> Known:
    """``facts`` as an examination reads them."""
    missing = {name: facts[name] for name in _SUBJECTS if isinstance(facts.get(name), Unknown)}
    seen = {name: value for name, value in facts.items() if not isinstance(value, Unknown)}
    identity = seen.get("identity")
    now, privileged = getattr(identity, "now", 0.0), getattr(identity, "privileged", None)
    mechanisms, sites = seen.get("mechanisms", _NO_FILES), seen.get("site_files", _NO_SITES)
    late = sorted(mechanisms.late | sites.late)
    running: Running | None = seen.get("running")
    requests: Requests | None = seen.get("requests")
    return Known(
        now=0.0 if isinstance(now, Unknown) else now,
        privileged=None if isinstance(privileged, Unknown) else privileged,
        processes=running.processes if running else (),
        hidden=running.hidden if running else (),
        mechanisms=mechanisms,
        sites=sites,
        requests=requests.requests if requests else (),
        web_logs=requests.logs if requests else (),
        letters=seen.get("letters", _NO_MAIL),
        entries=seen.get("entries", Entries(entries=(), evidence=())),
        unseen=(
            *(f"{_SUBJECTS[name]} ({value.reason})" for name, value in missing.items()),
            *(f"all texts of user {uid} (reading them took too long)" for uid in late),
        ),
    )
