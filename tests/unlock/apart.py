"""The page in a process of its own: ``python -m unlock.apart STATE DOOR`` prints its port.

It ends with its input. Of ``DOOR``, "leaky" does what ours must not: it looks up who asks before it answers.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from sshdoctor.unlock.app import Door
from unlock.bed import ANN, MANY, served

_WORTH_A_MAIL = 0.0005


class Leaky(Door):
    """Takes half a millisecond more where a mail is to be sent."""

    async def asked(self, request: Request) -> Response:
        if ANN.replace("@", "%40").encode() in await request.body():
            time.sleep(_WORTH_A_MAIL)
        return await super().asked(request)


@contextmanager
def apart(state: Path, door: str = "ours") -> Iterator[int]:
    """Its port."""
    command = [sys.executable, "-m", "unlock.apart", str(state), door]
    found = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=found
    ) as process:
        assert process.stdout is not None and process.stdin is not None
        yield int(process.stdout.readline())
        process.stdin.close()
        assert process.wait(20) == 0


if __name__ == "__main__":
    with served(
        Path(sys.argv[1]), limits=MANY, door={"leaky": Leaky}.get(sys.argv[2], Door), tick=1.0
    ) as bed:
        print(bed.port, flush=True)
        sys.stdin.read()
