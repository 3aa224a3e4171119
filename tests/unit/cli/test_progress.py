import json
from datetime import timedelta

import pytest
import typer

from deployer.cli.progress import Brake, Meter, parse_rate
from deployer.providers.local.clock import ManualClock

MIB = 1 << 20


@pytest.mark.parametrize(
    ("text", "rate"),
    [("500K", 500 << 10), ("20M", 20 * MIB), ("1.5GiB/s", 1536 * MIB), ("100", 100), (None, None)],
)
def test_a_rate_is_read_as_people_write_it(text: str | None, rate: int | None) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "fast", "0", "10T", "-1M"])
def test_what_is_no_rate_is_bad_input(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_rate(text)


def test_a_brake_keeps_the_rate_over_all_that_passes() -> None:
    clock = ManualClock()
    begun = clock.now()
    brake = Brake(10 * MIB, clock)
    for _ in range(20):
        brake.hold(MIB)
    assert clock.now() - begun == pytest.approx(timedelta(seconds=2), abs=timedelta(seconds=0.01))


def test_time_that_passed_unused_is_not_made_up_for() -> None:
    clock = ManualClock()
    brake = Brake(MIB, clock)
    clock.sleep(100)
    begun = clock.monotonic()
    brake.hold(MIB)
    assert clock.monotonic() - begun == pytest.approx(1)


def test_a_line_now_and_then_says_how_far_how_fast_and_how_long() -> None:
    clock = ManualClock()
    lines: list[str] = []
    meter = Meter("pushing", 10 * MIB, clock, lines.append)
    for _ in range(5):
        clock.sleep(1)
        meter.advance(MIB)
    meter.end()
    assert [json.loads(line)["bytes"] for line in lines] == [2 * MIB, 4 * MIB, 5 * MIB]
    last = json.loads(lines[-1])
    assert (last["event"], last["bytes_per_second"], last["eta_seconds"]) == ("pushing", MIB, 5.0)


def test_what_is_done_at_once_says_nothing() -> None:
    lines: list[str] = []
    meter = Meter("pushing", MIB, ManualClock(), lines.append)
    meter.advance(MIB)
    meter.end()
    assert lines == []
