import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.errors import AccessDeniedError, ProviderError, TransientError
from deployer.providers.local.clock import ManualClock
from deployer.retry import Backoff, retry_transient


def transient(after: float | None = None) -> TransientError:
    return TransientError("busy", operation="get", resource="x", retry_after_seconds=after)


class Script:
    """Raises what it is given, one a call, then returns ``done``."""

    def __init__(self, *errors: ProviderError) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def test_what_is_transient_is_tried_again() -> None:
    script = Script(transient(), transient())
    assert retry_transient(script, clock=ManualClock(), backoff=Backoff()) == "done"
    assert script.calls == 3


def test_nothing_else_is_tried_again() -> None:
    script = Script(AccessDeniedError("no", operation="get", resource="x"))
    with pytest.raises(AccessDeniedError):
        retry_transient(script, clock=ManualClock(), backoff=Backoff())
    assert script.calls == 1


def test_the_providers_own_advice_is_followed() -> None:
    clock = ManualClock()
    retry_transient(Script(transient(after=7.0)), clock=clock, backoff=Backoff())
    assert clock.monotonic() >= 7.0


def test_the_budget_is_kept_and_the_last_error_comes_out() -> None:
    clock = ManualClock()
    script = Script(*[transient() for _ in range(10_000)])
    with pytest.raises(TransientError, match="busy"):
        retry_transient(script, clock=clock, backoff=Backoff(budget_seconds=30.0))
    assert clock.monotonic() <= 30.0


@given(st.integers(0, 60), st.integers())
def test_a_wait_is_never_longer_than_the_cap(attempt: int, seed: int) -> None:
    backoff = Backoff(base_seconds=0.2, cap_seconds=10.0)
    assert 0.0 <= backoff.wait_seconds(attempt, random.Random(seed)) <= 10.0
