import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deployer.cli.commands.report_health import show_health, watch_health
from deployer.cli.health import Sources
from deployer.cli.options import Format
from deployer.cost.samples import Sample, Speed, append_samples
from deployer.errors import TransientError
from deployer.ports import HttpRequest, HttpResponse
from deployer.providers.local.clock import ManualClock, SystemClock
from deployer.providers.local.faults import FlakyStore
from deployer.providers.local.memory import MemoryStore
from deployer.release.state import StateStore
from deployer.spec.objectives import Slo

Maker = Callable[..., Any]
Capture = pytest.CaptureFixture[str]
URL = "https://aws-virginia.example"
SILENT = TransientError("the cluster did not answer in 5 s", operation="get", resource="iris")
PLAIN = Sources(20)
ROUTED = Sources(20, "http://router")


def test_health_tells_every_reason(two_targets: Maker, capsys: Capture) -> None:
    assert show_health(two_targets(readiness=SILENT), Format.TABLE, PLAIN) == 1
    assert capsys.readouterr().out.splitlines() == [
        "iris: degraded, 1 of 2 targets healthy",
        "",
        "target        verdict   release    ready  endpoint      seen",
        "aws-virginia  healthy        42      2/2  200 in 10 ms  now",
        "gcp-iowa      degraded       42  unknown  200 in 10 ms  now",
        "",
        f"aws-virginia: healthy: 2 of 2 replicas ready, {URL} answered 200 in 10 ms",
        "gcp-iowa: degraded: the cluster did not answer in 5 s",
    ]


def test_health_of_nothing_is_unknown(open_with: Maker, capsys: Capture) -> None:
    assert show_health(open_with({}), Format.TABLE, PLAIN) == 3
    assert capsys.readouterr().out == "iris: nothing is deployed\n"


def test_the_health_document_has_its_schema(two_targets: Maker, capsys: Capture) -> None:
    assert show_health(two_targets(), Format.JSON, PLAIN) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["verdict"]) == ("deployer/health/v1", "healthy")


class RoutedProbe:
    """Answers for a router that sees the second target down, and for every endpoint."""

    def send(self, base_url: str, request: HttpRequest, *, timeout_seconds: float) -> HttpResponse:
        assert timeout_seconds > 0
        if request.path != "/-/status":
            return HttpResponse(503 if "gcp" in base_url else 200, b"", 0.012)
        backends = [
            {
                "target": name,
                "release": 42,
                "state": state,
                "since": 90.0,
                "reason": "",
                "requests": 1000,
                "failures": 1,
                "first_byte_counts": {"0.25": 990, "+Inf": 1000},
            }
            for name, state in (("aws-virginia", "healthy"), ("gcp-iowa", "down"))
        ]
        document = {"schema": "deployer/router-status/v1", "backends": backends}
        return HttpResponse(200, json.dumps(document).encode(), 0.001)


def test_a_router_says_for_how_long_and_wide_shows_every_witness(
    two_targets: Maker, capsys: Capture
) -> None:
    opened = replace(two_targets(), probe=RoutedProbe())
    assert show_health(opened, Format.WIDE, ROUTED) == 3
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("aws-virginia: healthy for 1 m 30 s: 2 of 2") for line in lines)
    assert any(line.startswith("gcp-iowa: down for 1 m 30 s: https://gcp") for line in lines)
    assert lines.count("  store: the model is in its store") == 2
    assert "  router: the router sees it down for 90 s" in lines


def test_a_promise_is_held_against_the_samples_and_the_router_as_of_now(
    two_targets: Maker, capsys: Capture, tmp_path: Path, now: datetime
) -> None:
    """1,000 requests in the window less the 500 an hour ago: 1 of 500 failed, at 99 % 5 might have.

    So 1 - 1/5 = 80 % of the budget is left. The last hour's rate is 0.002 / 0.01 = 0.2.
    """
    file = tmp_path / "samples.csv"
    before = Sample(now - timedelta(hours=1), "aws-virginia", 2, predictions=500, failures=0)
    append_samples(file, [replace(before, speed=Speed(495, 500, 0.25))])
    opened = replace(two_targets(), probe=RoutedProbe())
    slo = Slo.model_validate({"availability": "99%", "latency": {"under": "250ms"}})
    opened = replace(opened, spec=opened.spec.model_copy(update={"slo": slo}))
    show_health(opened, Format.TABLE, replace(ROUTED, samples=file))
    out = capsys.readouterr().out
    assert (
        "aws-virginia: slo: availability 99.8 % of 99 % promised, 80% of the error budget left, "
        "counted for 1 h of 30 d\n  burn rate: 0.2 (1 h), unknown (5 min), page above 14.4"
    ) in out
    assert "aws-virginia: slo: latency 99 % of 99 % promised, 0% of the error budget left" in out
    assert "gcp-iowa: slo: availability is unknown: nobody counted" in out
    show_health(opened, Format.JSON, replace(ROUTED, samples=file))
    goal = json.loads(capsys.readouterr().out)["targets"][0]["slo"][0]
    assert (goal["total"], goal["bad"], goal["alarm"]) == (500, 1, None)


def test_a_state_that_cannot_spare_a_store_degrades_the_whole(
    two_targets: Maker, capsys: Capture
) -> None:
    opened = two_targets()
    stores = [MemoryStore(opened.clock) for _ in range(3)]
    whole = StateStore("iris", stores, opened.clock)
    head = opened.state.read_head()
    whole.write_head(head)
    whole.create_release(opened.state.read_release(42))
    lost = FlakyStore(stores[2], opened.clock)
    lost.down = True
    state = StateStore("iris", [*stores[:2], lost], opened.clock)
    assert show_health(replace(opened, state=state), Format.TABLE, PLAIN) == 1
    out = capsys.readouterr().out
    assert "iris: degraded, 2 of 2 targets healthy" in out
    assert "state: 2 of 3 state stores answer, 2 are needed; memory" in out


class Interrupts(ManualClock):
    """The user presses Ctrl-C while the third wait is on."""

    waits = 0

    def sleep(self, seconds: float) -> None:
        self.waits += 1
        assert seconds == 7
        if self.waits == 3:
            raise KeyboardInterrupt
        super().sleep(seconds)


def test_watching_looks_again_until_interrupted(
    two_targets: Maker, capsys: Capture, now: datetime
) -> None:
    opened = replace(two_targets(), clock=Interrupts(now))
    with pytest.raises(KeyboardInterrupt):
        watch_health(opened, Format.TABLE, PLAIN, every_seconds=7)
    assert capsys.readouterr().out.count("iris: healthy, 2 of 2 targets healthy") == 3


def test_a_dead_target_is_unknown_within_its_time_and_slows_nobody(
    two_targets: Maker, capsys: Capture
) -> None:
    """Its cluster hangs, its address is found by asking it: nothing at all is known of it."""
    over = threading.Event()

    def hang() -> None:
        over.wait(30)

    opened = two_targets({"endpoint": None}, readiness=hang, endpoint=hang, call=hang)
    clock = SystemClock()
    begun = clock.monotonic()
    try:
        code = show_health(opened, Format.JSON, Sources(0.5))
    finally:
        over.set()
    assert code == 3
    assert clock.monotonic() - begun < 10  # 30 would mean that somebody waited for it
    one, two = json.loads(capsys.readouterr().out)["targets"]
    assert (one["verdict"], two["verdict"]) == ("healthy", "unknown")
    assert two["age_seconds"] == 0.0
    assert "did not answer in 0.5 s" in two["reason"]
