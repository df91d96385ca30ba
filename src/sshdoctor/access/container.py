"""A container, through its engine's exec: podman or docker."""

from __future__ import annotations

import re

from sshdoctor.access.base import Output
from sshdoctor.access.process import ProcessAccess, execute
from sshdoctor.access.shell import KeptOutput
from sshdoctor.errors import AccessError
from sshdoctor.model import Become

_ENGINE_SPEAKS = re.compile(r"Error: |Error response from daemon|OCI runtime|[Cc]annot connect to ")


class ContainerAccess(ProcessAccess):
    """Scripts run in a running container, as its default user, or as ``become.user``: no sudo is needed."""

    def run(self, script: str, *, timeout: float, limit: int = 64 * 2**20, stop: str = "") -> Output:
        output = super().run(script, timeout=timeout, limit=limit, stop=stop)
        engine_failed = output.status in (1, 125, 126, 127, 255) and not output.stdout
        if engine_failed and _ENGINE_SPEAKS.match(output.error):
            raise AccessError("not-running", output.error)
        return output


def open_container(
    engine: str, name: str, *, become: Become | None = None, timeout: float = 10
) -> ContainerAccess:
    """Raises AccessError ``not-installed`` (no engine), ``no-such-container`` or ``not-running``."""
    state = _state(engine, name, timeout)
    if state != "running":
        raise AccessError("not-running", f"{engine} container {name} is {state}")
    user = ("--user", become.user) if become else ()
    return ContainerAccess(
        engine, f"container {name}", (engine, "exec", "-i", *user, "--", name), None, timeout
    )


def _state(engine: str, name: str, timeout: float) -> str:
    capture = KeptOutput("", 4096)
    ask = (engine, "container", "inspect", "--format", "{{.State.Status}}", "--", name)
    execute(ask, b"", timeout, capture)
    output = capture.output()
    if output.status == 0:
        return output.stdout.decode("utf-8", "backslashreplace").strip()
    if re.search("no such container", output.error, re.IGNORECASE):
        raise AccessError("no-such-container", f"{engine} knows no container {name}")
    raise AccessError("not-running", output.error or f"{engine} failed")
