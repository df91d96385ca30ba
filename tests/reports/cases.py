"""Reports to be rendered: one of each kind that a person meets."""

from __future__ import annotations

from sshdoctor.model import (
    AccessUsed,
    Attempt,
    Cause,
    Evidence,
    Finding,
    HostReport,
    Login,
    Prediction,
    Reply,
)

WHEN = 1732276801.7  # 2024-11-22 12:00:01 UTC

SILENCE = Reply(
    address="203.0.113.2",
    family="ipv4",
    port=22,
    word="silence",
    source="198.51.100.7",
    elapsed_ms=4001.2,
)
REFUSAL = Reply(
    address="2001:db8::2",
    family="ipv6",
    port=22,
    word="icmp6-adm-prohibited",
    sender="2001:db8:ffff::1",
    source="2001:db8:1::7",
    elapsed_ms=1.2,
)
OK = Reply(
    address="203.0.113.2",
    family="ipv4",
    port=22,
    word="ok",
    source="198.51.100.7",
    banner="SSH-2.0-OpenSSH_9.2p1",
)


def cause(ident: str = "firewall-drops", role: str = "root", layer: str = "firewall") -> Cause:
    return Cause(
        id=ident,
        role=role,  # type: ignore[arg-type]  # one of the three, by the caller
        confidence="proved",
        layer=layer,
        summary="The firewall drops this client's packets: filter INPUT rule 1.",
        evidence=(
            Evidence("iptables-save", "filter INPUT rule 1: -A INPUT -s 198.51.100.7/32 -p tcp --dport 22"),
        ),
        fix="iptables -I INPUT 1 -s 198.51.100.7 -j ACCEPT",
    )


def finding(ident: str, status: str, layer: str = "daemon") -> Finding:
    return Finding(
        id=ident,
        title=f"The question {ident}",
        layer=layer,
        status=status,  # type: ignore[arg-type]  # one of the six, by the caller
        summary=f"What {ident} came to.",
    )


def outside_only(*replies: Reply) -> HostReport:
    """Nobody could look inside, and a check passed all the same."""
    return HostReport(
        host="web1",
        service="ssh",
        login=Login(address="web1.example.com", port=22, user="deploy"),
        verdict="undecided",
        outside=replies or (SILENCE, REFUSAL),
        access=AccessUsed(via=None, tried=(Attempt("ssh", "silence"),)),
        prediction=None,
        causes=(),
        checks=(finding("config-valid", "pass"), finding("sshd-running", "unknown")),
        when=WHEN,
    )


def seen_inside(*causes: Cause, reply: Reply = SILENCE) -> HostReport:
    """Both sides were seen."""
    return HostReport(
        host="web1",
        service="ssh",
        login=Login(address="203.0.113.2", port=22, user="deploy"),
        verdict="blocked" if any(one.role == "root" for one in causes) else "healthy",
        outside=(reply,),
        access=AccessUsed(via="podman", detail="container web1", privileged=True),
        prediction=Prediction(reply=reply.word, agrees=True, why="rule 1"),
        causes=causes,
        checks=(
            finding("config-valid", "pass"),
            finding("sshd-running", "unknown"),
            finding("port-is-sshs", "blocked", "socket"),
            finding("sshd-binary-current", "pass"),
        ),
        when=WHEN,
    )
