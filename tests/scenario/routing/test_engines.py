"""What the engines promise beyond failover: changes, a lost controller, refusals, hygiene."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deployer.release.records import Backend, Routes, RouteSettings
from deployer.routing.engines.place import free_port
from deployer.routing.last_known import save_routes

if TYPE_CHECKING:
    from tests.scenario.routing.conftest import Cast

POST = "POST /infer HTTP/1.1\r\nHost: iris\r\nX-Request-Id: broken\r\nContent-Length: 2\r\n\r\n{}"
pytestmark = pytest.mark.parametrize("engine", ["haproxy", "envoy"])


def wait_for(holds: Callable[[], bool], what: str) -> None:
    pause = threading.Event()
    for _ in range(200):
        if holds():
            return
        pause.wait(0.05)
    raise AssertionError(what)


def write_routes(cast: "Cast", epoch: int, weights: list[int], **settings: object) -> Path:
    file = cast.folder / "routes.json"
    backends = tuple(
        Backend(target=f"t{i}", release=1, url=url, weight=weight)
        for i, (url, weight) in enumerate(zip(cast.urls, weights, strict=False))
    )
    routes = Routes(
        name="iris",
        epoch=epoch,
        written=datetime(2026, 1, 1, tzinfo=UTC),
        settings=RouteSettings.model_validate(settings),
        backends=backends,
    )
    save_routes(file, routes)
    return file


def targets(cast: "Cast") -> "dict[str, dict[str, object]]":
    page = json.loads(cast.get("/-/status"))
    return {backend["target"]: backend for backend in page["backends"]}


def test_new_routes_lose_no_request_and_split_those_that_come_one_by_one(cast: "Cast") -> None:
    file = write_routes(cast, 1, [1, 1, 1])
    router = cast.start_router("--fast", "--routes", str(file))
    engine = (cast.folder / "e" / f"{cast.engine}.pid").read_text()
    seen = cast.load(seconds=2.5, fault=lambda: write_routes(cast, 2, [80, 20]), after=0.5)
    assert seen.total() == seen["200"], (seen, cast.said)
    assert {name: b["weight"] for name, b in targets(cast).items()} == {"t0": 80, "t1": 20}
    assert (cast.folder / "e" / f"{cast.engine}.pid").read_text() == engine
    names = Counter(cast.ask_for_target() for _ in range(150))
    assert 15 <= names["t1/1"] <= 45  # 20 % of 150: 30, within 3 sigma
    assert names["t2/1"] == 0
    router.terminate()
    assert router.wait(20) == 0


def test_traffic_goes_on_without_a_controller_and_the_next_one_cares_for_the_engine(
    cast: "Cast",
) -> None:
    listen = f"127.0.0.1:{free_port('127.0.0.1')}"
    router = cast.start_router("--fast", *cast.given_backends, listen=listen)

    def kill() -> None:
        router.kill()
        router.wait()

    seen = cast.load(seconds=1.0, fault=kill, after=0.3)
    assert seen.total() == seen["200"], (seen, cast.said)
    assert json.loads(cast.get("/-/ready"))["status"] == "ready"
    again = cast.start_router("--fast", *cast.given_backends, listen=listen)
    assert "taken over as it runs" in cast.said
    assert {b["state"] for b in targets(cast).values()} == {"healthy"}
    os.kill(int((cast.folder / "e" / f"{cast.engine}.pid").read_text()), signal.SIGKILL)
    wait_for(lambda: "put right" in cast.said and len(serving(cast)) == 3, cast.said)
    again.terminate()
    assert again.wait(20) == 0


def serving(cast: "Cast") -> set[str]:
    try:
        return {name for name, b in targets(cast).items() if b["state"] == "healthy"}
    except OSError:
        return set()


def test_what_the_engine_can_not_follow_leaves_the_last_good_routes(cast: "Cast") -> None:
    file = write_routes(cast, 1, [1, 1, 1])
    cast.start_router("--fast", "--routes", str(file))
    write_routes(cast, 2, [1, 1, 1], health_path="/a\nb")
    wait_for(lambda: "refuses its configuration" in cast.said, cast.said)
    cast.urls[0] += "/with/a/path"
    write_routes(cast, 3, [1, 1, 1])
    wait_for(lambda: "a path in a backend's URL" in cast.said, cast.said)
    assert cast.load(seconds=0.2, fault=lambda: None)["200"] == 13
    assert {b["state"] for b in targets(cast).values()} == {"healthy"}


def test_busy_is_not_sick_and_the_last_one_stays_where_the_engine_can(cast: "Cast") -> None:
    cast.start_router("--fast", *cast.given_backends)
    cast.set_mode(0, "503")
    seen = Counter(cast.ask_for_target() for _ in range(60))
    assert (seen["t0/0"] > 12) is (cast.engine == "envoy"), seen
    for index in range(3):
        cast.set_mode(index, "500")
    cast.ask(
        "POST /infer HTTP/1.1\r\nHost: iris\r\nX-Request-Id: once\r\nX-Envoy-Retry-On: 5xx\r\n"
        "X-Envoy-Max-Retries: 5\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    )
    assert cast.executed["once"] == 1
    for _ in range(60):
        cast.ask_for_target()
    states = Counter(b["state"] for b in targets(cast).values())
    assert states["down"] == (2 if cast.engine == "envoy" else 3)


def test_a_broken_answer_is_seen_as_broken_and_a_client_that_leaves_is_noticed(
    cast: "Cast",
) -> None:
    cast.start_router("--fast", "--idempotent", *cast.given_backends)
    for index in range(3):
        cast.set_mode(index, "part")
    answer = cast.ask(POST)
    assert "ok" in answer
    assert not answer.endswith("0\r\n\r\n")
    assert cast.executed["broken"] == 1
    for index in range(3):
        cast.set_mode(index, "wait")
    cast.ask_and_leave(POST)
    wait_for(lambda: cast.executed["left"] == 1, "the backend was not told")


def test_a_backend_over_tls_must_prove_its_name(
    cast: "Cast", monkeypatch: pytest.MonkeyPatch
) -> None:
    cast.urls.clear()
    cast.add_backend(authority=cast.folder / "trusted.pem")
    cast.add_backend(authority=cast.folder / "unknown.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(cast.folder / "trusted.pem"))
    cast.start_router("--fast", *cast.given_backends, healthy=1)
    wait_for(lambda: targets(cast)["t1"]["state"] == "down", cast.said)
    assert {cast.ask_for_target() for _ in range(4)} == {"t0/0"}


def test_what_the_engine_sees_is_on_the_same_pages(cast: "Cast") -> None:
    cast.start_router("--fast", *cast.given_backends)
    cast.load(seconds=1.0, fault=cast.backends[0].kill, after=0.2)
    wait_for(lambda: targets(cast)["t0"]["state"] == "down", cast.said)
    wait_for(lambda: bool(targets(cast)["t1"]["history"]), cast.said)
    assert "<title>deployer router</title>" in cast.get("/-/")
    changes = [e for e in cast.page("/-/events")["events"] if e["subject"] == "t0/0"]
    assert changes[-1]["change"].endswith("-> down")
    assert changes[-1]["effect"] == "new requests: t0/0 33 -> 0 %, t1/0 33 -> 50 %, t2/0 33 -> 50 %"


def test_an_engine_takes_no_orders_and_says_so(cast: "Cast") -> None:
    socket = str(cast.folder / "admin.sock")
    command = [*cast.command, "--admin", socket, *cast.given_backends]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 4
    assert "--admin is the embedded engine's" in done.stderr


def test_a_taken_port_is_said(cast: "Cast") -> None:
    place = cast.urls[0].removeprefix("http://")
    command = [*cast.command, "--listen", place, *cast.given_backends]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 5
    assert f"can't be started on http://{place}" in done.stderr


def test_the_printed_configuration_is_one_that_the_engine_takes(
    cast: "Cast", engine: str, tmp_path: Path
) -> None:
    words = ["router", "config", "--engine", engine, *cast.given_backends]
    program = [sys.executable, "-c", "from deployer.cli.app import main; main()"]
    text = subprocess.run([*program, *words], capture_output=True, text=True, check=True).stdout
    file = tmp_path / "engine.json"
    file.write_text(text)
    check = ["-c", "-f"] if engine == "haproxy" else ["--mode", "validate", "-c"]
    subprocess.run([cast.binary, *check, file], capture_output=True, check=True)
