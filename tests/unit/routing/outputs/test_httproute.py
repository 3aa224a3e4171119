from collections.abc import Callable
from typing import Any

import pytest

from deployer.errors import DeployerError, SourceError, StateError
from deployer.ports import Manifest
from deployer.routing.outputs.httproute import (
    BackendRef,
    RouteShape,
    make_httproute,
    parse_ref,
    read_verdicts,
)
from deployer.routing.plane import Orders

MakeOrders = Callable[..., Orders]
REFS = {"a": BackendRef("iris-a", 80), "b": BackendRef("iris-b", 80)}
SHAPE = RouteShape("iris", "infra/public", REFS, hosts=["iris.example"])
PAIR = ("a=http://10.0.0.1,weight=60", "b=http://10.0.0.2,weight=40")


def test_a_route_has_the_weights_of_the_routes(make_orders: MakeOrders) -> None:
    spec = make_httproute(make_orders(*PAIR), SHAPE)["spec"]
    assert spec["parentRefs"] == [{"name": "public", "namespace": "infra"}]
    assert spec["hostnames"] == ["iris.example"]
    assert spec["rules"][0]["backendRefs"] == [
        {"group": "", "kind": "Service", "name": "iris-a", "weight": 60, "port": 80},
        {"group": "", "kind": "Service", "name": "iris-b", "weight": 40, "port": 80},
    ]


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("a=iris:80", BackendRef("iris", 80)),
        ("a=Service/iris:80", BackendRef("iris", 80)),
        (
            "a=Backend.gateway.envoyproxy.io/iris",
            BackendRef("iris", None, "Backend", "gateway.envoyproxy.io"),
        ),
    ],
)
def test_a_reference_is_a_service_or_what_an_implementation_brings(
    text: str, ref: BackendRef
) -> None:
    assert parse_ref(text) == ("a", ref)


@pytest.mark.parametrize("text", ["a", "a=", "=iris:80", "a=iris", "a=iris:x", "a=x y:80"])
def test_anything_else_is_no_reference(text: str) -> None:
    with pytest.raises(SourceError):
        parse_ref(text)


@pytest.mark.parametrize(
    ("texts", "refs", "kind", "words"),
    [
        (PAIR, {"a": REFS["a"]}, SourceError, "what stands for b"),
        (PAIR[:1], REFS, SourceError, "--ref names b"),
        (("a=http://h,weight=0",), {"a": REFS["a"]}, StateError, "all weights are 0"),
        (("a=http://h,weight=1000001",), {"a": REFS["a"]}, StateError, "1,000,000 at most"),
    ],
)
def test_what_can_not_be_meant_is_refused(
    make_orders: MakeOrders,
    texts: tuple[str, ...],
    refs: dict[str, BackendRef],
    kind: type[DeployerError],
    words: str,
) -> None:
    with pytest.raises(kind, match=words):
        make_httproute(make_orders(*texts), RouteShape("iris", "public", refs))


def make_live(generation: int, **conditions: tuple[str, int]) -> Manifest:
    parent = {
        "parentRef": {"name": "public"},
        "controllerName": "example.com/gateway",
        "conditions": [
            {"type": kind, "status": status, "observedGeneration": seen, "reason": "Because"}
            for kind, (status, seen) in conditions.items()
        ],
    }
    return {"metadata": {"generation": generation}, "status": {"parents": [parent]}}


@pytest.mark.parametrize(
    ("conditions", "good", "current", "troubles"),
    [
        ({"Accepted": ("True", 2), "ResolvedRefs": ("True", 2)}, True, True, ()),
        ({"Accepted": ("True", 2), "ResolvedRefs": ("True", 1)}, False, False, ()),
        (
            {"Accepted": ("True", 2), "ResolvedRefs": ("False", 2)},
            False,
            True,
            ("ResolvedRefs is false: Because",),
        ),
        ({"Accepted": ("True", 2)}, False, True, ()),
        ({"Accepted": ("Unknown", 2)}, False, True, ("Accepted is unknown: Because",)),
        ({}, False, False, ()),
    ],
)
def test_a_route_is_good_once_both_conditions_of_this_version_are_true(
    conditions: dict[str, tuple[str, int]], good: bool, current: bool, troubles: tuple[str, ...]
) -> None:
    [verdict] = read_verdicts(make_live(2, **conditions))
    assert (verdict.is_good, verdict.current, verdict.troubles) == (good, current, troubles)


def test_nobody_has_spoken_where_there_is_no_status() -> None:
    route: Any = {"metadata": {}}
    assert read_verdicts(route) == ()
