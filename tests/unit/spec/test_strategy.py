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
        ("{steps: [5, 50]}", "strategy.steps: steps belongs to type: canary"),
        ("{type: rolling, hold: 1m}", "strategy.hold: hold belongs to type: canary"),
        ("{type: canary, max_surge: 1}", "strategy.max_surge: max_surge belongs to type: rolling"),
        ("{type: canary, steps: [50, 5]}", "strategy.steps[1]: steps must rise: 5 comes after 50"),
        ("{type: canary, steps: [5, 100]}", "strategy.steps[1]: expected 99 or less, got 100"),
        ("{type: canary, hold: 0s}", "strategy.hold: expected more than 0"),
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


@pytest.mark.parametrize("more", ["{type: canary}", "{type: canary, steps: []}"])
def test_without_a_word_a_canary_takes_three_steps(load: Load, small: str, more: str) -> None:
    found = load(f"{small}strategy: {more}\n").strategy
    assert (found.canary_steps, found.hold) == ((5, 25, 50), 120.0)
    assert load(f"{small}strategy: {{steps: []}}\n").strategy.canary_steps == ()


CLOUD = """\
name: iris
model: {path: ./model}
strategy: {type: canary}
targets:
  - name: there
    provider: PROVIDER
    store: s3://models
    cluster: {context: there}
"""
HOST = "{ingress: {host: iris.example.com}}"


@pytest.mark.parametrize(
    ("provider", "lines", "message"),
    [
        ("aws", ["endpoint: https://iris.example.com"], "9:5 targets[0].endpoint: a canary has an"),
        ("aws", [f"expose: {HOST}"], "9:14 targets[0].expose.ingress: a canary has a host"),
        (
            "aws",
            ["expose: {gateway: {host: a.b.c, name: g}}"],
            "targets[0].expose.gateway: a canary",
        ),
        ("aws", ["expose: cluster"], "9:5 targets[0].expose: there is no way in for a canary"),
        ("kubernetes", [], "5:5 targets[0]: there is no way in for a canary from outside"),
        (
            "aws",
            ["endpoint: http://a.b.c", "canary_endpoint: http://a.b.c"],
            "10:22 targets[0].canary_endpoint: this is where the stable release is reached",
        ),
    ],
)
def test_a_canary_without_an_address_of_its_own_is_refused(
    faults: Faults, provider: str, lines: list[str], message: str
) -> None:
    text = CLOUD.replace("PROVIDER", provider) + "".join(f"    {line}\n" for line in lines)
    [line] = faults(text)
    assert message in line


@pytest.mark.parametrize(
    ("provider", "lines", "address"),
    [
        ("aws", [], None),
        ("aws", ["expose: internal"], None),
        ("kubernetes", ["expose: load-balancer"], None),
        ("kubernetes", ["canary_endpoint: http://10.0.0.2"], "http://10.0.0.2"),
        ("aws", ["expose: {gateway: {host: a.b.c, name: g, canary: d.b.c}}"], "https://d.b.c"),
        ("aws", ["expose: {ingress: {host: a.b.c, canary: d.b.c}}"], "http://d.b.c"),
    ],
)
def test_a_canary_is_reached_where_the_spec_or_the_cluster_says(
    load: Load, provider: str, lines: list[str], address: str | None
) -> None:
    text = CLOUD.replace("PROVIDER", provider) + "".join(f"    {line}\n" for line in lines)
    assert load(text).target("there").canary_address == address
