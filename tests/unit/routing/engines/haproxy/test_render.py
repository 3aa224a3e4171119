import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.routing.engines.haproxy.render import render_haproxy, scale_weights, server_options
from deployer.routing.engines.place import Place
from deployer.routing.health import Rules
from deployer.routing.plane import Orders
from deployer.routing.prober import Pace

MakeOrders = Callable[..., Orders]
PLACE = Place("127.0.0.1", 8080, ca_file="/ca.pem")


@pytest.mark.parametrize(
    "line",
    [
        "option http-no-delay",  # without it every streamed event waits for 100 ms
        "option abortonclose",
        "option redispatch 1",
        "retries 2",
        "timeout connect 2000ms",
        "timeout client 60000ms",
        "timeout server 60000ms",
        "timeout queue 1000ms",
        "timeout http-request 10s",
        "timeout tunnel 60000ms",
        "timeout check 2000ms",
        "spread-checks 10",
        "balance roundrobin",
        "http-send-name-header Host",
        "http-request disable-l7-retry unless METH_GET",
    ],
)
def test_nothing_is_left_to_defaults_that_break_three_endpoints(
    make_orders: MakeOrders, line: str
) -> None:
    text = render_haproxy(make_orders("a=http://10.0.0.1:80"), PLACE)
    assert f"    {line}" in text.splitlines()


def test_only_what_may_run_twice_is_sent_again_after_it_was_sent(make_orders: MakeOrders) -> None:
    orders = make_orders("a=http://10.0.0.1:80", idempotent=True)
    assert "disable-l7-retry" not in render_haproxy(orders, PLACE)


def test_a_server_is_named_by_its_host_and_has_the_backends_weight(
    make_orders: MakeOrders,
) -> None:
    orders = make_orders(
        "a=http://10.0.0.1:80,weight=60", "b=http://x.example,weight=40", tiers=(0, 1)
    )
    text = render_haproxy(orders, PLACE)
    assert "    server 10.0.0.1:80 10.0.0.1:80 weight 255 # a/0\n" in text
    assert "    server x.example 10.9.9.9:80 weight 170 backup # b/0\n" in text


def test_https_is_verified_by_name(make_orders: MakeOrders) -> None:
    text = render_haproxy(make_orders("a=https://x.example:8443"), PLACE)
    assert "ssl verify required ca-file '/ca.pem' sni str(x.example) check-sni x.example" in text


def test_load_has_a_say_when_it_is_asked_to(make_orders: MakeOrders) -> None:
    orders = make_orders("a=http://10.0.0.1:80", by_load=True)
    assert "balance random(2)" in render_haproxy(orders, PLACE)


def test_it_is_ready_once_it_has_backends(make_orders: MakeOrders) -> None:
    assert "/-/ready" not in render_haproxy(make_orders(), PLACE)
    assert "/-/ready" in render_haproxy(make_orders("a=http://10.0.0.1:80"), PLACE)


def test_only_one_that_we_run_has_sockets_and_pages(
    make_orders: MakeOrders, tmp_path: Path
) -> None:
    printed = render_haproxy(make_orders(), PLACE)
    assert "stats socket" not in printed
    assert "control" not in printed
    ours = render_haproxy(make_orders(), Place("127.0.0.1", 1, tmp_path, threads=3))
    assert f"stats socket {tmp_path}/haproxy.sock mode 600 level admin" in ours
    assert f"unix@{tmp_path}/control.sock" in ours
    assert "nbthread 3" in ours


def test_a_probes_path_stays_one_word(make_orders: MakeOrders) -> None:
    text = render_haproxy(make_orders(probe_path="/a'b c"), PLACE)
    assert r"uri '/a'\''b c' ver" in text


def test_an_ejection_lasts_as_long_as_ours(make_orders: MakeOrders) -> None:
    for conduct in (
        make_orders().conduct,
        make_orders(rules=Rules.fast(), pace=Pace.fast()).conduct,
    ):
        found = re.search(r"downinter (\d+)ms fall \d+ rise (\d+)", server_options(conduct))
        assert found is not None
        assert int(found[1]) * int(found[2]) >= 1000 * conduct.rules.ejection_seconds


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=6))
def test_weights_keep_their_order_and_nobody_with_one_goes_without(weights: list[int]) -> None:
    scaled = scale_weights(weights)
    assert max(scaled) <= 256
    assert [weight > 0 for weight in weights] == [weight > 0 for weight in scaled]
    pairs = sorted(zip(weights, scaled, strict=True))
    assert [b for _, b in pairs] == sorted(scaled)
    whole, most = sum(weights) or 1, max(weights)
    for weight, part in zip(weights, scaled, strict=True):
        assert abs(weight / whole - part / (sum(scaled) or 1)) <= most / whole * len(weights) / 256
