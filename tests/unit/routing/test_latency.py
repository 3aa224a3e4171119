from deployer.routing.latency import LatencyWindow


def test_nothing_measured_has_no_quantiles() -> None:
    assert LatencyWindow().quantiles(0.0, (0.5, 0.99)) == [None, None]


def test_quantiles_are_those_of_the_last_minute() -> None:
    window = LatencyWindow()
    window.add(0.0, 99.0)
    for number in range(100):
        window.add(30.0, number / 100)
    assert window.quantiles(61.0, (0.0, 0.5, 0.99, 1.0)) == [0.0, 0.5, 0.99, 0.99]


def test_only_the_last_measurements_are_kept() -> None:
    window = LatencyWindow(size=2)
    for value in (1.0, 2.0, 3.0):
        window.add(0.0, value)
    assert window.quantiles(0.0, (0.0, 1.0)) == [2.0, 3.0]
