import io
import json

from deployer.providers.local.clock import ManualClock
from deployer.routing.access_log import AccessLog


def test_a_line_tells_to_the_millisecond_when_its_request_ended() -> None:
    clock, stream = ManualClock(), io.BytesIO()
    log = AccessLog(stream, clock)
    for step in (0.0, 0.0004, 0.002, 59.9976):
        clock.advance(step)
        log.add(b'"status":200}\n', clock.monotonic())
        log.flush()
    found = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["at"][17:] for line in found] == ["00.000Z", "00.000Z", "00.002Z", "00.000Z"]
    assert found[3]["at"] == "2026-01-01T00:01:00.000Z"


def test_lines_wait_until_they_are_written_together() -> None:
    stream = io.BytesIO()
    log = AccessLog(stream, ManualClock())
    log.add(b'"status":200}\n', 0.0)
    log.add(b'"status":404}\n', 0.0)
    assert not stream.getvalue()
    log.flush()
    log.flush()
    assert [json.loads(line)["status"] for line in stream.getvalue().splitlines()] == [200, 404]
