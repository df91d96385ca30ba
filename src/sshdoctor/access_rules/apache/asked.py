"""One request as Apache has it: its variables, what SetEnvIf makes of it, and the client by mod_remoteip.

Sources: httpd's modules/metadata/mod_setenvif.c and mod_remoteip.c; server/util_expr_eval.c (variables).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, ip_address, ip_network

from sshdoctor.access_rules.apache.read import Line
from sshdoctor.access_rules.unknown import UnknownValue, expression
from sshdoctor.access_rules.verdict import Request

_OF_REQUEST = (
    "REMOTE_ADDR",
    "REQUEST_METHOD",
    "REQUEST_URI",
    "SERVER_ADDR",
    "REMOTE_HOST",
    "REQUEST_PROTOCOL",
)


class Asked:
    """What a request has become: an internal redirect changes ``uri``, a rewriting ``file`` and ``query``."""

    def __init__(self, request: Request, uri: str, query: str, env: dict[str, str] | None = None) -> None:
        self.request, self.uri, self.query = request, uri, query
        self.source, self.method = request.source, request.method
        self.env: dict[str, str] = {} if env is None else env
        self.file, self.root = uri, ""

    def value(self, name: str) -> str:
        """A server variable. Raises UnknownValue."""
        request = self.request
        https = "on" if request.scheme == "https" else "off"
        known = {
            "REMOTE_ADDR": self.source,
            "REMOTE_USER": "",
            "REQUEST_METHOD": self.method,
            "REQUEST_URI": self.uri,
            "REQUEST_SCHEME": request.scheme,
            "QUERY_STRING": self.query,
            "THE_REQUEST": f"{request.method} {request.target} HTTP/1.1",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTPS": https,
            "HTTP_HOST": request.host,
            "SERVER_NAME": request.host.partition(":")[0],
            "SERVER_PORT": str(request.port),
            "REQUEST_FILENAME": self.file,
            "SCRIPT_FILENAME": self.file,
            "DOCUMENT_ROOT": self.root,
        }
        if name in known:
            return known[name]
        if name.startswith("HTTP_"):
            return self.header(name[5:].replace("_", "-"))
        raise UnknownValue(f"%{{{name}}}")

    def header(self, name: str) -> str:
        if name.lower() == "host":
            return self.request.host
        return self.request.headers.get(name.lower(), "")

    def set_by(self, lines: Sequence[Line]) -> None:
        """Follow SetEnvIf, SetEnvIfNoCase, BrowserMatch. Raises UnknownValue."""
        for line in lines:
            if line.name in ("setenvif", "setenvifnocase") and len(line.args) > 2:
                self._set(line.args[0], line.args[1], line.args[2:], line.name.endswith("nocase"))
            elif line.name in ("browsermatch", "browsermatchnocase") and len(line.args) > 1:
                self._set("User-Agent", line.args[0], line.args[1:], line.name.endswith("nocase"))
            elif line.name == "setenvifexpr":
                raise UnknownValue(line.text)

    def _set(self, subject: str, pattern: str, values: Sequence[str], ignore_case: bool) -> None:
        found = expression(pattern, ignore_case).search(self._subject(subject))
        if found is None:
            return
        for value in values:
            if value.startswith("!"):
                self.env.pop(value[1:], None)
                continue
            name, equals, text = value.partition("=")
            self.env[name] = _filled(text, found) if equals else "1"

    def _subject(self, name: str) -> str:
        upper = name.upper()
        if upper in ("REMOTE_HOST", "SERVER_ADDR"):
            raise UnknownValue(name)
        if upper == "REQUEST_PROTOCOL":
            return "HTTP/1.1"
        if upper in _OF_REQUEST:
            return self.value(upper)
        if re.search(r"[^\w-]", name):
            return self._header_like(name)
        return self.header(name) or self.env.get(name, "")

    def _header_like(self, pattern: str) -> str:
        """The header whose name an expression finds, "" if there is none."""
        wanted = expression(pattern, ignore_case=True)
        there = {"host": self.request.host, **self.request.headers}
        found = [value for name, value in there.items() if wanted.search(name)]
        if len(found) > 1:
            raise UnknownValue(f"which of the headers {pattern} is meant")
        return found[0] if found else ""

    def told_by_proxies(self, scopes: Sequence[Line]) -> None:
        """mod_remoteip, by the first scope that has it: whom a trusted proxy names is the client.

        Raises UnknownValue.
        """
        remote = ([line for line in one.block or () if line.name.startswith("remoteip")] for one in scopes)
        lines = next(filter(None, remote), [])
        headers = [line for line in lines if line.name == "remoteipheader"]
        for line in lines:
            if line.name == "remoteipproxyprotocol" and line.args[:1] != ("Off",):
                raise UnknownValue(line.text)
            if line.name.endswith("list") and line.name.startswith("remoteip"):
                raise UnknownValue(line.text)
        if not headers or not headers[-1].args:
            return
        trusted = list(_proxies(lines))
        internal = bool(trusted)
        listed = [part.strip() for part in self.header(headers[-1].args[0]).split(",")]
        if listed == [""]:
            return
        current = self.source
        while listed:
            if trusted:
                match = next((inner for network, inner in trusted if subnet(network, current)), None)
                if match is None:
                    return
                internal = internal and match
            try:
                named = ip_address(listed.pop())
            except ValueError:
                return
            if not internal and not _global(named):
                return
            current = self.source = str(named)


def _filled(text: str, found: re.Match[str]) -> str:
    return re.sub(r"\$(\d)", lambda one: found[int(one[1])] or "", text)


def _proxies(lines: Sequence[Line]) -> Iterator[tuple[str, bool]]:
    for line in lines:
        if line.name in ("remoteipinternalproxy", "remoteiptrustedproxy"):
            for arg in line.args:
                yield arg, line.name == "remoteipinternalproxy"


def _global(address: object) -> bool:
    if isinstance(address, IPv4Address):
        private = ("10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
        return not any(address in ip_network(one) for one in private)
    return str(address)[:1] in ("2", "3")


def subnet(text: str, source: str) -> bool:
    """Whether an address is in a network as Apache writes it. Raises UnknownValue.

    >>> subnet("10.1", "10.1.2.3"), subnet("10.0.0.0/255.0.0.0", "10.9.9.9"), subnet("::1", "127.0.0.1")
    (True, True, False)
    """
    network = text
    if re.fullmatch(r"\d+(\.\d+){0,2}\.?", text):
        parts = text.rstrip(".").split(".")
        network = ".".join(parts + ["0"] * (4 - len(parts))) + f"/{8 * len(parts)}"
    try:
        return ip_address(source) in ip_network(network, strict=False)
    except ValueError:
        raise UnknownValue(f"the address {text}") from None
