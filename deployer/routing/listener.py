"""A listening socket that answers whoever it has let in, to its end.

asyncio's server resets two kinds of clients when it is closed (seen with CPython 3.11): those whose
connection waits in the kernel, and those that it has accepted in that turn of the loop. When files
run out it tries again at once, as often as connections may wait, and writes a trace each time.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Sequence

from deployer.routing.direct_loop import DirectLoop
from deployer.routing.loop_stream import LoopStream
from deployer.routing.stream import Receiver
from deployer.routing.tcp_stream import TcpStream

__all__ = ["BACKLOG", "Listener", "bind_all"]

BACKLOG = 1024
"""Connections that the kernel keeps until they are accepted."""

_PAUSE_SECONDS = 0.1
"""For files to be closed when no more can be opened."""


class Listener:
    """Accepts connections from its making on until it is closed.

    Args:
        sockets: Listening; its own from now on.
        connect: Makes the receiver of a connection.
        tell: Told why connections wait when none can be taken in, once until one can.
        context: TLS is spoken with it.
    """

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        connect: Callable[[], Receiver],
        *,
        tell: Callable[[str], object],
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._connect = connect
        self._context = context
        self._tell = tell
        self._full = False
        self._joining: set[asyncio.Task[None]] = set()
        self._pauses: dict[socket.socket, asyncio.TimerHandle] = {}
        self.sockets = tuple(sockets)
        for each in self.sockets:
            each.setblocking(False)
            self._loop.add_reader(each, self._accept, each)

    def close(self) -> None:
        """Listen no more; those that wait to be let in are, and nothing comes in between."""
        sockets, self.sockets = self.sockets, ()
        for each in sockets:
            self._loop.remove_reader(each)
            self._accept(each)
            if each in self._pauses:
                self._pauses.pop(each).cancel()
            each.close()

    async def joined(self) -> None:
        """Return when everybody who was let in has a connection, or has failed to make one."""
        await asyncio.gather(*self._joining, return_exceptions=True)

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(BACKLOG):
            try:
                connection, _ = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._pause(listening, error)
                return
            self._full = False
            self._take_in(connection)

    def _take_in(self, connection: socket.socket) -> None:
        loop = self._loop
        if self._context is None and isinstance(loop, DirectLoop):
            connection.setblocking(False)
            TcpStream(loop, connection, self._connect())
            return
        task = loop.create_task(self._join(connection))
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)

    def _pause(self, listening: socket.socket, error: OSError) -> None:
        if not self._full:
            self._full = True
            self._tell(error.strerror or type(error).__name__)
        self._loop.remove_reader(listening)
        self._pauses[listening] = self._loop.call_later(_PAUSE_SECONDS, self._go_on, listening)

    def _go_on(self, listening: socket.socket) -> None:
        del self._pauses[listening]
        self._loop.add_reader(listening, self._accept, listening)

    async def _join(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):  # it has left, or speaks no TLS: asyncio has closed it
            await self._loop.connect_accepted_socket(
                lambda: LoopStream(self._connect()), connection, ssl=self._context
            )


async def bind_all(host: str, port: int) -> list[socket.socket]:
    """Return a listening socket for each address that the host stands for.

    Raises:
        OSError: One can't be listened on.
    """
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        asyncio.Protocol, host, port, backlog=BACKLOG, start_serving=False
    )
    try:
        with contextlib.ExitStack() as undo:
            sockets = [undo.enter_context(each.dup()) for each in server.sockets]
            for each in sockets:
                each.listen(BACKLOG)
            undo.pop_all()
        return sockets
    finally:
        server.close()
