from collections.abc import Callable
from typing import Any

import pytest

from deployer.errors import StateError
from deployer.release.records import RouteSettings
from deployer.routing.capabilities import (
    CAPABILITIES,
    Ability,
    Engine,
    check_orders,
    find_differences,
)
from deployer.routing.plane import Orders

MakeOrders = Callable[..., Orders]
ENGINES = [Engine.HAPROXY, Engine.ENVOY]
WRITTEN = [Engine.NGINX, Engine.GATEWAY]


@pytest.mark.parametrize(
    ("texts", "tiers", "named", "engines"),
    [
        (["a=http://h/prefix"], (0,), "a path in a backend's URL", [*ENGINES, *WRITTEN]),
        (["a=http://h:1", "b=http://h:1"], (0, 0), "two backends at one host and port", ENGINES),
        (["a=http://[::1]:1"], (0,), "an IPv6 address", [Engine.HAPROXY]),
        (
            ["a=http://10.0.0.1", "b=http://10.0.0.2", "c=http://10.0.0.3"],
            (0, 1, 2),
            "two tiers",
            [Engine.HAPROXY, *WRITTEN],
        ),
        (["a=http://h", "b=http://i"], (0, 0), "a Host of each backend's own", [Engine.NGINX]),
        (["a=http://h", "b=https://h:81"], (0, 0), "http and https", [Engine.NGINX]),
        (["a=http://10.0.0.1", "b=http://10.0.0.2"], (0, 1), "tiers", [Engine.GATEWAY]),
    ],
)
def test_what_an_engine_can_not_do_is_refused_by_name(
    make_orders: MakeOrders,
    texts: list[str],
    tiers: tuple[int, ...],
    named: str,
    engines: list[Engine],
) -> None:
    orders = make_orders(*texts, tiers=tiers)
    for engine in Engine:
        if engine in engines:
            with pytest.raises(StateError, match=named):
                check_orders(engine, orders)
        else:
            check_orders(engine, orders)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"policy": "region", "region": {"header": "X-Region"}}, "policy region by a header"),
        ({"sticky": "X-User"}, "sticky requests"),
        ({"match": [{"header": "X", "value": "y", "targets": ["a"]}]}, "matches by a header"),
        ({"check": {"pointer": "/x"}}, "the check of answers"),
        ({"path": "/iris"}, "a host or a path"),
        ({"guard": {"rate": {"per_second": 1, "burst": 1}}}, "the guard"),
    ],
)
def test_what_is_asked_of_requests_is_the_embedded_engines(
    make_orders: MakeOrders, settings: dict[str, Any], named: str
) -> None:
    orders = make_orders("a=http://h", asked=RouteSettings.model_validate(settings))
    check_orders(Engine.EMBEDDED, orders)
    for engine in ENGINES:
        with pytest.raises(StateError, match=named):
            check_orders(engine, orders)


def test_a_canary_is_split_by_weight_and_a_shadow_is_refused(make_orders: MakeOrders) -> None:
    canary = make_orders("a@1=http://h,share=950", "a@2=http://i,share=50")
    shadow = make_orders("a=http://h", "b=http://i,shadow=5")
    for engine in ENGINES:
        assert any("a canary" in line for line in find_differences(engine, canary))
        with pytest.raises(StateError, match="shadow traffic"):
            check_orders(engine, shadow)


@pytest.mark.parametrize(
    ("conduct", "named"), [({"by_load": True}, "policy latency"), ({"idempotent": True}, "budget")]
)
def test_what_is_done_differently_is_said_when_it_is_asked_for(
    make_orders: MakeOrders, conduct: dict[str, Any], named: str
) -> None:
    plain = make_orders("a=http://h")
    asked = make_orders("a=http://h", **conduct)
    assert not any(named in line for line in find_differences(Engine.HAPROXY, plain))
    assert any(named in line for line in find_differences(Engine.HAPROXY, asked))


def test_weights_that_haproxy_can_hold_exactly_are_not_mentioned(make_orders: MakeOrders) -> None:
    def mentions(*weights: int) -> bool:
        texts = [f"t{i}=http://h{i},weight={w}" for i, w in enumerate(weights)]
        found = find_differences(Engine.HAPROXY, make_orders(*texts))
        return any("split by weight" in line for line in found)

    assert not mentions(60, 40)
    assert not mentions(1000, 500)
    assert mentions(1000, 1)


def test_the_embedded_engine_does_all_of_it() -> None:
    assert all(c.answer(Engine.EMBEDDED)[0] is Ability.SAME for c in CAPABILITIES)


def test_whatever_differs_says_how() -> None:
    for capability in CAPABILITIES:
        for engine in [*ENGINES, *WRITTEN]:
            ability, words = capability.answer(engine)
            assert bool(words) is (ability is not Ability.SAME), (capability.name, engine)
