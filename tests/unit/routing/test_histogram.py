from deployer.routing.histogram import BOUNDS_SECONDS, Histogram


def test_each_bound_counts_all_that_is_not_larger() -> None:
    histogram = Histogram()
    for seconds in (0.001, BOUNDS_SECONDS[0], 0.3, 1000.0):
        histogram.add(seconds)
    rows = dict(histogram.cumulate())
    assert rows["0.005"] == 2
    assert rows["0.25"] == 2
    assert rows["0.5"] == 3
    assert rows["60"] == 3
    assert rows["+Inf"] == 4
    assert histogram.total == 0.001 + 0.005 + 0.3 + 1000.0
