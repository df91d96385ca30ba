"""ngx_http_referer_module: whether a Referer is one of those that ``valid_referers`` names."""

from __future__ import annotations

import re

from sshdoctor.access_rules.nginx.read import Directive
from sshdoctor.access_rules.unknown import UnknownValue, expression


def is_valid(one: Directive, referer: str) -> bool:
    """Raises UnknownValue."""
    if not referer:
        return "none" in one.args
    if not referer.lower().startswith(("http://", "https://")):
        return "blocked" in one.args
    rest = referer.partition("://")[2]
    return any(_fits(word, rest) for word in one.args if word not in ("none", "blocked"))


def _fits(word: str, rest: str) -> bool:
    """Whether the Referer, without its scheme, is by a name, a wildcard or an expression."""
    if word == "server_names":
        raise UnknownValue("valid_referers server_names")
    if word.startswith("~"):
        return expression(word[1:], ignore_case=True).search(rest) is not None
    host = re.split(r"[/:]", rest)[0].lower()
    name, slash, path = word.lower().partition("/")
    if slash and not ("/" + rest.partition("/")[2]).lower().startswith("/" + path):
        return False
    if name == host or (name.startswith("*.") and host.endswith(name[1:])):
        return True
    if name.startswith(".") and (host == name[1:] or host.endswith(name)):
        return True
    return name.endswith(".*") and host.startswith(name[:-1])
