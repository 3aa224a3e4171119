"""Following a list, against a server that cuts, forgets and refuses."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from deployer.errors import TransientError
from deployer.providers.connection import Connection, Token
from deployer.providers.kube.api import KubeApi
from deployer.providers.kube.connect import _make_client
from deployer.providers.kube.feed import Feed
from deployer.providers.kube.settings import read_connection
from deployer.providers.local.clock import SystemClock

CLOCK = SystemClock()
PATH = "/api/v1/namespaces/models/pods"


def pod(name: str, version: int, **status: str) -> dict[str, Any]:
    metadata = {"name": name, "uid": name, "resourceVersion": str(version)}
    return {"metadata": metadata, "status": status}


def line(kind: str, found: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": found}).encode() + b"\n"


def listed(version: int, *pods: dict[str, Any]) -> dict[str, Any]:
    metadata = {"resourceVersion": str(version)}
    return {"apiVersion": "v1", "kind": "PodList", "metadata": metadata, "items": list(pods)}


class Server:
    """Answers lists from ``lists``, and watches from ``watches``, one after the other.

    After the last watch it says nothing until the test ends.
    """

    def __init__(self, tls_server: Any, say: Any) -> None:
        self.lists: list[Any] = []
        self.watches: list[Any] = []
        self.done = threading.Event()
        self.tls, self.say = tls_server, say
        self.dead = False
        tls_server.answer = self._answer

    def queries(self) -> list[str]:
        """The version that each watch went on from."""
        asked = [each.query for each in self.tls.asked]
        return [query["resourceVersion"] for query in asked if "watch" in query]

    def _answer(self, asked: Any) -> Any:
        if self.dead:
            return self.say({"kind": "Status", "message": "etcd is slow"}, 503)
        if "watch" not in asked.query:
            return self.say(self.lists.pop(0))
        assert asked.query["allowWatchBookmarks"] == "true"
        assert 240 <= int(asked.query["timeoutSeconds"]) <= 360
        found = self.watches.pop(0) if self.watches else self._silence()
        return found if hasattr(found, "status") else self.say(chunks=found)

    def _silence(self) -> Iterator[bytes]:
        self.done.wait(30)
        yield from ()


@pytest.fixture
def server(tls_server: Any, say: Any) -> Iterator[Server]:
    made = Server(tls_server, say)
    yield made
    made.done.set()


@contextmanager
def following(server: Server) -> Iterator[tuple[Feed, Callable[[Callable[[], bool]], None]]]:
    connection = Connection(server.tls.url, server.tls.authority, lambda: Token("t"))
    api = KubeApi(lambda: _make_client(lambda: read_connection(connection, CLOCK), "c"))
    changed = threading.Condition()

    def note() -> None:
        with changed:
            changed.notify_all()

    def until(holds: Callable[[], bool]) -> None:
        with changed:
            assert changed.wait_for(holds, 20)

    feed = Feed(api, PATH, {"labelSelector": "a=b"}, clock=CLOCK, changed=note).start()
    yield feed, until
    feed.close()


def await_(holds: Callable[[], bool]) -> None:
    deadline = CLOCK.monotonic() + 20
    while not holds():
        assert CLOCK.monotonic() < deadline
        CLOCK.sleep(0.02)


def names(feed: Feed) -> list[str]:
    return sorted(found["metadata"]["name"] for found in feed.objects())


def test_a_list_is_read_once_and_kept_by_what_changes(server: Server) -> None:
    server.lists = [listed(5, pod("a", 1))]
    server.watches = [
        iter(
            [
                line("ADDED", pod("b", 6)) + line("MODIFIED", pod("a", 7, phase="Running"))[:20],
                line("MODIFIED", pod("a", 7, phase="Running"))[20:],
                line("DELETED", pod("b", 8)),
                line("ADDED", pod("c", 9)),
            ]
        )
    ]
    with following(server) as (feed, until):
        until(lambda: names(feed) == ["a", "c"])
        (first,) = [found for found in feed.objects() if found["metadata"]["name"] == "a"]
        assert first["status"] == {"phase": "Running"}
        (read,) = [each for each in server.tls.asked if "watch" not in each.query]
        assert read.query["labelSelector"] == "a=b"


def test_a_watch_that_is_cut_goes_on_from_the_last_version_without_a_new_list(
    server: Server,
) -> None:
    server.lists = [listed(5, pod("a", 1))]
    bookmark = {"metadata": {"resourceVersion": "11"}}
    half = line("ADDED", pod("lost", 12))[:10]
    server.watches = [
        iter([line("ADDED", pod("b", 6))]),
        iter([line("BOOKMARK", bookmark), half]),
        iter([line("ADDED", pod("c", 12))]),
    ]
    with following(server) as (feed, until):
        until(lambda: names(feed) == ["a", "b", "c"])
        assert server.queries()[:3] == ["5", "6", "11"]


@pytest.mark.parametrize("in_stream", [True, False])
def test_a_version_that_the_server_forgot_makes_a_new_list(
    server: Server, say: Any, in_stream: bool
) -> None:
    gone = {"kind": "Status", "code": 410, "message": "too old resource version", "metadata": {}}
    server.lists = [listed(5, pod("a", 1)), listed(50, pod("b", 40))]
    server.watches = [iter([line("ERROR", gone)]) if in_stream else say(gone, 410)]
    with following(server) as (feed, until):
        until(lambda: names(feed) == ["b"])
        await_(lambda: server.queries() == ["5", "50"])


def test_a_server_that_stops_answering_ends_the_feed_with_its_reason(server: Server) -> None:
    server.lists = [listed(5)]

    def breaks() -> Iterator[bytes]:
        server.dead = True
        yield line("ADDED", pod("b", 6))

    server.watches = [breaks()]
    with following(server) as (feed, until):
        until(lambda: feed.error is not None)
        assert isinstance(feed.error, TransientError)
        assert "etcd is slow" in feed.error.message


def test_a_feed_that_is_closed_leaves_no_thread_behind(server: Server) -> None:
    server.lists = [listed(5)]
    with following(server) as _:
        await_(lambda: bool(server.queries()))
    await_(lambda: f"watch {PATH}" not in [each.name for each in threading.enumerate()])
