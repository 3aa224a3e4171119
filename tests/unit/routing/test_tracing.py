"""Traces through a router to a collector that reads what was really sent (OTLP/HTTP, protobuf)."""

import asyncio
import http.server
import threading
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from deployer.providers.local.clock import SystemClock
from deployer.providers.otel.spans import connect_spans

Drive = Callable[[Callable[[Any], Awaitable[None]]], None]
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CLOCK = SystemClock()


class Collector(http.server.BaseHTTPRequestHandler):
    """Keeps the spans it is sent."""

    spans: list[Any]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                self.spans += scope.spans
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture(name="collector")
def _collector() -> Iterator[tuple[str, list[Any]]]:
    spans: list[Any] = []
    handler = type("Handler", (Collector,), {"spans": spans})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/traces", spans
        server.shutdown()
        thread.join()


def traced(url: str) -> dict[str, Any]:
    return {"open_spans": partial(connect_spans, url, clock=CLOCK)}


def header(head: bytes) -> list[bytes]:
    lines = head.split(b"\r\n")
    return [line.partition(b": ")[2] for line in lines if line.lower().startswith(b"traceparent:")]


async def break_off(_head: bytes, _reader: asyncio.StreamReader, writer: Any) -> None:
    writer.close()


def test_the_callers_trace_goes_on_through_the_router_to_the_backend(
    drive: Drive, collector: tuple[str, list[Any]]
) -> None:
    url, spans = collector
    passed: list[bytes] = []

    async def story(rig: Any) -> None:
        backend = await rig.backend()
        await rig.start(backend.url, **traced(url))
        await rig.get("/v2/x?key=secret", f"traceparent: 00-{TRACE}-{PARENT}-01")
        passed.extend(header(backend.heads[-1]))
        await rig.router.stop()

    drive(story)
    [span] = spans
    assert span.trace_id.hex() == TRACE
    assert span.parent_span_id.hex() == PARENT
    assert passed == [f"00-{TRACE}-{span.span_id.hex()}-01".encode()]
    about = {a.key: a.value.string_value or a.value.int_value for a in span.attributes}
    assert about["url.path"] == "/v2/x"
    assert about["http.response.status_code"] == 200
    assert about["deployer.target"] == "t0/1"
    assert "secret" not in str(span)
    assert span.end_time_unix_nano > span.start_time_unix_nano
    assert abs(span.start_time_unix_nano / 1e9 - CLOCK.now().timestamp()) < 60


def test_each_attempt_is_an_event_and_so_is_what_went_wrong(
    drive: Drive, collector: tuple[str, list[Any]]
) -> None:
    url, spans = collector

    async def story(rig: Any) -> None:
        backends = [await rig.backend(break_off), await rig.backend(break_off)]
        await rig.start(*(backend.url for backend in backends), idempotent=True, **traced(url))
        await rig.post()
        await rig.router.stop()

    drive(story)
    [span] = spans
    names = [event.name for event in span.events]
    assert names[:3] == ["attempt", "failure", "attempt"]
    targets = {
        a.value.string_value
        for e in span.events
        for a in e.attributes
        if a.key == "deployer.target"
    }
    assert targets == {"t0/1", "t1/1"}
    assert span.status.code == 2  # an error
    assert len(span.parent_span_id) == 0


@pytest.mark.parametrize(
    ("given", "continued"),
    [
        (f"00-{TRACE}-{PARENT}-00", None),  # not sampled: goes on as it came
        (f"00-{TRACE}-{PARENT}-01-more", False),
        (f"cc-{TRACE}-{PARENT}-01-more", True),
        (f"ff-{TRACE}-{PARENT}-01", False),
        (f"00-{'0' * 32}-{PARENT}-01", False),
        (f"00-{TRACE.upper()}-{PARENT}-01", False),
        ("rubbish", False),
    ],
)
def test_a_traceparent_is_read_as_the_standard_says(
    drive: Drive, collector: tuple[str, list[Any]], given: str, continued: bool | None
) -> None:
    url, spans = collector
    passed: list[bytes] = []

    async def story(rig: Any) -> None:
        backend = await rig.backend()
        await rig.start(backend.url, **traced(url))
        await rig.get("/", f"traceparent: {given}")
        passed.extend(header(backend.heads[-1]))
        await rig.router.stop()

    drive(story)
    [written] = passed
    if continued is None:
        assert (written.decode(), spans) == (given, [])
    else:
        assert (TRACE.encode() in written) is continued
        assert len(spans) == 1


def test_without_a_collector_the_header_is_passed_on_untouched(drive: Drive) -> None:
    async def story(rig: Any) -> None:
        backend = await rig.backend()
        await rig.start(backend.url)
        await rig.get("/", f"traceparent: 00-{TRACE}-{PARENT}-01")
        assert header(backend.heads[-1]) == [f"00-{TRACE}-{PARENT}-01".encode()]
        await rig.get("/")
        assert header(backend.heads[-1]) == []

    drive(story)


def test_a_collector_that_is_away_costs_no_request(drive: Drive) -> None:
    async def story(rig: Any) -> None:
        backend = await rig.backend()
        await rig.start(backend.url, **traced(await rig.dead_url() + "/v1/traces"))
        assert b"200 OK" in await rig.get("/")
        await rig.router.stop()

    drive(story)
