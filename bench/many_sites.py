"""A server for ``bench.watch``: answers on every address of 127.0.0.0/8; with ``down`` in its folder,
those of 127.99.0.0/16 answer 503. ``python -m bench.many_sites FOLDER`` prints its port.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

WELL = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
ILL = WELL.replace(b"200 OK", b"503 Service Unavailable")
MANY = "127.99."


async def main(folder: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await reader.readuntil(b"\r\n\r\n")
            ill = writer.get_extra_info("sockname")[0].startswith(MANY) and (folder / "down").exists()
            writer.write(ILL if ill else WELL)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "0.0.0.0", 0, backlog=1024)  # noqa: S104  # all of loopback
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
