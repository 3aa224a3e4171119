import random

from hypothesis import given
from hypothesis import strategies as st

from deployer.routing.retries import RetryBudget, backoff_seconds, is_repeatable


def test_only_what_reads_or_is_declared_idempotent_may_be_repeated() -> None:
    assert is_repeatable(b"GET", idempotent=False)
    assert is_repeatable(b"HEAD", idempotent=False)
    assert is_repeatable(b"POST", idempotent=True)
    assert not is_repeatable(b"POST", idempotent=False)
    assert not is_repeatable(b"DELETE", idempotent=False)


def test_a_quiet_router_may_retry_three_times() -> None:
    budget = RetryBudget()
    assert [budget.spend(0.0) for _ in range(4)] == [True, True, True, False]


def test_the_budget_comes_back_when_its_window_is_over() -> None:
    budget = RetryBudget()
    for _ in range(3):
        budget.spend(0.0)
    assert not budget.spend(9.9)
    assert budget.spend(10.1)


@given(st.lists(st.tuples(st.booleans(), st.floats(0.0, 0.5)), max_size=400))
def test_retries_never_exceed_a_fifth_of_the_requests_and_three(
    events: list[tuple[bool, float]],
) -> None:
    budget = RetryBudget()
    now = 0.0
    requests = retries = 0
    for is_request, wait in events:
        now = min(now + wait, 9.0)  # within one window, so that the sums here are the budget's
        if is_request:
            budget.count_request(now)
            requests += 1
        elif budget.spend(now):
            retries += 1
        assert retries <= requests * 0.2 + 3


def test_backoff_grows_to_a_quarter_of_a_second() -> None:
    rng = random.Random(3)
    assert all(0.0 <= backoff_seconds(0, rng) <= 0.025 for _ in range(100))
    assert max(backoff_seconds(9, rng) for _ in range(200)) <= 0.25
