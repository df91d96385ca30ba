"""The service SSH: what the engine asks of it."""

from __future__ import annotations

import struct

from sshdoctor.services.base import (
    CONNECTED,
    GREETED,
    LOGGED_IN,
    LOGIN_TRIED,
    NETWORK_LAYERS,
    Growing,
    Service,
    Step,
)
from sshdoctor.services.ssh.greeting import judge_greeting
from sshdoctor.services.ssh.service_type import service_type

SERVICE = Service(
    name="ssh",
    server="an SSH server",
    client="ssh",
    port=22,
    moved_to=(2222, 22022),
    words={
        **dict.fromkeys(("no-banner", "closed-before-banner", "not-ssh"), CONNECTED),
        "banner": GREETED,
        "kex-failed": GREETED,
        "host-key-unknown": 3,
        "host-key-changed": 3,
        "auth-denied": LOGIN_TRIED,
        "session-closed": LOGGED_IN,
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
    conversation=(
        Step("client's ACK", True, None, "no-banner", "closed-before-banner", "no-banner"),
        Step("banner", False, b"SSH-", "no-banner", "no-banner", "no-banner"),
        Step("client's second ACK", True, None, None, "kex-failed", None, perhaps=True),
        Step("client's first line", True, b"SSH-2.0-", "kex-failed", "kex-failed", "kex-failed"),
        Step("host's ACK", False, None, None, "kex-failed", None),
        Step("host's answer", False, b"", "kex-failed", "kex-failed", "kex-failed"),
    ),
    logs_in=True,
    run_folder="/run/sshd",
    session_client="${SSH_CONNECTION%% *}",
    default=True,
    greet=judge_greeting,
    service_type=service_type,
    growing=Growing(
        line=b"SSH-2.0-sshdoctor\r\n",
        begin=struct.pack(">IB", 29996, 10),
        whole=lambda said: len(said) >= 4 and len(said) >= int.from_bytes(said[:4]) + 4,
    ),
)
