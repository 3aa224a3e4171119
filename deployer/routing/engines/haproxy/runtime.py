"""HAProxy's sockets: one command, one answer; and the two tables it answers with."""

import csv
import io
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from deployer.errors import StateError

__all__ = ["ServerRow", "ask", "read_servers", "read_stats"]

_TIMEOUT_SECONDS = 5.0
_CHUNK = 1 << 16
_DRAIN_BITS = 0x08 | 0x10  # srv_admin_state: drain by command, or inherited
_MAINT_BITS = 0x01 | 0x02 | 0x04 | 0x20  # maintenance by command, inherited, configured, no DNS


class ServerRow(NamedTuple):
    """A server of ours in ``show servers state``; its columns are stable by HAProxy's word."""

    name: str
    address: str
    port: int
    weight: int
    draining: bool
    in_maintenance: bool


def ask(path: Path, command: str) -> str:
    """Return the answer to a command, without the blank lines around it.

    Raises:
        StateError: Nobody answers there.
    """
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_TIMEOUT_SECONDS)
            connection.connect(str(path))
            connection.sendall(command.encode() + b"\n")
            connection.shutdown(socket.SHUT_WR)
            return b"".join(_chunks(connection)).decode("utf-8", "replace").strip()
    except OSError as error:
        why = error.strerror or "no answer in time"
        raise StateError(f"HAProxy does not answer on {path}: {why}") from error


def read_servers(path: Path, farm: str) -> dict[str, ServerRow]:
    """Return the servers by name.

    Raises:
        StateError: Nobody answers, or with something else.
    """
    text = ask(path, f"show servers state {farm}")
    header = next((line for line in text.splitlines() if line.startswith("# ")), None)
    if header is None:
        raise StateError(f"HAProxy does not know of {farm}: {text[:200]}")
    columns = header[2:].split()
    lines = text.partition(header)[2].splitlines()
    rows = [dict(zip(columns, line.split(), strict=False)) for line in lines if line.strip()]
    return {row["srv_name"]: _server(row) for row in rows}


def read_stats(path: Path, *farms: str) -> Iterator[dict[str, str]]:
    """Yield the rows of ``show stat`` for farms: their servers, and ``BACKEND`` for all of one.

    Raises:
        StateError: Nobody answers.
    """
    text = ask(path, "show stat").removeprefix("# ")
    for row in csv.DictReader(io.StringIO(text)):
        if row["pxname"] in farms:
            yield row


def _server(row: dict[str, str]) -> ServerRow:
    admin = int(row["srv_admin_state"])
    return ServerRow(
        name=row["srv_name"],
        address=row["srv_addr"],
        port=int(row["srv_port"]),
        weight=int(row["srv_uweight"]),
        draining=bool(admin & _DRAIN_BITS),
        in_maintenance=bool(admin & _MAINT_BITS),
    )


def _chunks(connection: socket.socket) -> Iterator[bytes]:
    while chunk := connection.recv(_CHUNK):
        yield chunk
