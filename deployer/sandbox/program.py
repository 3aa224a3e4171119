"""A stand-in as a program: one ready line, then it serves until SIGTERM or SIGINT."""

import argparse
import signal
from pathlib import Path
from typing import Protocol

from deployer.sandbox.loopback import RunningServer

__all__ = ["run_server"]


class _Start(Protocol):
    def __call__(self, port: int, *, tls: bool) -> RunningServer: ...


def run_server(name: str, start: _Start, about: str | None) -> None:
    """Read the command line and serve.

    With ``--tls FILE`` it serves over TLS and writes there, in PEM, the authority to trust.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls", type=Path, metavar="FILE")
    options = parser.parse_args()
    stops = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    server = start(options.port, tls=options.tls is not None)
    if options.tls is not None:
        options.tls.write_bytes(server.authority)
    print(f"{name} ready on {server.url}", flush=True)  # noqa: T201 - the ready line
    signal.sigwait(stops)
    server.close()
