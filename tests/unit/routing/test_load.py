import math

from deployer.routing.load import Load


def test_a_peak_counts_at_once_and_fades_slowly() -> None:
    load = Load()
    load.observe(0.010, 0.0)
    load.observe(0.500, 1.0)
    assert math.isclose(load.score(1.0), 0.5)
    load.observe(0.010, 2.0)
    assert 0.010 < load.score(2.0) < 0.5, "one fast answer does not undo a slow one"


def test_what_is_in_flight_multiplies() -> None:
    load = Load()
    load.observe(0.1, 0.0)
    load.in_flight = 3
    assert math.isclose(load.score(0.0), 0.4)


def test_a_slow_one_is_forgotten_without_being_asked() -> None:
    load = Load()
    load.observe(2.0, 0.0)
    assert load.score(10.0) < load.score(0.0) / 2
    assert load.score(1e6) == 0.001


def test_failing_fast_does_not_look_fast() -> None:
    load = Load()
    load.observe(0.001, 0.0)
    load.penalize(0.0)
    assert load.score(0.0) == 1.0


def test_it_is_full_at_its_limit() -> None:
    load = Load(limit=2)
    load.in_flight = 1
    assert not load.is_full
    load.in_flight = 2
    assert load.is_full
