"""A listening socket: whoever has connected is served, at its end and without files, too."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from deployer.routing.listener import Listener, bind_all
from deployer.routing.stream import Receiver
from deployer.routing.tls import KeyPair

if TYPE_CHECKING:
    from tests.unit.routing.conftest import Rig

Drive = Callable[[Callable[["Rig"], Awaitable[None]]], None]
GET = b"GET / HTTP/1.1\r\nHost: iris\r\n\r\n"


def connect(rig: "Rig") -> socket.socket:
    """Connect without a turn of the loop: nobody has accepted it yet."""
    return socket.create_connection(("127.0.0.1", int(rig.router.url.rpartition(":")[2])))


def _nobody() -> Receiver:
    raise AssertionError("nobody is let in")


async def read(connected: socket.socket, context: ssl.SSLContext | None = None) -> bytes:
    name = "localhost" if context is not None else None
    reader, writer = await asyncio.open_connection(
        sock=connected, ssl=context, server_hostname=name
    )
    writer.write(b"" if context is None else GET)
    try:
        return await asyncio.wait_for(reader.read(-1), 10)
    finally:
        writer.transport.abort()


def test_who_waits_to_be_accepted_is_served_before_a_router_ends(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend()
        await rig.start(backend.url)
        waiting = [connect(rig) for _ in range(20)]
        for each in waiting:
            each.sendall(GET)
        await rig.router.stop()
        answers = [await read(each) for each in waiting]
        assert {answer[:12] for answer in answers} == {b"HTTP/1.1 200"}

    drive(story)


def test_who_was_accepted_in_the_last_turn_is_served_before_a_router_ends(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend()
        await rig.start(backend.url)
        accepted = connect(rig)
        accepted.sendall(GET)
        await asyncio.sleep(0)  # the socket is accepted, and nothing else is done
        await rig.router.stop()
        assert (await read(accepted)).startswith(b"HTTP/1.1 200")

    drive(story)


def test_a_handshake_that_has_begun_is_waited_for(drive: Drive, tmp_path: Path) -> None:
    authority, trust = trustme.CA(), ssl.create_default_context()
    made = authority.issue_cert("localhost")
    made.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "cert.pem"))
    authority.configure_trust(trust)
    pair = KeyPair(tmp_path / "cert.pem", tmp_path / "cert.pem")

    async def story(rig: "Rig") -> None:
        backend = await rig.backend()
        await rig.start(backend.url, settle=False, tls=(pair,))
        connected = connect(rig)
        stopping = asyncio.create_task(rig.router.stop())
        await asyncio.sleep(0.05)
        assert (await read(connected, trust)).startswith(b"HTTP/1.1 200")
        await stopping

    drive(story)


def test_who_connects_while_no_file_can_be_opened_waits_and_it_is_said_once(
    drive: Drive, no_more_files: Callable[[], AbstractContextManager[None]]
) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend()
        await rig.start(backend.url)
        waiting = socket.socket()
        with no_more_files():
            waiting.connect(("127.0.0.1", int(rig.router.url.rpartition(":")[2])))
            waiting.sendall(GET)
            await asyncio.sleep(0.35)
        told = [line for line in rig.told if "new connections wait" in line]
        assert told == ["listener: new connections wait (Too many open files)"]
        reader, writer = await asyncio.open_connection(sock=waiting)
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200 ")
        writer.close()

    drive(story)


def test_a_listener_that_is_closed_while_no_file_can_be_opened_stays_closed(
    no_more_files: Callable[[], AbstractContextManager[None]],
) -> None:
    async def story() -> None:
        told: list[str] = []
        listener = Listener(await bind_all("127.0.0.1", 0), _nobody, tell=told.append)
        with socket.socket() as waiting:
            address = listener.sockets[0].getsockname()
            with no_more_files():
                waiting.connect(address)
                await asyncio.sleep(0.05)
                listener.close()
            await asyncio.sleep(0.2)
            with pytest.raises(ConnectionRefusedError), socket.create_connection(address):
                pass
        assert told == ["Too many open files"]

    with contextlib.closing(asyncio.new_event_loop()) as loop:
        loop.run_until_complete(story())


def test_a_name_is_listened_on_at_every_address_of_it() -> None:
    async def story() -> None:
        bound = await bind_all("127.0.0.1", 0)
        try:
            with pytest.raises(OSError, match="address already in use"):
                await bind_all("127.0.0.1", bound[0].getsockname()[1])
        finally:
            for each in bound:
                each.close()

    asyncio.run(story())
