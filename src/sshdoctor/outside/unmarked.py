"""The same connect without the mark that a client's packets bear (DSCP): whether that is what is dropped."""

from __future__ import annotations

from sshdoctor.errors import AccessError
from sshdoctor.model import Login, Reply
from sshdoctor.outside.connect import ConnectAttempt
from sshdoctor.outside.dial import Call, call_all
from sshdoctor.outside.resolve import resolve
from sshdoctor.services.base import Service

_PATIENCE = 2.5
"""Seconds: a SYN that is lost is sent again after one."""


def connects_unmarked(login: Login, service: Service, reply: Reply, timeout: float) -> bool | None:
    """Whether a silent address answers packets without a mark; None where the dial bore none, or was
    answered."""
    if reply.word != "silence" or reply.address is None or not service.service_type(login):
        return None
    try:
        target = resolve(reply.address, reply.port, timeout=timeout)[0]
    except AccessError:
        return None
    call = Call(ConnectAttempt(target), None, min(timeout, _PATIENCE))
    call_all([call])
    call.knock.close()
    return call.knock.connected
