"""Loopback addresses: every pod and Service gets one of its own, so ports never clash."""

import random
import socket
from collections.abc import Collection, Iterable, Iterator

from deployer.errors import QuotaError

__all__ = ["pick_address"]

_TRIES = 200


def pick_address(
    ports: Iterable[int],
    taken: Collection[str],
    *,
    first: str = "",
    rng: random.Random | None = None,
) -> str:
    """Return a random address of 127.0.0.0/8 on which all TCP ``ports`` are free right now.

    Never one of 127.0.0.x, which people use by hand, nor one that is ``taken``. Linux answers on
    the whole of 127.0.0.0/8 without any set-up.

    Args:
        first: Tried before any other.

    Raises:
        QuotaError: None was found; a listener on 0.0.0.0 holds one of the ports, most likely.
    """
    rng = rng or random.Random()  # noqa: S311 - spreading out, not secrecy
    ports = tuple(ports)
    for address in _candidates(first, rng):
        if address not in taken and all(_free(address, port) for port in ports):
            return address
    listed = ", ".join(map(str, ports))
    raise QuotaError(
        f"no loopback address has all of these ports free: {listed}",
        operation="pick an address",
        resource="127.0.0.0/8",
        hint="Something listens on 0.0.0.0 with one of them; see `ss -ltnp`.",
    )


def _candidates(first: str, rng: random.Random) -> Iterator[str]:
    if first:
        yield first
    for _ in range(_TRIES):
        yield f"127.{rng.randint(1, 254)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"


def _free(address: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
