"""``sshdoctor_access``: the other ways in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from msgspec.structs import replace

from sshdoctor.document import suggest
from sshdoctor.errors import InventoryError
from sshdoctor.inventory.content import line_of
from sshdoctor.inventory.dial import parse_address, parse_port
from sshdoctor.inventory.paths import expand_home
from sshdoctor.inventory.ssh_args import parse_jumps
from sshdoctor.inventory.values import Values
from sshdoctor.model import Login, WayIn

_Connection = Literal["ssh", "podman", "docker", "local", "chroot", "capture"]
_REQUIRED: dict[_Connection, str] = {
    "ssh": "",
    "podman": "container",
    "docker": "container",
    "local": "",
    "chroot": "root",
    "capture": "file",
}
_SSH_KEYS = ("host", "port", "user", "jump")


def access_ways(values: Values, service: Login, finish: Callable[[WayIn], WayIn]) -> tuple[WayIn, ...]:
    """The ways in that the host's ``sshdoctor_access`` lists, in order; ``finish`` adds privileges.

    An ssh entry dials the service's address as its user, by its own jumps, with the same keys, unless it
    says otherwise; the password goes along only to the same user. Raises InventoryError.
    """
    found = values.find("sshdoctor_access")
    if not found:
        return ()
    variable = found[1]
    if not isinstance(variable.value, list):
        raise InventoryError(
            f"{variable.place}: sshdoctor_access must be a list: begin each way in with a dash"
        )
    return tuple(
        finish(_Entry(values, body, variable.file, getattr(body, "line", variable.line)).way(service))
        for body in variable.value
    )


class _Entry:
    def __init__(self, values: Values, body: Any, file: str, line: int) -> None:
        self.values, self.body, self.file, self.line = values, body, file, line

    def way(self, service: Login) -> WayIn:
        connection = self.connection()
        required = _REQUIRED[connection]
        allowed = _SSH_KEYS if connection == "ssh" else (required,) if required else ()
        for key in self.body:
            if key != "connection" and key not in allowed:
                only = ", ".join(allowed) or "no other key"
                what = f"{key!r} is no key of connection: {connection}, which takes {only}"
                raise self.fault(key, what + suggest(str(key), allowed))
        if required and not self.text(required):
            raise self.fault("connection", f"connection: {connection} needs the key {required}")
        if connection == "ssh":
            return WayIn(connection="ssh", login=self.login(service))
        target = self.text(required) if required else ""
        if connection in ("chroot", "capture"):
            target = str(self.values.folder / expand_home(target))
        return WayIn(connection=connection, target=target)

    def connection(self) -> _Connection:
        if not isinstance(self.body, dict):
            raise self.fault("", "a way in is a mapping, such as {connection: podman, container: web1}")
        if "connection" not in self.body:
            meant = next((suggest(str(key), ("connection",)) for key in self.body), "")
            raise self.fault("", f"the key connection is missing{meant}")
        given = self.text("connection")
        for known in _REQUIRED:
            if given == known:
                return known
        what = f"connection: {given or '(nothing)'} is none of {', '.join(_REQUIRED)}"
        raise self.fault("connection", what + suggest(given, _REQUIRED))

    def login(self, service: Login) -> Login:
        if len(self.body) == 1:
            raise self.fault(
                "connection", "connection: ssh needs host, port, user or jump, or it is the service again"
            )
        user = self.text("user") or service.user
        options = {k: v for k, v in service.options.items() if k not in ("port", "hostname", "proxycommand")}
        port = self.parsed("port", parse_port)
        return replace(
            service,
            address=self.parsed("host", parse_address) or service.address,
            port=port or 22,
            user=user,
            password=service.password if user == service.user else None,
            jumps=self.parsed("jump", parse_jumps) or (),
            options=options | ({"port": str(port)} if port else {}),
        )

    def text(self, key: str) -> str:
        if self.body.get(key) is None:
            return ""
        value, what, place = self.body[key], f"sshdoctor_access: {key}", self.place(key)
        items = value if key == "jump" and isinstance(value, list) else [value]
        return ",".join(self.values.text_of(item, what, place) for item in items)

    def parsed(self, key: str, parser: Callable[[str], Any]) -> Any:
        text = self.text(key)
        return self.values.parse(parser, text, f"sshdoctor_access: {key}", self.place(key)) if text else None

    def place(self, key: str) -> str:
        return f"{self.file}:{line_of(self.body, key, self.line)}"

    def fault(self, key: str, what: str) -> InventoryError:
        return InventoryError(f"{self.place(key)}: sshdoctor_access: {what}")
