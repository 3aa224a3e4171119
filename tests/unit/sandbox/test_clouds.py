import json
import os
import signal
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.errors import TransientError
from deployer.providers.local.clock import SystemClock
from deployer.sandbox.clouds import CloudStatus, read_sandbox, start_sandbox, stop_sandbox
from deployer.sandbox.state import SandboxFolder
from deployer.values import Cloud

CLOCK = SystemClock()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "sandbox"
    yield folder
    stop_sandbox(folder, clock=CLOCK, now=True)
    assert processes_of(folder) == []


def start(folder: Path, *clouds: Cloud) -> dict[Cloud, CloudStatus]:
    found = start_sandbox(folder, clouds, clock=CLOCK, example=folder.parent / "build")
    return {one.cloud: one for one in found}


def processes_of(folder: Path) -> list[int]:
    """Every process that bears the sandbox's folder in its environment or command."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                text = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(folder).encode() in text:
                found.append(int(entry.name))
    return found


def buckets_of_gcp(endpoint: str) -> list[str]:
    with urllib.request.urlopen(f"{endpoint}/storage/v1/b") as answer:  # noqa: S310 - loopback
        return [item["name"] for item in json.load(answer)["items"]]


@pytest.mark.slow
def test_three_clouds_come_up_twice_and_go_without_a_trace(folder: Path) -> None:
    first = start(folder, Cloud.AWS, Cloud.GCP, Cloud.AZURE)
    assert [one.state for one in first.values()] == ["healthy"] * 3
    running = processes_of(folder)
    assert start(folder, Cloud.AWS, Cloud.GCP, Cloud.AZURE) == first
    assert sorted(processes_of(folder)) == sorted(running)
    found = stop_sandbox(folder, clock=CLOCK)
    assert [one.state for one in found] == ["down"] * 3
    assert processes_of(folder) == []


def test_a_lost_cloud_comes_back_at_its_address_with_an_empty_bucket(folder: Path) -> None:
    before = start(folder, Cloud.GCP)[Cloud.GCP]
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{before.endpoint}/upload/storage/v1/b/deployer-sandbox/o?uploadType=media&name=k",
        data=b"1",
    )
    urllib.request.urlopen(request).close()  # noqa: S310 - loopback
    (lost,) = (
        one
        for one in stop_sandbox(folder, [Cloud.GCP], clock=CLOCK, now=True)
        if one.cloud is Cloud.GCP
    )
    assert lost.state == "down"
    assert processes_of(folder) == []
    after = start(folder, Cloud.GCP)[Cloud.GCP]
    assert after == before
    assert buckets_of_gcp(after.endpoint) == ["deployer-sandbox"]
    objects = f"{after.endpoint}/storage/v1/b/deployer-sandbox/o"
    with urllib.request.urlopen(objects) as answer:  # noqa: S310 - loopback
        assert json.load(answer)["items"] == []


def test_a_server_that_died_shows_and_is_started_again(folder: Path) -> None:
    start(folder, Cloud.AZURE)
    server = SandboxFolder(folder).read().clouds[Cloud.AZURE].server
    assert server is not None
    os.kill(server.pid, signal.SIGKILL)
    while (state := seen(folder, Cloud.AZURE).state) == "healthy":
        CLOCK.sleep(0.01)
    assert state == "degraded"
    assert start(folder, Cloud.AZURE)[Cloud.AZURE].state == "healthy"


def test_a_server_nobody_recorded_does_not_keep_the_port(folder: Path) -> None:
    start(folder, Cloud.GCP)
    place = SandboxFolder(folder)
    state = place.read()
    forgotten = state.clouds[Cloud.GCP].model_copy(update={"server": None})
    place.write(state.model_copy(update={"clouds": {**state.clouds, Cloud.GCP: forgotten}}))
    assert start(folder, Cloud.GCP)[Cloud.GCP].state == "healthy"


def test_a_taken_port_is_named(folder: Path) -> None:
    start(folder, Cloud.GCP)
    stop_sandbox(folder, [Cloud.GCP], clock=CLOCK)
    port = SandboxFolder(folder).read().clouds[Cloud.GCP].port
    with socket.create_server(("127.0.0.1", port)), pytest.raises(TransientError) as error:
        start(folder, Cloud.GCP)
    assert f"did not come up on port {port}" in str(error.value)
    assert "in use" in str(error.value)


def test_a_sandbox_never_started_is_empty_and_stops(tmp_path: Path) -> None:
    folder = tmp_path / "none"
    assert read_sandbox(folder, clock=CLOCK) == ()
    assert stop_sandbox(folder, clock=CLOCK) == ()
    assert not folder.exists()


def seen(folder: Path, cloud: Cloud) -> CloudStatus:
    return next(one for one in read_sandbox(folder, clock=CLOCK) if one.cloud is cloud)


def test_when_all_stores_were_gone_the_clusters_begin_anew(folder: Path) -> None:
    start(folder, Cloud.GCP, Cloud.AZURE)
    left = folder / "clusters" / "gcp" / "left-over"
    left.write_text("of a deployment whose state is lost")
    stop_sandbox(folder, [Cloud.GCP], clock=CLOCK)
    start(folder, Cloud.GCP)
    assert left.exists(), "one store was up all the time"
    stop_sandbox(folder, clock=CLOCK)
    start(folder, Cloud.GCP)
    assert not left.exists()
