import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import urllib3

from deployer.sandbox.faults import Fault, flip_byte
from deployer.sandbox.loopback import Request, Response, RunningServer, cut_range, start_server


def echo(request: Request) -> Response:
    return Response(200, request.body or b"nothing", {"X-Path": request.path})


@pytest.fixture
def server() -> Iterator[RunningServer]:
    server = start_server(echo)
    yield server
    server.close()


@pytest.fixture
def http() -> Iterator[urllib3.PoolManager]:
    with urllib3.PoolManager(retries=False) as http:
        yield http


@pytest.mark.parametrize(
    ("header", "status", "body", "content_range"),
    [
        (None, 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=8-", 206, b"89", "bytes 8-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-99", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=4-2", 416, b"", "bytes */10"),
    ],
)
def test_a_range_is_cut_by_the_rfc(
    header: str | None, status: int, body: bytes, content_range: str | None
) -> None:
    expected = {"Content-Range": content_range} if content_range else {}
    assert cut_range(b"0123456789", header) == (status, body, expected)


def test_a_body_in_chunks_arrives_whole(server: RunningServer, http: urllib3.PoolManager) -> None:
    answer = http.request("POST", f"{server.url}/a%2Fb?x=1", body=iter([b"one", b"two"]))
    assert (answer.data, answer.headers["X-Path"]) == (b"onetwo", "/a%2Fb")


def test_a_head_has_the_length_and_no_body(
    server: RunningServer, http: urllib3.PoolManager
) -> None:
    answer = http.request("HEAD", server.url)
    assert (answer.headers["Content-Length"], answer.data) == ("7", b"")


def test_a_fault_hits_as_often_as_ordered(server: RunningServer, http: urllib3.PoolManager) -> None:
    server.faults.order(Fault.REFUSE, method="GET", part="/here", times=2)
    paths = ["/there", "/here", "/here", "/here"]
    assert [http.request("GET", server.url + path).status for path in paths] == [200, 503, 503, 200]


def test_a_lost_response_closes_the_connection(
    server: RunningServer, http: urllib3.PoolManager
) -> None:
    server.faults.order(Fault.LOSE_RESPONSE)
    with pytest.raises(urllib3.exceptions.ProtocolError):
        http.request("GET", server.url)


def test_corruption_turns_one_byte_either_way(
    server: RunningServer, http: urllib3.PoolManager
) -> None:
    for fault in (Fault.CORRUPT_REQUEST, Fault.CORRUPT_RESPONSE):
        server.faults.order(fault)
        assert http.request("PUT", server.url, body=b"abc").data == b"a\x9dc"
    assert flip_byte(b"") == b""


def test_closing_cuts_connections_that_are_open(
    server: RunningServer, http: urllib3.PoolManager
) -> None:
    http.request("GET", server.url)
    before = threading.active_count()
    server.close()
    with pytest.raises(urllib3.exceptions.HTTPError):
        http.request("GET", server.url)
    assert threading.active_count() < before


BODY = bytes(range(256)) * 1024


def content(_: Request) -> Response:
    return Response(200, BODY)


@pytest.fixture
def library() -> Iterator[RunningServer]:
    server = start_server(content)
    yield server
    server.close()


@pytest.mark.parametrize("fault", [Fault.RESET_RESPONSE, Fault.CUT_RESPONSE])
def test_an_answer_breaks_off_where_it_was_ordered(
    library: RunningServer, http: urllib3.PoolManager, fault: Fault
) -> None:
    library.faults.order(fault, at=100_000)
    answer = http.request("GET", library.url, preload_content=False)
    with pytest.raises(urllib3.exceptions.ProtocolError):
        answer.read()
    assert library.traffic.seen()[0].sent == 100_000
    assert http.request("GET", library.url).data == BODY


def test_a_request_breaks_off_before_the_work_is_done(
    server: RunningServer, http: urllib3.PoolManager
) -> None:
    server.faults.order(Fault.RESET_REQUEST, at=70_000)
    with pytest.raises(urllib3.exceptions.ProtocolError):
        http.request("PUT", server.url, body=bytes(8 << 20))
    [seen] = server.traffic.seen()
    assert (seen.status, seen.received, seen.fault) == (0, 70_000, "reset-request")


