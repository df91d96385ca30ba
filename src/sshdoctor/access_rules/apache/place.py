"""Where a path leads on the disk, part by part, as ap_directory_walk goes it (httpd's server/request.c)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

Exists = Callable[[str, str], bool | None]
"""Whether there is a "file", a "folder" or "any" of a path; None where that is not known."""


def nowhere(path: str, kind: str) -> bool | None:
    """Where nobody can look."""
    return None


class Place(Struct, frozen=True, kw_only=True):
    """``file``: as far as it is there, and the first part that is not; ``info``: what is left of the path."""

    file: str
    info: str = ""
    kind: Literal["file", "folder", "none", "unknown"] = "unknown"
    folders: tuple[str, ...] = ("/",)

    @staticmethod
    def taken(file: str) -> Place:
        """Where nobody can look: all but the last part are folders."""
        return Place.found(file, nowhere)

    @staticmethod
    def found(file: str, exists: Exists) -> Place:
        if not file:
            return Place(file="")
        parts = file.strip("/").split("/") if file.strip("/") else []
        folders = ["/"]
        for number, _ in enumerate(parts, 1):
            part = "/" + "/".join(parts[:number])
            is_last = number == len(parts) and not file.endswith("/")
            known = exists(part, "folder")
            if known is None and is_last:
                return Place(file=part, kind="unknown", folders=tuple(folders))
            if known is False:
                kind: Literal["file", "none"] = "file" if exists(part, "file") else "none"
                info = file[len(part) :]
                return Place(file=part, info=info, kind=kind, folders=tuple(folders))
            folders.append(part)
        return Place(file=file, kind="folder", folders=tuple(folders))
