"""The service SSH: what the engine asks of it."""

from __future__ import annotations

from sshdoctor.services.base import CONNECTED, GREETED, NETWORK_LAYERS, Service
from sshdoctor.services.ssh.greeting import judge_greeting

SERVICE = Service(
    name="ssh",
    server="an SSH server",
    port=22,
    moved_to=(2222, 22022),
    words={
        **dict.fromkeys(("no-banner", "closed-before-banner", "not-ssh"), CONNECTED),
        "banner": GREETED,
        "kex-failed": GREETED,
        "host-key-unknown": 3,
        "host-key-changed": 3,
        "auth-denied": 4,
        "session-closed": 5,
        "ok": 6,
    },
    working=("banner", "ok"),
    layers=(
        *NETWORK_LAYERS,
        "daemon",
        "admission",
        "handshake",
        "authentication",
        "session",
        "system",
    ),
    way=frozenset(("route", "firewall", "socket", "daemon", "admission")),
    logs_in=True,
    greet=judge_greeting,
)
