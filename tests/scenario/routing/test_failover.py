"""`deployer router serve` in front of three processes, under load, while one of them fails.

The failover matrix holds for every engine with the same bounds: they obey one policy.
"""

import signal
import subprocess
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from deployer.release.records import Backend, Routes, RouteSettings
from deployer.routing.last_known import save_routes
from deployer.routing.traffic import Timeouts

if TYPE_CHECKING:
    from tests.scenario.routing.conftest import Cast

every_engine = pytest.mark.parametrize("engine", ["embedded", "haproxy", "envoy"])


@pytest.mark.parametrize(
    ("engine", "idempotent"),
    [("embedded", False), ("embedded", True), ("haproxy", True), ("envoy", True)],
)
def test_a_killed_backend_is_not_noticed(cast: "Cast", idempotent: bool) -> None:
    cast.start_router("--fast", *(["--idempotent"] if idempotent else []), *cast.given_backends)
    seen = cast.load(seconds=2.0, fault=cast.backends[0].kill)
    assert seen.total() - seen["200"] <= (0 if idempotent else 3), (seen, cast.said)
    assert idempotent or max(cast.executed.values()) == 1


@every_engine
def test_a_backend_that_hangs_is_left_within_the_patience_of_a_client(cast: "Cast") -> None:
    cast.start_router("--fast", "--idempotent", *cast.given_backends)
    seen = cast.load(seconds=4.5, fault=lambda: cast.backends[0].send_signal(signal.SIGSTOP))
    if cast.engine == "envoy":  # what is there already waits for its first byte: capabilities.py
        assert 0 < cast.last_failure <= 3.5, (seen, cast.said)
    else:
        assert seen.total() == seen["200"], (seen, cast.said)


@every_engine
def test_a_backend_that_answers_500_is_taken_out_though_its_probes_pass(cast: "Cast") -> None:
    cast.start_router("--fast", *cast.given_backends)
    seen = cast.load(seconds=2.5, fault=lambda: cast.set_mode(0, "500"))
    assert seen.total() - seen["200"] <= 5, (seen, cast.said)


@every_engine
def test_what_a_backend_may_have_executed_is_never_sent_again(cast: "Cast") -> None:
    cast.start_router("--fast", *cast.given_backends)
    seen = cast.load(seconds=2.0, fault=lambda: cast.set_mode(0, "close"))
    most = 10 if cast.engine == "haproxy" else 5  # its error-limit, and what is under way then
    assert 1 <= seen.total() - seen["200"] <= most, (seen, cast.said)
    assert len(cast.executed) == seen.total()
    assert max(cast.executed.values()) == 1


def test_the_second_tier_serves_only_once_the_first_is_gone(cast: "Cast") -> None:
    words = [f"--backend=t{i}={url},tier={min(i, 1)}" for i, url in enumerate(cast.urls)]
    cast.start_router("--fast", "--idempotent", "--policy", "priority", *words)

    def check_and_kill() -> None:
        assert requests_of(cast, 1) == requests_of(cast, 2) == 0 < requests_of(cast, 0)
        cast.backends[0].kill()

    seen = cast.load(seconds=2, fault=check_and_kill)
    assert seen.total() == seen["200"], (seen, cast.said)
    assert min(requests_of(cast, 1), requests_of(cast, 2)) > 0


def requests_of(cast: "Cast", index: int) -> int:
    return int(cast.page("/-/status")["backends"][index]["requests"])


def test_new_routes_under_load_lose_no_request(cast: "Cast") -> None:
    file = cast.folder / "routes.json"

    def write(epoch: int, release: int, urls: list[str]) -> None:
        backends = [
            Backend(target=f"t{i}", release=release, url=url, weight=1)
            for i, url in enumerate(urls)
        ]
        written = datetime(2026, 1, 1, tzinfo=UTC)
        settings = RouteSettings()
        save_routes(
            file,
            Routes(
                name="iris",
                epoch=epoch,
                written=written,
                settings=settings,
                backends=tuple(backends),
            ),
        )

    write(1, 1, cast.urls)
    router = cast.start_router("--routes", str(file))
    seen = cast.load(seconds=3, fault=lambda: write(2, 2, cast.urls[1:]))
    assert seen.total() == seen["200"], (seen, cast.said)
    assert "epoch 2, 2 backends" in cast.said
    router.terminate()
    assert router.wait(10) == 0


