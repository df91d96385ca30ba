"""What each reply word may come from, most common first, and what would show whether it is so.

One line a cause: its id and layer, what it would mean, and the observation that settles it. ``{port}`` and
``{address}`` are those that were dialled.
"""

from __future__ import annotations

from sshdoctor.services.base import Hypothesis

_STOPPED = Hypothesis(
    "sshd-stopped",
    "daemon",
    "The SSH daemon is not running, so that the kernel itself refuses.",
    "At the host's console, `systemctl status ssh sshd` says whether it runs, and since when not.",
)
_PORT = Hypothesis(
    "ssh-port-mismatch",
    "socket",
    "sshd listens on another port than {port}.",
    "At the console, `ss -ltnp` lists the ports.",
    "From here, --deep tries those to which it is often moved.",
)
_MISSING = Hypothesis(
    "openssh-server-missing",
    "daemon",
    "No SSH server is installed, as on many fresh machines.",
    "At the console, `dpkg -l openssh-server` (or `rpm -q openssh-server`) says so.",
)
_INVALID = Hypothesis(
    "sshd-config-invalid",
    "daemon",
    "sshd refuses its configuration and did not start again.",
    "At the console, `sshd -t` names the file and the line.",
)
_LOOPBACK = Hypothesis(
    "listen-address-mismatch",
    "socket",
    "sshd listens, but not on {address}.",
    "At the console, `ss -ltnp` shows the address beside the port.",
)
_DROPS = Hypothesis(
    "firewall-drops",
    "firewall",
    "The host's own firewall drops the packets.",
    "At the console, `tcpdump -ni any tcp port {port}` shows the SYN arrive while you dial, and no answer.",
)
_REJECTS = Hypothesis(
    "firewall-rejects",
    "firewall",
    "The host's own firewall refuses this client.",
    "At the console, `iptables-save; ip6tables-save; nft list ruleset` has the rule.",
)
_UPSTREAM = Hypothesis(
    "upstream-filter",
    "route",
    "A firewall before the host (the provider's, a security group, a router) stops the packets.",
    "At the console, `tcpdump -ni any tcp port {port}` shows no SYN arrive while you dial.",
)
_DOWN = Hypothesis(
    "host-down",
    "route",
    "The host is off, still booting, or no longer at {address}.",
    "The provider's panel or console shows whether it runs.",
    "From here, --deep asks whether any port answers.",
)
_BANNED = Hypothesis(
    "client-banned",
    "firewall",
    "The host has banned this client's address (fail2ban and its like).",
    "Dial from another network, such as a telephone's: if that gets in, it is the address.",
)
_EGRESS = Hypothesis(
    "client-egress-filtered",
    "client",
    "The network that you dial from lets nothing out to port {port}.",
    "From here, dial port {port} of another host that is known to answer.",
)
_NO_RETURN = Hypothesis(
    "no-return-route",
    "route",
    "The host has no way back to this client.",
    "At the console, `ip route get CLIENT` shows where the answer goes.",
)
_HUNG = Hypothesis(
    "sshd-hung",
    "daemon",
    "sshd is stopped or stuck, or the host too loaded to greet.",
    "At the console, `ps -C sshd -o pid,stat,args` shows its state, and `uptime` the load.",
)
_TAKEN = Hypothesis(
    "port-taken",
    "socket",
    "Another program holds port {port}.",
    "At the console, `ss -ltnp 'sport = :{port}'` names it.",
)
_REDIRECTED = Hypothesis(
    "nat-redirects-port",
    "firewall",
    "A rule of NAT sends port {port} to another program or machine.",
    "At the console, `iptables-save -t nat; nft list ruleset` has the rule; or else it is a router's.",
)
_STARTUPS = Hypothesis(
    "max-startups",
    "admission",
    "sshd has as many logins under way as MaxStartups allows.",
    'Dial again in some minutes; at the console, the log has "drop connection" or "past MaxStartups".',
)
_WRAPPERS = Hypothesis(
    "hosts-deny",
    "admission",
    "The TCP wrappers turn this client away.",
    "At the console, `cat /etc/hosts.allow /etc/hosts.deny` has the rule.",
)
_PENALTY = Hypothesis(
    "source-penalized",
    "admission",
    "sshd penalizes this address for earlier attempts.",
    'Dial from another network, or wait some minutes; the log has "Not allowed at this time" or "penalty".',
)
_LIBRARY = Hypothesis(
    "library-mismatch",
    "daemon",
    "The program that serves a connection does not load any more.",
    "At the console, `/usr/sbin/sshd -V` says what is missing.",
)
_MTU = Hypothesis(
    "path-mtu",
    "route",
    "Small packets come through and large ones do not.",
    "From here, `ping -M do -s 1472 {address}` against a smaller size shows where it ends.",
)
_KEX = Hypothesis(
    "kex-mismatch",
    "handshake",
    "Client and server have no algorithm in common.",
    "From here, `ssh -vv` prints both lists.",
)
_USER = Hypothesis(
    "wrong-user",
    "authentication",
    "There is no account of that name.",
    "At the console, `getent passwd USER` says so.",
)
_KEY = Hypothesis(
    "pubkey-not-authorized",
    "authentication",
    "None of the keys that the client offers is authorized.",
    "At the console, compare `ssh-keygen -lf ~USER/.ssh/authorized_keys` with `ssh-keygen -lf` of your key.",
)
_KEY_MODES = Hypothesis(
    "authorized-keys-permissions",
    "authentication",
    "sshd does not trust the file of authorized keys.",
    'At the console, the log of sshd has "bad ownership or modes".',
)
_RULE = Hypothesis(
    "user-not-allowed",
    "authentication",
    "A rule of sshd is against this user.",
    "At the console, `sshd -T -C user=USER,addr=CLIENT | grep -iE 'allow|deny|permitroot'` shows it.",
)
_SHELL = Hypothesis(
    "login-shell-invalid",
    "session",
    "The login shell opens no session.",
    "At the console, `getent passwd USER` shows it.",
)
_NOLOGIN = Hypothesis(
    "nologin-file",
    "session",
    "The host is closed for logins.",
    "At the console, `cat /etc/nologin /run/nologin`.",
)
_FULL = Hypothesis("disk-full", "session", "A file system is full.", "At the console, `df -h; df -i`.")

