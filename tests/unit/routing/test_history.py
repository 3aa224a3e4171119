from deployer.routing.history import HISTORY_SECONDS, History


def test_nothing_seen_is_no_error_rate_of_zero() -> None:
    history = History()
    assert history.error_rate() is None
    history.sample(0, 0)
    assert history.error_rate() is None
    assert history.series() == ([0], [0])


def test_each_second_has_what_ended_in_it() -> None:
    history = History()
    for requests, failures in ((10, 0), (10, 0), (25, 5)):
        history.sample(requests, failures)
    assert history.series() == ([10, 0, 15], [0, 0, 5])
    assert history.error_rate() == 0.2


def test_what_is_older_than_a_minute_is_forgotten() -> None:
    history = History()
    history.sample(100, 100)
    for second in range(1, HISTORY_SECONDS + 1):
        history.sample(100 + second, 100)
    requests, failures = history.series()
    assert (len(requests), sum(requests), sum(failures)) == (HISTORY_SECONDS, HISTORY_SECONDS, 0)
    assert history.error_rate() == 0.0
