"""The pages that an engine asks its controlling process for, on a Unix socket in its folder."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from deployer.routing.messages import HEAD_LIMIT, local_response
from deployer.values import Json

__all__ = ["ControlPages"]

_TIMEOUT_SECONDS = 5.0


class ControlPages:
    """Answers one request per connection; only the engine, on the same machine, gets there.

    Args:
        page: Makes status and body for a path.
    """

    def __init__(self, path: Path, page: Callable[[str], Awaitable[tuple[int, Json]]]) -> None:
        self._path = path
        self._page = page
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; a socket that a dead process left is replaced."""
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(
            self._serve, path=self._path, limit=HEAD_LIMIT
        )
        self._path.chmod(0o600)

    async def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(await self._answer(head))
                await writer.drain()
        writer.close()

    async def _answer(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b" ")
        status, payload = await self._page(rest.split(b" ")[0].decode("ascii", "replace"))
        return local_response(status, payload, keep_alive=False, bodiless=method == b"HEAD")
