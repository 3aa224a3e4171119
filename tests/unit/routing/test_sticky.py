from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.routing.sticky import stick, to_point

NAMES = ["a/1", "b/1", "c/1", "d/1"]
KEYS = [b"user-%d" % i for i in range(2000)]
pulls = st.lists(st.integers(1, 1000).map(float), min_size=4, max_size=4)


def owners(sizes: list[float], names: list[str] = NAMES) -> dict[bytes, str]:
    return {key: names[stick(names, sizes, key)] for key in KEYS[:100]}


@settings(max_examples=20, deadline=None)
@given(pulls, st.integers(0, 3))
def test_when_one_goes_only_its_own_keys_move_and_they_come_back(
    sizes: list[float], gone: int
) -> None:
    before = owners(sizes)
    names, rest = NAMES[:gone] + NAMES[gone + 1 :], sizes[:gone] + sizes[gone + 1 :]
    after = owners(rest, names)
    assert all(before[key] in (NAMES[gone], after[key]) for key in before)
    assert owners(sizes) == before


@settings(max_examples=20, deadline=None)
@given(pulls, st.integers(0, 3))
def test_more_weight_takes_keys_and_gives_none_away(sizes: list[float], grown: int) -> None:
    before = owners(sizes)
    after = owners([size * (2 if i == grown else 1) for i, size in enumerate(sizes)])
    assert all(after[key] in (before[key], NAMES[grown]) for key in before)


def test_each_gets_keys_by_its_weight() -> None:
    seen = Counter(stick(NAMES, [60.0, 20.0, 15.0, 5.0], key) for key in KEYS)
    shares = [seen[i] / len(KEYS) for i in range(4)]
    assert all(abs(s - w) < 0.04 for s, w in zip(shares, (0.6, 0.2, 0.15, 0.05), strict=True))


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=64))
def test_a_point_is_between_0_and_1(key: bytes) -> None:
    assert 0.0 < to_point(key) < 1.0
    assert to_point(key) == to_point(key)
