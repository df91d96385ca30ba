"""What $secure_link is: whether a link carries the sum that its server expects.

Source: ngx_http_secure_link_module.c.
"""

from __future__ import annotations

import base64
import binascii
from hashlib import md5

from sshdoctor.access_rules.unknown import UnknownValue

_LONGEST = 24


def secure_link(given: str, expires: str, expected: str) -> str:
    """ "" for a wrong sum or none, "1" for the right one. Raises UnknownValue where the time decides.

    >>> secure_link("", "", "x"), secure_link("nd1xoQE6dYz1d8tQSTBJfA", "", "x")
    ('', '')
    """
    if not given or len(given) > _LONGEST:
        return ""
    try:
        sum_ = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4))
    except (binascii.Error, ValueError):
        return ""
    if sum_ != md5(expected.encode(), usedforsecurity=False).digest():
        return ""
    if expires:
        raise UnknownValue("$secure_link, which runs out with time,")
    return "1"
