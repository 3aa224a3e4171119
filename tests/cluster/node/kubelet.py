"""The node's own HTTPS server: container logs, so that ``kubectl logs`` works."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

__all__ = ["FindLog", "serve_logs"]

FindLog = Callable[[str, str, str, bool], Path | None]
"""Takes namespace, pod, container and whether the run before is meant; None for no such log."""

_FOLLOW_SECONDS = 0.2


async def serve_logs(find: FindLog, certificate: Path, key: Path) -> asyncio.Server:
    """Listen on a free port of 127.0.0.1, as kubelets do on 10250."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await reader.readline()
            while (await reader.readline()).strip():
                pass
            await _answer(line.split()[1].decode(), find, writer)
        except (OSError, IndexError):
            return
        finally:
            writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)


async def _answer(target: str, find: FindLog, writer: asyncio.StreamWriter) -> None:
    """Answer ``/containerLogs/NAMESPACE/POD/CONTAINER``; the body ends with the connection."""
    parts, query = urlsplit(target), parse_qs(urlsplit(target).query)
    names = parts.path.strip("/").split("/")
    log = None
    if names[0] == "containerLogs" and len(names) == 4:
        log = find(names[1], names[2], names[3], "true" in query.get("previous", ()))
    status = "404 Not Found" if log is None or not log.exists() else "200 OK"
    writer.write(f"HTTP/1.1 {status}\r\nConnection: close\r\n\r\n".encode())
    if log is not None and log.exists():
        await _send(log, query, writer)
    await writer.drain()


async def _send(log: Path, query: dict[str, list[str]], writer: asyncio.StreamWriter) -> None:
    lines = int(query["tailLines"][0]) if "tailLines" in query else None
    with log.open("rb") as file:
        text = file.read()
        wanted = text.splitlines(keepends=True)
        writer.write(b"".join(wanted[-lines:] if lines else wanted[: 0 if lines == 0 else None]))
        while "true" in query.get("follow", ()) and not writer.is_closing():
            await writer.drain()
            await asyncio.sleep(_FOLLOW_SECONDS)
            writer.write(file.read())
