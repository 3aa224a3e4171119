from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from deployer.routing.engines.envoy.pools import name_pools
from deployer.routing.engines.envoy.render import render_files
from deployer.routing.engines.place import Place
from deployer.routing.plane import Orders

MakeOrders = Callable[..., Orders]
PLACE = Place("127.0.0.1", 1, Path("/run/e"))
A, B = "a=http://10.0.0.1:80", "b=http://10.0.0.2:80"


def with_release(orders: Orders, release: int) -> Orders:
    endpoints = tuple(
        replace(endpoint, backend=endpoint.backend.model_copy(update={"release": release}))
        for endpoint in orders.endpoints
    )
    return replace(orders, endpoints=endpoints)


def test_nothing_in_use_has_no_pools_to_leave(make_orders: MakeOrders) -> None:
    assert name_pools({}, make_orders(A)) == ""


def test_members_and_weights_keep_their_connections(make_orders: MakeOrders) -> None:
    present = render_files(make_orders(A), PLACE, "one")
    assert name_pools(present, make_orders(f"{A},weight=7", B)) == "one"
    assert name_pools(present, make_orders(B)) == "one"


def test_each_other_release_behind_an_address_leaves_them(make_orders: MakeOrders) -> None:
    first = make_orders(A, B)
    seen = [name_pools({}, first)]
    present = render_files(first, PLACE, seen[0])
    for release in (1, 0, 1):
        orders = with_release(first, release)
        seen.append(name_pools(present, orders))
        present = render_files(orders, PLACE, seen[-1])
        assert name_pools(present, orders) == seen[-1]
    assert len(set(seen)) == 4
