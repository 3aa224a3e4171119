"""Spans to an OpenTelemetry collector, sent in batches by a thread of the SDK's own."""

import logging
from typing import TYPE_CHECKING

from deployer.errors import SetupError
from deployer.ports import Clock, RequestSpan, SpanEvent

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import SpanContext

__all__ = ["OtlpSpans", "connect_spans"]

_CLOSE_MILLISECONDS = 2000
_TIMEOUT_SECONDS = 2.0
_NANOSECONDS = 1_000_000_000


def connect_spans(url: str, *, clock: Clock) -> "OtlpSpans":
    """Return what sends spans to ``url``, such as ``http://127.0.0.1:4318/v1/traces``.

    The SDK's own variables (OTEL_RESOURCE_ATTRIBUTES, OTEL_EXPORTER_OTLP_HEADERS, OTEL_BSP_…)
    count. A collector that does not answer costs spans and no request.

    Raises:
        SetupError: The SDK is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise SetupError(
            "traces need the OpenTelemetry SDK, which is not installed",
            hint="pip install 'deployer[otel]'",
        ) from error
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # it tells of each lost batch
    exporter = OTLPSpanExporter(endpoint=url, timeout=_TIMEOUT_SECONDS)
    resource = Resource.create({"service.name": "deployer-router"})
    return OtlpSpans(BatchSpanProcessor(exporter), resource, clock)


class OtlpSpans:
    """See `SpanSink`. The queue is the SDK's: 2048 spans, and what comes on top is dropped."""

    def __init__(self, processor: "BatchSpanProcessor", resource: "Resource", clock: Clock) -> None:
        self._processor = processor
        self._resource = resource
        self._offset = clock.now().timestamp() - clock.monotonic()

    def add(self, span: RequestSpan) -> None:
        """See `SpanSink.add`."""
        self._processor.on_end(self._convert(span))

    def close(self) -> None:
        """See `SpanSink.close`."""
        self._processor.force_flush(_CLOSE_MILLISECONDS)
        self._processor.shutdown()  # type: ignore[no-untyped-call]  # the SDK has no types for it

    def _convert(self, span: RequestSpan) -> "ReadableSpan":
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.trace import SpanKind, Status, StatusCode

        parent = span.parent_id
        return ReadableSpan(
            name=span.name,
            context=_context(span.trace_id, span.span_id, remote=False),
            parent=None if parent is None else _context(span.trace_id, parent, remote=True),
            resource=self._resource,
            attributes=span.attributes,
            events=[self._convert_event(event) for event in span.events],
            kind=SpanKind.SERVER,
            status=Status(StatusCode.ERROR if span.failed else StatusCode.UNSET),
            start_time=self._nanoseconds(span.began),
            end_time=self._nanoseconds(span.ended),
        )

    def _convert_event(self, event: SpanEvent) -> "Event":
        from opentelemetry.sdk.trace import Event

        return Event(event.name, event.attributes, self._nanoseconds(event.at))

    def _nanoseconds(self, at: float) -> int:
        return round((self._offset + at) * _NANOSECONDS)


def _context(trace_id: int, span_id: int, *, remote: bool) -> "SpanContext":
    from opentelemetry.trace import SpanContext, TraceFlags

    flags = TraceFlags(TraceFlags.SAMPLED)
    return SpanContext(trace_id, span_id, is_remote=remote, trace_flags=flags)