_REFUSED = (_STOPPED, _PORT, _MISSING, _INVALID, _LOOPBACK, _REJECTS)
_BY_REPLY = {
    "rst": _REFUSED,
    "refused": _REFUSED,
    "silence": (_DROPS, _UPSTREAM, _DOWN, _BANNED, _EGRESS, _NO_RETURN),
    "unreachable": (_UPSTREAM, _REJECTS, _DOWN),
    "local-unreachable": (_DOWN, _EGRESS),
    "no-banner": (_HUNG, _TAKEN, _WRAPPERS),
    "not-ssh": (_TAKEN, _REDIRECTED),
    "closed-before-banner": (_STARTUPS, _WRAPPERS, _PENALTY, _LIBRARY, _TAKEN),
    "kex-failed": (_MTU, _KEX),
    "auth-denied": (_USER, _KEY, _KEY_MODES, _RULE),
    "session-closed": (_SHELL, _NOLOGIN, _FULL),
}
_OF_ICMP = (_REJECTS, _BANNED, _UPSTREAM)


def hypotheses(word: str) -> tuple[Hypothesis, ...]:
    """What the reply ``word`` may come from."""
    return _OF_ICMP if word.startswith("icmp") else _BY_REPLY.get(word, ())


def elsewhere(port: int) -> Hypothesis:
    """Where a server of this service was seen to greet on ``port``."""
    return _PORT._replace(
        say=f"An SSH server answers on port {port}, and not on port {{port}}.",
        settle=f"Dial port {port} (ssh -p, ansible_port), and compare the host key with the one you know.",
        closer="",
    )
