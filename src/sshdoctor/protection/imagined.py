"""The rules as they would be once fail2ban's action had banned one address more.

The action is asked in the server's own words, its tags filled in; what it would run is followed, never run.
One that is not understood is Unknown. Sources: jail.conf(5); fail2ban's action.d of 0.11, 1.0 and 1.1; its
server's actions.py and action.py: what starts an action on demand, and again where its check fails.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sshdoctor.facts.host.firewall import Firewall
from sshdoctor.model import Unknown
from sshdoctor.protection.action.rules import Rules
from sshdoctor.protection.action.shell import Shell
from sshdoctor.protection.action.words import ShellError
from sshdoctor.protection.wrapping import Wrapping

Properties = Mapping[str, str]
_PARTS = ("actionstart", "actioncheck", "actionban")


class NoBanError(Exception):
    """The action stops nothing, whatever it is told to ban; the message says why, and the cure."""


def banned(
    firewall: Firewall,
    properties: Properties,
    address: str,
    tools: Sequence[str],
    *,
    started: bool = False,
    wrapped: Wrapping | None = None,
    web: bool = True,
) -> Firewall | Unknown:
    """``firewall`` with ``address`` banned by the action of ``properties``; ``started``: it has banned
    somebody of this family already; ``wrapped``: the daemon asks hosts.deny, by these rules; ``web``: it is
    a web server. Raises NoBanError."""
    name = properties.get("actname", "") or "?"
    texts = {part: filled(properties, part, address) for part in _PARTS}
    if properties.get("refused"):
        raise NoBanError(
            f"a shell refuses what the action {name} runs ({_last(properties['refused'])}): in fail2ban's "
            "files a ; after a space begins a comment"
        )
    rules = Rules(firewall, tools, _ports(properties))
    shell = Shell(rules.command)
    if "hosts.deny" in texts["actionban"] and wrapped is not None:
        if rule := wrapped.admitted(address):
            raise NoBanError(f"hosts.allow is asked before hosts.deny, and lets everybody in ({rule})")
        return _unanswered(rules, address)
    if not web and _OF_SITES.search(texts["actionban"]):
        raise NoBanError(
            f"the action {name} bans at a web server or a proxy for sites: no login passes there"
        )
    if bans_elsewhere(texts):
        return Unknown(f"the action {name} does not ban by the rules of the firewall")
    if not texts["actionban"].strip():
        raise NoBanError(f"the action {name} has nothing that it runs for a ban")
    begun = True
    try:
        if not started or (texts["actioncheck"].strip() and not _stands(shell, texts["actioncheck"])):
            begun = shell.follow(texts["actionstart"])
        done = begun and shell.follow(texts["actionban"])
    except ShellError as error:
        return Unknown(f"what the action {name} does to the rules is not understood: {error}")
    except (ValueError, KeyError, IndexError, TypeError):
        return Unknown(f"what the action {name} does to the rules is not understood")
    if rules.missing:
        raise NoBanError(rules.missing[0])
    if address in rules.unanswered:
        return _unanswered(rules, address)
    if not done:
        part = "actionban" if begun else "actionstart"
        raise NoBanError(f"the {part} of {name} fails: {_last_line(texts[part], address)}")
    return rules.firewall


def _unanswered(rules: Rules, address: str) -> Firewall:
    """Who is not answered is as one whose packets are dropped before everything."""
    after = Rules(rules.firewall, ("iptables", "ip6tables"))
    tool = "ip6tables" if ":" in address else "iptables"
    after.command([tool, "-t", "raw", "-I", "PREROUTING", "-s", address, "-j", "DROP"])
    return after.firewall


_ELSEWHERE = re.compile(r"hosts\.(?:deny|allow)|xt_recent", re.I)
"""By a daemon's own list, a list of recent senders."""
_OF_SITES = re.compile(r"/nginx|/apache|/httpd|\.htaccess|cloudflare", re.I)
"""By a web server's rules, or in somebody else's network before it."""


_BY_ITSELF = re.compile(r"\b(?:ip6?tables|nft|ipset|ufw|ip)\b(?!-)")


def by_itself(properties: Properties) -> bool:
    """Whether fail2ban's own process changes the rules: firewalld is asked to do so by another."""
    return _BY_ITSELF.search(filled(properties, "actionban", "192.0.2.213")) is not None


def bans_elsewhere(properties: Properties) -> bool:
    return any(each.search(properties.get("actionban", "")) for each in (_ELSEWHERE, _OF_SITES))


def _ports(properties: Properties) -> dict[str, int]:
    pairs = (word.partition("=") for word in properties.get("ports", "").split())
    return {name: int(number) for name, _, number in pairs}


def _last(text: str) -> str:
    return text.strip().rpartition(": ")[2][:80]


def ends_connections(properties: Properties) -> bool:
    """Whether a ban ends what is connected: ``ss -K``, ``conntrack -D``."""
    text = filled(properties, "actionban", "192.0.2.213")
    return bool(re.search(r"\bss -K\b|\bconntrack -D\b", text))


def _stands(shell: Shell, check: str) -> bool:
    try:
        return shell.follow(check)
    except ShellError:
        return True


def _last_line(text: str, address: str) -> str:
    return text.replace("\ndone", "").strip().rpartition("\n")[2].replace(address, "ADDRESS")[:120]


def filled(properties: Properties, name: str, address: str) -> str:
    """A property with its tags filled in, those of the family where it has its own.

    >>> filled({"a": "<b> <ip>", "b": "4", "b?family=inet6": "6"}, "a", "2001:db8::1")
    '6 2001:db8::1'
    """
    six = ":" in address
    known = {"known/chain": "INPUT", "F-ID": address, "bantime": "3600", "sp": " ", "br": "\n", **properties}
    if six:
        known |= {key.partition("?")[0]: text for key, text in properties.items() if key.endswith("=inet6")}
    known |= {"ip": address, "family": known.get("family", "inet6" if six else "inet4")}
    text = known.get(name, "")
    for _ in range(16):
        before = text
        text = re.sub(r"<([\w/?=-]+)>", lambda tag: known.get(tag[1], tag[0]), text)
        if text == before:
            break
    return re.sub(r"<(?:failures|bancount|time|matches|ipmatches|fq-hostname|ip-host|F-\w+)>", "0", text)
