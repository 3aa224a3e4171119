"""A router as a process, and predictions through it."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["router", "traffic"]

TRAFFIC = Path(__file__).parent / "cli" / "traffic.py"


@contextmanager
def router(deployment: Any) -> Iterator[str]:
    """Run the router until the end; yield its address."""
    running = deployment.start("router", "serve", "-f", "deployer.yaml", "--listen", "127.0.0.1:0")
    yield running.wait_for("listening on").split()[-1]
    running.process.send_signal(signal.SIGTERM)
    assert running.finish().code == 0


@contextmanager
def traffic(deployment: Any, url: str) -> Iterator[dict[str, int]]:
    """Send predictions meanwhile; what became of them is in the dict afterwards."""
    sender = subprocess.Popen(
        [sys.executable, TRAFFIC, url, deployment.name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    answers: dict[str, int] = {}
    try:
        yield answers
    finally:
        answers |= json.loads(sender.communicate()[0])
