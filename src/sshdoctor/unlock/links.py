"""What is signed: links that go out by mail, and forms, each bound to the address that it was shown to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from itsdangerous import URLSafeTimedSerializer


class Opened(Struct, frozen=True):
    """A link of ours: its number, and when it was mailed."""

    number: str
    at: float


class Signer:
    """Signs with ``key``; ``now`` is the time."""

    def __init__(self, key: bytes, now: Callable[[], float]) -> None:
        self._links, self._forms = (_serializer(key, now, salt) for salt in ("link", "form"))
        self._now = now

    def token(self, number: str) -> str:
        """What stands in the link of that number."""
        return str(self._links.dumps(number))

    def opened(self, token: str) -> Opened | None:
        """The link that ``token`` is of, however old; None if it is none of ours."""
        found = _loaded(self._links, token)
        return Opened(str(found[0]), found[1]) if found else None

    def form(self, address: str) -> str:
        """What goes along with a form that is shown to ``address``."""
        return str(self._forms.dumps(address))

    def is_form(self, text: str, address: str, life: float) -> bool:
        """Whether ``text`` is of a form that was shown to ``address`` a short while ago.

        A page of somebody else's cannot have one: what we show to them names their address.
        """
        found = _loaded(self._forms, text)
        return found is not None and found[0] == address and 0 <= self._now() - found[1] <= life


def _loaded(serializer: URLSafeTimedSerializer, text: str) -> tuple[Any, float] | None:
    from itsdangerous import BadData

    try:
        value, at = serializer.loads(text, return_timestamp=True)
    except BadData:
        return None
    return value, at.timestamp()


def _serializer(key: bytes, now: Callable[[], float], salt: str) -> URLSafeTimedSerializer:
    from itsdangerous import TimestampSigner, URLSafeTimedSerializer

    class Timed(TimestampSigner):
        def get_timestamp(self) -> int:
            return int(now())

    return URLSafeTimedSerializer(
        key, salt, signer=Timed, signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
    )
