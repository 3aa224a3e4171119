from collections.abc import Callable
from pathlib import Path
from typing import Any

import crossplane
import pytest

from deployer.routing.engines.place import Place
from deployer.routing.outputs.nginx import render_nginx
from deployer.routing.plane import Orders

MakeOrders = Callable[..., Orders]
PLACE = Place("127.0.0.1", 8080, ca_file="/etc/ssl/certs/ca.pem")
A, B = "a=http://10.0.0.1:80,weight=60", "b=http://10.0.0.2:80,weight=40"


def parse(text: str, folder: Path) -> list[Any]:
    """Return the directives as nginx's own parser reads them: strictly, in their contexts."""
    (folder / "deployer.conf").write_text(text)
    whole = folder / "nginx.conf"
    whole.write_text(f"events {{}}\nhttp {{ include {folder}/deployer.conf; }}\n")
    found = crossplane.parse(str(whole), strict=True, check_ctx=True, check_args=True)
    assert found["status"] == "ok", found["errors"]
    directives: list[Any] = found["config"][1]["parsed"]
    return directives


@pytest.mark.parametrize(
    ("texts", "tiers", "conduct"),
    [
        ([A, B], (), {}),
        ([A, B], (0, 1), {"idempotent": True}),
        ([A, B], (), {"by_load": True}),
        (["a=https://x.example,weight=0", "b=https://x.example:8443"], (), {}),
        (["a=http://[::1]:80"], (), {}),
        ([], (), {}),
    ],
)
def test_what_is_written_is_what_nginx_can_read(
    make_orders: MakeOrders,
    tmp_path: Path,
    texts: list[str],
    tiers: tuple[int, ...],
    conduct: dict[str, Any],
) -> None:
    text = render_nginx(make_orders(*texts, tiers=tiers, **conduct), PLACE)
    assert [one["directive"] for one in parse(text, tmp_path)] == ["upstream", "server"]


def test_servers_have_the_weights_and_the_second_tier_is_backup(
    make_orders: MakeOrders, tmp_path: Path
) -> None:
    text = render_nginx(make_orders(A, B, tiers=(0, 1)), PLACE)
    upstream = parse(text, tmp_path)[0]["block"]
    servers = [one["args"] for one in upstream if one["directive"] == "server"]
    numbers = ["max_fails=5", "fail_timeout=5s", "max_conns=1024"]
    assert servers == [
        ["10.0.0.1:80", "weight=60", *numbers],
        ["10.0.0.2:80", "weight=40", *numbers, "backup"],
    ]


def test_a_weight_of_0_takes_nothing(make_orders: MakeOrders) -> None:
    assert "server 10.0.0.1:80 down " in render_nginx(
        make_orders("a=http://10.0.0.1:80,weight=0", B), PLACE
    )


def test_what_was_sent_is_sent_again_only_when_it_may_be(make_orders: MakeOrders) -> None:
    assert "non_idempotent" not in render_nginx(make_orders(A), PLACE)
    assert "non_idempotent" in render_nginx(make_orders(A, idempotent=True), PLACE)


def test_https_is_verified_by_the_one_name(make_orders: MakeOrders) -> None:
    text = render_nginx(make_orders("a=https://x.example:8443"), PLACE)
    assert "proxy_pass https://" in text
    assert "proxy_ssl_name x.example;" in text
    assert "proxy_ssl_verify on;" in text
    assert "proxy_set_header Host x.example:8443;" in text
