"""The language of the TCP wrappers' rules (hosts_access(5), hosts_options(5)), in three values.

Everything here was held against libwrap 7.6.q itself: an IPv4 net with bits beyond its mask matches nothing,
nor does a /0; an option that libwrap does not know refuses. What hangs on a lookup (a name, KNOWN, UNKNOWN,
LOCAL, PARANOID, a user, a netgroup), on a list in a file, or on a program is Unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address

from msgspec import Struct

from sshdoctor.facts.ssh.wrappers import WrapperRule
from sshdoctor.model import Unknown

Truth = bool | Unknown
_HARMLESS = {
    "banners": r".+",
    "keepalive": r"",
    "linger": r"\d+",
    "nice": r"\d*",
    "rfc931": r"\d*",
    "setenv": r".+",
    "severity": r".+",
    "spawn": r".+",
    "umask": r"[0-7]+",
}
"""The options that decide nothing, with what must follow: one that libwrap cannot read refuses."""
_DECIDED_THERE = {"twist", "aclexec", "user", "group"}
_LOOKUPS = {"known", "unknown", "local", "paranoid"}


class Decision(Struct, frozen=True):
    """``admits``: whether the client is let in; ``rule`` the one that says so, None if there is none.
    ``refuses``: the one that would turn it away, where ``admits`` is unknown."""

    admits: Truth
    rule: WrapperRule | None = None
    refuses: WrapperRule | None = None


def decide(
    allow: Sequence[WrapperRule], deny: Sequence[WrapperRule], client: str, server: str | Unknown
) -> Decision:
    """What the wrappers say of ``client`` (an address) who dialled ``server``: the first rule that matches,
    those of hosts.allow before those of hosts.deny; without any the client is admitted."""
    rest = Decision(True)
    for rule, admits in (*((r, False) for r in reversed(deny)), *((r, True) for r in reversed(allow))):
        outcome = _outcome(rule, admits)
        own = Decision(outcome, rule, rule if isinstance(outcome, Unknown) else None)
        matches = both(
            _listed(rule.daemons, lambda word: _daemon(word, server)),
            _listed(rule.clients, lambda word: _client(word, client)),
        )
        if isinstance(matches, Unknown):
            later = rest.refuses if isinstance(rest.admits, Unknown) else rest.rule
            refuses = later if own.admits is True else rule
            rest = rest if own.admits == rest.admits else Decision(matches, rule, refuses)
        elif matches:
            rest = own
    return rest


def both(one: Truth, other: Truth) -> Truth:
    """Kleene's "and".

    >>> both(Unknown("no"), False), both(True, Unknown("no"))
    (False, Unknown(reason='no'))
    """
    if one is False or other is False:
        return False
    return one if isinstance(one, Unknown) else other


def _any(truths: Iterable[Truth]) -> Truth:
    unknown: Unknown | None = None
    for truth in truths:
        if isinstance(truth, Unknown):
            unknown = truth if unknown is None else unknown
        elif truth:
            return True
    return False if unknown is None else unknown


def _listed(words: Sequence[str], matches: Callable[[str], Truth]) -> Truth:
    """``a b EXCEPT c EXCEPT d`` is "a or b, but not (c but not d)"."""
    cut = next((at for at, word in enumerate(words) if word.upper() == "EXCEPT"), len(words))
    found = _any(matches(word) for word in words[:cut])
    if found is False or cut == len(words):
        return found
    excepted = _listed(words[cut + 1 :], matches)
    return both(found, excepted if isinstance(excepted, Unknown) else not excepted)


def _outcome(rule: WrapperRule, admits: bool) -> Truth:
    """What the rule means for a client that it matches; of its options "allow" and "deny" must be last."""
    for number, option in enumerate(rule.options, 1):
        keyword, _, value = re.sub(r"[\s=]+", " ", option.strip(), count=1).partition(" ")
        keyword = keyword.lower()
        if keyword in ("allow", "deny"):
            return keyword == "allow" and not value and number == len(rule.options)
        if keyword in _DECIDED_THERE:
            return Unknown(f"{rule.file} line {rule.line} hangs on its option {keyword}")
        if not re.fullmatch(_HARMLESS.get(keyword, r"(?!)"), value, re.DOTALL):
            return False
    return admits


def _daemon(word: str, server: str | Unknown) -> Truth:
    name, at, host = word.rpartition("@")
    if not at or not name:
        name, host = word, ""
    named = name.lower() in ("all", "known") or _same("sshd", name)
    if not named or not host:
        return named
    return _host(host, server) if isinstance(server, str) else server


def _client(word: str, client: str) -> Truth:
    user, at, host = word.rpartition("@")
    if not at or not user:
        return _host(word, client)
    asked = user.upper() == "ALL" or Unknown("a rule asks for the user's name on the client (ident)")
    return both(_host(host, client), asked)


def _host(word: str, address: str) -> Truth:
    lower = word.lower()
    if lower == "all":
        return True
    if lower in _LOOKUPS:
        return Unknown(f"{word} hangs on a lookup of the client's name")
    if word.startswith(("@", "/")):
        kind = "netgroup" if word.startswith("@") else "list in a file"
        return Unknown(f"{word} is a {kind} that was not read")
    net, slash, mask = word.partition("/")
    if slash:
        return _in_net(net, mask, address)
    if re.fullmatch(r"\[[0-9a-f:.]+\]", lower):
        return _equal(lower[1:-1], address)
    if _same(address, lower) or (lower.endswith(".") and address.startswith(lower)):
        return True
    if re.fullmatch(r"[0-9.*?]+", word):
        return False
    return Unknown(f"{word} hangs on a lookup of the client's name")


def _same(text: str, pattern: str) -> bool:
    """Equal, or the * and ? of Debian's libwrap; fnmatch's own [ ] stand for themselves."""
    return fnmatchcase(text.lower(), pattern.lower().replace("[", "[[]"))


def _equal(text: str, address: str) -> bool:
    try:
        return ip_address(text) == ip_address(address)
    except ValueError:
        return False


def _in_net(net: str, mask: str, address: str) -> bool:
    try:
        ours = ip_address(address)
        if isinstance(ours, IPv4Address):
            return mask not in ("0", "0.0.0.0") and ours in IPv4Network(f"{net}/{mask}")  # noqa: S104 - a mask
        if not re.fullmatch(r"\[.*\]", net):
            return False
        return ours in IPv6Network(f"{net[1:-1]}/{mask}", strict=False)
    except ValueError:
        return False
