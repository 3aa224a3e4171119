"""A router as a process, and predictions through it."""

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.scenario.routing.conftest import guarded

__all__ = ["Story", "engine_router", "paced", "router", "traffic"]

TRAFFIC = Path(__file__).parent / "cli" / "traffic.py"
PACE = Path(__file__).parent / "cli" / "pace.py"
SERVE = ("router", "serve", "-f", "deployer.yaml", "--listen", "127.0.0.1:0")


@dataclass
class Story:
    """What became of predictions that were sent at a rate; see ``cli/pace.py``."""

    sent: int = 0
    seconds: float = 0.0
    answers: dict[str, int] = field(default_factory=dict)
    failed_at: list[float] = field(default_factory=list)
    p50: float = 0.0
    p99: float = 0.0
    most: float = 0.0


@contextmanager
def router(deployment: Any, *options: str) -> Iterator[str]:
    """Run the router until the end; yield its address."""
    running = deployment.start(*SERVE, *options)
    yield running.wait_for("listening on").split()[-1]
    running.process.send_signal(signal.SIGTERM)
    done = running.finish()
    assert done.code == 0, done.err


@contextmanager
def engine_router(deployment: Any, engine: str) -> Iterator[str]:
    """Run the router on an engine until the end, and end the engine with it."""
    if engine == "embedded":
        with router(deployment) as url:
            yield url
        return
    # sockets' paths are short, pytest's folders are not
    with tempfile.TemporaryDirectory(prefix="engine") as folder, guarded(Path(folder)):
        options = ("--engine", engine, "--run-dir", folder, "--threads", "1")
        with router(deployment, *options) as url:
            yield url


@contextmanager
def traffic(deployment: Any, url: str) -> Iterator[dict[str, int]]:
    """Send predictions meanwhile; what became of them is in the dict afterwards."""
    answers: dict[str, int] = {}
    with _running([sys.executable, str(TRAFFIC), url, deployment.name]) as sender:
        yield answers
        answers |= json.loads(sender.communicate()[0])


@contextmanager
def paced(deployment: Any, url: str, rate: float) -> Iterator[Story]:
    """Send so many predictions a second meanwhile; the story is told afterwards."""
    story = Story()
    with _running([sys.executable, str(PACE), url, deployment.name, str(rate)]) as sender:
        yield story
        story.__dict__.update(json.loads(sender.communicate()[0]))


@contextmanager
def _running(command: list[str]) -> Iterator["subprocess.Popen[str]"]:
    """Run a sender, which stops once its input is closed."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as sender:
        try:
            yield sender
        finally:
            sender.kill()
