"""The way from the API server to pods and nodes: a CONNECT proxy that translates addresses."""

import asyncio
import contextlib
from pathlib import Path

from tests.cluster.node.addresses import to_loopback

__all__ = ["serve_egress"]

_CHUNK = 1 << 16
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_REFUSED = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"


async def serve_egress(path: Path) -> asyncio.Server:
    """Listen on a Unix socket for the API server's egress selector."""
    return await asyncio.start_unix_server(_serve, path)


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        host, _, port = head.split(b" ")[1].decode().rpartition(":")
        await _tunnel(reader, writer, to_loopback(host), int(port))
    except (OSError, ValueError, IndexError, asyncio.IncompleteReadError):
        with contextlib.suppress(OSError):
            writer.write(_REFUSED)
    finally:
        writer.close()


async def _tunnel(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int
) -> None:
    upstream_reader, upstream_writer = await asyncio.open_connection(host, port)
    writer.write(_ESTABLISHED)
    try:
        await asyncio.gather(_pump(reader, upstream_writer), _pump(upstream_reader, writer))
    finally:
        upstream_writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end, and pass the end on."""
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        if writer.can_write_eof():
            writer.write_eof()
