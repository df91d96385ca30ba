"""nginx's access phase: who is let in to a location.

Sources: ngx_http_access_module.c, ngx_http_auth_basic_module.c, ngx_http_auth_request_module.c,
ngx_http_realip_module.c; ngx_http_core_module.c (limit_except, satisfy).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from sshdoctor.access_rules.nginx.read import Directive
from sshdoctor.access_rules.nginx.values import Values, contains
from sshdoctor.access_rules.unknown import UnknownValue
from sshdoctor.access_rules.verdict import Verdict

_LISTED = ("allow", "deny")


def inherited(levels: Sequence[Directive], name: str) -> Directive | None:
    """The directive that holds in the last of ``levels``."""
    return next((found for one in reversed(levels) if (found := one.first(name))), None)


def limited(levels: Sequence[Directive], method: str) -> tuple[Directive, ...] | None:
    """The levels with ``limit_except`` at the end, where the method is not one of those excepted."""
    block = levels[-1].first("limit_except") if len(levels) > 2 else None
    if block is None:
        return None
    methods = {one.upper() for one in block.args}
    methods |= {"HEAD"} if "GET" in methods else set()
    return None if method in methods else (*levels, block)


class Access:
    """``ask`` leads a subrequest for a path. ``method_alone``: other methods are let in."""

    def __init__(self, values: Values, ask: Callable[[str], Verdict]) -> None:
        self.values, self.ask = values, ask
        self.method_alone = self._allowed = False

    def refusal(self, levels: Sequence[Directive]) -> Verdict | None:
        """What refuses, None if nothing does. Raises UnknownValue."""
        inner = limited(levels, self.values.request.method)
        levels = inner or levels
        listed = self._listed(levels)
        password = self._password(levels)
        either = inherited(levels, "satisfy")
        if either is not None and either.args[:1] == ("any",) and password is not None:
            return None if listed is None and self._allowed else password
        if listed is not None:
            self.method_alone = inner is not None
        return listed or password

    def _listed(self, levels: Sequence[Directive]) -> Verdict | None:
        rules = next((found for one in reversed(levels) if (found := one.all(*_LISTED))), ())
        for one in rules:
            if contains(one.args[0], self.values.request.source):
                self._allowed = one.name == "allow"
                if self._allowed:
                    return None
                return Verdict(verdict="reject", status=403, rule=one.rule, why=str(one.rule))
        return None

    def _password(self, levels: Sequence[Directive]) -> Verdict | None:
        basic = inherited(levels, "auth_basic")
        if basic is not None and self.values.fill(basic.args[0]) != "off":
            if "authorization" in self.values.request.headers:
                raise UnknownValue(f"whether the password is right ({basic.rule})")
            return Verdict(verdict="reject", status=401, rule=basic.rule, why=str(basic.rule))
        other = inherited(levels, "auth_request")
        return self._asked(other) if other is not None and other.args[0] != "off" else None

    def _asked(self, one: Directive) -> Verdict | None:
        """auth_request: 401 and 403 refuse, what is no 2xx is an error."""
        said = self.ask(self.values.fill(one.args[0]))
        if said.verdict == "unknown":
            raise UnknownValue(said.why)
        if said.status in (401, 403):
            return replace(said, verdict="reject", why=f"{one.rule}: {said.why}")
        if said.status is not None and not 200 <= said.status < 300:
            return Verdict(verdict="reject", status=500, rule=one.rule, why=f"{one.rule}: {said.why}")
        if said.status is None:
            raise UnknownValue(f"what {one.args[0]} says")
        return None


def real_ip(values: Values, http: Directive, level: Directive) -> None:
    """ngx_http_realip_module: a trusted proxy says who the client is. Raises UnknownValue."""
    trusted = level.all("set_real_ip_from")
    header = level.first("real_ip_header") or http.first("real_ip_header")
    if not trusted or not any(contains(one.args[0], values.request.source) for one in trusted):
        return
    name = header.args[0].lower() if header else "x-real-ip"
    if name == "proxy_protocol":
        raise UnknownValue("the proxy protocol's address")
    listed = [one.strip() for one in values.request.headers.get(name, "").split(",") if one.strip()]
    recursive = level.first("real_ip_recursive") or http.first("real_ip_recursive")
    while listed:
        source = listed.pop()
        values.request = replace(values.request, source=source)
        if not (recursive and recursive.args[0] == "on"):
            break
        if not any(contains(one.args[0], source) for one in trusted):
            break
