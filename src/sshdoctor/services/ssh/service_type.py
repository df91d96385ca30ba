"""The type of service that OpenSSH gives its packets from the first SYN on (ssh_config(5), IPQoS).

A router that drops marked packets lets another client in and not ssh; so the dials here bear the same mark.
"""

from __future__ import annotations

from sshdoctor.model import Login

_CLASSES = {f"af{n}{drop}": (8 * n + 2 * drop) << 2 for n in range(1, 5) for drop in range(1, 4)}
_NAMES = {
    **_CLASSES,
    **{f"cs{n}": n << 5 for n in range(8)},
    "ef": 0xB8,
    "le": 0x04,
    "va": 0xB0,
    "lowdelay": 0x10,
    "throughput": 0x08,
    "reliability": 0x04,
}


def service_type(login: Login) -> int:
    """The byte that ssh would set for ``login``, by what ``ssh -G`` says of it; 0 where it sets none.

    >>> service_type(Login(address="web1", port=22, options={"ipqos": "af21 cs1"}))
    72
    """
    word = login.options.get("ipqos", "none").split()[:1]
    return _number(word[0].lower()) if word else 0


def _number(word: str) -> int:
    if word in _NAMES:
        return _NAMES[word]
    try:
        return int(word, 0) & 0xFF
    except ValueError:
        return 0
