"""The servers that the conformance suite runs over: ours, and those of others.

Others' servers are installed once, by version, under the user's cache folder. One whose tools are
missing on this machine is skipped with the reason; DEPLOYER_REQUIRE_PEERS=1 makes that a failure.
Where a server is known to differ, `deviations.toml` says so, and the check must fail there.
"""

import contextlib
import fcntl
import os
import re
import shutil
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
import urllib3

from deployer.providers.local.clock import SystemClock
from deployer.sandbox.blob.account import DEVELOPMENT_ACCOUNT
from deployer.sandbox.blob_server import start_blob_server
from deployer.sandbox.gcs_server import start_gcs_server
from deployer.sandbox.loopback import RunningServer
from deployer.sandbox.s3_server import start_s3_server

FOLDER = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deployer" / "peers"
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


@dataclass(frozen=True)
class Program:
    """Somebody else's server: how it is installed into a folder, and started from it."""

    version: str
    needs: str
    install: Callable[[Path], Sequence[Sequence[str]]]
    start: Callable[[Path, int], Sequence[str]]
    settings: Callable[[int], dict[str, str]] = lambda _port: {}
    path: str = ""


PROGRAMS = {
    "ministack": Program(
        version="1.5.33",
        needs=sys.executable,
        install=lambda to: (
            (sys.executable, "-m", "venv", str(to)),
            (f"{to}/bin/python", "-m", "pip", "install", "-q", "ministack==1.5.33"),
        ),
        start=lambda home, _port: (f"{home}/bin/python", "-m", "ministack"),
        settings=lambda port: {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)},
    ),
    "azurite": Program(
        version="3.37.0",
        needs="npm",
        install=lambda to: (
            (
                *("npm", "install", "--silent", "--no-audit", "--no-fund"),
                *("--prefix", str(to), "azurite@3.37.0"),
            ),
        ),
        start=lambda home, port: (
            *("node", f"{home}/node_modules/azurite/dist/src/blob/main.js"),
            *("--inMemoryPersistence", "--blobHost", "127.0.0.1", "--blobPort", str(port)),
            *("--disableTelemetry", "--skipApiVersionCheck", "--silent"),
        ),
        path=f"/{DEVELOPMENT_ACCOUNT}",
    ),
    "fake-gcs-server": Program(
        version="1.56.1",
        needs="go",
        install=lambda _to: (("go", "install", "github.com/fsouza/fake-gcs-server@v1.56.1"),),
        start=lambda home, port: (
            *(f"{home}/fake-gcs-server", "-scheme", "http", "-host", "127.0.0.1"),
            *("-port", str(port), "-backend", "memory", "-log-level", "error"),
            *("-external-url", f"http://127.0.0.1:{port}", "-public-host", f"127.0.0.1:{port}"),
        ),
    ),
}
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
                _give_up(f"{name} did not start, see the first test that wanted it")
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
        yield from _run_moto()
    elif kind in OURS:
        ours = OURS[kind](tls=bool(tls))
        trust = folders.mktemp("authority") / "ca.pem"
        trust.write_bytes(ours.authority)
        yield Peer(name, ours.url, trust if tls else None)
        ours.close()
    else:
        yield from _run_program(name, PROGRAMS[name])


def _run_moto() -> Iterator[Peer]:
    command = (sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0")
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stderr is not None
        found = (re.search(r"http://[\d.:]+", line) for line in process.stderr)
        yield Peer("moto", next(one[0] for one in found if one))
    finally:
        process.kill()
        process.communicate()


def _run_program(name: str, program: Program) -> Iterator[Peer]:
    home = _install(name, program)
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


def _install(name: str, program: Program) -> Path:
    """Return the program's folder, made once; other runs that want it too wait."""
    CACHE.mkdir(parents=True, exist_ok=True)
    home = CACHE / f"{name}-{program.version}"
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (home / ".done").exists():
            return home
        if shutil.which(program.needs) is None:
            _give_up(f"{name} needs {program.needs}, which is not on this machine")
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        for command in program.install(home):
            _run_step(name, command, home)
        (home / ".done").touch()
    return home


def _run_step(name: str, command: Sequence[str], home: Path) -> None:
    environment = {**os.environ, "GOBIN": str(home)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        _give_up(f"{name} cannot be installed: {done.stderr.strip()[-300:]}")


def _give_up(reason: str) -> NoReturn:
    if os.environ.get("DEPLOYER_REQUIRE_PEERS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


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
