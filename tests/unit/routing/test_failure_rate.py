from deployer.routing.failure_rate import FailureRate


def count(
    failed: int, served: int, *, at: float = 0.0, rate: FailureRate | None = None
) -> FailureRate:
    rate = rate or FailureRate()
    for _ in range(failed):
        rate.add(at, failed=True)
    for _ in range(served):
        rate.add(at, failed=False)
    return rate


def test_half_of_twenty_is_high() -> None:
    assert count(10, 10).is_high(0.0)
    assert not count(9, 11).is_high(0.0)


def test_nineteen_are_too_few_to_judge() -> None:
    assert not count(19, 0).is_high(0.0)


def test_what_is_ten_seconds_old_no_longer_counts() -> None:
    rate = count(20, 0)
    assert rate.is_high(9.9)
    assert not rate.is_high(10.0)
    assert not count(5, 15, at=10.0, rate=rate).is_high(10.0)


def test_after_clearing_nothing_is_held_against_it() -> None:
    rate = count(20, 0)
    rate.clear()
    assert not rate.is_high(0.0)
