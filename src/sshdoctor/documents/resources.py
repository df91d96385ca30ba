"""Where the checks, playbooks and templates stand, and which files of a person's own may be used.

A file that is found, and not named, is used as if its owner sat here: it may name programs and commands. So
others than the person and root must not be able to write it, nor its folder (Ansible has the same rule for
its configuration in a folder that everybody can write).
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

from sshdoctor.errors import InputError


def shipped(kind: str) -> Path:
    """The folder ``checks``, ``playbooks`` or ``templates`` that came with this program."""
    here = Path(__file__).parents[1]
    installed = here / "shipped" / kind
    return installed if installed.is_dir() else here.parent.parent / kind


def own_file(path: Path) -> Path:
    """``path``, which was found. Raises InputError if others could have written it, or its folder."""
    _refuse(path.parent)
    _refuse(path)
    return path


def own_folder(path: Path) -> Path:
    """The same, with all that is in it."""
    own_file(path)
    for folder, _, names in os.walk(path):
        _refuse(Path(folder))
        for name in names:
            _refuse(Path(folder, name))
    return path


def whose(path: Path, kind: str) -> str:
    """A file of a person's own and its owner, in words; "" for one that came with this program."""
    return "" if path.is_relative_to(shipped(kind)) else f"{path.absolute()}, of {owner_of(path)}"


def owner_of(path: Path) -> str:
    """The name of the file's owner, or its number."""
    uid = path.stat().st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _refuse(path: Path) -> None:
    for way in _ways(path):
        of = way.stat()
        if of.st_uid not in _trusted():
            raise InputError(f"{way}: it belongs to {owner_of(way)}, and was found here, not named: not used")
        sticky = stat.S_ISDIR(of.st_mode) and of.st_mode & stat.S_ISVTX
        if _others_write(of, way) and not sticky:
            mode = f"{stat.S_IMODE(of.st_mode):04o}"
            raise InputError(f"{way}: others than you and root can write it (mode {mode}): chmod go-w {way}")


def _ways(path: Path) -> Iterator[Path]:
    """What ``path`` is, and what it leads to."""
    yield path
    if path.is_symlink():
        yield path.resolve()
        yield path.resolve().parent


def _trusted() -> set[int]:
    """Oneself and root; who became root by sudo is the same person."""
    me = os.geteuid()
    before = os.environ.get("SUDO_UID", "")
    return {me, 0, *([int(before)] if me == 0 and before.isdecimal() else [])}


def _others_write(of: os.stat_result, path: Path) -> bool:
    if of.st_mode & stat.S_IWOTH:
        return True
    return bool(of.st_mode & stat.S_IWGRP) and not _private(of, path)


def _private(of: os.stat_result, path: Path) -> bool:
    """The file's group is its owner's own, with nobody else in it; and no access list lets others write."""
    try:
        group, owner = grp.getgrgid(of.st_gid), pwd.getpwuid(of.st_uid)
    except KeyError:
        return False
    listed = "system.posix_acl_access" in os.listxattr(path) if hasattr(os, "listxattr") else False
    return not listed and group.gr_gid == owner.pw_gid and set(group.gr_mem) <= {owner.pw_name}
