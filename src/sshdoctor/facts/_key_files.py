"""What sshd holds against a file of authorized keys, and against the directories that it stands in."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One line of ``stat -L -c 'stat=%a %u %g %U %F|%n'``; ``mode`` has four digits."""

    mode: str
    uid: int
    gid: str
    owner: str
    kind: str


@dataclass(frozen=True, slots=True)
class Objection:
    """What is wrong with one path, and the command that mends it."""

    says: str
    mend: str


def rows(text: str) -> dict[str, Row]:
    """The lines of stat in ``text``, by path."""
    found = re.findall(r"^stat=([0-7]+) (\d+) (\d+) (\S+) ([^|]+)\|(.*)$", text, re.M)
    return {row[5]: Row(f"{int(row[0], 8):04o}", int(row[1]), *row[2:5]) for row in found}


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges paths as sshd does for ``user``, whose own group may write if it has no other member."""

    user: str
    uid: int
    gid: str
    private: bool

    def unsafe(self, of: Mapping[str, Row]) -> tuple[Objection, ...]:
        """What StrictModes says (OpenSSH's safe_path): foreign owners, and what others may write."""
        return tuple(found for path, row in of.items() for found in self._unsafe(path, row))

    def hidden(self, of: Mapping[str, Row]) -> tuple[Objection, ...]:
        """What keeps the user itself from reading, which is how sshd reads (temporarily_use_uid).

        A group that the user may belong to beside its own is given the benefit of the doubt.
        """
        return tuple(found for path, row in of.items() if (found := self._hidden(path, row)))

    def _unsafe(self, path: str, row: Row) -> Iterator[Objection]:
        if row.uid not in (0, self.uid):
            yield Objection(f"{path} belongs to {row.owner}", self._chown(path))
        own_group = self.private and row.gid == self.gid
        if int(row.mode, 8) & (0o002 if own_group else 0o022):
            mend = f"chmod {'o-w' if own_group else 'go-w'} {shlex.quote(path)}"
            yield Objection(f"{path} can be written by others (mode {row.mode})", mend)

    def _hidden(self, path: str, row: Row) -> Objection | None:
        needed = 0o111 if row.kind == "directory" else 0o444
        if self.uid == 0 or int(row.mode, 8) & needed & self._share(row):
            return None
        says = f"{self.user} cannot read {path}, which belongs to {row.owner} (mode {row.mode})"
        if row.uid == self.uid:
            return Objection(says, f"chmod u+{'x' if needed == 0o111 else 'r'} {shlex.quote(path)}")
        return Objection(says, self._chown(path))

    def _share(self, row: Row) -> int:
        if row.uid == self.uid:
            return 0o700
        return 0o070 if row.gid == self.gid else 0o077

    def _chown(self, path: str) -> str:
        return f"chown {shlex.quote(self.user)} {shlex.quote(path)}"
