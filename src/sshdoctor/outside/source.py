"""This machine's own address on the way to another, without a packet sent."""

from __future__ import annotations

import socket

from sshdoctor.outside.connect import FAMILIES, own_address
from sshdoctor.outside.resolve import Endpoint


def source_address(target: Endpoint) -> str | None:
    """The address from which ``target`` would be dialled; None if there is no route.

    A UDP socket that is connected has one, and sends nothing (udp(7)).
    """
    try:
        with socket.socket(FAMILIES[target.family], socket.SOCK_DGRAM) as probe:
            probe.connect(target.sockaddr)
            return own_address(probe)[0]
    except OSError:
        return None
