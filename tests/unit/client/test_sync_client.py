import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deployer.client import Client, follow_backends, follow_file
from deployer.errors import (
    NoHealthyTargetError,
    ProviderError,
    SetupError,
    SourceError,
    StateError,
)
from deployer.providers.local.clock import SystemClock
from deployer.release.records import RouteSettings
from deployer.routing.last_known import save_routes
from deployer.routing.static import make_routes, parse_backend
from deployer.routing.steering import SteeringOptions

if TYPE_CHECKING:
    from tests.unit.client.conftest import Backend

Pair = list["Backend"]
FAST = SteeringOptions(fast=True)
PATH = "/v2/models/iris/infer"


def client_of(pair: Pair, *, options: SteeringOptions = FAST) -> Client:
    words = [f"t{index}={backend.url}" for index, backend in enumerate(pair)]
    return Client(follow_backends(*words), options=options)


def test_requests_are_spread_and_answers_come_whole(pair: Pair) -> None:
    with client_of(pair) as client:
        answers = [client.post_json(PATH, {"x": 1}) for _ in range(40)]
        assert {answer.status for answer in answers} == {200}
        assert answers[0].to_json() == {"y": [1]}
        assert answers[0].attempts == 1
        counts = Counter(answer.target for answer in answers)
        assert min(counts["t0/0"], counts["t1/0"]) > 5
        assert client.describe()["counters"]["requests"] == 40
    assert pair[0].executed[0] == b'{"x": 1}'
    assert pair[0].heads[0]["content-type"] == "application/json"


def test_a_target_that_fails_is_left_though_its_probes_pass(pair: Pair) -> None:
    pair[0].mode = "500"
    with client_of(pair) as client:
        answers = [client.post_json(PATH, {}) for _ in range(60)]
    assert sum(answer.status == 500 for answer in answers) == 3


def test_what_was_sent_is_not_sent_again_unless_it_may_be(pair: Pair) -> None:
    pair[0].mode = pair[1].mode = "close"
    with client_of(pair) as client:
        with pytest.raises(ProviderError, match="closed without an answer") as refused:
            client.post_json(PATH, {})
        assert "may have been executed" in str(refused.value.hint)
        assert len(pair[0].executed) + len(pair[1].executed) == 1
        with pytest.raises(ProviderError):
            client.post_json(PATH, {}, idempotent=True)
        assert len(pair[0].executed) + len(pair[1].executed) > 2


def test_a_target_that_is_gone_costs_no_request(pair: Pair) -> None:
    with client_of(pair) as client:
        client.get("/warm")
        pair[0].shutdown()
        pair[0].server_close()
        answers = [client.post_json(PATH, {}) for _ in range(30)]
    assert {answer.status for answer in answers} == {200}
    assert {answer.target for answer in answers} >= {"t1/0"}


def test_a_part_of_an_answer_is_never_taken_for_the_whole(pair: Pair) -> None:
    pair[0].mode = pair[1].mode = "cut"
    with client_of(pair) as client, pytest.raises(ProviderError, match="was cut short"):
        client.get(PATH)


def test_a_busy_targets_answer_is_an_answer(pair: Pair) -> None:
    pair[0].mode = pair[1].mode = "503"
    with client_of(pair) as client:
        answer = client.post_json(PATH, {})
    assert (answer.status, answer.target[:1]) == (503, "t")


def test_an_answer_without_a_body_has_none(pair: Pair) -> None:
    with client_of(pair[:1]) as client:
        answer = client.send("HEAD", PATH)
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "10")


def test_nothing_to_send_to_says_what_was_tried() -> None:
    with (
        Client(follow_backends("t0=http://127.0.0.1:1"), options=FAST) as client,
        pytest.raises(NoHealthyTargetError) as raised,
    ):
        client.post_json(PATH, {})
    assert any("t0/0: connection refused" in attempt for attempt in raised.value.attempts)


def test_many_threads_may_send_at_once(pair: Pair) -> None:
    with client_of(pair) as client, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: client.post_json(PATH, {"n": n}), range(100)))
        assert {answer.status for answer in answers} == {200}
        assert sum(b["in_flight"] for b in client.describe()["backends"]) == 0
    assert len(pair[0].executed) + len(pair[1].executed) == 100


def test_who_waits_when_the_client_is_closed_is_told(pair: Pair) -> None:
    pair[0].mode = "wait"
    client = client_of(pair[:1])
    with ThreadPoolExecutor(1) as pool, client:
        waiting = pool.submit(client.get, PATH)
        assert pair[0].asked.wait(10)
        client.__exit__(None, None, None)
        with pytest.raises(ProviderError, match="the client was closed"):
            waiting.result(10)
        client.__enter__()  # for the end of the block; it can be opened again
    assert "deployer-client" not in {thread.name for thread in threading.enumerate()}


def test_a_client_that_is_not_open_says_so(pair: Pair) -> None:
    with pytest.raises(SetupError, match="is not open"):
        client_of(pair).get(PATH)


def test_without_routes_it_does_not_open(tmp_path: Path) -> None:
    with (
        pytest.raises(StateError, match="there are no routes: "),
        Client(follow_file(tmp_path / "routes.json")),
    ):
        pytest.fail("it opened")


def test_it_follows_the_routes_as_they_change(pair: Pair, tmp_path: Path) -> None:
    file, now = tmp_path / "routes.json", SystemClock().now()

    def route_to(backend: "Backend", epoch: int) -> None:
        routes = make_routes([parse_backend(f"t={backend.url}")], settings=RouteSettings(), now=now)
        save_routes(file, routes.model_copy(update={"epoch": epoch}))

    route_to(pair[0], 1)
    with Client(follow_file(file), options=FAST) as client:
        client.get(PATH)
        route_to(pair[1], 2)
        while not pair[1].executed:
            client.get(PATH)
            SystemClock().sleep(0.05)
    assert pair[0].executed


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("infer", {}),
        ("/a b", {}),
        ("/a\r\nX: y", {}),
        ("/", {"X-A": "b\r\nX-C: d"}),
        ("/", {"X A": "b"}),
        ("/", {"Transfer-Encoding": "chunked"}),
        ("/", {"Content-Length": "3"}),
        ("/", {"Host": "elsewhere"}),
    ],
)
def test_a_request_that_would_be_another_on_the_wire_is_not_sent(
    pair: Pair, path: str, headers: dict[str, str]
) -> None:
    with client_of(pair) as client, pytest.raises(SourceError):
        client.get(path, headers=headers)
    assert not pair[0].executed
    assert not pair[1].executed
