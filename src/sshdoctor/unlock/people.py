"""Who may let themselves in again, and at which hosts. A mail address is kept as a keyed hash alone."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256

from msgspec import Struct

from sshdoctor.model import Secret


class Person(Struct, frozen=True):
    """One who is listed, and the names of the hosts."""

    mail: Secret
    hosts: tuple[str, ...]


class People:
    """Those in ``listed``: the mail addresses of each host, by its name."""

    def __init__(self, listed: Mapping[str, Sequence[Secret]], key: bytes) -> None:
        self._key = key
        self._by_key: dict[str, Person] = {}
        for host, mails in listed.items():
            for mail in mails:
                known = self._by_key.get(name := self.key_of(mail.reveal()))
                hosts = (*known.hosts, host) if known else (host,)
                self._by_key[name] = Person(mail, tuple(dict.fromkeys(hosts)))

    def __len__(self) -> int:
        return len(self._by_key)

    def key_of(self, mail: str) -> str:
        """What a mail address is called here, whoever it is of."""
        return hmac.new(self._key, mail.strip().lower().encode(), sha256).hexdigest()

    def find(self, key: str) -> Person | None:
        return self._by_key.get(key)
