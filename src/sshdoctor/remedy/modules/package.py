"""Packages, by the package manager of the host: apt-get, dnf, yum, zypper, apk or pacman.

Source: Ansible's documentation of ansible.builtin.package; apt-get(8), dnf(8), zypper(8), apk(8), pacman(8).
A locked package manager is waited for, two minutes at most. Where the lists of apt, apk or pacman do not
have a name, they are fetched (Ansible does not).
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

COLLECTION = "ansible.builtin"
PARTS = ("locks", "apt", "dnf", "zypper", "apk", "pacman")


class PackageArguments(Struct, frozen=True, kw_only=True):
    name: tuple[str, ...]
    state: Literal["present", "absent", "latest"] = "present"


ARGUMENTS = PackageArguments
