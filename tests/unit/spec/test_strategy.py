from collections.abc import Callable

import pytest

from deployer.spec import Spec

Load = Callable[..., Spec]
Faults = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        ("{max_surge: 1}", "strategy.max_surge: max_surge belongs to type: rolling"),
        ("{type: blue-green, max_unavailable: 0}", "max_unavailable belongs to type: rolling"),
        ("{type: rolling, max_surge: 0}", "no pod could ever be replaced"),
        ("{type: rolling, max_surge: 0%, max_unavailable: 00}", "no pod could ever be replaced"),
        ("{type: rolling, max_surge: many}", "a whole number of pods such as 1, or a percentage"),
        ("{history: -1}", "strategy.history"),
    ],
)
def test_what_a_strategy_cannot_be_is_refused(
    faults: Faults, small: str, strategy: str, message: str
) -> None:
    [line] = faults(f"{small}strategy: {strategy}\n")
    assert message in line


def test_limits_are_counts_or_shares(load: Load, small: str) -> None:
    found = load(f"{small}strategy: {{type: rolling, max_surge: 0, max_unavailable: 25%}}\n")
    assert (found.strategy.max_surge, found.strategy.max_unavailable) == ("0", "25%")


def test_without_a_word_two_releases_stay_and_rolling_keeps_every_pod(
    load: Load, small: str
) -> None:
    found = load(f"{small}strategy: {{type: rolling}}\n").strategy
    assert (found.history, found.max_unavailable, found.max_surge) == (2, "0", "1")
