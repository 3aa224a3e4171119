"""The servers that the conformance suite runs over: ours, and those of others.

One of others' (`programs.py`) whose tools are missing on this machine is skipped with the reason.
Where a server is known to differ, `deviations.toml` says so, and the check must fail there.
"""

import contextlib
import os
import socket
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3

from deployer.providers.local.clock import SystemClock
from deployer.sandbox.blob_server import start_blob_server
from deployer.sandbox.gcs_server import start_gcs_server
from deployer.sandbox.loopback import RunningServer
from deployer.sandbox.s3_server import start_s3_server
from tests.conformance.programs import PROGRAMS, InstallError, Program, install_program
from tests.moto_server import run_moto

FOLDER = Path(__file__).parent
DEVIATIONS: dict[str, dict[str, str]] = tomllib.loads((FOLDER / "deviations.toml").read_text())
START_SECONDS = 120.0
INSTALL_SECONDS = 900.0
"""For the first check over a server of others': it may have to be fetched and built."""


@dataclass(frozen=True)
class Peer:
    """A server that runs. ``trust`` is the authority's file for TLS, None without."""

    name: str
    url: str
    trust: Path | None = None


OURS: dict[str, Callable[..., RunningServer]] = {
    "s3": start_s3_server,
    "gcs": start_gcs_server,
    "blob": start_blob_server,
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Expect the differences that are known, and no others."""
    for item in items:
        if not hasattr(item, "callspec"):
            continue
        params = dict(item.callspec.params)
        peer = params.pop("peer", None)
        if peer is None or not Path(item.path).is_relative_to(FOLDER):
            continue
        if peer in PROGRAMS:
            item.add_marker(pytest.mark.timeout(INSTALL_SECONDS))
        known = DEVIATIONS.get(str(peer), {})
        name = getattr(item, "originalname", item.name)
        more = "-".join(str(value) for value in params.values())
        reason = known.get(name) or known.get(f"{name}[{more}]")
        if reason:
            item.add_marker(pytest.mark.xfail(reason=f"{peer}: {reason}", strict=True))


@pytest.fixture(scope="session")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Peer]]:
    """Start servers by name, each once."""
    running: dict[str, Peer | None] = {}
    with contextlib.ExitStack() as stack:

        def start(name: str) -> Peer:
            if name not in running:
                running[name] = None
                running[name] = stack.enter_context(_running(name, tmp_path_factory))
            peer = running[name]
            if peer is None:
                pytest.fail(f"{name} did not start, see the first test that wanted it")
            return peer

        yield start


@pytest.fixture
def server(peer: str, peers: Callable[[str], Peer], monkeypatch: pytest.MonkeyPatch) -> Peer:
    """The server under test, named by the test's ``peer`` parameter; its authority is trusted.

    By the environment too: what the machine has set there outweighs a session's own setting.
    """
    found = peers(peer)
    if found.trust is not None:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(found.trust))
    return found


@contextlib.contextmanager
def _running(name: str, folders: pytest.TempPathFactory) -> Iterator[Peer]:
    kind, _, tls = name.partition("-")
    if name == "moto":
        with run_moto() as url:
            yield Peer("moto", url)
    elif kind in OURS:
        ours = OURS[kind](tls=bool(tls))
        trust = folders.mktemp("authority") / "ca.pem"
        trust.write_bytes(ours.authority)
        yield Peer(name, ours.url, trust if tls else None)
        ours.close()
    else:
        yield from _run_program(name, PROGRAMS[name])


def _run_program(name: str, program: Program) -> Iterator[Peer]:
    try:
        home = install_program(name)
    except InstallError as error:
        pytest.skip(f"needs {name}: {error}")
    port = _free_port()
    process = subprocess.Popen(
        program.start(home, port),
        env={**os.environ, **program.settings(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=home,
    )
    try:
        _wait_until_up(process, port)
        yield Peer(name, f"http://127.0.0.1:{port}{program.path}")
    finally:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def _wait_until_up(process: "subprocess.Popen[Any]", port: int) -> None:
    clock = SystemClock()
    deadline = clock.monotonic() + START_SECONDS
    with urllib3.PoolManager(retries=False, timeout=2.0) as http:
        while clock.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                http.request("GET", f"http://127.0.0.1:{port}/")
                return
            clock.sleep(0.05)
    pytest.fail(f"the server on port {port} did not come up")
