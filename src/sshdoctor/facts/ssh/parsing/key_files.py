"""What sshd holds against a file of authorized keys, and against the directories that it stands in."""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Iterator, Mapping

from msgspec import Struct


class Row(Struct, frozen=True):
    """One line of ``stat -L -c 'stat=%a %u %g %U %F|%n'``; ``mode`` has four digits."""

    mode: str
    uid: int
    gid: str
    owner: str
    kind: str


class Objection(Struct, frozen=True):
    """What is wrong with one path; ``mode`` (in chmod's words) or else ``owner`` is what mends it."""

    says: str
    path: str
    mode: str = ""
    owner: str = ""

    @property
    def mend(self) -> str:
        """What a person types."""
        return shlex.join(["chmod", self.mode, self.path] if self.mode else ["chown", self.owner, self.path])


def is_whole(blob: str) -> bool:
    """Whether base64 text is all of a public key: fields, each after its length in four bytes (RFC 4253 6.6).

    >>> is_whole("AAAAC3NzaC1lZDI1NTE5AAAAAgEC"), is_whole("AAAAC3NzaC1lZDI1NTE5AAAAAgE=")
    (True, False)
    """
    try:
        data = base64.b64decode(blob, validate=True)
    except ValueError:
        return False
    end = fields = 0
    while end < len(data):
        end += 4 + int.from_bytes(data[end : end + 4], "big")
        fields += 1
    return end == len(data) and fields > 1


def rows(text: str) -> dict[str, Row]:
    """The lines of stat in ``text``, by path."""
    found = re.findall(r"^stat=([0-7]+) (\d+) (\d+) (\S+) ([^|\n]+)\|(.*)$", text, re.M)
    return {row[5]: Row(f"{int(row[0], 8):04o}", int(row[1]), *row[2:5]) for row in found}


class Judge(Struct, frozen=True):
    """Judges paths as sshd does for ``user``, whose own group may write if it has no other member.

    What is not below ``home`` is root's to keep: it is never given to the user.
    """

    user: str
    uid: int
    gid: str
    private: bool
    home: str

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
            owner = self.user if self.in_home(path) else "root"
            yield Objection(f"{path} belongs to {row.owner}", path, owner=owner)
        own_group = self.private and row.gid == self.gid
        if int(row.mode, 8) & (0o002 if own_group else 0o022):
            says = f"{path} can be written by others (mode {row.mode})"
            yield Objection(says, path, mode="o-w" if own_group else "go-w")

    def _hidden(self, path: str, row: Row) -> Objection | None:
        needed = 0o111 if row.kind == "directory" else 0o444
        whose, share = self._share(row)
        if self.uid == 0 or int(row.mode, 8) & needed & share:
            return None
        says = f"{self.user} cannot read {path}, which belongs to {row.owner} (mode {row.mode})"
        if row.uid != self.uid and self.in_home(path):
            return Objection(says, path, owner=self.user)
        return Objection(says, path, mode=f"{whose}+{'x' if needed == 0o111 else 'r'}")

    def _share(self, row: Row) -> tuple[str, int]:
        """Which part of the mode is for the user: chmod's word, and its bits."""
        if row.uid == self.uid:
            return "u", 0o700
        return ("g", 0o070) if row.gid == self.gid else ("o", 0o077)

    def in_home(self, path: str) -> bool:
        """Whether it is the home, or below it."""
        return path == self.home or path.startswith(f"{self.home.rstrip('/')}/")