def test_a_stalled_answer_is_noticed_by_its_silence(
    library: RunningServer, http: urllib3.PoolManager
) -> None:
    library.faults.order(Fault.STALL_RESPONSE, at=1000, seconds=30)
    answer = http.request("GET", library.url, preload_content=False, timeout=0.1)
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        answer.read()
    answer.close()


def test_a_stalled_request_is_noticed_by_its_silence(
    server: RunningServer, http: urllib3.PoolManager
) -> None:
    server.faults.order(Fault.STALL_REQUEST, at=1000, seconds=30)
    with pytest.raises(urllib3.exceptions.HTTPError):
        http.request("PUT", server.url, body=bytes(32 << 20), timeout=0.2)


def test_an_answer_can_come_late_or_slowly(
    library: RunningServer, http: urllib3.PoolManager
) -> None:
    library.faults.order(Fault.DELAY, seconds=30)
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        http.request("GET", library.url, timeout=0.1)
    library.faults.order(Fault.LIMIT, rate=64 << 10)
    slow = http.request("GET", library.url, preload_content=False)
    assert len(slow.read(1000)) == 1000
    assert slow.length_remaining == len(BODY) - 1000
    slow.close()


def test_a_fault_can_spare_the_first_requests(
    server: RunningServer, http: urllib3.PoolManager
) -> None:
    server.faults.order(Fault.REFUSE, skip=2, seconds=7)
    answers = [http.request("GET", server.url) for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 503, 200]


def test_what_is_not_there_can_be_hidden(http: urllib3.PoolManager) -> None:
    def answer(request: Request) -> Response:
        return Response(200 if request.path == "/there" else 404, b"body")

    with closing(start_server(answer)) as server:
        server.faults.order(Fault.HIDE, method="GET", times=2)
        asked = [http.request("GET", server.url + path) for path in ("/there", "/gone", "/gone")]
        assert [one.status for one in asked] == [200, 403, 404]


def test_another_process_orders_faults_by_the_control_path(
    server: RunningServer, http: urllib3.PoolManager
) -> None:
    orders = [{"fault": "forbid", "method": "PUT", "times": 3}]
    control = f"{server.url}/-/faults"
    assert http.request("POST", control, json=orders).status == 200
    assert http.request("PUT", server.url, body=b"abc").status == 403
    assert [order["times"] for order in http.request("GET", control).json()] == [2]
    http.request("DELETE", control)
    assert http.request("PUT", server.url, body=b"abc").status == 200
    seen = http.request("GET", f"{server.url}/-/traffic").json()
    assert [(one["method"], one["status"], one["received"]) for one in seen] == [
        ("PUT", 403, 3),
        ("PUT", 200, 3),
    ]


@pytest.mark.parametrize("order", [{"fault": "magic"}, {"fault": "forbid", "wehn": 1}])
def test_an_order_that_cannot_be_read_is_refused(
    server: RunningServer, http: urllib3.PoolManager, order: dict[str, object]
) -> None:
    assert http.request("POST", f"{server.url}/-/faults", json=[order]).status == 400
    assert server.faults.pending() == []


def test_tls_is_trusted_by_the_authority_it_comes_with_alone(tmp_path: Path) -> None:
    server = start_server(content, tls=True)
    trusted = tmp_path / "ca.pem"
    trusted.write_bytes(server.authority)
    try:
        with urllib3.PoolManager(retries=False, ca_certs=str(trusted)) as http:
            assert http.request("GET", server.url).data == BODY
            server.faults.order(Fault.RESET_RESPONSE, at=100_000)
            with pytest.raises(urllib3.exceptions.HTTPError):
                http.request("GET", server.url)
        with (
            urllib3.PoolManager(retries=False) as stranger,
            pytest.raises(urllib3.exceptions.SSLError),
        ):
            stranger.request("GET", server.url)
    finally:
        server.close()