def test_a_backend_that_dies_over_a_prediction_is_the_only_one_to_execute_it(cast: "Cast") -> None:
    cast.start_router(*cast.given_backends)
    for index in range(3):
        cast.set_mode(index, "die")
    seen = cast.load(seconds=0, fault=lambda: None)
    assert seen == Counter({"502": 1})
    assert cast.executed.total() == 1


@every_engine
def test_two_of_three_that_die_at_once_are_not_noticed(cast: "Cast") -> None:
    def kill() -> None:
        for backend in cast.backends[:2]:
            backend.kill()

    cast.start_router("--fast", "--idempotent", *cast.given_backends)
    seen = cast.load(seconds=1.5, fault=kill)
    # HAProxy closes those that wait to be tried again when it marks a server down, see
    # capabilities.py, and Envoy tries no more than three again at a time
    most = 0 if cast.engine == "embedded" else 5
    assert seen.total() - seen["200"] <= most, (seen, cast.said)


@every_engine
def test_when_all_were_down_and_are_back_hardly_anybody_has_noticed(cast: "Cast") -> None:
    back = list[float]()

    def rise(index: int, fell: float) -> None:
        cast.restart_backend(index, after=2.0)  # later where a process takes longer to start
        back.append(time.monotonic() - fell)

    def fall_and_rise() -> None:
        for index, backend in enumerate(cast.backends):
            backend.kill()
            threading.Timer(0.0, rise, [index, time.monotonic()]).start()

    cast.start_router("--fast", "--idempotent", *cast.given_backends)
    cast.load(seconds=4.0, fault=fall_and_rise)
    pause = threading.Event()
    while len(back) < len(cast.backends):
        pause.wait(0.05)
    # who came in the last 3 s of the outage has waited; HAProxy has to learn first that all are
    # down, and Envoy lets nobody wait: capabilities.py
    noticed = {"embedded": 0.2, "haproxy": 2.2, "envoy": max(back)}[cast.engine]
    waited = max(back) - Timeouts().hold
    assert cast.last_failure <= max(noticed, waited) + 0.5, (cast.last_failure, back, cast.said)


@every_engine
def test_a_backend_that_is_lost_in_the_network_is_left_soon(cast: "Cast") -> None:
    cast.start_router("--fast", "--idempotent", *cast.given_backends)
    seen = cast.load(seconds=3.5, fault=lambda: cast.fill_backlog(0))
    if cast.engine == "embedded":
        assert seen.total() == seen["200"], (seen, cast.said)
    else:  # what connects or waits there when it is marked down: capabilities.py
        assert cast.last_failure <= 3.0, (seen, cast.said)


def test_a_backend_that_flaps_costs_less_each_time(cast: "Cast") -> None:
    def flap() -> None:
        for number in range(6):
            at = threading.Timer(0.5 * number, cast.set_mode, [0, ("500", "ok")[number % 2]])
            at.start()

    cast.start_router("--fast", *cast.given_backends)
    seen = cast.load(seconds=4.0, fault=flap)
    assert seen.total() - seen["200"] <= 10, (seen, cast.said)


def test_a_slow_backend_fails_nobody(cast: "Cast") -> None:
    cast.start_router("--fast", "--policy", "latency", *cast.given_backends)
    seen = cast.load(seconds=2.0, fault=lambda: cast.set_mode(0, "slow"))
    assert seen.total() == seen["200"], (seen, cast.said)


def test_a_name_that_leads_elsewhere_is_followed(cast: "Cast") -> None:
    cast.name_backends()
    if subprocess.run([*cast.own_names, "true"], check=False, capture_output=True).returncode:
        pytest.skip("needs a mount namespace of its own: unshare -rm")
    cast.start_router("--fast", "--idempotent", *cast.given_backends)

    def move() -> None:
        cast.backends[0].kill()
        threading.Timer(0.0, cast.move_backend, [0, "127.0.0.2"], {"after": 0.5}).start()

    seen = cast.load(seconds=2.0, fault=move)
    assert seen.total() == seen["200"], (seen, cast.said)
    pause = threading.Event()
    while cast.ask_for_target() != "t0/0":  # once its ejection is over
        pause.wait(0.1)
    assert cast.count_executed(0) == 1
