from collections.abc import Callable
from pathlib import Path

import pytest

from deployer.routing.engines.haproxy.render import render_haproxy
from deployer.routing.engines.haproxy.structure import needs_reload, render_labels
from deployer.routing.engines.place import Place
from deployer.routing.plane import Orders

MakeOrders = Callable[..., Orders]
A, B = "a=http://10.0.0.1:80", "b=http://10.0.0.2:80"


@pytest.mark.parametrize(
    ("before", "after"),
    [([A], [A, B]), ([A, B], [B]), ([A], [f"{A},weight=7"]), ([A], [B])],
)
def test_members_and_weights_change_while_it_runs(
    make_orders: MakeOrders, tmp_path: Path, before: list[str], after: list[str]
) -> None:
    place = Place("127.0.0.1", 1, tmp_path)
    texts = [render_haproxy(make_orders(*words), place) for words in (before, after)]
    assert not needs_reload(*texts)


def test_another_address_of_the_same_host_takes_no_reload(make_orders: MakeOrders) -> None:
    place = Place("127.0.0.1", 1)
    text = render_haproxy(make_orders("a=http://x.example"), place)
    assert not needs_reload(text, text.replace("10.9.9.9", "10.8.8.8"))


def test_what_the_socket_can_not_say_takes_a_reload(make_orders: MakeOrders) -> None:
    place = Place("127.0.0.1", 1, ca_file="/ca")
    text = render_haproxy(make_orders(A, B), place)
    for orders in (
        make_orders(A, B, idempotent=True),
        make_orders(A, B, tiers=(0, 1)),
        make_orders(A, B, "c=https://x.example"),
        make_orders(),
    ):
        assert needs_reload(text, render_haproxy(orders, place))
    assert needs_reload("", text)


def test_another_release_behind_an_address_gets_a_worker_without_old_connections(
    make_orders: MakeOrders,
) -> None:
    place = Place("127.0.0.1", 1)
    text = render_haproxy(make_orders(A, B), place)
    assert needs_reload(text, text.replace("# a/0", "# a/1"))


def test_labels_lead_from_a_servers_name_to_the_backend(make_orders: MakeOrders) -> None:
    assert render_labels(make_orders(A, B)) == "10.0.0.1:80 a/0\n10.0.0.2:80 b/0\n"
