from deployer.providers.local.supervisor.containers import backoff_seconds
from deployer.providers.local.supervisor.probes import ProbeCounter


def test_a_verdict_turns_only_after_its_threshold_in_a_row() -> None:
    counter = ProbeCounter({"successThreshold": 2, "failureThreshold": 3}, verdict=False)
    assert [counter.record(success=True) for _ in range(2)] == [False, True]
    answers = [False, False, True, False, False, False]
    assert [counter.record(success=a) for a in answers] == [True, True, True, True, True, False]


def test_the_backoff_doubles_up_to_half_a_minute() -> None:
    assert [backoff_seconds(n) for n in (1, 2, 3, 4, 7, 20)] == [0, 1, 2, 4, 30, 30]
