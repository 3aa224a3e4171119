"""Orders by the command line to a router in a process of its own, and its log of events."""

import contextlib
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.scenario.routing.conftest import Cast

DEPLOYER = str(Path(sys.executable).parent / "deployer")
TOKEN = "a-token-that-nobody-guesses"


def deployer(*words: str, token: str = "") -> "subprocess.CompletedProcess[str]":
    command = [DEPLOYER, "router", *words]
    env = {"PATH": "/usr/bin:/bin", "COLUMNS": "100", "DEPLOYER_ROUTER_TOKEN": token}
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False, timeout=30)


@contextlib.contextmanager
def following(url: str) -> Iterator[list[str]]:
    """Run `router events --follow`; yield its lines as they come."""
    command = [DEPLOYER, "router", "events", "--follow", "--url", url]
    lines: list[str] = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        stdout = process.stdout
        assert stdout is not None
        reader = threading.Thread(target=lambda: lines.extend(stdout))
        reader.start()
        try:
            yield lines
        finally:
            process.kill()
            reader.join(10)


def wait_for(lines: list[str], pattern: str) -> None:
    pause = threading.Event()
    for _ in range(300):  # a command takes half a second to start, on a busy machine ten
        if re.search(pattern, "".join(lines)):
            return
        pause.wait(0.1)
    raise AssertionError(lines)


def test_a_target_is_drained_and_restored_under_load_and_the_log_says_by_whom(cast: "Cast") -> None:
    socket, log = cast.folder / "admin.sock", cast.folder / "events.jsonl"
    words = ["--admin", str(socket), "--event-log", str(log)]
    router = cast.start_router(*words, *cast.given_backends)
    said: list[str] = []
    with following(cast.url) as lines:
        wait_for(lines, r"routes: epoch 1, 3 backends")
        seen = cast.load(
            seconds=2,
            fault=lambda: said.append(deployer("drain", "t0", "--admin", str(socket)).stdout),
        )
        assert seen.total() == seen["200"], (seen, cast.said)
        assert [line for text in said for line in text.splitlines()] == [
            "t0: drained: no new requests",
            "new requests: t0/0 33 -> 0 %, t1/0 33 -> 50 %, t2/0 33 -> 50 %",
        ]
        before = cast.page("/-/status")["backends"][0]["requests"]
        cast.load(seconds=0.5, fault=lambda: None)
        assert cast.page("/-/status")["backends"][0]["requests"] == before
        shown = deployer("status", "--url", cast.url).stdout
        assert "t0: weight 0 by order, 1 by the routes; deployer router restore t0" in shown
        assert deployer("restore", "t0", "--admin", str(socket)).returncode == 0
        wait_for(
            lines, r"t0: restored \(ordered by user \d+ \(process \d+\)\)\n +new requests: t0/0"
        )
    router.terminate()
    assert router.wait(10) == 0
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert [e["change"] for e in events if e["kind"] == "order"] == [
        "drained: no new requests",
        "restored",
    ]


def test_who_follows_sees_a_router_go_and_come_back(cast: "Cast", unused_port: int) -> None:
    words, listen = ["--fast", *cast.given_backends], f"127.0.0.1:{unused_port}"
    router = cast.start_router(*words, listen=listen)
    with following(cast.url) as lines:
        wait_for(lines, r"routes: epoch 1, 3 backends")
        router.kill()
        router.wait(10)
        wait_for(lines, r"did not answer: connect failed .*; trying again")
        cast.start_router(*words, listen=listen)
        wait_for(lines, r"the router was started again\n.*routes: epoch 1, 3 backends")


def test_an_order_that_is_refused_says_why(cast: "Cast") -> None:
    cast.urls = cast.urls[:1]
    socket = str(cast.folder / "admin.sock")
    cast.start_router("--fast", "--admin", socket, *cast.given_backends)
    for words, code, said in (
        (["drain", "t9"], 4, "there is no backend t9"),
        (["weight", "t0", "0"], 1, "nothing usable would be left without t0"),
        (["eject", "t0", "--for", "0"], 4, "--for"),
    ):
        result = deployer(*words, "--admin", socket)
        assert (result.returncode, said in result.stderr) == (code, True), result.stderr


def test_a_port_needs_a_token_on_both_sides(
    cast: "Cast", monkeypatch: pytest.MonkeyPatch, unused_port: int
) -> None:
    admin = f"127.0.0.1:{unused_port}"
    refused = deployer("serve", "--backend", "a=http://127.0.0.1:1", "--admin", admin)
    assert refused.returncode == 5
    assert "need a token of at least 16 characters" in refused.stderr
    monkeypatch.setenv("DEPLOYER_ROUTER_TOKEN", TOKEN)
    cast.start_router("--fast", "--admin", admin, *cast.given_backends)
    without = deployer("drain", "t0", "--admin", admin)
    assert without.returncode == 5
    assert "an order needs the router's token" in without.stderr
    given = deployer("weight", "t0", "2", "--admin", admin, "-o", "json", token=TOKEN)
    document = json.loads(given.stdout)
    assert document["schema"] == "deployer/router-order/v1"
    assert document["event"]["by"] == "token from 127.0.0.1"


def test_other_machines_cannot_be_listened_to() -> None:
    said = deployer("serve", "--backend", "a=http://127.0.0.1:1", "--admin", "0.0.0.0:9")
    assert said.returncode == 4
    assert "orders are only taken from this machine" in said.stderr
