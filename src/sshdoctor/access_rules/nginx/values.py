"""nginx's variables for one request: those of the request itself, ``map``, ``geo``, ``set`` and captures."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address, ip_network

from sshdoctor.access_rules.nginx.links import secure_link
from sshdoctor.access_rules.nginx.read import Directive
from sshdoctor.access_rules.nginx.referers import is_valid
from sshdoctor.access_rules.unknown import UnknownValue, expression
from sshdoctor.access_rules.verdict import Request, Rule

_NAME = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def contains(network: str, source: str) -> bool:
    """Whether an address is in a network, "all", or an address itself. Raises UnknownValue.

    >>> contains("10.0.0.0/8", "10.1.2.3"), contains("all", "::1"), contains("unix:", "::1")
    (True, True, False)
    """
    if network == "all":
        return True
    if network == "unix:":
        return False
    try:
        address = ip_address(source)
        return address in ip_network(network, strict=False)
    except ValueError:
        raise UnknownValue(f"the address {network}") from None


class Values:
    """The variables while one request is led through; ``used`` are the rules that gave values last."""

    def __init__(self, request: Request, http: Directive) -> None:
        self.request, self.http = request, http
        self.set: dict[str, str] = {}
        self.unknown: dict[str, str] = {}
        """Why the value is not known of variables that were set to something unknown."""
        self.split: Directive | None = None
        """The fastcgi_split_path_info that holds."""
        self.referers: Directive | None = None
        """The valid_referers that hold."""
        self.links: tuple[Directive | None, Directive | None] = (None, None)
        """The secure_link and the secure_link_md5 that hold."""
        self.kept: dict[str, tuple[str, list[Rule]]] = {}
        """What was asked for once stays so for the request, whatever changes; and the rules that gave it."""
        self.captures: dict[str, str] = {}
        self.special: dict[str, str] = {}
        self.used: list[Rule] = []
        self.made: dict[str, Callable[[], str]] = {"invalid_referer": self._invalid_referer}
        self.made["secure_link"] = self._secure_link
        for one in http.all("map"):
            if len(one.args) == 2:
                self.made[one.args[1].lstrip("$")] = self._map(one)
        for one in http.all("geo"):
            self.made[one.args[-1].lstrip("$")] = self._geo(one)
        for one in http.all("split_clients", "perl_set", "js_set", "limit_req_zone", "auth_request_set"):
            if one.name == "split_clients":
                self.made[one.args[-1].lstrip("$")] = self._unknown(one)

    def fill(self, text: str) -> str:
        """``text`` with its variables replaced. Raises UnknownValue."""
        return _NAME.sub(lambda found: self.value(found[1] or found[2]), text)

    def value(self, name: str) -> str:
        """Raises UnknownValue."""
        if name.isdecimal():
            return self.captures.get(name, "")
        if name in self.unknown:
            raise UnknownValue(self.unknown[name])
        if name in self.set:
            return self.set[name]
        if name in self.captures:
            return self.captures[name]
        if name in self.special:
            return self.special[name]
        if name in self.made:
            return self._once(name)
        return self._of_request(name)

    def _once(self, name: str) -> str:
        if name not in self.kept:
            before = len(self.used)
            value = self.made[name]()
            self.kept[name] = value, self.used[before:]
        else:
            self.used += self.kept[name][1]
        return self.kept[name][0]

    def _invalid_referer(self) -> str:
        if self.referers is None:
            return ""
        self.used.append(self.referers.rule)
        return "" if is_valid(self.referers, self.request.headers.get("referer", "")) else "1"

    def _secure_link(self) -> str:
        asked, told = self.links
        if asked is None:
            return ""
        self.used.append(asked.rule)
        given, _, expires = self.fill(asked.args[0]).partition(",")
        self.set["secure_link_expires"] = expires
        return secure_link(given, expires, self.fill(told.args[0])) if told is not None else ""

    def _of_request(self, name: str) -> str:
        request = self.request
        path, _, query = request.target.partition("?")
        known = {
            "request_uri": request.target,
            "document_uri": self.special.get("uri", path),
            "request_method": request.method,
            "scheme": request.scheme,
            "https": "on" if request.scheme == "https" else "",
            "host": self.host,
            "remote_addr": request.source,
            "realip_remote_addr": request.source,
            "query_string": self.special.get("args", query),
            "is_args": "?" if self.special.get("args", query) else "",
            "server_port": str(request.port),
            "server_protocol": "HTTP/1.1",
            "binary_remote_addr": request.source,
            "remote_user": "",
            "content_type": request.headers.get("content-type", ""),
            "content_length": request.headers.get("content-length", ""),
        }
        if name in known:
            return known[name]
        if name in ("fastcgi_script_name", "fastcgi_path_info"):
            return self._split()[name == "fastcgi_path_info"]
        if name.startswith("http_"):
            return request.headers.get(name[5:].replace("_", "-"), "")
        if name.startswith("arg_"):
            args = self.special.get("args", query)
            pairs = (one.partition("=") for one in args.split("&"))
            return next((value for key, _, value in pairs if key.lower() == name[4:].lower()), "")
        if name.startswith("cookie_"):
            cookies = (one.strip().partition("=") for one in request.headers.get("cookie", "").split(";"))
            return next((value for key, _, value in cookies if key == name[7:]), "")
        raise UnknownValue(f"${name}")

    def assign(self, name: str, text: str) -> None:
        """``set``: what is not known hurts only where it is asked for."""
        self.unknown.pop(name, None)
        try:
            self.set[name] = self.fill(text)
        except UnknownValue as error:
            self.unknown[name] = str(error)

    def _split(self) -> tuple[str, str]:
        """ngx_http_fastcgi_split: the script and what stands behind it."""
        uri = self.special["uri"]
        found = expression(self.split.args[0]).search(uri) if self.split is not None else None
        if found is None or len(found.groups()) < 2:
            return uri, ""
        return found[1] or "", found[2] or ""

    @property
    def host(self) -> str:
        """As $host has it: in lower case, without a port."""
        name = self.request.host.lower()
        bare = name if name.endswith("]") else name.partition(":")[0] if name.count(":") == 1 else name
        return bare.rstrip(".")

    def _unknown(self, one: Directive) -> Callable[[], str]:
        def made() -> str:
            raise UnknownValue(one.rule.text)

        return made

    def _map(self, one: Directive) -> Callable[[], str]:
        """ngx_http_map_module: a string wins over the longest wildcard, that over the first expression."""

        def made() -> str:
            subject = self.fill(one.args[0])
            flags = {entry.name for entry in one.block or ()}
            best: tuple[int, Directive] | None = None
            default: Directive | None = None
            for entry in one.block or ():
                key = entry.name
                if key in ("hostnames", "volatile") and not entry.args:
                    continue
                if key == "default":
                    default = entry
                    continue
                if key == "include":
                    raise UnknownValue(entry.rule.text)
                rank = self._matches(key, subject, "hostnames" in flags)
                if rank and (best is None or rank > best[0]):
                    best = rank, entry
            chosen = best[1] if best else default
            if chosen is None:
                return ""
            self.used.append(chosen.rule)
            return self.fill(chosen.args[0]) if chosen.args else ""

        return made

    def _matches(self, key: str, subject: str, hostnames: bool) -> int:
        """How strongly an entry of a map matches, 0 if not; the earlier of two expressions wins."""
        if key.startswith("~"):
            ignore = key.startswith("~*")
            found = expression(key[2:] if ignore else key[1:], ignore).search(subject)
            if found:
                self.captures |= {name: value or "" for name, value in found.groupdict().items()}
            return 1 if found else 0
        plain = key.removeprefix("\\").lower()
        if plain == subject.lower():
            return 10_000
        if hostnames and plain.startswith(("*.", ".")) and subject.lower().endswith(plain.lstrip("*")):
            return 100 + len(plain)
        if hostnames and plain.endswith(".*") and subject.lower().startswith(plain[:-1]):
            return 10 + len(plain)
        return 0

    def _geo(self, one: Directive) -> Callable[[], str]:
        """ngx_http_geo_module: the longest prefix wins."""

        def made() -> str:
            source = self.value(one.args[0].lstrip("$")) if len(one.args) == 2 else self.request.source
            best: tuple[int, Directive] | None = None
            for entry in one.block or ():
                if entry.name in ("include", "ranges", "proxy", "proxy_recursive", "delete"):
                    raise UnknownValue(entry.rule.text)
                if entry.name == "default":
                    length = -1
                elif contains(entry.name, source):
                    length = ip_network(entry.name, strict=False).prefixlen
                else:
                    continue
                if best is None or length >= best[0]:
                    best = length, entry
            if best is None:
                return ""
            self.used.append(best[1].rule)
            return self.fill(best[1].args[0]) if best[1].args else ""

        return made
