import pytest

from deployer.errors import IntegrityError, TransientError
from deployer.providers.local.clock import ManualClock
from deployer.providers.patience import Lazy, Patience, call_patiently


@pytest.mark.parametrize("seconds", [1.0, 5.0, 60.0, 600.0])
def test_an_attempt_and_the_waits_before_it_fit_the_total(seconds: float) -> None:
    patience = Patience(seconds)
    assert patience.backoff.budget_seconds + patience.attempt_seconds == pytest.approx(seconds)
    assert patience.connect_seconds <= patience.attempt_seconds


def test_the_default_survives_half_a_minute_of_outage() -> None:
    clock = ManualClock()

    def call() -> str:
        if clock.monotonic() < 30:
            raise TransientError("down", operation="read", resource="s3://acme")
        return "up"

    assert call_patiently(call, clock=clock, patience=Patience(60)) == "up"


def test_an_endless_outage_ends_within_the_total() -> None:
    clock = ManualClock()

    def call() -> None:
        clock.advance(Patience(5).attempt_seconds)
        raise TransientError("down", operation="read", resource="s3://acme")

    with pytest.raises(TransientError):
        call_patiently(call, clock=clock, patience=Patience(5))
    assert clock.monotonic() <= 5


@pytest.mark.parametrize(("damaged", "good"), [(2, True), (3, False)])
def test_damage_on_the_way_is_tried_thrice_and_never_accepted(damaged: int, good: bool) -> None:
    tries: list[int] = []

    def call() -> str:
        tries.append(1)
        if len(tries) <= damaged:
            raise IntegrityError("BadDigest")
        return "whole"

    if good:
        assert call_patiently(call, clock=ManualClock(), patience=Patience(60)) == "whole"
    else:
        with pytest.raises(IntegrityError):
            call_patiently(call, clock=ManualClock(), patience=Patience(60))
    assert len(tries) == 3


def test_a_lazy_thing_is_made_once_and_a_failure_is_forgotten() -> None:
    made: list[int] = []

    def make() -> int:
        made.append(1)
        if len(made) == 1:
            raise ValueError("not yet")
        return len(made)

    lazy = Lazy(make)
    with pytest.raises(ValueError, match="not yet"):
        lazy()
    assert lazy() == lazy() == 2
