"""The frozen values of an audit; the fields of ``Protection`` are those of the contract."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field


class Door(Struct, frozen=True, kw_only=True):
    """One port and family by which the service is reached; None is what could not be decided."""

    service: str
    port: int
    family: str
    path: str | None
    stops_new: bool | None
    stops_established: bool | None

    @property
    def closes(self) -> bool | None:
        """Whether a ban ends the guessing: over one connection to a site there is no end to it, and sshd ends
        one after a few."""
        if self.service == "ssh" or self.stops_new is not True:
            return self.stops_new
        return self.stops_established


class Protection(Struct, frozen=True, kw_only=True):
    """One host, as ``protection --format json`` has it; None is what cannot be seen, and ``why`` says why."""

    host: str
    engines: tuple[str, ...] = ()
    on: bool | None = None
    running: bool | None = None
    notices: bool | None = None
    attacks_blocked: int | None = None
    banned_now: int | None = None
    sees_real_addresses: bool | None = None
    bans_stop_packets: bool | None = None
    doors: tuple[Door, ...] = ()
    allowed: tuple[str, ...] = ()
    allowed_unresolved: tuple[str, ...] = ()
    your_addresses: tuple[str, ...] = ()
    owner_allowed: dict[str, bool | None] = field(default_factory=lambda: {"ipv4": None, "ipv6": None})
    logins_it_would_have_banned: int | None = None
    """Of those that succeeded in the last three weeks."""
    after_next_failure: bool | None = None
    shared: dict[str, int] | None = None
    """By service: how many addresses are dropped that other hosts have banned; None where nothing is."""
    why: tuple[str, ...] = ()

    @property
    def works(self) -> bool | None:
        """Whether whoever fails too often is noticed under their own address, and stopped at every door."""
        open_door = any(door.stops_new is False for door in self.doors)
        stops = False if open_door else self.bans_stop_packets
        return every((self.on, self.sees_real_addresses, stops))


def every(values: Any) -> bool | None:
    """
    >>> every([True, None]), every([None, False]), every([True, True]), every([])
    (None, False, True, None)
    """
    values = list(values)
    if False in values:
        return False
    return None if None in values or not values else True
