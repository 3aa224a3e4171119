import threading
from collections.abc import Iterator

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
